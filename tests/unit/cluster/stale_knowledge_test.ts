import assert from "node:assert/strict";
import { ClusterState } from "../../../lib/cluster/cluster_state.ts";
import type { ClusterMessage } from "../../../lib/cluster/gossip.ts";
import type { Member } from "../../../lib/cluster/member.ts";
import { DEFAULT_CLUSTER_SETTINGS } from "../../../lib/cluster/settings.ts";
import { DEFAULT_LIMITS } from "../../../lib/limits.ts";
import { seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

const { deadMemberRetentionMs } = DEFAULT_CLUSTER_SETTINGS;

const memberOf = (digit: string): Member => {
  return { nodeId: digit.repeat(32), addr: `node-${digit}:7000`, status: "alive", incarnation: 0 };
};
const [self, gone, witness] = [memberOf("a"), memberOf("b"), memberOf("c")] as const;

/** A state that knows two others and then stands still for a time. */
function stoodStill(ms: number): ClusterState {
  const state = new ClusterState({
    self,
    limits: DEFAULT_LIMITS,
    settings: DEFAULT_CLUSTER_SETTINGS,
    random: seededRandom(1),
    now: 0,
  });
  state.linkUp(gone, true, 0);
  state.linkUp(witness, true, 0);
  for (let n = 0; n < 50; n++) state.takeSends();
  state.tick(state.nextWake() + ms);
  return state;
}

/** The ids that a message tells of, but for the one it is for. */
function toldOf(message: ClusterMessage, to: string): readonly string[] {
  const { members = [] } = message;
  const rows = message.kind === "summary" ? message.rows.map(({ member }) => member) : [];
  return [...members, ...rows].map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== to);
}

test("a member that all have forgotten is not told of by a node that stood still meanwhile", () => {
  const now = 2 * deadMemberRetentionMs;
  const state = stoodStill(deadMemberRetentionMs);
  assert.equal(state.member(gone.nodeId)?.status, "suspect");
  assert.equal(state.member(witness.nodeId)?.status, "suspect");
  state.receive(witness.nodeId, { kind: "sync", digest: Array(32).fill(1) }, now);
  const rows = [{ member: witness, floor: 0, hash: 0 }];
  state.receive(witness.nodeId, { kind: "summary", bucket: 11, rows }, now);
  const sends = state.takeSends();
  assert.ok(sends.some(({ message }) => message.kind === "summary"));
  for (const { to, message } of sends) assert.ok(!toldOf(message, to).includes(gone.nodeId));
});

test("who refutes the doubt of a node that stood still is told of again", () => {
  const state = stoodStill(deadMemberRetentionMs);
  const now = 2 * deadMemberRetentionMs;
  state.receive(witness.nodeId, { kind: "gossip", members: [{ ...witness, incarnation: 1 }] }, now);
  assert.equal(state.member(witness.nodeId)?.status, "alive");
  state.receive(gone.nodeId, { kind: "sync", digest: Array(32).fill(1) }, now);
  const told = state.takeSends().flatMap(({ to, message }) => toldOf(message, to));
  assert.ok(told.includes(witness.nodeId));
});

test("a node that stood still for less than half as long as the dead are remembered doubts nobody", () => {
  const state = stoodStill(deadMemberRetentionMs / 2 - 1_000);
  assert.equal(state.member(gone.nodeId)?.status, "alive");
});
