import assert from "node:assert/strict";
import process from "node:process";
import { sleep, systemClock } from "../../lib/clock.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { eventually, test } from "../harness.ts";

test("systemClock.now never goes backwards", () => {
  let last = systemClock.now();
  for (let round = 0; round < 10_000; round++) {
    const now = systemClock.now();
    assert.ok(now >= last);
    last = now;
  }
});

test("systemClock.wallTime is in this century and in milliseconds", () => {
  const wallTime = systemClock.wallTime();
  assert.ok(wallTime > 1_700_000_000_000 && wallTime < 4_102_444_800_000, String(wallTime));
});

test("systemClock.setTimer runs later, once and not before its time", async () => {
  const start = systemClock.now();
  let runs = 0;
  const waited = new Promise<number>((resolve) => {
    systemClock.setTimer(() => {
      runs++;
      resolve(systemClock.now() - start);
    }, 20);
  });
  assert.equal(runs, 0);
  assert.ok(await waited >= 19, "runtimes round the start of a timer to whole milliseconds");
  assert.equal(runs, 1);
});

test("systemClock.setTimer takes a moment that has just passed without a warning", async () => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error) => void warnings.push(name);
  process.on("warning", onWarning);
  await new Promise<void>((resolve) => void systemClock.setTimer(resolve, -0.003));
  await sleep(systemClock, 1); // warnings are told in a later turn
  process.off("warning", onWarning);
  assert.deepEqual(warnings, []);
});

test("systemClock timers that are cancelled do not fire, and cancel is harmless twice", async () => {
  let fired = false;
  const timer = systemClock.setTimer(() => fired = true, 0);
  timer.cancel();
  timer.cancel();
  await sleep(systemClock, 5);
  assert.ok(!fired);
});

test("systemClock.defer runs after all promise reactions of this turn", async () => {
  const log: string[] = [];
  systemClock.defer(() => log.push("deferred"));
  for (let hop = 0; hop < 100; hop++) await undefined;
  log.push("reactions");
  await eventually(() => log.length === 2, { what: "the deferred callback" });
  assert.deepEqual(log, ["reactions", "deferred"]);
});

test("sleep ends when the time has passed and forgets the signal", async () => {
  const clock = new ManualClock();
  const abort = new AbortController();
  let done = false;
  const slept = sleep(clock, 100, abort.signal).then(() => done = true);
  await clock.advance(99);
  assert.ok(!done);
  await clock.advance(1);
  await slept;
  abort.abort();
  assert.equal(clock.pendingTimers, 0);
});

test("sleep rejects with the signal's reason and cancels its timer", async () => {
  const clock = new ManualClock();
  const abort = new AbortController();
  const slept = sleep(clock, 100, abort.signal);
  assert.equal(clock.pendingTimers, 1);
  abort.abort("enough");
  await assert.rejects(slept, (reason) => reason === "enough");
  assert.equal(clock.pendingTimers, 0);
});

test("sleep with an aborted signal rejects without a timer", async () => {
  const clock = new ManualClock();
  await assert.rejects(
    sleep(clock, 100, AbortSignal.abort("before")),
    (reason) => reason === "before",
  );
  assert.equal(clock.pendingTimers, 0);
});
