/**
 * Who runs when: gives the actors of one node their turns.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import { outsideCalls } from "./context.ts";

/** Something that has work and can do a part of it. */
export interface Runnable {
  /**
   * Handles up to `budget` messages.
   *
   * @returns How many were handled; with {@link Runnable.hasWork} still true it gets another turn.
   */
  runTurn(budget: number): number;
  /** Whether another turn is wanted at once. */
  readonly hasWork: boolean;
}

/**
 * Runs actors in the microtask queue of the turn in which they got work.
 *
 * Fair in two ways: an actor handles at most `throughput` messages before the next ready actor,
 * and all together handle at most `turnMessages` before the event loop gets a turn for I/O and
 * timers, also when each message comes from a promise that the last one resolved.
 */
export class Dispatcher {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #throughput: number;
  readonly #turnMessages: number;
  #ready: Runnable[] = [];
  #current: Runnable | undefined = undefined;
  #isScheduled = false;
  #handled = 0;
  readonly #run = (): void => this.#runReady();
  readonly #queueRun = (): void => this.#queue();

  constructor(clock: Clock, limits: Limits, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#throughput = limits.throughput;
    this.#turnMessages = limits.turnMessages;
  }

  /** What has its turn now. */
  get current(): Runnable | undefined {
    return this.#current;
  }

  /** Gives something with work its turn; the caller makes sure that it is not ready twice. */
  schedule(runnable: Runnable): void {
    this.#ready.push(runnable);
    if (!this.#isScheduled) this.#scheduleRun();
  }

  #scheduleRun(): void {
    this.#isScheduled = true;
    outsideCalls(this.#queueRun);
  }

  #queue(): void {
    if (this.#handled < this.#turnMessages) return queueMicrotask(this.#run);
    this.#handled = 0;
    this.#clock.defer(this.#run);
  }

  #runReady(): void {
    const ready = this.#ready;
    for (let index = 0; index < ready.length; index++) {
      const runnable = ready[index] as Runnable; // the index is below the length
      this.#current = runnable;
      try {
        this.#handled += runnable.runTurn(this.#throughput);
      } catch (error) {
        // A bug of ours: one actor's turn must not take the turns of all others with it.
        this.#logger.error("an actor's turn failed", { error });
      }
      this.#current = undefined;
      if (runnable.hasWork) ready.push(runnable);
      if (this.#handled >= this.#turnMessages) {
        this.#ready = ready.slice(index + 1);
        break;
      }
    }
    if (this.#ready === ready) ready.length = 0;
    this.#isScheduled = false;
    if (this.#ready.length > 0) this.#scheduleRun();
  }
}
