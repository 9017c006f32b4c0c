/**
 * A reply that comes in parts.
 *
 * @module
 */

/** Where the items of a {@link ReplyStream} come from; one per distance. */
export interface StreamSource<T> {
  /**
   * Asks for the next item; the producer runs only because of it, or ahead within its window.
   *
   * @returns The item, or `done` once the producer has ended; rejects once when it failed.
   */
  pull(): Promise<IteratorResult<T, undefined>>;
  /** Ends the producer: its `finally` blocks run. Idempotent; resolves when they have run. */
  cancel(reason?: unknown): Promise<void>;
  /** Somebody has begun to read, and will read to the end or cancel. */
  claim?(): void;
}

/**
 * The items a method yields, in order, at the pace of the consumer.
 *
 * Promises: no item is lost, repeated or reordered; the producer is at most one window ahead
 * (`limits.streamWindowItems`, `limits.streamWindowBytes`); an error arrives after the items that
 * were yielded before it. Leaving a `for await` loop early, `cancel()` and disposal run the
 * producer's `finally` blocks. A stream has one consumer: a second loop goes on where the first
 * one stopped asking.
 *
 * @typeParam T The type of an item.
 */
export class ReplyStream<T> implements AsyncIterable<T>, AsyncDisposable {
  readonly #source: StreamSource<T>;

  /**
   * Makes a stream; streams come from calls.
   *
   * @param source Where the items come from.
   */
  constructor(source: StreamSource<T>) {
    this.#source = source;
  }

  /** Where the items come from; for code that extends the runtime. */
  get source(): StreamSource<T> {
    return this.#source;
  }

  /** The items one by one; ending the iteration early cancels the stream. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    const source = this.#source;
    source.claim?.();
    return {
      next: () => source.pull(),
      return: async () => {
        await source.cancel();
        return { done: true, value: undefined };
      },
    };
  }

  /**
   * Ends the stream: the producer stops and runs its `finally` blocks. Idempotent.
   *
   * @param reason What the producer's `context().signal` is aborted with.
   */
  cancel(reason?: unknown): Promise<void> {
    return this.#source.cancel(reason);
  }

  /** The same items as a web stream; cancelling it cancels this one. */
  toReadableStream(): ReadableStream<T> {
    const source = this.#source;
    source.claim?.();
    return new ReadableStream<T>({
      async pull(controller) {
        const result = await source.pull();
        if (result.done) controller.close();
        else controller.enqueue(result.value);
      },
      cancel: (reason) => source.cancel(reason),
    }, { highWaterMark: 0 });
  }

  /** Cancels the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
  }
}

/**
 * The iterator behind a value that counts as a stream: a generator of either kind, any
 * `AsyncIterable`, or a `ReadableStream`.
 *
 * Arrays, strings, maps and sets are values, not streams.
 *
 * @returns The iterator, or `undefined` when the value is no stream.
 */
export function iteratorOf(value: object): AsyncIterator<unknown> | Iterator<unknown> | undefined {
  if (Symbol.asyncIterator in value) {
    return (value as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  }
  return isGenerator(value) ? value : undefined; // a generator is its own iterator
}

/** Whether a value counts as a stream; unlike {@link iteratorOf} this does not lock a web stream. */
export function isStream(value: object): boolean {
  return Symbol.asyncIterator in value || isGenerator(value);
}

function isGenerator(value: object): value is Iterator<unknown> {
  return Symbol.iterator in value && "next" in value && typeof value.next === "function";
}

/** A stream whose producer is an iterator that belongs to nobody else. */
export class IteratorSource implements StreamSource<unknown> {
  readonly #iterator: AsyncIterator<unknown> | Iterator<unknown>;

  constructor(iterator: AsyncIterator<unknown> | Iterator<unknown>) {
    this.#iterator = iterator;
  }

  async pull(): Promise<IteratorResult<unknown, undefined>> {
    const result = await this.#iterator.next();
    return result.done ? { done: true, value: undefined } : result;
  }

  async cancel(): Promise<void> {
    await this.#iterator.return?.();
  }
}

/** A stream that a signal cancels; the listener goes when the stream ends. */
export class AbortableSource<T> implements StreamSource<T> {
  readonly #iterator: AsyncIterator<T, undefined>;
  readonly #stream: ReplyStream<T>;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => void this.#stream.cancel(this.#signal.reason);

  constructor(stream: ReplyStream<T>, signal: AbortSignal) {
    this.#stream = stream;
    this.#iterator = stream[Symbol.asyncIterator]();
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  async pull(): Promise<IteratorResult<T, undefined>> {
    this.#signal.throwIfAborted();
    try {
      const result = await this.#iterator.next();
      this.#signal.throwIfAborted();
      if (result.done) this.#forget();
      return result;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  async cancel(reason?: unknown): Promise<void> {
    this.#forget();
    await this.#stream.cancel(reason);
  }

  #forget(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}
