/**
 * A stream that is written into, item by item, instead of being yielded.
 *
 * @module
 */

import { asActorError, PulsingRuntimeError } from "../errors.ts";
import { DEFAULT_STREAM_BUFFER, MAX_WAITING_READS, MAX_WAITING_WRITES } from "../limits.ts";
import { currentEnvelope } from "./context.ts";
import { ReplyStream, type StreamSource } from "./reply_stream.ts";

/** How a written stream behaves. */
export interface WrittenStreamOptions {
  /**
   * Items that wait for the reader; above, `write` waits.
   *
   * @default 32
   */
  readonly bufferSize?: number;
  /** Ends the stream for both sides, with its reason. */
  readonly signal?: AbortSignal;
}

/** Where a {@link StreamWriter} puts what it is given. */
export interface StreamSink<T> {
  /** Adds an item. */
  write(item: T): Promise<void>;
  /** Ends the stream, with an error or without. */
  end(error?: Error): void;
  /** Ends the stream with an error of its own, unless it has ended. */
  abandon(): void;
}

/**
 * The writing end of a stream.
 *
 * Items arrive in the order of the `write` calls, then the end or the error. When the reader is
 * gone (it left, its node is lost, it was collected as garbage), every `write`, also one that
 * waits, fails with kind `"stream-closed"`. A writer that is disposed or collected before it was
 * closed ends the stream with an error: a stream that was cut off never looks complete.
 *
 * @typeParam T The type of an item.
 */
export class StreamWriter<T = unknown> implements AsyncDisposable {
  readonly #sink: StreamSink<T>;

  /**
   * Makes a writer; writers come from `StreamMessage.create`.
   *
   * @param sink Where the items go.
   */
  constructor(sink: StreamSink<T>) {
    this.#sink = sink;
  }

  /**
   * Adds an item; waits while as many items as the stream buffers wait for the reader.
   *
   * @throws {PulsingRuntimeError} kind `"stream-closed"`: the stream is closed, or its reader is
   * gone; kind `"limit-exceeded"`: 1 024 writes wait already.
   */
  write(item: T): Promise<void> {
    return this.#sink.write(item);
  }

  /** Ends the stream after what was written. Later ends are ignored, later writes fail. */
  close(): void {
    this.#sink.end();
  }

  /**
   * Ends the stream with an error after what was written.
   *
   * @param error What the reader gets: an error of the family as it is, another error or a text as
   * `PulsingActorError`.
   */
  error(error: unknown): void {
    this.#sink.end(asActorError(error));
  }

  /** Ends the stream with an error unless it was closed. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#sink.abandon();
    return SETTLED;
  }
}

/**
 * Makes both ends of a stream.
 *
 * Made while a call is handled, the stream ends for both sides when the caller gives up before it
 * has its answer.
 *
 * @param label Names the stream in errors.
 * @throws {RangeError} The buffer is no integer above 0.
 */
export function writtenStream<T>(
  label: string,
  { bufferSize = DEFAULT_STREAM_BUFFER, signal }: WrittenStreamOptions = {},
): { readonly stream: ReplyStream<T>; readonly writer: StreamWriter<T> } {
  if (!Number.isSafeInteger(bufferSize) || bufferSize < 1) {
    throw new RangeError(
      `Cannot create stream ${label}: bufferSize ${String(bufferSize)} is no integer above 0`,
    );
  }
  const queue = new ItemQueue<T>(label, bufferSize);
  const source = new QueueSource(queue);
  const writer = new StreamWriter(queue);
  // The queue knows neither end, so that each can be collected without the other.
  droppedReaders.register(source, queue);
  droppedWriters.register(writer, queue);
  endWithCall(queue);
  if (signal !== undefined) endWithSignal(queue, signal);
  return { stream: new ReplyStream(source), writer };
}

interface WaitingWrite<T> {
  readonly item: T;
  resolve(): void;
  reject(error: Error): void;
}

interface WaitingRead<T> {
  /** Keeps the reading end alive while somebody waits for an item. */
  readonly source: QueueSource<T>;
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/** What lies between the two ends. */
class ItemQueue<T> implements StreamSink<T> {
  readonly #label: string;
  readonly #bufferSize: number;
  #items: T[] = [];
  #writes: WaitingWrite<T>[] = [];
  #reads: WaitingRead<T>[] = [];
  #state: "open" | "ended" | "left" = "open";
  #failure: { readonly error: unknown } | undefined = undefined;
  #onOver: (() => void)[] = [];

  constructor(label: string, bufferSize: number) {
    this.#label = label;
    this.#bufferSize = bufferSize;
  }

  write(item: T): Promise<void> {
    if (this.#state === "ended") return Promise.reject(this.#closed("it is closed"));
    if (this.#state === "left") return Promise.reject(this.#readerGone());
    const read = this.#reads.shift();
    if (read !== undefined) read.resolve({ done: false, value: item });
    else if (this.#items.length < this.#bufferSize) this.#items.push(item);
    else if (this.#writes.length >= MAX_WAITING_WRITES) {
      return Promise.reject(this.#tooManyWrites());
    } else {
      return new Promise((resolve, reject) => this.#writes.push({ item, resolve, reject }));
    }
    return SETTLED;
  }

  pull(source: QueueSource<T>): Promise<IteratorResult<T, undefined>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift() as T; // the length was checked
      this.#letIn();
      return Promise.resolve({ done: false, value });
    }
    const failure = this.#failure;
    if (failure !== undefined) {
      this.#failure = undefined;
      return Promise.reject(failure.error);
    }
    if (this.#state !== "open") return Promise.resolve(DONE);
    if (this.#reads.length >= MAX_WAITING_READS) return Promise.reject(this.#tooManyReads());
    return new Promise((resolve, reject) => this.#reads.push({ source, resolve, reject }));
  }

  /** The writer is done; what waits is still delivered. */
  end(error?: Error): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    if (error !== undefined) this.#failure = { error };
    this.#settle();
  }

  /** The writer went without an end. */
  abandon(): void {
    this.end(closedError(`Cannot read stream ${this.#label}: its writer left before its end`));
  }

  /** The reader is done, for `failure` to be read by whoever still asks. */
  leave(failure?: { readonly error: unknown }): void {
    if (this.#state === "left") return;
    this.#state = "left";
    this.#items = [];
    this.#failure = failure;
    for (const write of this.#writes.splice(0)) write.reject(this.#readerGone());
    this.#settle();
  }

  /** Calls back once when the reader has left, or the writer has ended and nothing waits. */
  whenOver(callback: () => void): void {
    this.#onOver.push(callback);
  }

  #letIn(): void {
    const write = this.#writes.shift();
    if (write === undefined) return;
    this.#items.push(write.item);
    write.resolve();
    this.#tellOver();
  }

  #tellOver(): void {
    if (this.#state === "open" || this.#writes.length > 0) return;
    for (const callback of this.#onOver.splice(0)) callback();
  }

  #settle(): void {
    this.#tellOver();
    const [first, ...others] = this.#reads.splice(0);
    if (first === undefined) return;
    this.pull(first.source).then(first.resolve, first.reject);
    for (const read of others) read.resolve(DONE);
  }

  #readerGone(): PulsingRuntimeError {
    return this.#closed("its reader is gone");
  }

  #closed(why: string): PulsingRuntimeError {
    return closedError(`Cannot write to stream ${this.#label}: ${why}`);
  }

  #tooManyReads(): PulsingRuntimeError {
    return new PulsingRuntimeError(
      `Cannot read stream ${this.#label}: ${MAX_WAITING_READS} reads wait for its writer, ` +
        "await earlier ones first",
      { kind: "limit-exceeded", retryable: true },
    );
  }

  #tooManyWrites(): PulsingRuntimeError {
    return new PulsingRuntimeError(
      `Cannot write to stream ${this.#label}: ${MAX_WAITING_WRITES} writes wait for its reader, ` +
        "await earlier ones first",
      { kind: "limit-exceeded", retryable: true },
    );
  }
}

/** The reading end. */
class QueueSource<T> implements StreamSource<T> {
  readonly #queue: ItemQueue<T>;

  constructor(queue: ItemQueue<T>) {
    this.#queue = queue;
  }

  pull(): Promise<IteratorResult<T, undefined>> {
    return this.#queue.pull(this);
  }

  cancel(): Promise<void> {
    this.#queue.leave();
    return SETTLED;
  }
}

const SETTLED: Promise<void> = Promise.resolve();
const DONE: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

const droppedReaders = new FinalizationRegistry<ItemQueue<unknown>>((queue) => queue.leave());
const droppedWriters = new FinalizationRegistry<ItemQueue<unknown>>((queue) => queue.abandon());

function endWithCall(queue: ItemQueue<unknown>): void {
  const envelope = currentEnvelope();
  if (envelope === undefined || envelope.isDone) return;
  if (envelope.isCancelled) return queue.leave({ error: envelope.reason });
  queue.whenOver(envelope.whenCancelled((error) => queue.leave({ error })));
}

function endWithSignal(queue: ItemQueue<unknown>, signal: AbortSignal): void {
  const onAbort = () => queue.leave({ error: signal.reason });
  if (signal.aborted) return onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  queue.whenOver(() => signal.removeEventListener("abort", onAbort));
}

function closedError(message: string): PulsingRuntimeError {
  return new PulsingRuntimeError(message, { kind: "stream-closed" });
}
