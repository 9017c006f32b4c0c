/** Names of all nodes in one table: merge, bounds, and what one node may say of another's. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { readEntry, type Registration, Registry } from "../../../lib/cluster/registry.ts";
import type { RegistryEntry } from "../../../lib/cluster/owned_names.ts";
import { test } from "../../harness.ts";
import { entry, id } from "./cast.ts";

const MANY = 1_000;
const OWNERS = [1, 2, 3, 4];

const named = (n: number): Registration => ({ path: `actors/own${n}`, actorId: id(n) });

const sizeOf = (registry: Registry) =>
  [...registry.owners()].reduce((sum, owner) => sum + registry.of(owner)!.size, 0);

function liveOf(registry: Registry): readonly RegistryEntry[] {
  return [...registry.owners()].flatMap((owner) => [...registry.of(owner)!.entries()])
    .filter(({ state }) => state === "live")
    .sort((a, b) => `${a.nodeId} ${a.path}` < `${b.nodeId} ${b.path}` ? -1 : 1);
}

/** Of few owners with few paths; an owner says one thing per version. */
const ENTRIES = fc.array(
  fc.record({ owner: fc.constantFrom(2, 3, 4), version: fc.integer({ min: 1, max: 9 }) }),
  { maxLength: 25 },
).map((list) =>
  list.map(({ owner, version }) =>
    entry(owner, version, version % 3 === 0 ? "stopped" : "live", `actors/a${version % 2}`)
  )
);

function merged(...lists: readonly RegistryEntry[][]): readonly RegistryEntry[] {
  const registry = new Registry(id(1), MANY);
  for (const one of lists.flat()) registry.merge(one);
  return liveOf(registry);
}

test("Registry merge is commutative, associative and idempotent (property)", () => {
  fc.assert(fc.property(ENTRIES, ENTRIES, ENTRIES, (a, b, c) => {
    assert.deepEqual(merged(a, b), merged(b, a));
    assert.deepEqual(merged([...a, ...b], c), merged(a, [...b, ...c]));
    assert.deepEqual(merged(a, a), merged(a));
  }));
});

test("Registry: an owner's changes are numbered, a stop is told once", () => {
  const registry = new Registry(id(1), MANY);
  const live = registry.register({ ...named(1), className: "A", metadata: { zone: "b" } });
  assert.deepEqual(live, {
    ...named(1),
    className: "A",
    metadata: { zone: "b" },
    nodeId: id(1),
    version: 1,
    state: "live",
  });
  assert.deepEqual(registry.at("actors/own1"), [live]);
  assert.equal(registry.unregister("actors/own1", id(9)), undefined, "another actor");
  const stopped = registry.unregister("actors/own1", id(1));
  assert.deepEqual(stopped, { ...live, version: 2, state: "stopped" });
  assert.equal(registry.unregister("actors/own1", id(1)), undefined);
  assert.deepEqual(registry.at("actors/own1"), []);
});

test("Registry: one path on several nodes has an entry for each", () => {
  const registry = new Registry(id(1), MANY);
  const mine = registry.register({ path: "actors/a", actorId: id(7) });
  const theirs = [2, 3].map((owner) => entry(owner, 1, "live", "actors/a"));
  for (const one of theirs) assert.equal(registry.merge(one), true);
  assert.deepEqual(registry.at("actors/a"), [mine, ...theirs]);
  registry.merge(entry(2, 2, "stopped", "actors/a"));
  assert.deepEqual(registry.at("actors/a"), [mine, theirs[1]]);
});

test("Registry: what others say cannot change what this node owns", () => {
  const registry = new Registry(id(1), MANY);
  const mine = registry.register(named(1));
  assert.equal(registry.merge({ ...mine, version: 99, state: "stopped" }), false);
  assert.deepEqual(registry.compare({ owner: id(1), floor: 99, versions: [] }), []);
  assert.equal(registry.agree(id(1), 99, registry.of(id(1))!.hash), true);
  assert.deepEqual(registry.at("actors/own1"), [mine]);
  assert.equal(registry.register(named(2)).version, 2);
  assert.deepEqual(registry.compare({ owner: id(1), floor: 0, versions: [1] }).length, 1);
});

test("Registry: an owner that names and stops many actors keeps nothing of them", () => {
  const registry = new Registry(id(1), MANY);
  for (let n = 0; n < 10_000; n++) {
    registry.register(named(n));
    registry.unregister(named(n).path, id(n));
    assert.equal(registry.of(id(1))!.size, 0);
  }
  assert.equal(registry.of(id(1))!.floor, 20_000);
});

test("Registry: entries above the bound are ignored and counted, own ones always kept", () => {
  const registry = new Registry(id(1), 3);
  for (let version = 1; version <= 5; version++) registry.merge(entry(2, version));
  assert.equal(liveOf(registry).length, 3);
  assert.deepEqual([registry.takeIgnored(), registry.takeIgnored()], [2, 0]);
  registry.merge(entry(3, 1));
  assert.deepEqual([registry.takeIgnored(), registry.of(id(3))], [1, undefined], "nothing is kept");
  for (let n = 0; n < 4; n++) registry.register(named(n));
  assert.equal(liveOf(registry).length, 7);
  assert.equal(registry.merge(entry(2, 6, "live", "actors/a1")), true, "a name that is known");
  assert.equal(registry.takeIgnored(), 0);
});

test("Registry: the floor does not pass an ignored entry, so it is taken when there is room", () => {
  const registry = new Registry(id(1), 3);
  const owner = new Registry(id(2), MANY);
  for (let n = 0; n < 5; n++) registry.merge(owner.register(named(n)));
  const list = () => owner.of(id(2))!.list();
  registry.compare(list());
  assert.equal(registry.of(id(2))!.floor, 3);
  assert.equal(registry.agree(id(2), 5, owner.of(id(2))!.hash), false);
  for (let n = 0; n < 3; n++) registry.merge(owner.unregister(named(n).path, id(n))!);
  const missing = owner.compare(registry.of(id(2))!.list());
  registry.compare(list());
  for (const one of missing) registry.merge(one);
  registry.compare(list());
  assert.deepEqual(liveOf(registry), liveOf(owner));
  assert.equal(registry.of(id(2))!.floor, 8);
});

test("Registry: a comparison tells what the other side lacks, and takes what it knows as stopped", () => {
  const [one, other] = [new Registry(id(1), MANY), new Registry(id(2), MANY)];
  for (const registry of [one, other]) registry.merge(entry(3, 1));
  one.merge(entry(3, 2, "stopped", "actors/a1"));
  other.merge(entry(3, 3));
  assert.deepEqual(one.compare(other.of(id(3))!.list()), [], "what it does not know is no loss");
  assert.deepEqual(other.compare(one.of(id(3))!.list()), [entry(3, 3)]);
  assert.deepEqual(other.at("actors/a1"), []);
  assert.equal(other.of(id(3))!.floor, 3);
});

test("Registry: an equal hash makes the floor hold here too, also of one without names", () => {
  const registry = new Registry(id(1), MANY);
  assert.equal(registry.agree(id(2), 4, 0), true);
  assert.equal(registry.merge(entry(2, 4)), false, "it was stopped");
  assert.equal(registry.agree(id(2), 9, 1), false);
  assert.equal(registry.merge(entry(2, 5)), true);
});

test("Registry: all of a node is forgotten with it, and nothing of this one", () => {
  const registry = new Registry(id(1), MANY);
  registry.register(named(1));
  for (const version of [1, 2]) registry.merge(entry(2, version));
  for (const owner of [1, 2]) registry.purge(id(owner));
  assert.deepEqual(liveOf(registry).map(({ nodeId }) => nodeId), [id(1)]);
  assert.deepEqual(registry.at("actors/a1"), []);
});

type Step = { readonly kind: string; readonly owner: number; readonly version: number };

const STEPS: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom("merge", "merge", "stop", "compare", "agree", "own", "disown", "purge"),
    owner: fc.constantFrom(...OWNERS),
    version: fc.integer({ min: 1, max: 12 }),
  }),
  { maxLength: 80 },
);

function apply(registry: Registry, { kind, owner, version }: Step): void {
  const path = `actors/own${version}`;
  switch (kind) {
    case "merge":
      return void registry.merge(entry(owner, version));
    case "stop":
      return void registry.merge(entry(owner, version, "stopped", `actors/a${version - 1}`));
    case "compare":
      return void registry.compare({ owner: id(owner), floor: version, versions: [version] });
    case "agree":
      return void registry.agree(id(owner), version, registry.of(id(owner))?.hash ?? 0);
    case "own":
      return void registry.register(named(version));
    case "disown":
      return void registry.unregister(path, id(version));
    case "purge":
      return registry.purge(id(owner));
  }
}

test("Registry counts its entries right, and lists exactly the live ones by path (property)", () => {
  fc.assert(
    fc.property(STEPS, fc.integer({ min: 1, max: 9 }), (steps, most) => {
      const registry = new Registry(id(1), most);
      for (const step of steps) {
        const before = sizeOf(registry);
        apply(registry, step);
        const isOwn = step.kind === "own" || step.owner === 1;
        if (before >= most && !isOwn) assert.ok(sizeOf(registry) <= before, "full");
      }
      const live = liveOf(registry);
      for (const one of live) assert.ok(registry.at(one.path).includes(one));
      const paths = new Set(live.map(({ path }) => path));
      const listed = [...paths].flatMap((path) => registry.at(path));
      assert.equal(listed.length, live.length);
      // The count shows in how many more it takes.
      const room = Math.max(0, most - sizeOf(registry));
      registry.takeIgnored();
      for (let n = 1; n <= room + 2; n++) registry.merge(entry(9, n));
      assert.equal(registry.takeIgnored(), 2);
    }),
    { numRuns: 500 },
  );
});

test("readEntry checks field by field and never throws (property)", () => {
  const good = { ...entry(2, 1), className: "A", metadata: { zone: "b" } };
  assert.deepEqual(readEntry({ ...good, later: true }), good);
  const bad = [{ path: "a" }, { version: 0 }, { version: 1.5 }, { state: "x" }, { actorId: 4 }];
  for (const fields of bad) assert.equal(readEntry({ ...good, ...fields }), undefined);
  const long = "x".repeat(257);
  assert.deepEqual(readEntry({ ...good, className: long, metadata: { long } }), entry(2, 1));
  fc.assert(fc.property(fc.anything(), (value) => void readEntry(value)));
});
