/**
 * All streams of one link.
 *
 * @module
 */

import { ReplyStream } from "../actor/reply_stream.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { Credit } from "./credit.ts";
import { InboundStream, OutboundStream, type StreamLink } from "./remote_stream.ts";

type AnyIterator = AsyncIterator<unknown> | Iterator<unknown>;

/**
 * Streams by id, those found in a message under way marked until its fate is known.
 *
 * Encoding a message may meet iterables and decoding one may meet stream ids; when the message
 * then fails, the streams it opened end with it.
 */
export class StreamTable {
  readonly #link: StreamLink;
  readonly #window: Credit;
  readonly #nextId: () => number;
  readonly #outbound = new Map<number, OutboundStream>();
  readonly #inbound = new Map<number, InboundStream>();
  #opened: OutboundStream[] = [];
  #attached: InboundStream[] = [];

  /**
   * @param window How far producers on this side may be ahead: the other side's window.
   * @param nextId Draws an id that no call or stream of the link has.
   */
  constructor(link: StreamLink, window: Credit, nextId: () => number) {
    this.#link = link;
    this.#window = window;
    this.#nextId = nextId;
  }

  /** Open streams, both directions together. */
  get size(): number {
    return this.#outbound.size + this.#inbound.size;
  }

  /** Gives an iterator found in an outgoing message an id. */
  open(iterator: AnyIterator): number {
    if (this.#outbound.size >= this.#link.limits.maxStreams) throw tooMany();
    const stream = new OutboundStream(this.#nextId(), this.#link, iterator, this.#window);
    this.#outbound.set(stream.id, stream);
    this.#opened.push(stream);
    return stream.id;
  }

  /** Makes a stream of an id found in an incoming message. */
  attach(id: number): ReplyStream<unknown> {
    if (this.#inbound.size >= this.#link.limits.maxStreams) throw tooMany();
    if (this.#inbound.has(id)) {
      throw new PulsingRuntimeError(`Cannot open stream ${id}: it is open already`, {
        kind: "protocol-violation",
      });
    }
    const stream = new InboundStream(id, this.#link);
    this.#inbound.set(id, stream);
    this.#attached.push(stream);
    return new ReplyStream(stream);
  }

  /** The streams opened by the message just encoded; they start when it has been sent. */
  takeOpened(): readonly OutboundStream[] {
    if (this.#opened.length === 0) return NONE;
    const opened = this.#opened;
    this.#opened = [];
    return opened;
  }

  /** The message just decoded is good: its streams stay. */
  keepAttached(): void {
    if (this.#attached.length > 0) this.#attached = [];
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

const NONE: readonly OutboundStream[] = Object.freeze([]);

function tooMany(): PulsingRuntimeError {
  return new PulsingRuntimeError("Cannot open stream: too many are open on this link", {
    kind: "limit-exceeded",
    retryable: true,
  });
}
