import assert from "node:assert/strict";
import {
  atMostOnce,
  convergence,
  History,
  type HistoryEntry,
  type HistoryEvent,
  noResurrection,
  orderPerPair,
  streamPrefix,
} from "../../../lib/testing/mod.ts";
import { test } from "../../harness.ts";

const at = (...events: readonly HistoryEvent[]): readonly HistoryEntry[] =>
  events.map((event, atMs) => ({ ...event, atMs }));

const call = (kind: "sent" | "handled", call: string, from = "a", to = "b"): HistoryEvent => {
  return { kind, call, from, to };
};
const item = (kind: "yielded" | "taken", item: string): HistoryEvent => {
  return { kind, stream: "s", item };
};
const ended = (error?: string): HistoryEvent => {
  return { kind: "ended", stream: "s", ...(error !== undefined && { error }) };
};
const running = (node: string, nodeId: string): HistoryEvent => {
  return { kind: "node", node, nodeId, state: "running" };
};
type Status = "alive" | "suspect" | "dead" | "left" | "forgotten";
const sees = (node: string, nodeId: string, status: Status, incarnation = 0): HistoryEvent => {
  return { kind: "member", node, nodeId, addr: `${nodeId}:1`, status, incarnation };
};
const name = (
  node: string,
  actorId: string,
  state: "up" | "gone",
  nodeId: string,
): HistoryEvent => ({ kind: "name", node, path: "actors/x", actorId, nodeId, state });

test("atMostOnce shows both times of a call that was handled twice", () => {
  assert.deepEqual(atMostOnce(at(call("sent", "1"), call("handled", "1"))), []);
  const [violation, ...others] = atMostOnce(at(call("handled", "1"), call("handled", "1")));
  assert.deepEqual(others, []);
  assert.match(violation!, /again\n {2}0\.000 handled 1 a -> b\n {2}1\.000 handled 1 a -> b$/);
});

test("orderPerPair allows gaps and other pairs, and no overtaking", () => {
  const sent = [call("sent", "1"), call("sent", "2"), call("sent", "3"), call("sent", "4", "c")];
  const fine = [call("handled", "4", "c"), call("handled", "1"), call("handled", "3")];
  assert.deepEqual(orderPerPair(at(...sent, ...fine)), []);
  const wrong = [call("handled", "3"), call("handled", "1"), call("handled", "2")];
  assert.equal(orderPerPair(at(...sent, ...wrong)).length, 2);
});

test("streamPrefix wants the beginning of what was given, and an end", () => {
  const given = [item("yielded", "1"), item("yielded", "2")];
  const [one, two] = [item("taken", "1"), item("taken", "2")];
  const violations = (...events: readonly HistoryEvent[]) =>
    streamPrefix(at(...given, ...events)).map((text) => text.split("\n")[0]);
  assert.deepEqual(violations(one, two, ended()), []);
  assert.deepEqual(violations(one, ended("node-lost")), []);
  assert.deepEqual(violations(), [], "nobody has taken anything");
  assert.deepEqual(violations(one, ended()), ["stream s: 1 items are missing"]);
  assert.deepEqual(violations(one), ["stream s: its consumer saw no end"]);
  assert.deepEqual(violations(two, ended("x")), ["stream s: expected item 1"]);
  assert.deepEqual(violations(one, one, ended()), ["stream s: expected item 2"]);
  assert.deepEqual(violations(one, two, two, ended()), ["stream s: expected item none"]);
  const after = "stream s: something came after its end";
  assert.deepEqual(violations(one, ended("x"), two), [after]);
  assert.deepEqual(violations(one, two, ended(), ended()), [after]);
});

test("convergence compares what running nodes see with each other and with what is so", () => {
  const both = [
    running("node-0", "aa"),
    running("node-1", "bb"),
    ...["node-0", "node-1"].flatMap((one) => [sees(one, "aa", "alive"), sees(one, "bb", "alive")]),
  ];
  const violations = (...events: readonly HistoryEvent[]) =>
    convergence(at(...both, ...events)).map((text) => text.split("\n")[0]);
  const node = { kind: "node", node: "node-1", nodeId: "bb" } as const;
  assert.deepEqual(violations(), []);
  assert.deepEqual(violations({ ...node, state: "frozen" }, sees("node-0", "bb", "dead")), []);
  assert.deepEqual(violations({ ...node, state: "killed" }), [
    "node-0 sees a node that has ended",
  ]);
  assert.deepEqual(violations(sees("node-0", "bb", "suspect")), [
    "node-0 and node-1 see different members",
    "node-0 does not see a running node",
  ]);
  assert.deepEqual(violations(name("node-0", "cc", "up", "aa")), [
    "node-0 and node-1 see different names",
  ]);
  const known = [name("node-0", "cc", "up", "aa"), name("node-1", "cc", "up", "aa")];
  assert.deepEqual(violations(...known), []);
  assert.deepEqual(violations(...known, name("node-1", "cc", "gone", "aa")).length, 1);
});

test("noResurrection: dead and left members need a higher incarnation to come back", () => {
  for (const end of ["dead", "left"] as const) {
    const about = (status: Status, incarnation: number) =>
      sees("node-0", "bb", status, incarnation);
    const history = (...more: readonly HistoryEvent[]) =>
      noResurrection(at(about("alive", 3), about(end, 3), ...more)).length;
    assert.equal(history(about("forgotten", 3)), 0);
    assert.equal(history(about("alive", 4)), 0);
    assert.equal(history(about("alive", 3)), 1);
    assert.equal(history(about("suspect", 2)), 1);
    assert.equal(history(about("forgotten", 3), about("alive", 3)), 1);
    assert.equal(history(sees("node-1", "bb", "alive", 3)), 0, "another node hears it later");
  }
});

test("noResurrection: who forgot a node that lives may meet it again, but none that has ended", () => {
  const about = (status: Status) => sees("node-0", "bb", status);
  const history = (...more: readonly HistoryEvent[]) =>
    noResurrection(at(running("node-1", "bb"), about("dead"), ...more)).length;
  const killed: HistoryEvent = { kind: "node", node: "node-1", nodeId: "bb", state: "killed" };
  assert.equal(history(about("forgotten"), about("alive")), 0);
  assert.equal(history(about("alive")), 1);
  assert.equal(history(killed, about("forgotten"), about("suspect")), 1);
});

test("noResurrection: a stopped actor of a name does not reappear where it was gone", () => {
  const start = [
    running("node-0", "aa"),
    running("node-1", "bb"),
    name("node-0", "cc", "up", "aa"),
  ];
  const stop = name("node-0", "cc", "gone", "aa");
  const [up, gone] = (["up", "gone"] as const).map((state) => name("node-1", "cc", state, "aa"));
  const violations = (...events: readonly (HistoryEvent | undefined)[]) =>
    noResurrection(at(...start, ...events.filter((event) => event !== undefined))).length;
  assert.equal(violations(up, stop, gone), 0);
  assert.equal(violations(stop, up, gone), 0, "late news of it");
  assert.equal(violations(up, gone, up, stop, gone), 0, "its node was away");
  assert.equal(violations(up, stop, gone, up), 1);
});

test("noResurrection: a name that was hidden with its node may be seen again until its stop is known", () => {
  const start = [running("node-0", "aa"), running("node-1", "bb")];
  const stop = name("node-0", "cc", "gone", "aa");
  const [up, gone] = (["up", "gone"] as const).map((state) => name("node-1", "cc", state, "aa"));
  const [alive, suspect] = (["alive", "suspect"] as const).map((status, incarnation) =>
    sees("node-1", "aa", status, 4 + incarnation)
  );
  const violations = (...events: readonly (HistoryEvent | undefined)[]) =>
    noResurrection(at(...start, ...events.filter((event) => event !== undefined))).length;
  for (const status of ["dead", "left", "forgotten"] as const) {
    const away = sees("node-1", "aa", status, 3);
    assert.equal(violations(up, away, gone, stop, alive, up, gone), 0, status);
    assert.equal(violations(up, away, gone, stop, alive, up, gone, up), 1, `${status}, then known`);
    assert.equal(violations(up, stop, gone, away, alive, up), 1, `${status} when it was known`);
  }
  assert.equal(violations(up, suspect, stop, gone, up), 1, "a suspect hides nothing");
});

test("History is in the order of its times, also what is noticed late", () => {
  const history = new History(() => 7);
  const note = (text: string, atMs?: number) => history.add({ kind: "note", text }, atMs);
  note("first", 5);
  note("now");
  note("late", 5);
  note("now too");
  note("later", 6);
  const texts = history.entries.map((entry) => entry.kind === "note" ? entry.text : entry.kind);
  assert.deepEqual(texts, ["first", "late", "later", "now", "now too"]);
  assert.equal(history.text(1), "7.000 note now too\n");
});

test("History records calls and streams with their ends and errors", async () => {
  let now = 0;
  const history = new History(() => now);
  const failing = history.call("c", "a", "b", () => Promise.reject(new TypeError("x")));
  await assert.rejects(failing, TypeError);
  now = 1.5;
  const items = (async function* () {
    yield* [1, { a: 1 }];
    await Promise.resolve();
    throw new RangeError("over");
  })();
  assert.deepEqual(await history.taken("s", history.yielded("s", items)), [1, { a: 1 }]);
  assert.deepEqual(
    history.text(),
    [
      "0.000 sent c a -> b",
      "0.000 failed c TypeError",
      "1.500 yielded s 1",
      "1.500 taken s 1",
      '1.500 yielded s {"a":1}',
      '1.500 taken s {"a":1}',
      "1.500 ended s RangeError",
      "",
    ].join("\n"),
  );
  history.add({ kind: "note", text: "two\nlines" }, 9);
  assert.equal(history.text(1), "9.000 note two lines\n");
  assert.equal(history.text(0), "");
  assert.deepEqual(streamPrefix(history.entries), []);
});
