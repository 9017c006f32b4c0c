/**
 * Streams over a link, in both directions and at any depth of a message.
 *
 * @module
 */

import { asActorError, asError, PulsingRuntimeError } from "../errors.ts";
import type { StreamSource } from "../actor/reply_stream.ts";
import type { Limits } from "../limits.ts";
import { type Credit, ReceiveWindow, SendCredit } from "./credit.ts";
import type { FrameWriter } from "./frame_writer.ts";

type AnyIterator = AsyncIterator<unknown> | Iterator<unknown>;
type Step = IteratorResult<unknown, unknown>;

/** What a stream needs of its link. */
export interface StreamLink {
  readonly writer: FrameWriter;
  readonly limits: Limits;
  /** Whether the link is so full that producers should wait. */
  readonly isCongested: boolean;
  /** Calls back once when it is not congested any more. */
  whenRoom(callback: () => void): void;
  /** Forgets a stream that has ended. */
  forget(streamId: number): void;
}

/** A stream produced here: takes items from an iterator as fast as the consumer gives credit. */
export class OutboundStream {
  readonly id: number;
  readonly #link: StreamLink;
  readonly #iterator: AnyIterator;
  readonly #credit: SendCredit;
  #sequence = 0;
  #isRunning = false;
  #isOver = false;

  constructor(id: number, link: StreamLink, iterator: AnyIterator, window: Credit) {
    this.id = id;
    this.#link = link;
    this.#iterator = iterator;
    this.#credit = new SendCredit(window);
  }

  /** Takes credit the consumer gave and goes on. */
  grant(credit: Credit): void {
    this.#credit.grant(credit);
    this.start();
  }

  /** Produces as long as there is credit and room on the link. */
  start(): void {
    if (this.#isRunning || this.#isOver) return;
    this.#isRunning = true;
    this.#produce().catch((error) => this.fail(error));
  }

  /** Ends the producer because the consumer, or the link, is gone; its `finally` runs. */
  stop(): void {
    if (this.#isOver) return;
    this.#end();
    void this.#close();
  }

  /** Runs the producer's `finally`; nobody is left to hear of what it throws. */
  async #close(): Promise<void> {
    try {
      await this.#iterator.return?.();
    } catch {
      // The consumer is gone, or was told of an earlier error.
    }
  }

  async #produce(): Promise<void> {
    while (this.#credit.isOpen) {
      if (this.#link.isCongested) {
        this.#isRunning = false;
        return this.#link.whenRoom(() => this.start());
      }
      const next = this.#iterator.next();
      const step: Step = "then" in next ? await next : next;
      if (this.#isOver) return;
      if (step.done) {
        this.#end();
        return this.#link.writer.endStream(this.id, this.#sequence);
      }
      const sent = this.#link.writer.item(this.id, this.#sequence, step.value);
      this.#sequence++; // not before: an item that cannot be encoded was never sent
      this.#credit.spend(sent.bytes);
    }
    this.#isRunning = false;
  }

  /** Ends the stream with an error for its consumer; the producer's `finally` runs. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#end();
    this.#link.writer.failStream(this.id, this.#sequence, asActorError(error));
    void this.#close();
  }

  #end(): void {
    this.#isOver = true;
    this.#link.forget(this.id);
  }
}

interface Arrived {
  readonly value: unknown;
  readonly bytes: number;
}

interface Waiter {
  resolve(result: IteratorResult<unknown, undefined>): void;
  reject(error: Error): void;
}

const DONE: IteratorResult<unknown, undefined> = Object.freeze({ done: true, value: undefined });

/** A stream produced on the other side: holds what arrived until the consumer takes it. */
export class InboundStream implements StreamSource<unknown> {
  readonly id: number;
  readonly #link: StreamLink;
  readonly #window: ReceiveWindow;
  #arrived: Arrived[] = [];
  #taken = 0;
  readonly #waiters: Waiter[] = [];
  #sequence = 0;
  #isOver = false;
  #isClaimed = false;
  #failure: Error | undefined = undefined;

  constructor(id: number, link: StreamLink) {
    this.id = id;
    this.#link = link;
    const { streamWindowItems: items, streamWindowBytes: bytes } = link.limits;
    this.#window = new ReceiveWindow({ items, bytes });
  }

  pull(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#taken < this.#arrived.length) {
      return Promise.resolve({ done: false, value: this.#take() });
    }
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      return Promise.reject(failure);
    }
    if (this.#isOver) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  claim(): void {
    this.#isClaimed = true;
  }

  /** Cancels the stream unless somebody has begun to read it: the message it came in is done. */
  cancelUnread(): void {
    if (!this.#isClaimed) void this.cancel();
  }

  cancel(_reason?: unknown): Promise<void> {
    if (!this.#isOver) {
      this.#finish(undefined);
      this.#link.writer.stopStream(this.id);
    }
    this.#arrived = [];
    this.#taken = 0;
    return Promise.resolve();
  }

  /**
   * An item has arrived, though its turn may be later.
   *
   * @throws {PulsingRuntimeError} kind `"protocol-violation"`: the producer has no credit.
   */
  arrived(bytes: number): void {
    this.#window.arrived(bytes);
  }

  /**
   * Takes an item that has arrived.
   *
   * @throws {PulsingRuntimeError} kind `"protocol-violation"`: out of order.
   */
  item(sequence: number, value: unknown, bytes: number): void {
    this.#checkSequence(sequence);
    this.#sequence++;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#arrived.push({ value, bytes });
      return;
    }
    this.#giveBack(bytes);
    waiter.resolve({ done: false, value });
  }

  /** Ends the stream after `sequence` items, with an error or without. */
  end(sequence: number, failure?: Error): void {
    this.#checkSequence(sequence);
    this.#finish(failure);
  }

  /** Ends the stream because the link is gone or an item could not be read. */
  fail(error: unknown): void {
    if (!this.#isOver) this.#finish(asError(error));
  }

  #take(): unknown {
    const { value, bytes } = this.#arrived[this.#taken++] as Arrived; // the caller checked
    if (this.#taken === this.#arrived.length) {
      this.#arrived = [];
      this.#taken = 0;
    }
    this.#giveBack(bytes);
    return value;
  }

  #giveBack(bytes: number): void {
    const credit = this.#window.taken(bytes);
    if (credit !== undefined && !this.#isOver) this.#link.writer.credit(this.id, credit);
  }

  #finish(failure: Error | undefined): void {
    this.#isOver = true;
    this.#link.forget(this.id);
    const [first, ...others] = this.#waiters.splice(0);
    if (failure === undefined) first?.resolve(DONE);
    else if (first === undefined) this.#failure = failure;
    else first.reject(failure);
    for (const waiter of others) waiter.resolve(DONE);
  }

  #checkSequence(sequence: number): void {
    if (sequence === this.#sequence) return;
    throw new PulsingRuntimeError(
      `Cannot take item ${sequence} of stream ${this.id}: expected item ${this.#sequence}`,
      { kind: "protocol-violation" },
    );
  }
}
