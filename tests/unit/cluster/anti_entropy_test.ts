/** The comparison of two nodes: what differs is found, and it comes to rest. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { AntiEntropy } from "../../../lib/cluster/anti_entropy.ts";
import type { ClusterMessage } from "../../../lib/cluster/gossip.ts";
import { Loads } from "../../../lib/cluster/loads.ts";
import { isReachable, type Member, type MemberStatus } from "../../../lib/cluster/member.ts";
import { Membership } from "../../../lib/cluster/membership.ts";
import type { RegistryEntry } from "../../../lib/cluster/owned_names.ts";
import { Registry } from "../../../lib/cluster/registry.ts";
import { DEFAULT_CLUSTER_SETTINGS as SETTINGS } from "../../../lib/cluster/settings.ts";
import { seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";
import { entry, id, member } from "./cast.ts";

/** One side of a comparison; it takes messages as {@link ClusterState} does. */
class Side {
  readonly registry: Registry;
  readonly loads: Loads;
  readonly membership: Membership;
  readonly comparison: AntiEntropy;

  constructor(n: number) {
    const self = member(n);
    const random = seededRandom(n);
    this.membership = new Membership({ self, maxMembers: 999, settings: SETTINGS, random });
    this.registry = new Registry(self.nodeId, 9_999);
    this.loads = new Loads(self.nodeId);
    this.comparison = new AntiEntropy(this.membership, this.registry, this.loads);
  }

  receive(from: Side, message: ClusterMessage): readonly ClusterMessage[] {
    for (const one of message.members ?? []) this.membership.hear(one, 0);
    for (const one of message.entries ?? []) this.registry.merge(one);
    const by = from.membership.self.nodeId;
    switch (message.kind) {
      case "sync":
        return this.comparison.differences(message.digest);
      case "summary":
        for (const row of message.rows) this.membership.hearRemembered(row.member, by, 0);
        return [this.comparison.answer(message.bucket, message.rows)].filter((one) => !!one);
      case "names":
        return [this.comparison.reconcile(message.lists, message.answer)].filter((one) => !!one);
      default:
        throw new TypeError(`Cannot take "${message.kind}": no part of a comparison`);
    }
  }

  /** What it serves: members that have not gone and the live names of those. */
  view(): unknown {
    const members = this.membership.all.filter(isReachable);
    return members.map(({ nodeId, incarnation }) => {
      const names = [...this.registry.of(nodeId)?.entries() ?? []]
        .filter(({ state }) => state === "live").map(({ path, version }) => `${path} ${version}`);
      return `${nodeId} ${incarnation} ${names.sort()}`;
    }).sort();
  }
}

/** One side compares with the other; the kinds of the messages that took. */
function compare(one: Side, other: Side): readonly string[] {
  const kinds: string[] = [];
  const waiting: [Side, Side, ClusterMessage][] = [
    [one, other, { kind: "sync", digest: one.comparison.digest() }],
  ];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [from, to, message] = next;
    kinds.push(message.kind);
    assert.ok(kinds.length < 100, "it does not end");
    for (const answer of to.receive(from, message)) waiting.push([to, from, answer]);
  }
  return kinds;
}

function sides(): readonly [Side, Side] {
  const [one, other] = [new Side(1), new Side(2)];
  one.membership.hear(member(2), 0);
  other.membership.hear(member(1), 0);
  return [one, other];
}

test("AntiEntropy: nodes that know the same exchange one message", () => {
  const [one, other] = sides();
  for (const side of [one, other]) side.registry.merge(entry(3, 1));
  assert.deepEqual(compare(one, other), ["sync"]);
});

test("AntiEntropy: a name that the other side lacks arrives, whoever asks", () => {
  for (const turned of [false, true]) {
    const [one, other] = sides();
    const named = one.registry.register({ path: "actors/a", actorId: id(7) });
    compare(...(turned ? [other, one] as const : [one, other] as const));
    assert.deepEqual(other.registry.at("actors/a"), [named]);
    compare(one, other);
    compare(other, one);
    assert.deepEqual(compare(one, other), ["sync"], "and then there is nothing to say");
  }
});

test("AntiEntropy: the stop of a name that gossip missed arrives", () => {
  const [one, other] = sides();
  const named = one.registry.register({ path: "actors/a", actorId: id(7) });
  other.registry.merge(named);
  one.registry.unregister("actors/a", id(7));
  compare(other, one);
  assert.deepEqual(other.registry.at("actors/a"), []);
  assert.equal(other.registry.merge(named), false);
});

test("AntiEntropy: members that the other side lacks arrive with their names", () => {
  const [one, other] = sides();
  one.membership.hear(member(0x30), 0);
  one.registry.merge(entry(0x30, 1));
  compare(other, one);
  assert.equal(other.membership.get(id(0x30))?.status, "alive");
  assert.deepEqual(other.registry.at("actors/a1"), [entry(0x30, 1)]);
});

test("AntiEntropy: only buckets that differ are brought up", () => {
  const [one, other] = sides();
  const spread = Array.from({ length: 16 }, (_, digit) => digit.toString(16) + "0".repeat(31));
  for (const nodeId of spread) {
    for (const side of [one, other]) side.membership.hear({ ...member(3), nodeId }, 0);
  }
  other.membership.hear({ ...member(4), nodeId: "c".repeat(32) }, 0);
  const messages = other.comparison.differences(one.comparison.digest());
  assert.deepEqual(messages.map((one) => one.kind === "summary" && one.bucket), [12]);
});

test("AntiEntropy: one that the other side calls dead is suspected, one that left is gone", () => {
  const [one, other] = sides();
  for (const side of [one, other]) for (const n of [3, 4]) side.membership.hear(member(n), 0);
  one.membership.hear(member(3, "dead"), 0);
  one.membership.hear(member(4, "left"), 0);
  compare(other, one);
  const statusOf = (n: number) => other.membership.get(id(n))?.status;
  assert.deepEqual([statusOf(3), statusOf(4)], ["suspect", "left"]);
});

test("AntiEntropy: a digest of any length is compared", () => {
  const [one] = sides();
  assert.equal(one.comparison.differences([]).length, 16, "nothing is like nothing");
  assert.deepEqual(one.comparison.differences([...one.comparison.digest(), 1, 2]), []);
});

const KNOWN = fc.array(fc.record({
  n: fc.integer({ min: 3, max: 9 }),
  status: fc.constantFrom<MemberStatus>("alive", "alive", "suspect", "left"),
  incarnation: fc.nat(2),
  side: fc.nat(1),
}));

const HEARD = fc.array(fc.record({
  owner: fc.integer({ min: 3, max: 9 }),
  version: fc.integer({ min: 1, max: 9 }),
  side: fc.nat(1),
}));

/** What an owner says at a version: every third change stops the name of the one before it. */
function change(owner: number, version: number): RegistryEntry {
  const isStop = version % 3 === 0;
  const path = `actors/a${isStop ? version - 1 : version}`;
  return entry(owner, version, isStop ? "stopped" : "live", path);
}

test("AntiEntropy: two nodes end with the same members and names, and come to rest (property)", () => {
  fc.assert(
    fc.property(KNOWN, HEARD, (known, heard) => {
      const both = sides();
      // Ids are spread over the buckets, and in different order on the two sides.
      for (const { n, status, incarnation, side } of known) {
        const news: Member = member(n, status, incarnation);
        both[side]!.membership.hear(news, 0);
      }
      for (const { owner, version, side } of heard) {
        both[side]!.registry.merge(change(owner, version));
      }
      compare(...both);
      compare(both[1], both[0]);
      assert.deepEqual(both[0].view(), both[1].view());
      for (let round = 0; round < 3; round++) {
        compare(...both);
        compare(both[1], both[0]);
      }
      assert.deepEqual(compare(...both), ["sync"]);
    }),
    { numRuns: 300 },
  );
});
