/** What a node forgets in the end, what it never takes back, and who replaces whom. */

import assert from "node:assert/strict";
import { ClusterState } from "../../../lib/cluster/cluster_state.ts";
import { type Rumour, Rumours } from "../../../lib/cluster/gossip.ts";
import type { Member } from "../../../lib/cluster/member.ts";
import { Registry, type RegistryEntry } from "../../../lib/cluster/registry.ts";
import { DEFAULT_CLUSTER_SETTINGS as SETTINGS } from "../../../lib/cluster/settings.ts";
import { DEFAULT_LIMITS } from "../../../lib/limits.ts";
import { seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

const id = (n: number) => n.toString(16).padStart(32, "0");
const RETENTION = SETTINGS.deadMemberRetentionMs;
const SWEEP = SETTINGS.pushPullIntervalMs;

function member(n: number, port = 7_000 + n): Member {
  return { nodeId: id(n), addr: `127.0.0.1:${port}`, status: "alive", incarnation: 0 };
}

function entry(owner: number, version: number, state: "live" | "stopped"): RegistryEntry {
  return { path: "actors/a", actorId: id(500), nodeId: id(owner), version, state };
}

function stateOf(n: number): ClusterState {
  const random = seededRandom(n);
  return new ClusterState({ self: member(n), limits: DEFAULT_LIMITS, settings: SETTINGS, random });
}

const news = (entries: readonly RegistryEntry[], members: readonly Member[] = []) => ({
  kind: "gossip",
  members,
  entries,
});

test("Registry: a tombstone is forgotten after its retention and not taught back", () => {
  const registry = new Registry(id(1), 10);
  registry.merge(entry(2, 2, "stopped"));
  registry.sweep(0, 100);
  registry.sweep(99, 100);
  assert.equal(registry.merge(entry(2, 1, "live")), false, "the stop is still known");
  registry.sweep(100, 100);
  assert.deepEqual(registry.all, []);
  assert.equal(registry.merge(entry(2, 2, "stopped")), false);
  assert.equal(registry.merge(entry(2, 3, "live")), true, "the name can be used again");
});

test("Registry: the owner contradicts an entry it has stopped and forgotten", () => {
  const registry = new Registry(id(1), 10);
  const live = registry.register({ path: "actors/a", actorId: id(5) });
  assert.equal(registry.refute(live), undefined, "a true entry stands");
  registry.unregister("actors/a", id(5));
  registry.sweep(0, 1);
  registry.sweep(1, 1);
  assert.deepEqual(registry.refute(live), { ...live, version: 3, state: "stopped" });
  assert.equal(registry.refute({ ...live, path: "actors/b", version: 9 }), undefined, "forged");
});

test("Registry: an owner that names and stops many actors does not grow", () => {
  const registry = new Registry(id(1), 10);
  for (let n = 0; n < 1_000; n++) {
    registry.register({ path: `actors/job${n}`, actorId: id(n) });
    registry.unregister(`actors/job${n}`, id(n));
    registry.sweep(n, 5);
    assert.ok(registry.all.length <= 7);
  }
});

test("ClusterState: a stale entry at another node is stopped again by its owner", () => {
  const [owner, other] = [stateOf(1), stateOf(2)];
  owner.linkUp(member(2), 0);
  other.linkUp(member(1), 0);
  owner.register({ path: "actors/a", actorId: id(5) });
  other.receive(owner.introduction(), 0);
  assert.equal(other.instances("actors/a").length, 1);
  owner.unregister("actors/a", id(5));
  owner.tick(0);
  owner.tick(RETENTION + SWEEP);
  const answer = owner.receive(other.introduction(), RETENTION + SWEEP);
  other.receive(answer, RETENTION + SWEEP);
  assert.deepEqual(other.instances("actors/a"), []);
});

test("ClusterState: entries of an owner that stays unknown are dropped after two sweeps", () => {
  const state = stateOf(1);
  state.receive(news([entry(9, 1, "live")]), 0);
  state.tick(0);
  assert.equal(state.introduction().entries.length, 1);
  state.tick(SWEEP);
  assert.equal(state.introduction().entries.length, 0);
});

test("ClusterState: an entry may come before its member", () => {
  const state = stateOf(1);
  state.receive(news([entry(9, 1, "live")]), 0);
  state.tick(0);
  assert.deepEqual(state.instances("actors/a"), []);
  state.receive(news([], [member(9)]), 1);
  state.tick(SWEEP);
  assert.equal(state.instances("actors/a").length, 1);
});

test("ClusterState: a node met at the address of another marks the older one dead", () => {
  const state = stateOf(1);
  state.linkUp(member(2, 9_000), 0);
  state.receive(news([entry(2, 1, "live")]), 0);
  state.linkUp(member(3, 9_000), 1);
  assert.equal(state.member(id(2))?.status, "dead");
  assert.equal(state.member(id(3))?.status, "alive");
  assert.deepEqual(state.entries(), []);
  state.linkUp(member(1), 2);
  assert.equal(state.self.status, "alive");
});

test("ClusterState: a dead node that is met again does not replace its successor", () => {
  const state = stateOf(1);
  state.linkUp(member(2, 9_000), 0);
  state.linkUp(member(3, 9_000), 1);
  state.linkUp(member(2, 9_000), 2);
  assert.equal(state.member(id(3))?.status, "alive");
});

test("ClusterState: nodes without an address do not replace each other", () => {
  const state = stateOf(1);
  state.linkUp({ ...member(2), addr: "" }, 0);
  state.linkUp({ ...member(3), addr: "" }, 0);
  assert.equal(state.member(id(2))?.status, "alive");
});

test("Rumours: each is told its number of times, the least told first, within the size", () => {
  const rumours = new Rumours();
  const rumour = (n: number): Rumour => ({ kind: "member", member: member(n) });
  rumours.add(rumour(1));
  assert.deepEqual(rumours.take(3, 1), [rumour(1)], "one passes though it is too large");
  rumours.add(rumour(2));
  assert.deepEqual(rumours.take(3, 1), [rumour(2)]);
  assert.equal(rumours.take(3, 10_000).length, 2);
  assert.equal(rumours.take(3, 10_000).length, 2);
  assert.ok(rumours.isEmpty);
});

test("Rumours: long metadata counts into the size of a message", () => {
  const rumours = new Rumours();
  for (let n = 1; n <= 4; n++) {
    const metadata = { text: "x".repeat(200), more: "y".repeat(200) };
    rumours.add({ kind: "entry", entry: { ...entry(n, 1, "live"), metadata } });
  }
  assert.equal(rumours.take(3, 1_300).length, 2);
});

/** Names and stops 10 000 actors. */
function nameAndStop(state: ClusterState): void {
  for (let n = 0; n < 10_000; n++) {
    state.register({ path: `actors/job${n}`, actorId: id(n) });
    state.unregister(`actors/job${n}`, id(n));
  }
}

function gossipOf(state: ClusterState, now: number): readonly RegistryEntry[] {
  return state.tick(now).flatMap(({ message }) => message.kind === "gossip" ? message.entries : []);
}

for (const where of ["a standalone node, which has no ticks", "a lone node that listens"]) {
  test(`ClusterState: names given up on ${where} leave no entry and no rumour`, () => {
    const state = stateOf(1);
    const ticks = where.includes("listens");
    for (let round = 0; round < 2; round++) {
      if (ticks) state.tick(round * SETTINGS.gossipIntervalMs);
      nameAndStop(state);
      assert.equal(state.introduction().entries.length, 0);
    }
    state.register({ path: "actors/kept", actorId: id(1) });
    state.linkUp(member(2), 1_000);
    assert.deepEqual(gossipOf(state, 1_000), [], "a newcomer is told everything by the link");
    assert.equal(state.introduction().entries.length, 1);
  });
}

test("ClusterState: rumours are not kept for members that have all gone", () => {
  const state = stateOf(1);
  state.linkUp(member(2), 0);
  state.receive(news([], [{ ...member(2), status: "left" }]), 0);
  nameAndStop(state);
  state.tick(0);
  state.linkUp(member(3), 1);
  assert.deepEqual(gossipOf(state, SETTINGS.gossipIntervalMs), []);
});

test("ClusterState: a tombstone is kept while another node may hold the name", () => {
  const state = stateOf(1);
  state.linkUp(member(2), 0);
  state.register({ path: "actors/a", actorId: id(5) });
  state.unregister("actors/a", id(5));
  assert.deepEqual(gossipOf(state, 0).map((one) => one.state), ["stopped"]);
});
