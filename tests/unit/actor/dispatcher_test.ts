/** Who runs when: the turns of actors and of the event loop. */

import assert from "node:assert/strict";
import { Dispatcher, type Runnable } from "../../../lib/actor/dispatcher.ts";
import { resolveLimits } from "../../../lib/limits.ts";
import { silentLogger } from "../../../lib/logger.ts";
import { ManualClock } from "../../../lib/testing/mod.ts";
import { test } from "../../harness.ts";

/** Has a number of messages, and notes each turn it gets. */
class Busy implements Runnable {
  readonly #name: string;
  readonly #turns: string[];
  left: number;

  constructor(name: string, left: number, turns: string[]) {
    this.#name = name;
    this.left = left;
    this.#turns = turns;
  }

  get hasWork(): boolean {
    return this.left > 0;
  }

  runTurn(budget: number): number {
    const handled = Math.min(budget, this.left);
    this.left -= handled;
    this.#turns.push(`${this.#name}${handled}`);
    return handled;
  }
}

function dispatcherOf(limits: { throughput: number; turnMessages: number }) {
  const clock = new ManualClock();
  return { clock, dispatcher: new Dispatcher(clock, resolveLimits(limits), silentLogger) };
}

test("Dispatcher gives each actor throughput messages before the next one's turn", async () => {
  const turns: string[] = [];
  const { dispatcher } = dispatcherOf({ throughput: 3, turnMessages: 100 });
  for (const name of ["a", "b"]) dispatcher.schedule(new Busy(name, 7, turns));
  await Promise.resolve();
  assert.deepEqual(turns, ["a3", "b3", "a3", "b3", "a1", "b1"]);
});

test("Dispatcher lets the event loop have its turn after turnMessages", async () => {
  const turns: string[] = [];
  const { clock, dispatcher } = dispatcherOf({ throughput: 2, turnMessages: 4 });
  const busy = new Busy("a", 10, turns);
  dispatcher.schedule(busy);
  await Promise.resolve();
  assert.deepEqual([turns.splice(0), busy.left], [["a2", "a2"], 6]);
  await Promise.resolve();
  assert.deepEqual(turns, [], "microtasks alone do not go on");
  await clock.settle();
  assert.deepEqual([turns, busy.left], [["a2", "a2", "a2"], 0]);
});

test("Dispatcher goes on with the others when one actor's turn throws", async () => {
  const turns: string[] = [];
  const { dispatcher } = dispatcherOf({ throughput: 2, turnMessages: 4 });
  let isBroken = true;
  dispatcher.schedule({
    get hasWork() {
      return isBroken;
    },
    runTurn() {
      isBroken = false;
      throw new Error("a bug");
    },
  });
  dispatcher.schedule(new Busy("b", 1, turns));
  await Promise.resolve();
  assert.deepEqual(turns, ["b1"]);
});
