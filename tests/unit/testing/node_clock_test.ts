import assert from "node:assert/strict";
import { ManualClock } from "../../../lib/testing/mod.ts";
import { NodeClock } from "../../../lib/testing/node_clock.ts";
import { test } from "../../harness.ts";

function node() {
  const clock = new ManualClock();
  const log: string[] = [];
  let turns = 0;
  const own = new NodeClock(clock, () => turns++);
  const note = (text: string) => () => void log.push(`${text}@${own.now()}`);
  return { clock, own, log, note, turns: () => turns };
}

test("NodeClock: a frozen node does nothing and its time goes on", async () => {
  const { clock, own, log, note, turns } = node();
  own.setTimer(note("timer"), 10);
  own.defer(note("deferred"));
  own.freeze();
  own.arrive(note("bytes"));
  await clock.advance(50);
  assert.deepEqual([log, turns(), own.now()], [[], 0, 50]);
  own.thaw();
  await clock.settle();
  assert.deepEqual([log, turns()], [["timer@50", "bytes@50", "deferred@50"], 3]);
});

test("NodeClock: after a thaw the late timers run in their order, each with what follows", async () => {
  const { clock, own, log, note } = node();
  own.setTimer(note("second"), 20);
  own.setTimer(async () => {
    note("first")();
    for (let hop = 0; hop < 50; hop++) await undefined;
    own.defer(note("turn"));
    never.cancel();
    log.push("followed");
  }, 10);
  const never = own.setTimer(note("cancelled by the first"), 15);
  own.setTimer(note("not due"), 500);
  own.freeze();
  await clock.advance(100);
  own.arrive(note("bytes 1"));
  own.arrive(note("bytes 2"));
  own.thaw();
  await clock.advance(1);
  const expected = ["first@100", "followed", "second@100", "bytes 1@100", "bytes 2@100"];
  assert.deepEqual(log, [...expected, "turn@100"]);
  await clock.advance(1_000);
  assert.equal(log.at(-1), "not due@500");
});

test("NodeClock: a freeze while it catches up holds back what is left", async () => {
  const { clock, own, log, note } = node();
  own.setTimer(() => {
    note("one")();
    own.freeze();
  }, 1);
  own.setTimer(note("two"), 2);
  own.freeze();
  await clock.advance(5);
  own.thaw();
  await clock.advance(5);
  assert.deepEqual(log, ["one@5"]);
  own.thaw();
  await clock.settle();
  assert.deepEqual(log, ["one@5", "two@10"]);
});

test("NodeClock: a killed node never runs again and leaves no timer", async () => {
  const { clock, own, log, note, turns } = node();
  own.setTimer(note("timer"), 1);
  own.defer(note("deferred"));
  own.kill();
  own.setTimer(note("later"), 1).cancel();
  own.defer(note("later"));
  own.arrive(note("bytes"));
  own.thaw();
  await clock.advance(10);
  assert.deepEqual([log, turns(), clock.pendingTimers], [[], 0, 0]);
});
