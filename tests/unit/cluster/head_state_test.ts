/** The head without a clock or a socket: whom it believes what, whom it tells, who is dead. */

import assert from "node:assert/strict";
import type { NodeId } from "../../../lib/address.ts";
import type { ClusterMessage } from "../../../lib/cluster/gossip.ts";
import { HeadState } from "../../../lib/cluster/head_state.ts";
import type { Member, MemberStatus } from "../../../lib/cluster/member.ts";
import type { Send } from "../../../lib/cluster/naming.ts";
import type { RegistryEntry } from "../../../lib/cluster/owned_names.ts";
import { DEFAULT_CLUSTER_SETTINGS } from "../../../lib/cluster/settings.ts";
import { DEFAULT_LIMITS } from "../../../lib/limits.ts";
import { seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

const [HEAD, ONE, TWO, THREE] = ["0", "1", "2", "3"].map((digit) => digit.repeat(32)) as [
  NodeId,
  NodeId,
  NodeId,
  NodeId,
];
const { probeIntervalMs, missedProbes, suspicionMultiplier } = DEFAULT_CLUSTER_SETTINGS;
const SUSPICION_MS = suspicionMultiplier * probeIntervalMs;

function memberOf(nodeId: NodeId, status: MemberStatus = "alive", incarnation = 0): Member {
  return { nodeId, addr: `n${nodeId.slice(-4)}:7000`, status, incarnation };
}

function entryOf(nodeId: NodeId, version = 1): RegistryEntry {
  return { path: "actors/a", actorId: "f".repeat(32), nodeId, version, state: "live" };
}

/** A head with workers that are linked, its news of that told. */
function headWith(...workers: readonly NodeId[]): HeadState {
  const head = new HeadState({
    self: memberOf(HEAD),
    limits: DEFAULT_LIMITS,
    settings: DEFAULT_CLUSTER_SETTINGS,
    random: seededRandom(1),
    now: 0,
  });
  for (const nodeId of workers) head.linkUp(memberOf(nodeId), false, 0);
  head.takeSends();
  head.nextWake();
  return head;
}

function statusesOf(head: HeadState): Record<string, MemberStatus> {
  return Object.fromEntries(head.members.map(({ nodeId, status }) => [nodeId[0], status]));
}

/** Lets time pass as a shell does: it is woken when it wants to be. */
function advance(head: HeadState, from: number, to: number): readonly Send[] {
  const sends: Send[] = [];
  for (let now = head.nextWake(); now <= to; now = head.nextWake()) {
    head.tick(Math.max(now, from));
    sends.push(...head.takeSends());
  }
  return sends;
}

const probe: ClusterMessage = { kind: "probe", seq: 7 };

test("head: it refreshes itself and is alone for ever", () => {
  const head = headWith();
  assert.deepEqual(advance(head, 0, 3_600_000), []);
  assert.deepEqual(statusesOf(head), { 0: "alive" });
});

test("head: a worker that links is told to all who are linked", () => {
  const head = headWith(ONE, TWO);
  head.linkUp(memberOf(THREE), false, 1);
  const message = { kind: "gossip", members: [memberOf(THREE)] };
  const sends = head.takeSends();
  assert.deepEqual(sends, [ONE, TWO, THREE].map((to) => ({ to, addr: undefined, message })));
});

test("head: the first probe may come before the worker is known, and makes it known", () => {
  const head = headWith(ONE);
  head.receive(TWO, { ...probe, members: [memberOf(TWO)] }, 1);
  assert.deepEqual(statusesOf(head), { 0: "alive", 1: "alive", 2: "alive" });
  const ack = head.takeSends().find(({ message }) => message.kind === "ack");
  assert.deepEqual(ack, {
    to: TWO,
    addr: undefined,
    message: { kind: "ack", seq: 7, members: [memberOf(HEAD)] },
  });
  const stranger = headWith();
  stranger.receive(TWO, probe, 1);
  assert.deepEqual(statusesOf(stranger), { 0: "alive" });
  assert.equal(stranger.takeSends().length, 1, "it is answered all the same");
});

test("head: a name is told to all but its owner", () => {
  const head = headWith(ONE, TWO);
  const entries = [entryOf(ONE)];
  head.receive(ONE, { kind: "gossip", entries }, 1);
  const message = { kind: "gossip", entries };
  assert.deepEqual(head.takeSends(), [{ to: TWO, addr: undefined, message }]);
  head.receive(ONE, { kind: "gossip", entries }, 2);
  assert.deepEqual(head.takeSends(), [], "it is no news any more");
});

test("head: what a worker says of others is not believed, but that it cannot reach them", () => {
  const said: readonly (readonly [MemberStatus, MemberStatus | undefined])[] = [
    ["alive", "alive"],
    ["suspect", "suspect"],
    ["dead", "alive"],
    ["left", "alive"],
  ];
  for (const [status, believed] of said) {
    const head = headWith(ONE, TWO);
    const members = [memberOf(TWO, status, status === "alive" ? 5 : 0), memberOf(THREE, "alive")];
    head.receive(ONE, { kind: "gossip", members, entries: [entryOf(TWO), entryOf(THREE)] }, 1);
    assert.equal(head.member(TWO)?.status, believed, status);
    assert.equal(head.member(TWO)?.incarnation, 0);
    assert.equal(head.member(THREE), undefined);
    assert.deepEqual(head.entries(), []);
  }
});

test("head: a worker is suspect after missed probes, then dead, with its names", () => {
  const head = headWith(ONE, TWO);
  head.receive(ONE, { kind: "gossip", entries: [entryOf(ONE)] }, 0);
  const silentMs = (missedProbes + 1) * probeIntervalMs;
  for (let now = probeIntervalMs; now <= silentMs; now += probeIntervalMs) {
    head.receive(TWO, probe, now);
    advance(head, now, now);
  }
  assert.deepEqual(statusesOf(head), { 0: "alive", 1: "suspect", 2: "alive" });
  assert.equal(head.instances("actors/a").length, 1, "a suspect is served");
  for (let now = silentMs; now < silentMs + SUSPICION_MS; now += probeIntervalMs) {
    head.receive(TWO, probe, now);
    advance(head, now, now + probeIntervalMs);
  }
  assert.deepEqual(statusesOf(head), { 0: "alive", 1: "dead", 2: "alive" });
  assert.deepEqual(head.takeGone().map(({ nodeId }) => nodeId), [ONE]);
  assert.deepEqual(head.instances("actors/a"), []);
});

test("head: a lost link makes a suspect at once, which is dialled, and refutes", () => {
  const head = headWith(ONE);
  head.linkLost(ONE, 1);
  const suspect = { ...memberOf(ONE, "suspect"), by: HEAD };
  const dialled = head.takeSends().filter(({ addr }) => addr !== undefined);
  assert.deepEqual(dialled, [
    { to: ONE, addr: "n1111:7000", message: { kind: "gossip", members: [suspect] } },
  ]);
  head.unreachable(ONE, 2);
  assert.deepEqual(head.takeSends(), [], "once");
  head.linkUp(memberOf(ONE), false, 3);
  head.receive(ONE, probe, 3);
  assert.equal(head.member(ONE)?.status, "suspect", "only a higher incarnation takes it back");
  const told = head.takeSends().find(({ message }) => message.kind === "gossip");
  assert.deepEqual(told?.message.members, [memberOf(ONE, "suspect")]);
  head.receive(ONE, { kind: "gossip", members: [memberOf(ONE, "alive", 1)] }, 4);
  assert.equal(head.member(ONE)?.status, "alive");
  advance(head, 4, 3 * probeIntervalMs);
  assert.equal(head.member(ONE)?.status, "alive");
});

test("head: a dead worker that speaks is told, and is back with a higher incarnation", () => {
  const head = headWith(ONE);
  head.receive(ONE, { kind: "gossip", entries: [entryOf(ONE)] }, 0);
  head.linkLost(ONE, 1);
  advance(head, 1, 2 * SUSPICION_MS);
  assert.equal(head.member(ONE)?.status, "dead");
  head.receive(ONE, { ...probe, members: [memberOf(ONE)] }, 2 * SUSPICION_MS);
  assert.equal(head.member(ONE)?.status, "dead");
  const told = head.takeSends().find(({ message }) => message.kind === "gossip");
  assert.deepEqual(told?.message.members, [memberOf(ONE, "dead")]);
  head.receive(ONE, { kind: "gossip", members: [memberOf(ONE, "alive", 1)] }, 2 * SUSPICION_MS);
  assert.equal(head.member(ONE)?.status, "alive");
  assert.deepEqual(head.entries(), [], "its names are those that it says it has now");
});

test("head: a worker that leaves is gone at once", () => {
  const head = headWith(ONE, TWO);
  head.receive(ONE, { kind: "gossip", members: [memberOf(ONE, "left")] }, 1);
  assert.deepEqual(statusesOf(head), { 0: "alive", 1: "left", 2: "alive" });
  assert.deepEqual(head.takeSends().filter(({ to }) => to === TWO).length, 1);
  assert.deepEqual(head.takeGone().map(({ nodeId }) => nodeId), [ONE]);
});

test("head: a new worker at the address of another one takes its place", () => {
  const head = headWith(ONE);
  head.linkUp({ ...memberOf(TWO), addr: memberOf(ONE).addr }, false, 1);
  assert.deepEqual(statusesOf(head), { 0: "alive", 1: "dead", 2: "alive" });
});

test("head: it refutes that it is away, and tells all", () => {
  const head = headWith(ONE, TWO);
  head.receive(ONE, { ...probe, members: [memberOf(ONE), memberOf(HEAD, "suspect")] }, 1);
  assert.deepEqual(head.self, memberOf(HEAD, "alive", 1));
  const told = head.takeSends().filter(({ message }) => message.kind === "gossip");
  assert.deepEqual(told.map(({ to }) => to), [ONE, TWO]);
});

test("head: the time in which it stood still is nobody's silence", () => {
  const head = headWith(ONE, TWO);
  head.tick(head.nextWake());
  head.nextWake();
  head.tick(3_600_000);
  assert.deepEqual(statusesOf(head), { 0: "alive", 1: "alive", 2: "alive" });
  head.nextWake();
  advance(head, 3_600_000, 3_600_000 + (missedProbes + 2) * probeIntervalMs);
  assert.deepEqual(statusesOf(head), { 0: "alive", 1: "suspect", 2: "suspect" });
});

test("head: a change costs one message for each worker, and rest costs none", () => {
  const workers = Array.from({ length: 100 }, (_, n) => n.toString(16).padStart(32, "a"));
  const head = headWith(...workers);
  head.receive(workers[0] ?? "", { kind: "gossip", entries: [entryOf(workers[0] ?? "")] }, 1);
  assert.equal(head.takeSends().length, workers.length - 1);
  for (const nodeId of workers) head.receive(nodeId, probe, 2);
  assert.equal(head.takeSends().length, workers.length, "an ack for each probe");
});
