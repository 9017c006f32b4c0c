/**
 * A call whose answer is a stream, and calls of which that is not known beforehand.
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";
import type { ActorTarget } from "./actor_ref.ts";
import type { CallOptions } from "./call_options.ts";
import { ReplyStream, type StreamSource } from "./reply_stream.ts";

/**
 * A streaming call that was prepared: it is sent when it is iterated or awaited, once.
 *
 * Awaiting it gives the open stream, and the errors of opening it.
 *
 * @typeParam T The type of an item.
 */
export class StreamCall<T> extends ReplyStream<T> implements PromiseLike<ReplyStream<T>> {
  readonly #lazy: LazySource<T>;

  /**
   * Prepares a call; nothing is sent.
   *
   * @param target The actor to call.
   * @param method The method's name.
   * @param args Its arguments.
   * @param options Deadline and abort signal.
   */
  constructor(target: ActorTarget, method: string, args: unknown[], options?: CallOptions) {
    const lazy = new LazySource<T>(method, () => target.ask(method, args, options));
    super(lazy);
    this.#lazy = lazy;
  }

  /** Sends the call; settles with the open stream. */
  then<A = ReplyStream<T>, B = never>(
    onOpen?: ((stream: ReplyStream<T>) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#lazy.open().then((source) => new ReplyStream(source)).then(onOpen, onError);
  }
}

/** A promise that can be iterated as well, when its answer turns out to be a stream. */
export type AnyCall<T = unknown> = Promise<T> & AsyncIterable<T>;

/**
 * Makes the promise of a sent call iterable.
 *
 * One shared function on the promise itself: a subclass of `Promise` would lose the fast path of
 * `await`.
 */
export function iterable(reply: Promise<unknown>): AnyCall {
  const call = reply as Promise<unknown> & { [Symbol.asyncIterator]: typeof iterateReply };
  call[Symbol.asyncIterator] = iterateReply; // completes the type asserted above
  return call;
}

function iterateReply(this: Promise<unknown>): AsyncIterator<unknown, undefined> {
  const source = new LazySource<unknown>(undefined, () => this);
  return new ReplyStream(source)[Symbol.asyncIterator]();
}

class LazySource<T> implements StreamSource<T> {
  readonly #method: string | undefined;
  readonly #ask: () => Promise<unknown>;
  #opening: Promise<StreamSource<T>> | undefined = undefined;
  #source: StreamSource<T> | undefined = undefined;
  #isCancelled = false;

  constructor(method: string | undefined, ask: () => Promise<unknown>) {
    this.#method = method;
    this.#ask = ask;
  }

  open(): Promise<StreamSource<T>> {
    return this.#opening ??= this.#open();
  }

  async pull(): Promise<IteratorResult<T, undefined>> {
    if (this.#source !== undefined) return await this.#source.pull();
    if (this.#isCancelled && this.#opening === undefined) return { done: true, value: undefined };
    const source = await this.open();
    return await source.pull();
  }

  async cancel(reason?: unknown): Promise<void> {
    this.#isCancelled = true;
    if (this.#opening === undefined) return;
    const source = await this.#opening.catch(() => undefined); // whoever opened it hears of it
    await source?.cancel(reason);
  }

  async #open(): Promise<StreamSource<T>> {
    const answer = await this.#ask();
    if (!(answer instanceof ReplyStream)) {
      const what = this.#method === undefined ? "the answer" : `the answer of "${this.#method}"`;
      throw new PulsingRuntimeError(
        `Cannot iterate ${what}: it is not a stream, await it instead`,
        { kind: "unsupported", ...(this.#method !== undefined && { method: this.#method }) },
      );
    }
    return this.#source = answer.source as StreamSource<T>; // the caller's type is not checked
  }
}
