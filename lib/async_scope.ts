/**
 * A value that follows a call through its awaits.
 *
 * The one user of the runtimes' `AsyncLocalStorage`; it reads nothing of the world, so it may
 * stand at the bottom of the house beside clock and random.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";

/** A variable whose value belongs to the running call, across `await`. */
export class AsyncScope<T> {
  readonly #storage = new AsyncLocalStorage<T>();

  /** Runs `body` and everything it awaits with `value` as the current one. */
  run<R>(value: T, body: () => R): R {
    return this.#storage.run(value, body);
  }

  /** Runs `body` and everything it starts without a value. */
  runOutside(body: () => void): void {
    if (this.get() === undefined) body(); // leaving costs as much as entering
    else this.#storage.run(undefined as T, body); // `get` says that there may be none
  }

  /** The value of the innermost {@link AsyncScope.run} around the caller, if any. */
  get(): T | undefined {
    return this.#storage.getStore();
  }
}
