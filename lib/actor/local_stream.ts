/**
 * A stream whose producer runs in this isolate.
 *
 * @module
 */

import { asActorError } from "../errors.ts";
import type { ActorCell } from "./actor_cell.ts";
import { enterTurn, leaveTurn, runAcrossTurns } from "./context.ts";
import type { Envelope } from "./envelope.ts";
import type { StreamSource } from "./reply_stream.ts";

/** Runs an actor's generator one item per pull, inside the context of the call. */
export class LocalStream implements StreamSource<unknown> {
  readonly #cell: ActorCell;
  readonly #envelope: Envelope;
  readonly #iterator: AsyncIterator<unknown> | Iterator<unknown>;
  readonly #onEnd: () => void;
  #isOver = false;
  #failure: Error | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;
  #endWait: (() => void) | undefined = undefined;

  /**
   * @param onEnd Called once when the producer has ended, whoever ended it.
   */
  constructor(
    cell: ActorCell,
    envelope: Envelope,
    iterator: AsyncIterator<unknown> | Iterator<unknown>,
    onEnd: () => void,
  ) {
    this.#cell = cell;
    this.#envelope = envelope;
    this.#iterator = iterator;
    this.#onEnd = onEnd;
    envelope.whenCancelled(() => void this.#close());
    if (envelope.isCancelled) void this.#close();
  }

  async pull(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#isOver) return this.#last();
    try {
      const step = this.#step();
      const result = "then" in step ? await this.#unlessClosed(step) : step;
      if (this.#isOver) return this.#last();
      if (!result.done) return this.#isolated(result);
    } catch (error) {
      this.#finish();
      this.#cell.failedStream(this.#envelope, error);
      throw asActorError(error, this.#cell.label);
    }
    this.#finish();
    return { done: true, value: undefined };
  }

  async cancel(reason?: unknown): Promise<void> {
    const isWaiting = this.#endWait !== undefined;
    this.#envelope.cancel(reason ?? new DOMException("The stream was cancelled", "AbortError"));
    // A producer in the middle of an item runs its `finally` when that is done, perhaps never.
    if (!isWaiting) await this.#closing;
  }

  /** Ends the stream with an error for its consumer; the producer's `finally` runs. */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.#failure = error;
    void this.cancel(error);
  }

  #step(): IteratorResult<unknown> | Promise<IteratorResult<unknown>> {
    const iterator = this.#iterator;
    if (Symbol.asyncIterator in iterator) {
      return runAcrossTurns(this.#envelope, () => iterator.next());
    }
    const previous = enterTurn(this.#envelope);
    try {
      return iterator.next();
    } finally {
      leaveTurn(previous);
    }
  }

  /** Waits for an item, or until the stream is closed. */
  #unlessClosed(step: PromiseLike<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      this.#endWait = () => resolve({ done: true, value: undefined });
      step.then((result) => {
        this.#endWait = undefined;
        resolve(result);
      }, (error) => {
        this.#endWait = undefined;
        if (this.#isOver) this.#cell.failedLate(this.#envelope, error);
        reject(error);
      });
    });
  }

  #isolated(result: IteratorResult<unknown>): IteratorResult<unknown, undefined> {
    const { clone } = this.#cell.node;
    if (clone === undefined) return result as IteratorYieldResult<unknown>; // it is not done
    try {
      return { done: false, value: clone(result.value) };
    } catch (error) {
      this.fail(asActorError(error, this.#cell.label));
      return this.#last();
    }
  }

  #last(): IteratorResult<unknown, undefined> {
    const failure = this.#failure;
    if (failure === undefined) return { done: true, value: undefined };
    this.#failure = undefined;
    throw failure;
  }

  #close(): Promise<void> {
    if (this.#isOver) return this.#closing ?? Promise.resolve();
    this.#isOver = true;
    this.#endWait?.();
    this.#closing = this.#runFinally();
    return this.#closing;
  }

  async #runFinally(): Promise<void> {
    try {
      await runAcrossTurns(this.#envelope, () => this.#iterator.return?.());
    } catch (error) {
      this.#cell.node.logger.warn("a stream's finally block failed", {
        actor: this.#cell.label,
        error,
      });
    }
    this.#onEnd();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd();
  }
}
