/** Membership and registry as pure state: precedence, refutation, merge, convergence. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ClusterState } from "../../../lib/cluster/cluster_state.ts";
import type { ClusterMessage } from "../../../lib/cluster/gossip.ts";
import {
  MAX_INCARNATION,
  type Member,
  type MemberStatus,
  readMember,
  supersedes,
} from "../../../lib/cluster/member.ts";
import { Membership } from "../../../lib/cluster/membership.ts";
import { readEntry, Registry, type RegistryEntry } from "../../../lib/cluster/registry.ts";
import { DEFAULT_CLUSTER_SETTINGS as SETTINGS } from "../../../lib/cluster/settings.ts";
import { DEFAULT_LIMITS, type Limits, resolveLimits } from "../../../lib/limits.ts";
import {
  type Random,
  randomFraction,
  randomId,
  randomInteger,
  seededRandom,
} from "../../../lib/random.ts";
import { test } from "../../harness.ts";

const id = (n: number) => n.toString(16).padStart(32, "0");

function member(n: number, status: MemberStatus = "alive", incarnation = 0): Member {
  return { nodeId: id(n), addr: `127.0.0.1:${7_000 + n}`, status, incarnation };
}

function membership(): Membership {
  return new Membership(member(1), 100);
}

test("supersedes: the higher incarnation wins, then the worse status", () => {
  const order: [Member, Member][] = [
    [member(2, "suspect"), member(2, "alive")],
    [member(2, "dead"), member(2, "suspect")],
    [member(2, "left"), member(2, "dead")],
    [member(2, "alive", 1), member(2, "dead", 0)],
  ];
  for (const [winner, loser] of order) {
    assert.equal(supersedes(winner, loser), true);
    assert.equal(supersedes(loser, winner), false);
    assert.equal(supersedes(winner, winner), false);
  }
});

test("suspect member refutes with a higher incarnation", () => {
  const table = membership();
  table.hear(member(2), 0);
  table.suspect(id(2), 0);
  assert.equal(table.get(id(2))?.status, "suspect");
  table.hear(member(2, "alive", 1), 1);
  assert.equal(table.get(id(2))?.status, "alive");
});

test("a false rumour about this node is refuted with a higher incarnation", () => {
  const table = membership();
  for (const status of ["suspect", "dead", "left"] as const) {
    const before = table.self.incarnation;
    const refutation = table.hear(member(1, status, before), 0);
    assert.deepEqual(refutation, member(1, "alive", before + 1));
  }
});

test("suspect member becomes dead when its time is over and not before", () => {
  const table = membership();
  table.hear(member(2), 0);
  table.suspect(id(2), 100);
  assert.deepEqual(table.tick(2_099, 2_000, 10_000), []);
  assert.deepEqual(table.tick(2_100, 2_000, 10_000), [member(2, "dead")]);
  assert.equal(table.hear(member(2), 2_200), undefined, "old news does not revive it");
  table.tick(12_100, 2_000, 10_000);
  assert.equal(table.get(id(2)), undefined, "it is forgotten in the end");
});

test("left member is never suspect or alive again at its incarnation", () => {
  const table = membership();
  table.hear(member(2), 0);
  table.hear(member(2, "left"), 1);
  assert.equal(table.suspect(id(2), 2), undefined);
  assert.equal(table.meet(member(2), 2), undefined);
  assert.equal(table.get(id(2))?.status, "left");
});

test("a new link takes a suspicion back that a lost link raised", () => {
  const table = membership();
  table.hear(member(2), 0);
  table.suspect(id(2), 1);
  table.meet(member(2), 2);
  assert.deepEqual(table.tick(10_000, 2_000, 99_999), []);
  assert.equal(table.get(id(2))?.status, "alive");
});

test("members above the limit are ignored, tombstones of strangers too", () => {
  const table = new Membership(member(1), 2);
  assert.ok(table.hear(member(2), 0));
  assert.equal(table.hear(member(3), 0), undefined);
  assert.equal(membership().hear(member(9, "dead"), 0), undefined);
});

const ENTRIES = fc.array(
  fc.record({
    owner: fc.integer({ min: 1, max: 3 }),
    path: fc.integer({ min: 0, max: 2 }),
    version: fc.integer({ min: 1, max: 6 }),
  }),
  { maxLength: 25 },
).map((list) =>
  list.map(({ owner, path, version }): RegistryEntry => ({
    path: `actors/a${path}`,
    // An owner says one thing per version, so equal versions are equal entries.
    actorId: id(owner * 1_000 + path * 10 + version),
    nodeId: id(owner),
    version,
    state: version % 2 === 0 ? "stopped" : "live",
  }))
);

function merged(...lists: readonly RegistryEntry[][]): unknown {
  const registry = new Registry(id(99), 1_000);
  for (const entry of lists.flat()) registry.merge(entry);
  return [...registry.all].sort((a, b) => a.nodeId + a.path < b.nodeId + b.path ? -1 : 1);
}

test("registry merge is commutative, associative and idempotent (property)", () => {
  fc.assert(fc.property(ENTRIES, ENTRIES, ENTRIES, (a, b, c) => {
    assert.deepEqual(merged(a, b), merged(b, a));
    assert.deepEqual(merged([...a, ...b], c), merged(a, [...b, ...c]));
    assert.deepEqual(merged(a, a), merged(a));
  }));
});

test("registry entries of others cannot change what this node owns", () => {
  const registry = new Registry(id(1), 10);
  const mine = registry.register({ path: "actors/a", actorId: id(5) });
  assert.equal(registry.merge({ ...mine, version: 99, state: "stopped" }), false);
  assert.deepEqual(registry.at("actors/a"), [mine]);
});

test("members and entries from the wire are checked field by field", () => {
  assert.deepEqual(readMember({ ...member(1), later: true }), member(1));
  for (
    const bad of [null, 1, {}, { ...member(1), nodeId: "x" }, { ...member(1), status: "toString" }]
  ) {
    assert.equal(readMember(bad), undefined);
  }
  const entry = { path: "a/b", actorId: id(1), nodeId: id(2), version: 1, state: "live" };
  assert.deepEqual(readEntry(entry), entry);
  for (const bad of [{ path: "a" }, { version: 0 }, { state: "x" }, { actorId: 4 }]) {
    assert.equal(readEntry({ ...entry, ...bad }), undefined);
  }
});

test("an accusation at the highest incarnation does not lock a member out", () => {
  const state = stateOf();
  const accuse = (incarnation: number) => {
    state.receive({ kind: "gossip", members: [member(1, "dead", incarnation)], entries: [] }, 0);
  };
  for (const incarnation of [Number.MAX_SAFE_INTEGER, MAX_INCARNATION + 1, MAX_INCARNATION]) {
    accuse(incarnation);
    assert.equal(state.self.incarnation, 0, `${incarnation} leaves no room to refute it`);
  }
  accuse(MAX_INCARNATION - 1);
  assert.deepEqual(readMember(state.self), member(1, "alive", MAX_INCARNATION));
  accuse(MAX_INCARNATION);
  assert.deepEqual(readMember(state.self), member(1, "alive", MAX_INCARNATION));
});

test("names and members beyond the limits are counted once a sweep, own names always kept", () => {
  const state = stateOf({ maxMembers: 2, maxRegistryEntries: 3 });
  const entries = Array.from({ length: 5 }, (_, n) => (
    { path: `actors/a${n}`, actorId: id(n), nodeId: id(2), version: n + 1, state: "live" }
  ));
  state.receive({ kind: "gossip", members: [member(2), member(3)], entries }, 0);
  assert.equal(state.entries().length, 3);
  assert.equal(state.members.length, 2);
  assert.equal(state.takeIgnored(), undefined, "before the sweep");
  state.tick(0);
  assert.deepEqual(state.takeIgnored(), { members: 1, entries: 2 });
  assert.equal(state.takeIgnored(), undefined, "told once");
  for (let n = 0; n < 4; n++) state.register({ path: `actors/own${n}`, actorId: id(100 + n) });
  assert.equal(state.entries().length, 7);
  state.tick(SETTINGS.pushPullIntervalMs);
  assert.equal(state.takeIgnored(), undefined, "nothing was ignored since");
});

function stateOf(limits: Partial<Limits> = {}): ClusterState {
  return new ClusterState({
    self: member(1),
    limits: resolveLimits(limits),
    settings: SETTINGS,
    random: seededRandom(1),
  });
}

/** A cluster whose messages are handed over by a loop, some of them lost. */
class Loop {
  readonly states: ClusterState[];
  readonly #random: Random;
  readonly #loss: number;
  #now = 0;

  constructor(size: number, seed: number, loss: number) {
    this.#random = seededRandom(seed);
    this.#loss = loss;
    this.states = Array.from({ length: size }, (_, n) =>
      new ClusterState({
        self: member(n + 1),
        limits: DEFAULT_LIMITS,
        settings: SETTINGS,
        random: this.#random,
      }));
  }

  join(): void {
    for (const state of this.states.slice(1)) {
      const first = this.states[0]!;
      const answer = first.receive(state.introduction(), this.#now);
      if (answer !== undefined) state.receive(answer, this.#now);
    }
  }

  run(rounds: number): void {
    for (let round = 0; round < rounds; round++) {
      this.#now += SETTINGS.gossipIntervalMs;
      for (const state of this.states) {
        for (const { to, message } of state.tick(this.#now)) this.#deliver(state, to, message);
      }
    }
  }

  view(state: ClusterState): unknown {
    const members = state.members.filter((m) => m.status === "alive").map((m) => m.nodeId).sort();
    const names = state.entries().map((e) => `${e.path} ${e.nodeId} ${e.actorId}`).sort();
    return { members, names };
  }

  #deliver(from: ClusterState, to: Member, message: ClusterMessage): void {
    if (randomFraction(this.#random) < this.#loss) return;
    const target = this.states.find((state) => state.self.nodeId === to.nodeId);
    const answer = target?.receive(message, this.#now);
    if (answer !== undefined) from.receive(answer, this.#now);
  }
}

for (const size of [2, 3, 5, 10]) {
  for (const loss of [0, 0.3]) {
    test(`${size} states converge on members and names, ${loss * 100} % of messages lost`, () => {
      for (let seed = 1; seed <= 5; seed++) {
        const loop = new Loop(size, seed, loss);
        loop.join();
        const random = seededRandom(seed);
        const stopped: string[] = [];
        loop.states.forEach((state, n) => {
          const actorId = randomId(random);
          state.register({ path: `actors/own${n}`, actorId });
          state.register({ path: "actors/all", actorId: randomId(random) });
          loop.run(randomInteger(random, 5));
          if (n % 2 === 1) {
            state.unregister(`actors/own${n}`, actorId);
            stopped.push(`actors/own${n}`);
          }
        });
        loop.run(400);
        const [first, ...others] = loop.states.map((state) => loop.view(state));
        for (const view of others) assert.deepEqual(view, first, `seed ${seed}`);
        assert.equal(loop.states[0]!.instances("actors/all").length, size);
        for (const path of stopped) assert.deepEqual(loop.states[0]!.instances(path), []);
      }
    });
  }
}

test("a leave is seen by everybody and takes the names along", () => {
  const loop = new Loop(5, 3, 0);
  loop.join();
  loop.states.forEach((state) => state.register({ path: "actors/all", actorId: id(7) }));
  loop.run(50);
  const message = loop.states[4]!.leave();
  for (const state of loop.states.slice(0, 4)) state.receive(message, 10_000);
  for (const state of loop.states.slice(0, 4)) {
    assert.equal(state.member(id(5))?.status, "left");
    assert.equal(state.instances("actors/all").length, 4);
  }
});

test("news is told a bounded number of times", () => {
  const loop = new Loop(3, 1, 0);
  loop.join();
  loop.run(100);
  const quiet = loop.states.flatMap((state) => state.tick(20_200))
    .filter(({ message }) => message.kind === "gossip");
  assert.deepEqual(quiet, []);
});
