/**
 * The timers of a manual clock, the next one first.
 *
 * @module
 */

import type { Timer } from "../clock.ts";

/** Where a timer stands that is in no heap. */
const NOWHERE = -1;

/** A timer that knows its place, so that cancelling it needs no search. */
export class HeapTimer implements Timer {
  readonly dueMs: number;
  readonly callback: () => void;
  readonly #heap: TimerHeap;
  /** Tells timers of the same time apart: the one created first fires first. */
  readonly order: number;
  /** The heap's business. */
  place: number = NOWHERE;

  constructor(heap: TimerHeap, dueMs: number, order: number, callback: () => void) {
    this.#heap = heap;
    this.dueMs = dueMs;
    this.order = order;
    this.callback = callback;
  }

  cancel(): void {
    this.#heap.remove(this);
  }
}

/**
 * A binary heap by due time, then by creation.
 *
 * A cluster of a thousand nodes has thousands of timers, most of which are cancelled before they
 * fire: both cost the logarithm of their number, where a sorted list moves all behind them.
 */
export class TimerHeap {
  readonly #timers: HeapTimer[] = [];
  #created = 0;

  /** How many timers there are. */
  get size(): number {
    return this.#timers.length;
  }

  /** The timer that fires next. */
  get first(): HeapTimer | undefined {
    return this.#timers[0];
  }

  /** Makes a timer and adds it. */
  add(dueMs: number, callback: () => void): HeapTimer {
    const timer = new HeapTimer(this, dueMs, this.#created++, callback);
    this.#rise(timer, this.#timers.length);
    return timer;
  }

  /** Takes a timer out; does nothing when it is not there any more. */
  remove(timer: HeapTimer): void {
    const { place } = timer;
    if (place === NOWHERE) return;
    timer.place = NOWHERE;
    const last = this.#timers.pop() as HeapTimer; // the timer itself is there
    if (last === timer) return;
    const parent = this.#timers[(place - 1) >> 1];
    if (place > 0 && parent !== undefined && isBefore(last, parent)) this.#rise(last, place);
    else this.#sink(last, place);
  }

  /** Puts a timer at a free place or above it. */
  #rise(timer: HeapTimer, from: number): void {
    const timers = this.#timers;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = timers[above] as HeapTimer; // above the place, which is at most the end
      if (!isBefore(timer, parent)) break;
      timers[place] = parent;
      parent.place = place;
      place = above;
    }
    timers[place] = timer;
    timer.place = place;
  }

  /** Puts a timer at a free place or below it. */
  #sink(timer: HeapTimer, from: number): void {
    const timers = this.#timers;
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      let child = timers[left];
      if (child === undefined) break;
      const right = timers[left + 1];
      if (right !== undefined && isBefore(right, child)) child = right;
      if (!isBefore(child, timer)) break;
      const below = child.place;
      timers[place] = child;
      child.place = place;
      place = below;
    }
    timers[place] = timer;
    timer.place = place;
  }
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.dueMs === b.dueMs ? a.order < b.order : a.dueMs < b.dueMs;
}
