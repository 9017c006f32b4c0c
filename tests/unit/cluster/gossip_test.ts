/** News on its way: how often it is told, in which messages, and what is read of them. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ClusterMessage,
  type News,
  partsOf,
  readMessage,
  type Rumour,
  Rumours,
} from "../../../lib/cluster/gossip.ts";
import { encodeValue } from "../../../lib/wire/codec.ts";
import { test } from "../../harness.ts";
import { entry, id, member } from "./cast.ts";

const about = (n: number): Rumour => ({ kind: "member", member: member(n) });
const named = (n: number, version = 1): Rumour => (
  { kind: "entry", entry: entry(n, version, "live", "actors/a") }
);
const isTrue = () => true;
const count = ({ members = [], entries = [], loads = [] }: News) =>
  members.length + entries.length + loads.length;

function rumoursOf(...list: readonly Rumour[]): Rumours {
  const rumours = new Rumours();
  for (const one of list) rumours.add(one);
  return rumours;
}

test("Rumours: each is told its number of times and then dropped", () => {
  const rumours = rumoursOf(about(1), named(2), {
    kind: "load",
    load: { nodeId: id(3), seq: 1, actors: 4 },
  });
  for (let time = 0; time < 3; time++) assert.equal(count(rumours.take(3, 9_999, isTrue)), 3);
  assert.equal(rumours.isEmpty, true);
  assert.deepEqual(rumours.take(3, 9_999, isTrue), {});
});

test("Rumours: what was told least comes first, within the size of a message", () => {
  const rumours = rumoursOf(about(1), about(2), about(3));
  const twoOf = () => rumours.take(9, 400, isTrue).members?.map(({ nodeId }) => nodeId);
  assert.deepEqual(twoOf(), [id(1), id(2)]);
  assert.deepEqual(twoOf(), [id(3), id(1)]);
  rumours.add(about(4));
  assert.deepEqual(twoOf(), [id(4), id(2)]);
});

test("Rumours: one passes though it is too large, or it would stay for ever", () => {
  const rumours = rumoursOf(about(1), about(2));
  assert.deepEqual([count(rumours.take(1, 1, isTrue)), count(rumours.take(1, 1, isTrue))], [1, 1]);
  assert.equal(rumours.isEmpty, true);
});

test("Rumours: long metadata counts into the size of a message", () => {
  const rumours = new Rumours();
  for (let n = 1; n <= 4; n++) {
    const metadata = { text: "x".repeat(200), more: "y".repeat(200) };
    rumours.add({ kind: "entry", entry: { ...entry(n, 1), metadata } });
  }
  assert.equal(count(rumours.take(3, 1_300, isTrue)), 2);
});

test("Rumours: newer news of the same thing replaces older, and is told from the start", () => {
  const rumours = rumoursOf(named(1, 1));
  rumours.take(2, 9_999, isTrue);
  rumours.add(named(1, 2));
  for (let time = 0; time < 2; time++) {
    assert.deepEqual(rumours.take(2, 9_999, isTrue).entries?.map((one) => one.version), [2]);
  }
  assert.equal(rumours.isEmpty, true);
});

test("Rumours: what is not believed any more is dropped untold", () => {
  const rumours = rumoursOf(about(1), about(2));
  const isOfTwo = (rumour: Rumour) => rumour.kind === "member" && rumour.member.nodeId === id(2);
  assert.deepEqual(rumours.take(9, 9_999, isOfTwo).members, [member(2)]);
  assert.deepEqual(rumours.take(9, 9_999, isTrue).members, [member(2)]);
});

test("Rumours: accusations by several members stand side by side", () => {
  const accusations = [3, 4, 5].map((by) => ({ ...member(2, "suspect"), by: id(by) }));
  const rumours = rumoursOf(
    ...accusations.map((one) => ({ kind: "member", member: one } as const)),
  );
  assert.deepEqual(rumours.take(9, 9_999, isTrue).members, accusations);
});

function everything(message: ClusterMessage, members: number, entries: number): ClusterMessage {
  return {
    ...message,
    members: Array.from({ length: members }, (_, n) => member(n)),
    entries: Array.from({ length: entries }, (_, n) => ({
      ...entry(1, n + 1, "live", `actors/worker-with-a-rather-long-name-${n}`),
      className: "Worker",
    })),
  };
}

const NAMES = { kind: "names", lists: [], answer: false } as const;

test("partsOf keeps 10 000 names within the size of a message, complete and in order", () => {
  const message = everything(NAMES, 100, 10_000);
  const parts = partsOf(message, 65_536);
  assert.ok(parts.length > 20, `${parts.length} parts`);
  for (const part of parts) assert.ok(encodeValue(part).length <= 65_536);
  assert.deepEqual(parts.flatMap(({ members = [] }) => members), message.members);
  assert.deepEqual(parts.flatMap(({ entries = [] }) => entries), message.entries);
});

test("partsOf asks for the answer with the last part only", () => {
  const asked: ClusterMessage[] = [NAMES, { kind: "probe", seq: 7 }, { kind: "gossip" }];
  for (const message of asked) {
    const parts = partsOf(everything(message, 3, 1_000), 65_536);
    const { members: _m, entries: _e, ...last } = parts.at(-1)!;
    assert.deepEqual(last, message);
    assert.ok(parts.length > 1 && parts.slice(0, -1).every(({ kind }) => kind === "gossip"));
  }
});

test("partsOf leaves a short message whole, one without news too", () => {
  for (const message of [everything(NAMES, 1, 3), NAMES, everything({ kind: "gossip" }, 1, 0)]) {
    assert.deepEqual(partsOf(message, 65_536), [message]);
  }
});

test("partsOf sends news that is longer than a part alone", () => {
  const sizes = partsOf(everything({ kind: "gossip" }, 0, 3), 1).map(count);
  assert.deepEqual(sizes, [1, 1, 1]);
});

const MESSAGES: readonly ClusterMessage[] = [
  { kind: "gossip", members: [member(2)], entries: [entry(2, 1)] },
  { kind: "gossip", loads: [{ nodeId: id(2), seq: 1, actors: 3 }] },
  { kind: "probe", seq: 1 },
  { kind: "ack", seq: 0 },
  { kind: "nack", seq: 3 },
  { kind: "probe-for", seq: 4, target: id(2) },
  { kind: "sync", digest: [1, -2, 0] },
  { kind: "summary", bucket: 3, rows: [{ member: member(2), floor: 4, hash: -5 }] },
  { kind: "names", lists: [{ owner: id(2), floor: 1, versions: [1, 5] }], answer: true },
];

test("readMessage reads every kind as it was sent", () => {
  for (const message of MESSAGES) {
    assert.deepEqual(readMessage({ ...message, later: true }), message);
    assert.deepEqual(readMessage(structuredClone(message)), message);
  }
});

test("readMessage drops malformed parts and keeps the others", () => {
  const bad = { nodeId: "x" };
  assert.deepEqual(
    readMessage({ kind: "gossip", members: [bad, member(2), null], entries: [7], loads: [bad] }),
    { kind: "gossip", members: [member(2)], entries: [], loads: [] },
  );
  const row = { member: member(2), floor: 0, hash: 0 };
  assert.deepEqual(
    readMessage({
      kind: "summary",
      bucket: 0,
      rows: [{ ...row, load: bad }, { ...row, floor: -1 }],
    }),
    { kind: "summary", bucket: 0, rows: [row] },
  );
  const list = { owner: id(2), floor: 0, versions: [] };
  assert.deepEqual(
    readMessage({ kind: "names", lists: [{ ...list, versions: ["1"] }, list, {}], answer: 1 }),
    { kind: "names", lists: [list], answer: false },
  );
});

test("readMessage ignores unknown kinds and messages that lack what their kind needs", () => {
  const bad = [
    undefined,
    "gossip",
    { kind: "push" },
    { kind: "toString" },
    { kind: "probe" },
    { kind: "ack", seq: -1 },
    { kind: "probe-for", seq: 1, target: "x" },
    { kind: "sync", digest: [1.5] },
    { kind: "summary", bucket: -1, rows: [] },
    { kind: "names", lists: {} },
  ];
  for (const one of bad) assert.equal(readMessage(one), undefined, JSON.stringify(one));
});

test("readMessage never throws, and what it gives it reads again (property)", () => {
  const anything = fc.anything();
  const likely = fc.record({
    kind: fc.constantFrom(...MESSAGES.map(({ kind }) => kind)),
    seq: anything,
    target: anything,
    digest: fc.oneof(anything, fc.array(anything)),
    bucket: fc.oneof(anything, fc.nat()),
    rows: fc.array(fc.oneof(anything, fc.record({ member: anything, load: anything }))),
    lists: fc.array(anything),
    members: fc.array(anything),
    entries: fc.array(anything),
    loads: fc.array(anything),
  }, { requiredKeys: ["kind"] });
  fc.assert(fc.property(fc.oneof(anything, likely), (value) => {
    const message = readMessage(value);
    if (message !== undefined) assert.deepEqual(readMessage(message), message);
  }));
});
