import assert from "node:assert/strict";
import fc from "fast-check";
import { sleep } from "../../../lib/clock.ts";
import type * as pul from "../../../mod.ts";
import { ManualClock } from "../../../lib/testing/mod.ts";
import { test } from "../../harness.ts";

test("ManualClock stands still until it is advanced", async () => {
  const clock = new ManualClock({ wallTimeMs: 5_000 });
  assert.deepEqual([clock.now(), clock.wallTime()], [0, 5_000]);
  await clock.advance(1.5);
  assert.deepEqual([clock.now(), clock.wallTime()], [1.5, 5_001.5]);
});

test("ManualClock fires timers by time, then by creation, each at its own time", async () => {
  const clock = new ManualClock();
  const log: string[] = [];
  const set = (name: string, delayMs: number) =>
    clock.setTimer(() => log.push(`${name}@${clock.now()}`), delayMs);
  set("late", 30), set("first", 10), set("second", 10), set("past", -5), set("after", 31);
  await clock.advance(30);
  assert.deepEqual(log, ["past@0", "first@10", "second@10", "late@30"]);
  assert.equal(clock.pendingTimers, 1);
});

test("ManualClock fires timers that are set on the way", async () => {
  const clock = new ManualClock();
  const log: number[] = [];
  const tick = () => {
    log.push(clock.now());
    clock.setTimer(tick, 10);
  };
  clock.setTimer(tick, 10);
  await clock.advance(35);
  assert.deepEqual(log, [10, 20, 30]);
  assert.equal(clock.now(), 35);
});

test("ManualClock settles long promise chains and deferred callbacks between timers", async () => {
  const clock = new ManualClock();
  const log: string[] = [];
  clock.setTimer(async () => {
    for (let hop = 0; hop < 1_000; hop++) await undefined;
    log.push("chain");
    clock.defer(() => {
      log.push("deferred");
      void Promise.resolve().then(() => clock.defer(() => log.push("deferred again")));
    });
  }, 1);
  clock.setTimer(() => log.push("next timer"), 1);
  await clock.advance(1);
  assert.deepEqual(log, ["chain", "deferred", "deferred again", "next timer"]);
});

test("ManualClock.defer never runs inside the call and settle runs it without time", async () => {
  const clock = new ManualClock();
  let runs = 0;
  clock.defer(() => runs++);
  clock.setTimer(() => runs += 100, 0);
  assert.equal(runs, 0);
  await clock.settle();
  assert.deepEqual([runs, clock.now(), clock.pendingTimers], [1, 0, 1]);
  await clock.advance(0);
  assert.equal(runs, 101);
});

test("ManualClock timers cancel once, also late and from a callback of the same time", async () => {
  const clock = new ManualClock();
  const log: string[] = [];
  const first = clock.setTimer(() => {
    log.push("first");
    second.cancel();
  }, 5);
  const second = clock.setTimer(() => log.push("second"), 5);
  const third = clock.setTimer(() => log.push("third"), 5);
  await clock.advance(5);
  first.cancel();
  second.cancel();
  third.cancel();
  assert.deepEqual(log, ["first", "third"]);
  assert.equal(clock.pendingTimers, 0);
});

test("ManualClock drives sleep", async () => {
  const clock = new ManualClock();
  const slept = sleep(clock, 60_000).then(() => clock.now());
  await clock.advance(100_000);
  assert.equal(await slept, 60_000);
});

test("ManualClock waits as long as the machine's clock does: for months, and for ever", async () => {
  const clock = new ManualClock();
  const fired: number[] = [];
  for (const delayMs of [2 ** 31, Infinity]) clock.setTimer(() => fired.push(delayMs), delayMs);
  await clock.advance(2 ** 32);
  assert.deepEqual([fired, clock.pendingTimers], [[2 ** 31], 1]);
  assert.throws(() => clock.setTimer(() => {}, NaN), RangeError);
});

test("ManualClock.advance refuses bad steps and a second caller, and recovers", async () => {
  const clock = new ManualClock();
  for (const ms of [-1, NaN, Infinity]) await assert.rejects(clock.advance(ms), RangeError);
  const running = clock.advance(1);
  await assert.rejects(clock.advance(1), /already advancing/);
  await running;
  await clock.advance(1);
  assert.equal(clock.now(), 2);
});

test("ManualClock.advance passes on what a callback throws and can go on", async () => {
  const clock = new ManualClock();
  clock.setTimer(() => {
    throw new Error("mine");
  }, 10);
  await assert.rejects(clock.advance(20), /mine/);
  assert.equal(clock.now(), 10);
  await clock.advance(10);
  assert.equal(clock.now(), 20);
});

test("ManualClock keeps a deferred callback's throw from losing the others", async () => {
  const clock = new ManualClock();
  const log: string[] = [];
  clock.defer(() => {
    throw new Error("mine");
  });
  clock.defer(() => log.push("other"));
  await assert.rejects(clock.settle(), /mine/);
  await clock.settle();
  assert.deepEqual(log, ["other"]);
});

test("ManualClock tells when the code never comes to rest", async () => {
  const clock = new ManualClock();
  const again = () => clock.defer(again);
  again();
  await assert.rejects(clock.settle(), /Cannot settle clock: callbacks are deferred without end/);
  const other = new ManualClock();
  const rearm = () => void other.setTimer(rearm, 0);
  rearm();
  await assert.rejects(other.advance(1), /Cannot settle clock: timers without delay/);
});

test("ManualClock.advanceUntil stops at the callback that made it so", async () => {
  const clock = new ManualClock();
  let answered = false;
  clock.setTimer(async () => {
    for (let hop = 0; hop < 100; hop++) await undefined;
    answered = true;
  }, 30);
  clock.setTimer(() => assert.fail("fired too far"), 31);
  assert.equal(await clock.advanceUntil(() => answered, 1_000), true);
  assert.equal(clock.now(), 30);
  assert.equal(await clock.advanceUntil(() => answered, 1_000), true, "it holds already");
  assert.equal(clock.now(), 30);
});

test("ManualClock.advanceUntil tells that the time is over, and passes on a throw", async () => {
  const clock = new ManualClock();
  clock.setTimer(() => {}, 10);
  assert.equal(await clock.advanceUntil(() => false, 25), false);
  assert.equal(clock.now(), 25);
  const broken = clock.advanceUntil(() => {
    throw new Error("mine");
  }, 10);
  await assert.rejects(broken, /mine/);
  await clock.advance(1);
  assert.equal(clock.now(), 26);
});

test("ManualClock keeps its order under any sets and cancels on the way (property)", async () => {
  const step = fc.record({ delayMs: fc.nat(50), cancels: fc.option(fc.nat(40)), again: fc.nat(3) });
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const clock = new ManualClock();
    const pending = new Map<number, number>();
    const timers: pul.Timer[] = [];
    const set = (delayMs: number, callback: () => void) => {
      const number = timers.length;
      pending.set(number, clock.now() + delayMs);
      timers.push(clock.setTimer(() => {
        const due = pending.get(number);
        assert.equal(due, clock.now());
        for (const [other, otherDue] of pending) {
          assert.ok(otherDue > clock.now() || (otherDue === due && other >= number));
        }
        pending.delete(number);
        callback();
      }, delayMs));
    };
    for (const { delayMs, cancels, again } of steps) {
      set(delayMs, () => {
        if (cancels !== null && cancels < timers.length) {
          timers[cancels]!.cancel();
          pending.delete(cancels);
        }
        for (let round = 0; round < again; round++) set(delayMs * round, () => {});
      });
    }
    await clock.advance(200);
    assert.equal(pending.size, 0);
    assert.equal(clock.pendingTimers, 0);
  }));
});

test("ManualClock fires any set of timers in a stable sort by time (property)", async () => {
  const delays = fc.array(fc.record({ delayMs: fc.nat(20), cancel: fc.boolean() }));
  await fc.assert(fc.asyncProperty(delays, async (timers) => {
    const clock = new ManualClock();
    const fired: number[] = [];
    const set = timers.map(({ delayMs }, n) => clock.setTimer(() => fired.push(n), delayMs));
    timers.forEach(({ cancel }, n) => cancel && set[n]?.cancel());
    await clock.advance(20);
    const expected = timers.map((timer, n) => ({ ...timer, n })).filter(({ cancel }) => !cancel);
    expected.sort((a, b) => a.delayMs - b.delayMs);
    assert.deepEqual(fired, expected.map(({ n }) => n));
    assert.equal(clock.pendingTimers, 0);
  }));
});
