/** The bytes of cluster messages are frozen, and so are the hashes that two nodes compare. */

import assert from "node:assert/strict";
import { AntiEntropy } from "../../lib/cluster/anti_entropy.ts";
import { type ClusterMessage, readMessage } from "../../lib/cluster/gossip.ts";
import { Loads } from "../../lib/cluster/loads.ts";
import type { Member, MemberNews } from "../../lib/cluster/member.ts";
import { Membership } from "../../lib/cluster/membership.ts";
import type { RegistryEntry } from "../../lib/cluster/owned_names.ts";
import { Registry } from "../../lib/cluster/registry.ts";
import { DEFAULT_CLUSTER_SETTINGS as SETTINGS } from "../../lib/cluster/settings.ts";
import { seededRandom } from "../../lib/random.ts";
import { decodeValue, encodeValue } from "../../lib/wire/codec.ts";
import { test } from "../harness.ts";
import vectors from "./cluster.json" with { type: "json" };

const MESSAGES_GOLDEN: Readonly<Record<string, string>> = vectors.messages;

const ONE = "00112233445566778899aabbccddeeff";
const TWO = "8a2233445566778899aabbccddeeff00";
const THREE = "8b33445566778899aabbccddeeff0011";

const SELF: Member = { nodeId: ONE, addr: "10.0.0.1:7946", status: "alive", incarnation: 0 };
const PEER: Member = { nodeId: TWO, addr: "10.0.0.2:7946", status: "alive", incarnation: 3 };
const SUSPECT: MemberNews = { ...PEER, nodeId: THREE, addr: "", status: "suspect", by: ONE };
const LOAD = { nodeId: TWO, seq: 2, actors: 40 };
const LIVE: RegistryEntry = {
  path: "actors/counter",
  actorId: "0".repeat(31) + "1",
  nodeId: TWO,
  version: 1,
  state: "live",
  className: "Counter",
  metadata: { zone: "b" },
};
const STOPPED: RegistryEntry = {
  path: "actors/old",
  actorId: "0".repeat(31) + "2",
  nodeId: TWO,
  version: 3,
  state: "stopped",
};
const BIG: RegistryEntry = { ...LIVE, path: "actors/late", version: 2 ** 40 + 5 };

const MESSAGES: Readonly<Record<string, ClusterMessage>> = {
  "gossip": { kind: "gossip", members: [SUSPECT], entries: [LIVE, STOPPED], loads: [LOAD] },
  "gossip, no news": { kind: "gossip" },
  "probe": { kind: "probe", seq: 7 },
  "ack, with the answering member": { kind: "ack", seq: 7, members: [PEER] },
  "probe-for": { kind: "probe-for", seq: 8, target: TWO },
  "nack": { kind: "nack", seq: 8 },
  "sync": { kind: "sync", digest: vectors.digest },
  "summary": {
    kind: "summary",
    bucket: 8,
    rows: [{ member: PEER, floor: 1, hash: -1, load: LOAD }, {
      member: SUSPECT,
      floor: 0,
      hash: 0,
    }],
  },
  "names, with the question": {
    kind: "names",
    lists: [{ owner: TWO, floor: 1, versions: [1, 2 ** 40 + 5] }],
    answer: true,
  },
  "names, with what was lacking": { kind: "names", entries: [LIVE], lists: [], answer: false },
};

test("cluster vectors stand for every kind of message", () => {
  assert.deepEqual(Object.keys(MESSAGES_GOLDEN), Object.keys(MESSAGES));
});

for (const [name, message] of Object.entries(MESSAGES)) {
  test(`cluster messages keep the frozen bytes of ${name}`, () => {
    const hex = MESSAGES_GOLDEN[name] ?? "";
    assert.equal(encodeValue(message).toHex(), hex);
    assert.deepEqual(readMessage(decodeValue(Uint8Array.fromHex(hex))), message);
  });
}

test("the digest of a small state is the frozen one", () => {
  const random = seededRandom(1);
  const membership = new Membership({ self: SELF, maxMembers: 9, settings: SETTINGS, random });
  const registry = new Registry(ONE, 9);
  const comparison = new AntiEntropy(membership, registry, new Loads(ONE));
  registry.register({ path: "actors/own", actorId: LIVE.actorId });
  for (const member of [PEER, SUSPECT, { ...PEER, nodeId: "7".repeat(32) }]) {
    membership.hear(member, 0);
  }
  membership.hear({ ...PEER, nodeId: "7".repeat(32), status: "left" }, 0); // counts for nothing
  for (const entry of [LIVE, STOPPED, BIG]) registry.merge(entry);
  const names = registry.of(TWO);
  assert.deepEqual([names?.floor, names?.hash], [1, vectors.namesHash]);
  assert.deepEqual(comparison.digest(), vectors.digest);
});
