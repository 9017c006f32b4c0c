/** The time in which a node stood still is counted for nobody. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { OwnTime } from "../../../lib/cluster/own_time.ts";
import { test } from "../../harness.ts";

test("OwnTime follows the clock while timers are not late", () => {
  const time = new OwnTime(100);
  assert.equal(time.pass(50), 0);
  assert.equal(time.now, 50);
  assert.equal(time.awaited(200), 200);
  assert.equal(time.pass(300), 0, "100 ms late is not above 100");
  assert.equal(time.now, 300);
});

test("late timer: the time in which the node stood still is counted for nobody", () => {
  const time = new OwnTime(100);
  time.awaited(200);
  assert.equal(time.pass(5_200), 5_000);
  assert.equal(time.now, 200, "as if the timer had been on time");
  assert.equal(time.awaited(700), 5_700, "the clock's time of a later moment");
  assert.equal(time.pass(5_700), 0);
  assert.equal(time.now, 700);
});

test("late event of another kind shows a stall as well, and shows it once", () => {
  const time = new OwnTime(100);
  time.awaited(200);
  assert.equal(time.pass(1_200), 1_000);
  assert.equal(time.pass(1_210), 0, "the messages that waited come after it");
  assert.equal(time.now, 210);
});

test("an event before the timer is due shows nothing", () => {
  const time = new OwnTime(100);
  time.awaited(10_000);
  assert.equal(time.pass(9_000), 0);
  assert.equal(time.now, 9_000);
});

test("OwnTime never goes back, and what is due has come at the time asked for (property)", () => {
  const steps = fc.array(
    fc.tuple(
      fc.double({ min: 0, max: 1_000, noNaN: true }),
      fc.double({ min: 0, max: 5_000, noNaN: true }),
    ),
    { maxLength: 60 },
  );
  fc.assert(fc.property(steps, (list) => {
    const time = new OwnTime(100);
    let at = 0;
    for (const [waitMs, lateMs] of list) {
      const before = time.now;
      const due = time.now + waitMs;
      at = Math.max(at, time.awaited(due)) + lateMs;
      time.pass(at);
      assert.ok(time.now >= before);
      assert.ok(time.now >= due, `${time.now} is before ${due}`);
    }
  }));
});
