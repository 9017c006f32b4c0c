/**
 * All streams of one link.
 *
 * @module
 */

import { ReplyStream } from "../actor/reply_stream.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { BulkTransfer } from "./bulk.ts";
import type { Credit } from "./credit.ts";
import { InboundStream, OutboundStream, type StreamLink } from "./remote_stream.ts";

type AnyIterator = AsyncIterator<unknown> | Iterator<unknown>;

/** The ids of one link, which its two sides draw from two halves. */
export interface StreamIds {
  /** Draws an id that no call or stream of this side has. */
  next(): number;
  /** Whether the other side draws such ids. */
  isPeers(id: number): boolean;
}

/**
 * Streams by id, those found in a message under way marked until its fate is known.
 *
 * Encoding a message may meet iterables and decoding one may meet stream ids; when the message
 * then fails, the streams it opened end with it.
 */
export class StreamTable {
  readonly #link: StreamLink;
  readonly #window: Credit;
  readonly #ids: StreamIds;
  readonly #outbound = new Map<number, OutboundStream>();
  readonly #inbound = new Map<number, InboundStream>();
  readonly #opened: OutboundStream[] = [];
  readonly #attached: InboundStream[] = [];

  /**
   * @param window How far producers on this side may be ahead: the other side's window.
   */
  constructor(link: StreamLink, window: Credit, ids: StreamIds) {
    this.#link = link;
    this.#window = window;
    this.#ids = ids;
  }

  /** Open streams, both directions together. */
  get size(): number {
    return this.#outbound.size + this.#inbound.size;
  }

  /** Gives an iterator found in an outgoing message an id. */
  open(iterator: AnyIterator): number {
    if (this.#outbound.size >= this.#link.limits.maxStreams) throw tooMany();
    const stream = new OutboundStream(this.#ids.next(), this.#link, iterator, this.#window);
    this.#outbound.set(stream.id, stream);
    this.#opened.push(stream);
    return stream.id;
  }

  /** Makes a stream of an id found in an incoming message. */
  attach(id: number): ReplyStream<unknown> {
    if (this.#inbound.size >= this.#link.limits.maxStreams) throw tooMany();
    if (!this.#ids.isPeers(id) || this.#inbound.has(id)) {
      throw new PulsingRuntimeError(
        `Cannot open stream ${id}: the peer cannot have opened it now`,
        {
          kind: "protocol-violation",
        },
      );
    }
    const stream = new InboundStream(id, this.#link);
    this.#inbound.set(id, stream);
    this.#attached.push(stream);
    return new ReplyStream(stream);
  }

  /** Takes the streams opened so far by a message around the one that is encoded next. */
  takeOpened(): readonly OutboundStream[] {
    if (this.#opened.length === 0) return NO_OUTBOUND;
    return this.#opened.splice(0);
  }

  /** Gives back what {@link StreamTable.takeOpened} took. */
  giveBackOpened(outer: readonly OutboundStream[]): void {
    if (outer.length > 0) this.#opened.push(...outer);
  }

  /** Starts the streams of the message just encoded, when all of it has been handed on. */
  startOpened(transfer: BulkTransfer | undefined): readonly OutboundStream[] {
    if (this.#opened.length === 0) return NO_OUTBOUND;
    const opened = this.#opened.splice(0);
    const settle = (isSent: boolean) => {
      for (const stream of opened) {
        if (isSent) stream.start();
        else stream.stop();
      }
    };
    if (transfer === undefined) settle(true);
    else transfer.whenSettled(settle);
    return opened;
  }

  /** Stops the streams of a message that could not be encoded. */
  stopOpened(): void {
    if (this.#opened.length === 0) return;
    for (const stream of this.#opened.splice(0)) stream.stop();
  }

  /** The message just decoded is good: its streams stay, with whoever gets the message. */
  takeAttached(): readonly InboundStream[] {
    if (this.#attached.length === 0) return NO_INBOUND;
    return this.#attached.splice(0);
  }

  /** The message just decoded is not: its streams are stopped. */
  dropAttached(): void {
    for (const stream of this.#attached.splice(0)) void stream.cancel();
  }

  outbound(id: number): OutboundStream | undefined {
    return this.#outbound.get(id);
  }

  inbound(id: number): InboundStream | undefined {
    return this.#inbound.get(id);
  }

  /** Forgets a stream that has ended. */
  forget(id: number): void {
    this.#outbound.delete(id);
    this.#inbound.delete(id);
  }

  /** Ends all streams because the link is gone. */
  failAll(error: Error): void {
    for (const stream of [...this.#outbound.values()]) stream.stop();
    for (const stream of [...this.#inbound.values()]) stream.fail(error);
  }
}

const NO_OUTBOUND: readonly OutboundStream[] = Object.freeze([]);
const NO_INBOUND: readonly InboundStream[] = Object.freeze([]);

function tooMany(): PulsingRuntimeError {
  return new PulsingRuntimeError("Cannot open stream: too many are open on this link", {
    kind: "limit-exceeded",
    retryable: true,
  });
}
