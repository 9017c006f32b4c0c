/** The state of one node as a whole: what comes in, what is told, what is answered by what. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { ClusterState } from "../../../lib/cluster/cluster_state.ts";
import type { ClusterMessage, News } from "../../../lib/cluster/gossip.ts";
import {
  isReachable,
  MAX_INCARNATION,
  type Member,
  readMember,
} from "../../../lib/cluster/member.ts";
import { DEFAULT_CLUSTER_SETTINGS as SETTINGS } from "../../../lib/cluster/settings.ts";
import { type Random, randomFraction, randomInteger, seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";
import { entry, id, member, sent, settle, stateOf } from "./cast.ts";

const SWEEP = SETTINGS.pushPullIntervalMs;

const gossip = (news: News): ClusterMessage => ({ kind: "gossip", ...news });

/** Lets a node live until a moment, waking it when it wants to be. */
function live(state: ClusterState, until: number): void {
  for (let at = state.nextWake(); at <= until; at = state.nextWake()) state.tick(at);
}

/** A state that knows members 2 to `size`, all of it told. */
function stateAmong(size: number, options = {}): ClusterState {
  const state = stateOf(1, options);
  for (let n = 2; n <= size; n++) state.linkUp(member(n), false, 0);
  for (let round = 0; round < 20; round++) state.tick(round * SETTINGS.gossipIntervalMs / 100);
  state.takeSends();
  return state;
}

test("probe is answered by an ack, and one that accuses by the refutation with it", () => {
  const state = stateAmong(2);
  state.receive(id(2), { kind: "probe", seq: 9 }, 1);
  const [plain] = sent(state, "ack");
  assert.equal(plain?.seq, 9);
  assert.ok(plain?.members?.every(({ nodeId }) => nodeId !== id(1)) ?? true);
  const members = [{ ...member(1, "suspect"), by: id(2) }];
  state.receive(id(2), { kind: "probe", seq: 10, members }, 2);
  const [ack] = sent(state, "ack");
  assert.deepEqual([ack?.seq, ack?.members?.[0]], [10, member(1, "alive", 1)]);
});

test("a node that is asked to probe itself does not", () => {
  const state = stateAmong(3);
  state.receive(id(2), { kind: "probe-for", seq: 1, target: id(1) }, 1);
  assert.deepEqual(state.takeSends(), []);
  state.receive(id(2), { kind: "probe-for", seq: 2, target: id(3) }, 1);
  assert.deepEqual(state.takeSends().map(({ to }) => to), [id(3)]);
});

test("suspect that probes or gossips is told that it is, and refutes", () => {
  for (const kind of ["probe", "gossip"] as const) {
    const [one, two] = [stateAmong(2), stateOf(2)];
    two.linkUp(member(1), false, 0);
    one.receive(id(3), gossip({ members: [{ ...member(2, "suspect"), by: id(3) }] }), 1);
    assert.equal(one.member(id(2))?.status, "suspect");
    one.takeSends();
    one.receive(id(2), kind === "probe" ? { kind, seq: 1 } : { kind }, 2);
    settle([one, two], 3);
    assert.equal(two.self.incarnation, 1);
    assert.equal(two.healthMultiplier, 2, "others had reason to doubt it");
    two.receive(id(1), { kind: "probe", seq: 2 }, 4);
    settle([two, one], 4);
    assert.deepEqual(one.member(id(2)), member(2, "alive", 1));
  }
});

test("two nodes that call each other dead find each other again, and do not talk for ever", () => {
  const [one, two] = [stateOf(1), stateOf(2)];
  one.linkUp(member(2), true, 0);
  two.linkUp(member(1), false, 0);
  one.receive(id(3), gossip({ members: [member(2, "dead")] }), 1);
  two.receive(id(3), gossip({ members: [member(1, "dead")] }), 1);
  settle([one, two], 1);
  one.receive(id(2), gossip({}), 2);
  settle([one, two], 2, 20);
  for (const state of [one, two]) live(state, SETTINGS.gossipIntervalMs + 100);
  settle([one, two], SETTINGS.gossipIntervalMs + 100, 50);
  assert.equal(one.member(id(2))?.status, "alive");
  assert.equal(two.member(id(1))?.status, "alive");
});

test("silent member is suspect, then dead, and its names go with it", () => {
  const state = stateAmong(2);
  state.receive(id(2), gossip({ entries: [entry(2, 1)] }), 10);
  const seen: (string | undefined)[] = [];
  for (let at = state.nextWake(); at <= 10_000; at = state.nextWake()) {
    state.tick(at);
    const status = state.member(id(2))?.status;
    if (status !== seen.at(-1)) seen.push(status);
    if (status === "suspect") assert.equal(state.entries().length, 1, "it is served still");
  }
  assert.deepEqual(seen, ["alive", "suspect", "dead"]);
  assert.deepEqual(state.entries(), []);
  assert.deepEqual(state.takeGone(), [member(2, "dead")]);
  assert.deepEqual(state.takeGone(), [], "told once");
});

test("a lost link is no suspicion: the member is probed at once", () => {
  const state = stateAmong(2);
  state.linkLost(id(2), 10);
  assert.deepEqual(sent(state, "probe").length, 1);
  assert.equal(state.member(id(2))?.status, "alive");
  state.unreachable(id(2), 11);
  assert.equal(state.member(id(2))?.status, "suspect", "its way is closed and nobody can help");
});

test("late timer: the time in which the node stood still is counted for nobody", () => {
  const state = stateAmong(4);
  state.receive(id(3), gossip({ members: [{ ...member(2, "suspect"), by: id(3) }] }), 10);
  const at = state.nextWake();
  const before = state.healthMultiplier;
  state.tick(at + 60_000);
  assert.equal(state.member(id(2))?.status, "suspect", "it has its time still");
  assert.ok(state.healthMultiplier > before, "and this node doubts itself");
  for (const n of [3, 4]) assert.equal(state.member(id(n))?.status, "alive");
});

test("an accusation at the highest incarnation does not lock a member out", () => {
  const state = stateOf(1);
  const accuse = (incarnation: number) =>
    state.receive(id(2), gossip({ members: [member(1, "dead", incarnation)] }), 0);
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
  const state = stateOf(1, { limits: { maxMembers: 2, maxRegistryEntries: 3 } });
  const entries = [1, 2, 3, 4, 5].map((version) => entry(2, version));
  state.receive(id(2), gossip({ members: [member(2), member(3)], entries }), 0);
  assert.equal(state.entries().length, 3);
  assert.equal(state.members.length, 2);
  assert.equal(state.takeIgnored(), undefined, "before the sweep");
  live(state, SWEEP);
  assert.deepEqual(state.takeIgnored(), { members: 1, entries: 2 });
  assert.equal(state.takeIgnored(), undefined, "told once");
  for (let n = 0; n < 4; n++) state.register({ path: `actors/own${n}`, actorId: id(100 + n) });
  assert.equal(state.entries().filter(({ nodeId }) => nodeId === id(1)).length, 4);
  live(state, 3 * SWEEP);
  assert.equal(state.takeIgnored(), undefined, "nothing was ignored since");
});

test("an entry may come before its member; of an owner that stays unknown it is dropped", () => {
  const state = stateAmong(2);
  state.receive(id(2), gossip({ entries: [entry(8, 1), entry(9, 1)] }), 0);
  assert.deepEqual(state.entries(), []);
  live(state, SWEEP);
  state.receive(id(2), gossip({ members: [member(8)] }), SWEEP);
  assert.equal(state.entries().length, 1);
  live(state, 4 * SWEEP);
  state.receive(id(2), gossip({ members: [member(9)] }), 4 * SWEEP);
  assert.equal(state.member(id(9))?.status, "alive");
  assert.deepEqual(state.entries().filter(({ nodeId }) => nodeId === id(9)), []);
});

test("an entry of a dead member is not served, and is when the member comes back", () => {
  const state = stateAmong(2);
  state.receive(id(2), gossip({ entries: [entry(2, 1)] }), 0);
  state.receive(id(3), gossip({ members: [member(2, "dead")] }), 1);
  assert.deepEqual([state.entries(), state.instances("actors/a1")], [[], []]);
  state.receive(id(2), gossip({ members: [member(2, "alive", 1)] }), 2);
  assert.equal(state.instances("actors/a1").length, 1);
});

test("address reclaimed by a new node: the older one is dead for those who meet it", () => {
  const state = stateAmong(2);
  const newcomer: Member = { ...member(3), addr: member(2).addr };
  state.linkUp(newcomer, false, 1);
  assert.equal(state.member(id(2))?.status, "dead");
  assert.equal(state.member(id(3))?.status, "alive");
  assert.deepEqual(state.takeGone(), [member(2, "dead")]);
});

test("news is told a bounded number of times, then a cluster at rest gossips no more", () => {
  const state = stateAmong(5);
  state.takeSends();
  state.register({ path: "actors/a", actorId: id(7) });
  let told = 0;
  for (let at = 100; at < 900; at += SETTINGS.gossipIntervalMs) {
    state.tick(at);
    told += state.takeSends().filter(({ message }) => message.entries?.length === 1).length;
  }
  assert.equal(told, SETTINGS.retransmitMultiplier, "once for each digit of the members' number");
});

test("names given up on a node without others leave no entry and no rumour", () => {
  for (const hadOthers of [false, true]) {
    const state = hadOthers ? stateAmong(2) : stateOf(1);
    if (hadOthers) state.receive(id(2), gossip({ members: [member(2, "left")] }), 1);
    for (let n = 0; n < 10_000; n++) {
      state.register({ path: `actors/job${n}`, actorId: id(n) });
      state.unregister(`actors/job${n}`, id(n));
    }
    state.tick(100);
    assert.deepEqual(state.entries(), []);
    state.takeSends();
    state.linkUp(member(3), false, 200);
    state.tick(500);
    const news = state.takeSends().flatMap(({ message }) => message.entries ?? []);
    assert.deepEqual(news, [], "a newcomer is told by the comparison");
  }
});

test("a leave is seen at once and takes the names along", () => {
  const [one, two] = [stateAmong(2), stateOf(2)];
  two.register({ path: "actors/a", actorId: id(7) });
  two.linkUp(member(1), true, 0);
  settle([one, two], 0);
  assert.equal(one.instances("actors/a").length, 1);
  one.receive(id(2), two.leave(), 1);
  assert.equal(one.member(id(2))?.status, "left");
  assert.deepEqual(one.entries(), []);
});

test("a dialler compares at once with a node it did not know", () => {
  const [one, two] = [stateOf(1), stateOf(2)];
  for (const state of [one, two]) state.register({ path: "actors/a", actorId: id(7) });
  one.linkUp(member(2), true, 0);
  two.linkUp(member(1), false, 0);
  settle([one, two], 0);
  for (const state of [one, two]) assert.equal(state.instances("actors/a").length, 2);
});

test("ClusterState takes anything from the wire without a throw (property)", () => {
  const kind = fc.constantFrom(
    "gossip",
    "probe",
    "ack",
    "probe-for",
    "nack",
    "sync",
    "summary",
    "names",
  );
  const known = fc.constantFrom(member(1, "dead"), member(2, "left"), member(3), entry(2, 1));
  const part = fc.oneof(fc.anything(), known, fc.constant(id(2)), fc.nat(9));
  const many = fc.array(part, { maxLength: 4 });
  const message = fc.record({
    kind,
    seq: part,
    target: part,
    digest: fc.oneof(many, fc.array(fc.integer())),
    bucket: part,
    rows: fc.array(fc.record({ member: known, floor: fc.nat(9), hash: fc.integer() })),
    lists: fc.array(fc.record({
      owner: fc.constantFrom(id(1), id(2), id(8)),
      floor: fc.nat(),
      versions: fc.array(fc.nat()),
    })),
    answer: fc.boolean(),
    members: many,
    entries: many,
    loads: many,
  }, { requiredKeys: ["kind"] });
  fc.assert(fc.property(fc.array(fc.oneof(message, fc.anything())), (messages) => {
    const state = stateAmong(3);
    for (const one of messages) {
      state.receive(id(2), one, 1);
      state.tick(1);
    }
    assert.equal(state.self.status, "alive");
  }));
});

test("load that nobody was there to hear, or that is forgotten, is told by a comparison", () => {
  const [one, two, three] = [stateOf(1), stateOf(2), stateOf(3)];
  one.measure(40);
  const meet = (at: number) => {
    one.linkUp(two.self, true, at);
    two.linkUp(one.self, false, at);
    settle([one, two, three], at);
  };
  two.linkUp(three.self, true, 0);
  three.linkUp(two.self, false, 0);
  settle([two, three], 0);
  meet(1);
  assert.equal(two.actorsOf(id(1)), 40);
  for (let at = 200; at < 2_000; at += 200) {
    two.tick(at);
    settle([one, two, three], at);
  }
  assert.equal(three.actorsOf(id(1)), 40, "it is told on");
  two.receive(id(3), gossip({ members: [member(1, "dead")] }), 2_000);
  assert.equal(two.actorsOf(id(1)), undefined);
  one.accused(0, 2_001);
  meet(2_001);
  for (let at = 2_200; at < SWEEP + 2_200; at += 200) {
    one.tick(at);
    settle([one, two, three], at);
  }
  assert.equal(two.actorsOf(id(1)), 40);
});

test("ClusterState.nextWake: time moves on however it is broken (property)", () => {
  const options = fc.record({
    seed: fc.integer(),
    size: fc.integer({ min: 1, max: 8 }),
    start: fc.double({ min: 0, max: 1e6, noNaN: true }),
    stall: fc.double({ min: 0, max: 3_000, noNaN: true }),
  });
  fc.assert(
    fc.property(options, ({ seed, size, start, stall }) => {
      const state = stateOf(1, { seed });
      let now = start;
      for (let n = 2; n <= size; n++) state.linkUp(member(n), n % 2 === 0, now);
      state.register({ path: "actors/a", actorId: id(7) });
      for (let round = 0; round < 1_000; round++) {
        const wakeAt = state.nextWake();
        assert.ok(wakeAt > now || round === 0 || wakeAt === now && round < 3, `stuck at ${now}`);
        now = Math.max(now, wakeAt);
        if (round % 97 === 0) now += stall; // stands still
        if (round % 13 === 0) state.unreachable(id(2 + round % 7), now += 0.1 + 0.2);
        state.tick(now);
        state.takeSends();
      }
      assert.ok(now - start > 10_000, `${now - start} ms in 1 000 wakes`);
    }),
    { numRuns: 50 },
  );
});

/** A cluster whose messages are handed over by a loop, some of them lost. */
class Loop {
  readonly states: ClusterState[];
  readonly #random: Random;
  readonly #loss: number;
  #now = 0;

  constructor(size: number, seed: number, loss: number) {
    this.#random = seededRandom(seed);
    this.#loss = loss;
    this.states = Array.from({ length: size }, (_, n) => stateOf(n + 1, { seed: seed * 100 + n }));
  }

  /** All of them are linked to the first one. */
  join(): void {
    const [first, ...others] = this.states;
    for (const other of others) {
      other.linkUp(first!.self, true, this.#now);
      first!.linkUp(other.self, false, this.#now);
    }
  }

  run(ms: number): void {
    for (const end = this.#now + ms; this.#now < end;) {
      this.#now += 50;
      for (const state of this.states) if (state.nextWake() <= this.#now) state.tick(this.#now);
      for (const state of this.states) {
        for (const { to, message } of state.takeSends()) this.#deliver(state, to, message);
      }
    }
  }

  view(state: ClusterState): unknown {
    // With messages lost somebody may be suspect at any time.
    const members = state.members.filter(isReachable).map(({ nodeId }) => nodeId).sort();
    const names = state.entries().map((e) => `${e.path} ${e.nodeId} ${e.actorId}`).sort();
    return { members, names };
  }

  #deliver(from: ClusterState, to: string, message: ClusterMessage): void {
    if (randomFraction(this.#random) < this.#loss) return;
    const target = this.states.find((state) => state.self.nodeId === to);
    target?.receive(from.self.nodeId, message, this.#now);
  }
}

for (const size of [2, 3, 5, 10]) {
  for (const loss of [0, 0.2]) {
    test(`${size} states converge on members and names, ${loss * 100} % of messages lost`, () => {
      for (let seed = 1; seed <= 5; seed++) {
        const loop = new Loop(size, seed, loss);
        loop.join();
        const random = seededRandom(seed);
        const stopped: string[] = [];
        loop.states.forEach((state, n) => {
          state.register({ path: `actors/own${n}`, actorId: id(n) });
          state.register({ path: "actors/all", actorId: id(100 + n) });
          loop.run(randomInteger(random, 1_000));
          if (n % 2 === 1) {
            state.unregister(`actors/own${n}`, id(n));
            stopped.push(`actors/own${n}`);
          }
        });
        loop.run(90_000);
        const [first, ...others] = loop.states.map((state) => loop.view(state));
        for (const view of others) assert.deepEqual(view, first, `seed ${seed}`);
        assert.equal(loop.states[0]!.instances("actors/all").length, size);
        for (const path of stopped) assert.deepEqual(loop.states[0]!.instances(path), []);
      }
    });
  }
}

test("helper that knows of a refutation tells the node that missed it", () => {
  const state = stateAmong(4);
  state.receive(id(2), gossip({ members: [member(3, "alive", 1)] }), 1);
  state.takeSends();
  const members = [{ ...member(3, "suspect"), by: id(4) }];
  state.receive(id(4), { kind: "probe-for", seq: 1, target: id(3), members }, 2);
  const told = state.takeSends().filter(({ to }) => to === id(4)).map(({ message }) => message);
  assert.deepEqual(told, [{ kind: "gossip", members: [member(3, "alive", 1)] }]);
});

test("suspect at its end is told of to those that are asked, who may know better", () => {
  const state = stateAmong(4);
  state.receive(id(2), gossip({ members: [{ ...member(3, "suspect"), by: id(2) }] }), 10_000);
  for (let at = 10_000; at < 60_000 && state.member(id(3))?.status === "suspect";) {
    state.tick(at = state.nextWake());
    const asked = state.takeSends().map(({ message }) => message)
      .filter((message) => message.kind === "probe-for" && message.target === id(3));
    for (const message of asked) {
      const said = message.members?.find(({ nodeId }) => nodeId === id(3));
      assert.equal(said?.status, "suspect");
    }
  }
  assert.equal(state.member(id(3))?.status, "dead");
});
