/** The names of one owner: a causal set, whatever order its changes arrive in. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { OwnedNames, type RegistryEntry } from "../../../lib/cluster/owned_names.ts";
import { test } from "../../harness.ts";
import { entry, id } from "./cast.ts";

/** What an owner did: versions 1, 2, 3 … that name or stop a few paths. */
const HISTORY = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 14 })
  .map((paths) => {
    const live = new Set<number>();
    return paths.map((path, index): RegistryEntry => {
      const isLive = !live.delete(path);
      if (isLive) live.add(path);
      return entry(1, index + 1, isLive ? "live" : "stopped", `actors/p${path}`);
    });
  });

function namesOf(...lists: readonly (readonly RegistryEntry[])[]): OwnedNames {
  const names = new OwnedNames(id(1));
  for (const one of lists.flat()) names.take(one);
  return names;
}

const liveOf = (names: OwnedNames) =>
  [...names.entries()].filter(({ state }) => state === "live")
    .map(({ path, version }) => `${path} ${version}`).sort();

const truthOf = (names: OwnedNames) => ({ live: liveOf(names), hash: names.hash });

const viewOf = (names: OwnedNames) => (
  { ...truthOf(names), floor: names.floor, size: names.size }
);

test("OwnedNames: a stopped name is not kept once all before it is known", () => {
  const names = namesOf([entry(1, 1, "live", "actors/a"), entry(1, 2, "stopped", "actors/a")]);
  assert.deepEqual(viewOf(names), { live: [], floor: 2, hash: 0, size: 0 });
  assert.equal(names.take(entry(1, 1, "live", "actors/a")), false, "and never comes back");
});

test("OwnedNames: a tombstone stays while a change before it is missing", () => {
  const named = entry(1, 1, "live", "actors/a");
  const another = entry(1, 2, "live", "actors/b");
  const stopped = entry(1, 3, "stopped", "actors/a");
  const names = namesOf([stopped]);
  assert.deepEqual([names.floor, names.size], [0, 1]);
  assert.equal(names.take(named), false, "outdated, but known now");
  assert.equal(names.floor, 1);
  names.take(another);
  assert.deepEqual(viewOf(names), viewOf(namesOf([named, another, stopped])));
  assert.deepEqual([names.floor, names.size], [3, 1]);
});

test("OwnedNames: a list raises the floor up to the first name that is missing here", () => {
  const names = namesOf([entry(1, 2)]);
  names.prune({ owner: id(1), floor: 9, versions: [2, 6, 8, 12] });
  assert.equal(names.floor, 5, "6 is not here");
  names.take(entry(1, 8));
  names.take(entry(1, 6));
  assert.equal(names.floor, 6);
  names.prune({ owner: id(1), floor: 9, versions: [2, 6, 8, 12] });
  assert.equal(names.floor, 9, "what is above the floor of a list may be missing");
});

test("a stopped name does not come back by old news while a comparison is under way", () => {
  for (const known of [[entry(1, 2, "stopped", "actors/a")], [entry(1, 1, "live", "actors/a")]]) {
    const names = namesOf(known);
    names.prune({ owner: id(1), floor: 9, versions: [9] });
    names.take(entry(1, 9, "live", "actors/b"));
    assert.equal(names.take(entry(1, 1, "live", "actors/a")), false);
    assert.deepEqual(liveOf(names), ["actors/b 9"]);
  }
});

test("OwnedNames: merging in any order, with duplicates, gives the same (property)", () => {
  const deliveries = HISTORY.chain((history) => {
    const some = fc.shuffledSubarray(history);
    return fc.tuple(some, some, some, fc.shuffledSubarray(history, { minLength: history.length }));
  });
  fc.assert(fc.property(deliveries, ([a, b, c, all]) => {
    assert.deepEqual(truthOf(namesOf(a, b)), truthOf(namesOf(b, a)), "commutative");
    assert.deepEqual(truthOf(namesOf(a, a)), truthOf(namesOf(a)), "idempotent");
    assert.deepEqual(viewOf(namesOf(a.flatMap((one) => [one, one]))), viewOf(namesOf(a)));
    assert.deepEqual(truthOf(namesOf([...a, ...b], c)), truthOf(namesOf(a, [...b, ...c])));
    const owner = namesOf([...all].sort((one, other) => one.version - other.version));
    assert.equal(owner.floor, all.length);
    const replica = namesOf(all, a);
    assert.deepEqual(truthOf(replica), truthOf(owner), "all of it is what the owner has");
    // A change that was replaced while one before it was missing is not remembered as known.
    replica.agree(owner.floor);
    assert.deepEqual(viewOf(replica), viewOf(owner), "a comparison finds the same floor");
  }));
});

test("OwnedNames: equal sets of live names have equal hashes, others other ones (property)", () => {
  const versions = fc.uniqueArray(fc.integer({ min: 1, max: 2 ** 40 }), { maxLength: 8 });
  fc.assert(fc.property(versions, versions, (one, other) => {
    const hashOf = (list: number[]) => namesOf(list.map((version) => entry(1, version))).hash;
    assert.equal(hashOf(one), hashOf([...one].reverse()));
    const isSame = one.length === other.length && one.every((version) => other.includes(version));
    assert.equal(hashOf(one) === hashOf(other), isSame);
  }));
});

type Step =
  | { readonly kind: "gossip"; readonly to: number; readonly change: number }
  | { readonly kind: "compare" | "agree"; readonly from: number; readonly to: number };

const REPLICAS = 4;
const STEPS: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("gossip" as const),
      to: fc.nat(REPLICAS - 1),
      change: fc.nat(13),
    }),
    fc.record({
      kind: fc.constantFrom("compare" as const, "agree" as const),
      from: fc.nat(REPLICAS - 1),
      to: fc.nat(REPLICAS - 1),
    }),
  ),
  { maxLength: 60 },
);

/** What a replica hears, or learns of another one. */
function run(step: Step, replicas: readonly OwnedNames[], history: readonly RegistryEntry[]) {
  const to = replicas[step.to]!;
  if (step.kind === "gossip") return void to.take(history[step.change % history.length]!);
  const from = replicas[step.from]!;
  if (step.kind === "agree") return void (from.hash === to.hash && to.agree(from.floor));
  const missing = from.missingIn(to.list());
  to.prune(from.list()); // the list arrives first
  for (const one of missing) to.take(one);
}

/** Names that a replica calls stopped, by version: at or below its floor, or by a tombstone. */
function stoppedIn(names: OwnedNames, history: readonly RegistryEntry[]): readonly number[] {
  return history.filter(({ path, version }) => {
    const known = names.get(path);
    if (known?.version === version) return known.state === "stopped";
    return version <= names.floor || (known?.version ?? 0) > version;
  }).map(({ version }) => version);
}

test("OwnedNames: replicas that compare with one that knows all have the owner's truth (property)", () => {
  fc.assert(
    fc.property(HISTORY, STEPS, (history, steps) => {
      const owner = namesOf(history);
      const replicas = Array.from({ length: REPLICAS }, () => namesOf());
      for (const step of steps) run(step, replicas, history);
      // The first one asks the owner, each other one the one before it.
      [owner, ...replicas].reduce((one, other) => {
        for (const missing of one.missingIn(other.list())) other.take(missing);
        other.prune(one.list());
        assert.deepEqual(viewOf(other), viewOf(owner));
        return other;
      });
    }),
    { numRuns: 500 },
  );
});

test("OwnedNames: a name once known as stopped is never live again by an old version (property)", () => {
  fc.assert(
    fc.property(HISTORY, STEPS, (history, steps) => {
      const replicas = [namesOf(history), ...Array.from({ length: REPLICAS - 1 }, () => namesOf())];
      const stopped = replicas.map(() => new Set<number>());
      for (const step of steps) {
        const before = liveOf(replicas[step.to]!).map((one) => Number(one.split(" ")[1]));
        run(step, replicas, history);
        const names = replicas[step.to]!;
        const live = liveOf(names).map((one) => Number(one.split(" ")[1]));
        for (const version of live) {
          assert.ok(!stopped[step.to]!.has(version), `${version} is back`);
        }
        for (const version of stoppedIn(names, history)) stopped[step.to]!.add(version);
        for (const version of before) if (!live.includes(version)) stopped[step.to]!.add(version);
      }
    }),
    { numRuns: 500 },
  );
});
