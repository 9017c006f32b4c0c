/** A worker without a clock or a socket: what it believes of its head and through it. */

import assert from "node:assert/strict";
import type { NodeId } from "../../../lib/address.ts";
import type { Row } from "../../../lib/cluster/gossip.ts";
import { HeadState } from "../../../lib/cluster/head_state.ts";
import type { Member, MemberStatus } from "../../../lib/cluster/member.ts";
import type { Naming } from "../../../lib/cluster/naming.ts";
import { DEFAULT_CLUSTER_SETTINGS } from "../../../lib/cluster/settings.ts";
import type { ViewOptions } from "../../../lib/cluster/view.ts";
import { WorkerState } from "../../../lib/cluster/worker_state.ts";
import { DEFAULT_LIMITS } from "../../../lib/limits.ts";
import { seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

const [HEAD, ONE, TWO, THREE] = ["0", "1", "2", "3"].map((digit) => digit.repeat(32)) as [
  NodeId,
  NodeId,
  NodeId,
  NodeId,
];
const { probeIntervalMs, missedProbes, pushPullIntervalMs } = DEFAULT_CLUSTER_SETTINGS;
const { reconnectMaxMs, dialTimeoutMs, handshakeTimeoutMs } = DEFAULT_LIMITS;
const GRACE_MS = reconnectMaxMs + dialTimeoutMs + handshakeTimeoutMs;

function memberOf(nodeId: NodeId, status: MemberStatus = "alive", incarnation = 0): Member {
  return { nodeId, addr: `n${nodeId[0]}:7000`, status, incarnation };
}

function optionsOf(nodeId: NodeId): ViewOptions {
  return {
    self: memberOf(nodeId),
    limits: DEFAULT_LIMITS,
    settings: DEFAULT_CLUSTER_SETTINGS,
    random: seededRandom(1),
    now: 0,
  };
}

/** A worker that has met its head and what the head has told it. */
function workerWith(...members: readonly Member[]): WorkerState {
  const worker = new WorkerState(optionsOf(ONE));
  worker.follow(memberOf(HEAD), 0);
  worker.receive(HEAD, { kind: "gossip", members }, 0);
  worker.takeSends();
  worker.nextWake();
  return worker;
}

function statusesOf(state: Naming): Record<string, MemberStatus> {
  return Object.fromEntries(state.members.map(({ nodeId, status }) => [nodeId[0], status]));
}

function advance(worker: WorkerState, to: number) {
  const sends = [];
  for (let now = worker.nextWake(); now <= to; now = worker.nextWake()) {
    worker.tick(now);
    sends.push(...worker.takeSends());
  }
  return sends;
}

/** Carries all messages between a head and workers until nobody has any more to say. */
function talk(head: HeadState, workers: ReadonlyMap<NodeId, WorkerState>, now: number): void {
  const nodes = new Map<NodeId, Naming>([[head.self.nodeId, head], ...workers]);
  for (let isOver = false; !isOver;) {
    isOver = true;
    for (const [from, node] of nodes) {
      for (const { to, message } of node.takeSends()) {
        isOver = false;
        nodes.get(to)?.receive(from, message, now);
      }
    }
  }
}

/** Links a worker to a head. */
function link(head: HeadState, worker: WorkerState, now: number): void {
  head.linkUp(worker.self, false, now);
  worker.linkUp(head.self, true, now);
  worker.follow(head.self, now);
}

function rowOf(member: Member): Row {
  return { member, floor: 0, hash: 0 };
}

test("worker: it tells its head of itself and compares, when it meets it", () => {
  const worker = new WorkerState(optionsOf(ONE));
  worker.register({ path: "actors/a", actorId: "f".repeat(32) });
  assert.deepEqual(worker.takeSends(), [], "there is nobody to be told");
  worker.linkUp(memberOf(HEAD), true, 1);
  assert.deepEqual(worker.takeSends(), [], "any node may dial, only the head is followed");
  worker.follow(memberOf(HEAD), 1);
  const [sync, ...others] = worker.takeSends();
  assert.deepEqual([sync?.to, sync?.message.kind, others.length], [HEAD, "sync", 0]);
  assert.deepEqual(sync?.message.members, [memberOf(ONE)]);
  worker.follow(memberOf(HEAD), 2);
  assert.deepEqual(worker.takeSends(), [], "the same head");
});

test("worker: its own changes go to the head alone, what it hears to nobody", () => {
  const worker = workerWith(memberOf(TWO), memberOf(THREE));
  worker.register({ path: "actors/a", actorId: "f".repeat(32) });
  worker.measure(100);
  const sends = worker.takeSends();
  assert.deepEqual(sends.map(({ to }) => to), [HEAD]);
  assert.equal(sends[0]?.message.entries?.length, 1);
  worker.receive(HEAD, { kind: "gossip", members: [memberOf(TWO, "dead")] }, 1);
  assert.deepEqual(worker.takeSends(), []);
});

test("worker: it probes its head and costs the same with a thousand others", () => {
  const sends = [0, 1_000].map((others) => {
    const ids = Array.from({ length: others }, (_, n) => n.toString(16).padStart(32, "a"));
    const worker = workerWith(...ids.map((nodeId) => memberOf(nodeId)));
    return advance(worker, pushPullIntervalMs);
  });
  assert.deepEqual(sends[0]?.map(({ to }) => to), sends[1]?.map(({ to }) => to));
  const kinds = sends[0]?.map(({ message }) => message.kind);
  assert.deepEqual(kinds, [...Array(10).fill("probe"), "sync"]);
});

test("worker: a silent head is suspect, not dead, and is asked to refute", () => {
  const worker = workerWith(memberOf(TWO));
  advance(worker, missedProbes * probeIntervalMs);
  assert.equal(worker.member(HEAD)?.status, "alive");
  const sends = advance(worker, (missedProbes + 2) * probeIntervalMs);
  assert.deepEqual(statusesOf(worker), { 1: "alive", 0: "suspect", 2: "alive" });
  const accused = memberOf(HEAD, "suspect");
  assert.deepEqual(sends.at(-1)?.message.members, [memberOf(ONE), accused]);
  advance(worker, 3_600_000);
  assert.deepEqual(statusesOf(worker), { 1: "alive", 0: "suspect", 2: "alive" });
  worker.receive(HEAD, { kind: "ack", seq: 1, members: [memberOf(HEAD, "alive", 1)] }, 3_600_000);
  assert.equal(worker.member(HEAD)?.status, "alive");
});

test("worker: a lost link to the head makes it suspect, one to another worker says nothing", () => {
  const worker = workerWith(memberOf(TWO));
  worker.linkLost(TWO, 1);
  worker.unreachable(TWO, 1);
  assert.deepEqual(statusesOf(worker), { 1: "alive", 0: "alive", 2: "alive" });
  worker.linkLost(HEAD, 1);
  assert.deepEqual(statusesOf(worker), { 1: "alive", 0: "suspect", 2: "alive" });
});

test("worker: the time in which it stood still is not the head's silence", () => {
  const worker = workerWith();
  worker.tick(worker.nextWake());
  worker.nextWake();
  worker.tick(3_600_000);
  assert.equal(worker.member(HEAD)?.status, "alive");
});

test("worker: only its head is believed, and who says goodbye", () => {
  const worker = workerWith(memberOf(TWO), memberOf(THREE));
  worker.receive(TWO, { kind: "gossip", members: [memberOf(THREE, "left")] }, 1);
  worker.receive(TWO, { kind: "gossip", members: [memberOf(THREE, "dead")] }, 1);
  assert.equal(worker.member(THREE)?.status, "alive");
  worker.receive(TWO, { kind: "gossip", members: [memberOf(TWO, "left")] }, 1);
  assert.equal(worker.member(TWO)?.status, "left");
  assert.deepEqual(worker.takeGone().map(({ nodeId }) => nodeId), [TWO]);
});

test("worker: it refutes its own death to the head", () => {
  const worker = workerWith();
  worker.accused(3, 1);
  const message = { kind: "gossip", members: [memberOf(ONE, "alive", 4)] };
  assert.deepEqual(worker.takeSends(), [{ to: HEAD, addr: undefined, message }]);
});

test("worker: another head ends the one before it", () => {
  const worker = workerWith(memberOf(TWO));
  worker.linkLost(HEAD, 1);
  worker.follow(memberOf(THREE), 2);
  assert.deepEqual(statusesOf(worker), { 1: "alive", 0: "dead", 2: "alive", 3: "alive" });
  assert.deepEqual(worker.takeGone().map(({ nodeId }) => nodeId), [HEAD]);
  worker.receive(HEAD, { kind: "gossip", members: [memberOf(TWO, "dead")] }, 3);
  assert.equal(worker.member(TWO)?.status, "alive", "what the old one says does not count");
});

test("worker: the head is dialled where it was met, whatever it calls itself", () => {
  const worker = workerWith();
  const wild = { ...memberOf(HEAD, "alive", 1), addr: "0.0.0.0:7000" };
  worker.receive(HEAD, { kind: "gossip", members: [wild] }, 1);
  assert.deepEqual(worker.member(HEAD), memberOf(HEAD, "alive", 1));
});

test("worker: whom the head does not know is dropped after the grace, not before", () => {
  const worker = workerWith(memberOf(TWO));
  const summary = { kind: "summary", bucket: 2, rows: [] };
  worker.receive(HEAD, summary, 1);
  advance(worker, GRACE_MS);
  worker.receive(HEAD, summary, GRACE_MS);
  assert.equal(worker.member(TWO)?.status, "alive");
  advance(worker, GRACE_MS + 2 * pushPullIntervalMs);
  worker.receive(HEAD, summary, GRACE_MS + 2 * pushPullIntervalMs);
  assert.equal(worker.member(TWO)?.status, "dead");
});

test("worker: the grace begins anew with a new link to the head, and when it is known again", () => {
  const later = GRACE_MS + 2 * pushPullIntervalMs;
  const summary = { kind: "summary", bucket: 2, rows: [] };
  const linked = workerWith(memberOf(TWO));
  linked.receive(HEAD, summary, 1);
  advance(linked, later);
  linked.linkUp(memberOf(HEAD), true, later);
  linked.receive(HEAD, summary, later);
  assert.equal(linked.member(TWO)?.status, "alive");
  const known = workerWith(memberOf(TWO));
  known.receive(HEAD, summary, 1);
  known.receive(HEAD, { ...summary, rows: [rowOf(memberOf(TWO))] }, 2);
  advance(known, later);
  known.receive(HEAD, summary, later);
  assert.equal(known.member(TWO)?.status, "alive");
});

test("worker: a new head is not flooded with what its workers remember of each other", () => {
  const worker = workerWith(memberOf(TWO), memberOf(THREE));
  worker.receive(HEAD, { kind: "summary", bucket: 2, rows: [] }, 1);
  assert.deepEqual(worker.takeSends(), []);
});

test("worker: a new head learns members and names from its workers, and each from it", () => {
  const workers = new Map([ONE, TWO].map((id) => [id, new WorkerState(optionsOf(id))]));
  const old = new HeadState(optionsOf(HEAD));
  for (const worker of workers.values()) link(old, worker, 0);
  talk(old, workers, 0);
  workers.get(ONE)?.register({ path: "actors/a", actorId: "f".repeat(32) });
  talk(old, workers, 1);
  for (const worker of workers.values()) worker.linkLost(HEAD, 2);
  workers.get(TWO)?.register({ path: "actors/b", actorId: "e".repeat(32) });
  workers.get(ONE)?.unregister("actors/a", "f".repeat(32));
  workers.get(ONE)?.register({ path: "actors/c", actorId: "d".repeat(32) });
  const head = new HeadState(optionsOf(THREE));
  for (const worker of workers.values()) {
    link(head, worker, 3);
    talk(head, workers, 3);
  }
  for (const state of [head, ...workers.values()]) {
    assert.deepEqual(state.entries().map(({ path }) => path).sort(), ["actors/b", "actors/c"]);
    const { 1: one, 2: two, 3: three } = statusesOf(state);
    assert.deepEqual([one, two, three], ["alive", "alive", "alive"]);
  }
});

test("worker: a new head learns its load, though that does not change, and it the head's", () => {
  const worker = new WorkerState(optionsOf(ONE));
  worker.measure(40); // nobody is there to be told
  for (const id of [HEAD, THREE]) {
    const head = new HeadState(optionsOf(id));
    head.measure(20);
    link(head, worker, 0);
    talk(head, new Map([[ONE, worker]]), 0);
    assert.equal(head.actorsOf(ONE), 40);
    worker.tick(worker.nextWake());
    talk(head, new Map([[ONE, worker]]), probeIntervalMs);
    assert.equal(worker.actorsOf(id), 20);
  }
});

test("worker: the load of who is no member is not kept", () => {
  const worker = workerWith();
  const load = { nodeId: TWO, seq: 1, actors: 9 };
  const row = { member: memberOf(TWO, "dead"), floor: 0, hash: 0, load };
  worker.receive(HEAD, { kind: "summary", bucket: 2, rows: [row] }, 1);
  assert.equal(worker.actorsOf(TWO), undefined);
  worker.receive(
    HEAD,
    { kind: "summary", bucket: 2, rows: [{ ...row, member: memberOf(TWO) }] },
    2,
  );
  assert.equal(worker.actorsOf(TWO), 9);
});

test("worker: one that was dropped and comes back to the head is back for all", () => {
  const workers = new Map([ONE, TWO].map((id) => [id, new WorkerState(optionsOf(id))]));
  const head = new HeadState(optionsOf(HEAD));
  const [one, two] = [workers.get(ONE), workers.get(TWO)] as [WorkerState, WorkerState];
  link(head, one, 0);
  talk(head, workers, 0);
  // Another head had told of it, and this one does not know it for so long that it is dropped.
  one.receive(HEAD, { kind: "gossip", members: [memberOf(TWO)] }, 1);
  const summary = { kind: "summary", bucket: 2, rows: [] };
  one.receive(HEAD, summary, 2);
  one.receive(HEAD, summary, 2 + GRACE_MS + 2 * pushPullIntervalMs);
  assert.equal(one.member(TWO)?.status, "dead");
  const now = 3 * GRACE_MS;
  one.takeSends();
  link(head, two, now);
  talk(head, workers, now);
  assert.equal(one.member(TWO)?.status, "dead", "the head's word has the same incarnation");
  one.nextWake();
  one.tick(now); // compares
  talk(head, workers, now);
  assert.deepEqual(one.member(TWO), memberOf(TWO, "alive", 1));
  assert.deepEqual(head.member(TWO), memberOf(TWO, "alive", 1));
});

/** A worker that followed a head, which another one has replaced; the two compare. */
function afterReplacement(before: (worker: WorkerState, old: HeadState) => void) {
  const [one, two] = [ONE, TWO].map((id) => new WorkerState(optionsOf(id)));
  const workers = new Map([[ONE, one!], [TWO, two!]]);
  const old = new HeadState(optionsOf(HEAD));
  for (const worker of workers.values()) link(old, worker, 0);
  talk(old, workers, 0);
  before(one!, old);
  talk(old, workers, 1);
  const head = new HeadState(optionsOf(THREE));
  return { head, workers, one: one!, two: two! };
}

test("worker: what it stopped while no head was there is stopped for all who knew it", () => {
  const registration = { path: "actors/a", actorId: "f".repeat(32) };
  const { head, workers, one, two } = afterReplacement((worker) => worker.register(registration));
  assert.equal(two.entries().length, 1);
  one.unregister(registration.path, registration.actorId);
  one.register({ path: "actors/b", actorId: "e".repeat(32) });
  one.takeSends(); // nobody gets it
  for (const worker of workers.values()) link(head, worker, 2);
  talk(head, workers, 2);
  for (let now = 3; now < 10; now++) { // compare again
    for (const worker of workers.values()) worker.linkUp(head.self, true, now);
    talk(head, workers, now);
  }
  assert.deepEqual(two.entries().map(({ path }) => path), ["actors/b"]);
  assert.equal(head.registry.of(ONE)?.floor, 3, "the head knows that the others have ended");
});

test("worker: a head that knows its live names is told that there were no others", () => {
  const worker = workerWith();
  worker.register({ path: "actors/a", actorId: "f".repeat(32) });
  worker.unregister("actors/a", "f".repeat(32));
  worker.takeSends();
  const floors = [[0, 1], [2, 0]] as const; // what the head says, what it is told
  for (const [floor, lists] of floors) {
    const row = { member: memberOf(ONE), floor, hash: 0 };
    worker.receive(HEAD, { kind: "summary", bucket: 1, rows: [row] }, 1);
    const sent = worker.takeSends().map(({ message }) => message);
    assert.deepEqual(
      sent,
      Array(lists).fill({
        kind: "names",
        members: [],
        lists: [{ owner: ONE, floor: 2, versions: [] }],
        answer: true,
      }),
    );
  }
});

test("worker: whom the head before suspected refutes to the new one", () => {
  const { head, workers, two } = afterReplacement((_, old) => old.linkLost(ONE, 1));
  two.receive(HEAD, { kind: "gossip", members: [memberOf(ONE, "suspect", 1)] }, 1);
  assert.equal(two.member(ONE)?.status, "suspect");
  for (const worker of workers.values()) link(head, worker, 2);
  talk(head, workers, 2);
  for (const worker of workers.values()) worker.linkUp(head.self, true, 3);
  talk(head, workers, 3);
  assert.equal(two.member(ONE)?.status, "alive");
});

test("worker: names of who has gone do not come back with it, but what it has then", () => {
  const entry = { path: "actors/a", actorId: "f".repeat(32), nodeId: TWO, version: 1 };
  const worker = workerWith(memberOf(TWO));
  worker.receive(HEAD, { kind: "gossip", entries: [{ ...entry, state: "live" }] }, 1);
  assert.equal(worker.entries().length, 1);
  worker.receive(HEAD, { kind: "gossip", members: [memberOf(TWO, "dead")] }, 2);
  // Of another head, say, for which it never was dead.
  worker.receive(HEAD, { kind: "gossip", entries: [{ ...entry, state: "live" }] }, 2);
  worker.receive(HEAD, { kind: "gossip", members: [memberOf(TWO, "alive", 1)] }, 3);
  assert.deepEqual(worker.entries(), []);
});
