/**
 * The event loop of one node in a cluster that shares one clock.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";

/** Something that a node does in a turn of its event loop. */
type Work = () => void;

/**
 * A clock that a node can be frozen and killed by.
 *
 * All that a node does begins in a timer, in a deferred turn or with something that arrives, and
 * all three go through here. While the node is frozen they wait, and time goes on. After the thaw
 * the timers run first, late and in the order of their times, then what arrived, then the deferred
 * turns: the order of a real event loop. Each is followed by everything that follows from it.
 */
export class NodeClock implements Clock {
  readonly #clock: Clock;
  readonly #onTurn: () => void;
  readonly #timers = new Set<NodeTimer>();
  #lateTimers: NodeTimer[] = [];
  #arrived: Work[] = [];
  #deferred: Work[] = [];
  #isFrozen = false;
  #isKilled = false;
  #isThawing = false;
  readonly #goOn = (): void => this.#catchUp();

  /**
   * @param clock The time of all nodes.
   * @param onTurn Called before each turn of the node.
   */
  constructor(clock: Clock, onTurn: () => void = () => {}) {
    this.#clock = clock;
    this.#onTurn = onTurn;
  }

  /** Whether the node does nothing any more. */
  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** Goes on while the node is frozen, so that it can measure how long it was away. */
  now(): number {
    return this.#clock.now();
  }

  wallTime(): number {
    return this.#clock.wallTime();
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    if (this.#isKilled) return NO_TIMER;
    const timer = new NodeTimer(this, callback);
    timer.inner = this.#clock.setTimer(() => this.#fired(timer), delayMs);
    this.#timers.add(timer);
    return timer;
  }

  defer(callback: Work): void {
    if (this.#isKilled) return;
    this.#clock.defer(() => this.#do(callback, this.#deferred));
  }

  /** Something has arrived from outside, now: it is given to the node, or waits for the thaw. */
  arrive(work: Work): void {
    this.#do(work, this.#arrived);
  }

  /** Stops the node's event loop. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** Lets the event loop go on, with what has come due since. */
  thaw(): void {
    if (!this.#isFrozen || this.#isKilled) return;
    this.#isFrozen = false;
    if (this.#isThawing) return;
    this.#isThawing = true;
    this.#clock.defer(this.#goOn);
  }

  /** Ends the node: nothing of it ever runs again. */
  kill(): void {
    this.#isKilled = true;
    for (const timer of this.#timers) timer.inner?.cancel();
    this.#timers.clear();
    this.#lateTimers = [];
    this.#arrived = [];
    this.#deferred = [];
  }

  /** Takes a timer back. */
  cancel(timer: NodeTimer): void {
    timer.inner?.cancel();
    this.#timers.delete(timer);
  }

  #fired(timer: NodeTimer): void {
    if (this.#isHeld) return void this.#lateTimers.push(timer);
    this.#timers.delete(timer);
    this.#onTurn();
    timer.callback();
  }

  #do(work: Work, waiting: Work[]): void {
    if (this.#isKilled) return;
    if (this.#isHeld) return void waiting.push(work);
    this.#onTurn();
    work();
  }

  /** What comes while the node catches up waits behind what is late already. */
  get #isHeld(): boolean {
    return this.#isFrozen || this.#isThawing;
  }

  /** One thing in a turn of the shared clock, which lets all that follows from it happen. */
  #catchUp(): void {
    const work = this.#isFrozen ? undefined : this.#nextLate();
    if (work === undefined) return void (this.#isThawing = false);
    this.#clock.defer(this.#goOn);
    this.#onTurn();
    work();
  }

  #nextLate(): Work | undefined {
    for (let timer = this.#lateTimers.shift(); timer !== undefined;) {
      if (this.#timers.delete(timer)) return timer.callback;
      timer = this.#lateTimers.shift(); // it was cancelled by an earlier one
    }
    return this.#arrived.shift() ?? this.#deferred.shift();
  }
}

/** A timer of a node. */
class NodeTimer implements Timer {
  readonly callback: () => void;
  readonly #clock: NodeClock;
  inner: Timer | undefined = undefined;

  constructor(clock: NodeClock, callback: () => void) {
    this.#clock = clock;
    this.callback = callback;
  }

  cancel(): void {
    this.#clock.cancel(this);
  }
}

const NO_TIMER: Timer = Object.freeze({ cancel() {} });
