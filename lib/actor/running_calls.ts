/**
 * The messages an actor works on after their turn is over.
 *
 * @module
 */

import { type Clock, endsWithin } from "../clock.ts";
import type { Envelope } from "./envelope.ts";
import type { LocalStream } from "./local_stream.ts";

/** Asynchronous calls and streams of one actor that have not ended yet. */
export class RunningCalls {
  readonly #envelopes = new Set<Envelope>();
  readonly #streams = new Map<Envelope, LocalStream>();
  #onIdle: (() => void) | undefined = undefined;
  #failure: (() => Error) | undefined = undefined;

  get size(): number {
    return this.#envelopes.size;
  }

  add(envelope: Envelope): void {
    this.#envelopes.add(envelope);
  }

  addStream(envelope: Envelope, stream: LocalStream): void {
    this.#envelopes.add(envelope);
    this.#streams.set(envelope, stream);
    if (this.#failure !== undefined) stream.fail(this.#failure());
  }

  /** Whether the actor still works on a message. */
  has(envelope: Envelope): boolean {
    return this.#envelopes.has(envelope);
  }

  /** The messages the actor works on. */
  [Symbol.iterator](): IterableIterator<Envelope> {
    return this.#envelopes.values();
  }

  /** Whether the call has become a stream, which ends by itself. */
  isStream(envelope: Envelope): boolean {
    return this.#streams.has(envelope);
  }

  /** @returns `false` when the message was abandoned before. */
  remove(envelope: Envelope): boolean {
    this.#streams.delete(envelope);
    if (!this.#envelopes.delete(envelope)) return false;
    if (this.#envelopes.size === 0) this.#onIdle?.();
    return true;
  }

  /** Fails the streams, those that are opened later as well: the actor stops. */
  failStreams(error: () => Error): void {
    this.#failure = error;
    for (const stream of this.#streams.values()) stream.fail(error());
  }

  /** Waits until all have ended; those left after the time are cancelled and failed. */
  async finish(clock: Clock, timeoutMs: number, error: () => Error): Promise<void> {
    if (this.#envelopes.size === 0) return;
    await endsWithin(clock, new Promise<void>((resolve) => this.#onIdle = resolve), timeoutMs);
    this.abandon(error);
  }

  /** Fails all now: their signals abort, what they still answer is dropped. */
  abandon(error: () => Error): void {
    const streams = new Map(this.#streams);
    const abandoned = [...this.#envelopes];
    this.#streams.clear();
    this.#envelopes.clear();
    for (const envelope of abandoned) {
      const stream = streams.get(envelope);
      if (stream === undefined) envelope.fail(error());
      else stream.fail(error());
      envelope.abandon(error());
      envelope.done();
    }
    this.#onIdle?.();
  }
}
