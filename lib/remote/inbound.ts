/**
 * What arrives over one link for the actors and consumers of this node, in its order.
 *
 * @module
 */

import { letterOf } from "../actor/dead_letters.ts";
import { actorStopped } from "../actor/stopped_target.ts";
import { PulsingRuntimeError, PulsingTimeoutError } from "../errors.ts";
import { FrameKind } from "../wire/frame.ts";
import { type Body, type BodyReader, sizeOf } from "./body_reader.ts";
import { type BulkArrival, BulkReceiver } from "./bulk.ts";
import { readCallHead } from "./call_head.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { HeadReader } from "./head_reader.ts";
import { InboundCall, type ReplyLink } from "./inbound_call.ts";
import type { LinkHost } from "./link_host.ts";
import { LinkWatches } from "./link_watches.ts";
import { ReceivedNames } from "./names.ts";
import { Order } from "./order.ts";
import type { StreamTable } from "./stream_table.ts";

/** Stands where a call's id would: nobody waits for the answer. */
const NO_CALL = 0;

/** The parts of a link that arrivals touch. */
export interface InboundParts {
  readonly host: LinkHost;
  readonly link: ReplyLink;
  readonly writer: FrameWriter;
  readonly bodies: BodyReader;
  readonly streams: StreamTable;
  /** Whether the other side draws such ids. */
  isPeersId(id: number): boolean;
  /** Takes a frame that came in chunks and is none of those below. */
  dispatch(kind: number, head: HeadReader, body: Body): void;
}

/**
 * Calls, tells and stream items from the other side.
 *
 * Values are read at once, so that their streams are known when the items of those arrive; only
 * the delivery waits behind a large message on the same lane.
 */
export class Inbound {
  readonly #parts: InboundParts;
  readonly #names: ReceivedNames;
  readonly #bulk: BulkReceiver;
  readonly #order = new Order();
  readonly #calls = new Map<number, InboundCall>();
  #isClosed = false;

  readonly #watches: LinkWatches;

  constructor(parts: InboundParts) {
    this.#parts = parts;
    const { host, writer } = parts;
    const { nodeId } = parts.link;
    this.#watches = new LinkWatches({
      cellWithId: (actorId) => host.cellWithId(actorId),
      endOf: (actorId) => host.endOf(actorId),
      terminated: (notice) => writer.terminated(notice),
      refused: (actorId) => writer.unwatched(actorId),
      full: (watches) =>
        host.logger.warn("watch refused: the peer watches too many actors", { nodeId, watches }),
    }, host.limits.watches);
    this.#names = new ReceivedNames(parts.host.limits);
    this.#bulk = new BulkReceiver(parts.host.limits);
  }

  /** Calls that wait for their answer from here. */
  get size(): number {
    return this.#calls.size;
  }

  /** Whether a large message is arriving. */
  get isReceiving(): boolean {
    return this.#bulk.size > 0;
  }

  /** Learns a name. */
  intern(head: HeadReader): void {
    this.#names.learn(head);
  }

  /** Reads a name. */
  name(head: HeadReader): string {
    return this.#names.read(head);
  }

  /** The other side wants to hear of an actor's end. */
  watch(head: HeadReader): void {
    this.#watches.add(this.#names.read(head));
  }

  /** The other side does not want to hear of it any more. */
  unwatch(head: HeadReader): void {
    this.#watches.remove(this.#names.read(head));
  }

  /** Takes an ask. */
  ask(head: HeadReader, body?: Body, bulkId = 0): void {
    const callId = head.varint();
    if (!this.#parts.isPeersId(callId) || this.#calls.has(callId)) {
      throw new PulsingRuntimeError(
        `Cannot take call ${callId}: the peer cannot have made it now`,
        {
          kind: "protocol-violation",
        },
      );
    }
    this.#call(head, callId, body, bulkId);
  }

  /** Takes a tell. */
  tell(head: HeadReader, body?: Body, bulkId = 0): void {
    this.#call(head, NO_CALL, body, bulkId);
  }

  #call(head: HeadReader, callId: number, body: Body | undefined, bulkId: number): void {
    const callHead = readCallHead(head, this.#names);
    const { target, method, remainingMs } = callHead;
    const { link, bodies } = this.#parts;
    let payload: unknown;
    try {
      payload = bodies.read(head, body);
      if (payload === undefined && method !== undefined) payload = []; // a call without arguments
      if (method !== undefined && !Array.isArray(payload)) throw noArguments(method);
    } catch (error) {
      if (callId === 0) this.#undelivered(target, error);
      else link.fail(callId, error);
      return this.#order.complete(bulkId, () => {});
    }
    const call = new InboundCall(link, callId, callHead, payload, bodies.kept);
    if (remainingMs > 0) this.#limit(call, remainingMs);
    if (this.#isFull) {
      this.#refuse(target, call, tooManyCalls());
      return this.#order.complete(bulkId, () => {});
    }
    if (callId !== 0) this.#calls.set(callId, call);
    this.#inOrder(`actor ${target}`, bulkId, () => this.#deliver(target, callId, call));
  }

  /** Ends a call at its deadline: the other side may be silent by then. */
  #limit(call: InboundCall, remainingMs: number): void {
    const { clock } = this.#parts.host;
    call.deadline = clock.now() + remainingMs;
    const error = () => new PulsingTimeoutError(call.method ?? "ask", remainingMs);
    call.endWith(clock.setTimer(() => call.cancel(error()), remainingMs));
  }

  /** The caller does not want the answer any more. */
  cancel(callId: number, reason: Error): void {
    this.#calls.get(callId)?.cancel(reason);
  }

  /** The call was answered. */
  settled(callId: number): void {
    this.#calls.delete(callId);
  }

  /** Takes an item of a stream. */
  item(head: HeadReader, body?: Body, bulkId = 0): void {
    const { streams, bodies, writer } = this.#parts;
    const streamId = head.varint();
    const sequence = head.varint();
    const stream = streams.inbound(streamId);
    const bytes = sizeOf(head, body);
    stream?.arrived(bytes);
    let value: unknown;
    try {
      // Without a stream it was cancelled here while the item was on its way.
      value = bodies.read(head, body, stream === undefined ? "drop" : "keep");
    } catch (error) {
      stream?.fail(error);
      writer.stopStream(streamId);
      return this.#order.complete(bulkId, () => {});
    }
    this.#inOrder(`stream ${streamId}`, bulkId, () => {
      streams.inbound(streamId)?.item(sequence, value, bytes);
    });
  }

  /** Takes the end of a stream, with an error or without. */
  end(kind: FrameKind, head: HeadReader): void {
    const { streams, bodies } = this.#parts;
    const streamId = head.varint();
    const sequence = head.varint();
    const failure = kind === FrameKind.fault ? bodies.error(head) : undefined;
    this.#inOrder(`stream ${streamId}`, 0, () => {
      streams.inbound(streamId)?.end(sequence, failure);
    });
  }

  /** Takes the announcement of a large message, and reserves its place in the order. */
  announce(head: HeadReader): void {
    const { id, kind, head: inner } = this.#bulk.announce(head);
    const reader = readerOf(inner);
    if (kind === FrameKind.ask) reader.varint();
    if (kind === FrameKind.ask || kind === FrameKind.tell) {
      reader.byte();
      this.#order.reserve(`actor ${this.#names.read(reader)}`, id);
    } else if (kind === FrameKind.item) {
      this.#order.reserve(`stream ${reader.varint()}`, id);
    }
  }

  /** Takes a chunk of a large message, or a part of it with `left` bytes still to come. */
  chunk(head: HeadReader, left = 0): void {
    const arrival = this.#bulk.chunk(head, left);
    if (arrival !== undefined) this.#complete(arrival);
  }

  /** The other side gave a large message up. */
  drop(head: HeadReader): void {
    const arrival = this.#bulk.drop(head);
    if (arrival !== undefined) this.#order.complete(arrival.id, () => {});
  }

  /** Cancels all calls because the link is gone. */
  close(error: Error): void {
    this.#isClosed = true;
    this.#watches.close();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.cancel(error);
  }

  /** Runs now, or when the large messages that arrived before on the same lane are complete. */
  #inOrder(lane: string, bulkId: number, run: () => void): void {
    if (bulkId !== 0) this.#order.complete(bulkId, run);
    else if (this.#order.isIdle || !this.#order.defer(lane, run)) run();
  }

  #deliver(target: string, callId: number, call: InboundCall): void {
    if (this.#isClosed) return call.release();
    if (call.isCancelled) {
      this.#calls.delete(callId);
      return call.release();
    }
    const { host } = this.#parts;
    const cell = host.cellWithId(target);
    if (cell !== undefined) return void cell.post(call);
    const { error } = host.endOf(target);
    this.#refuse(target, call, actorStopped(target, host.nodeId, error));
  }

  /** Whether so much waits, for answers or behind large messages, that no more is taken. */
  get #isFull(): boolean {
    const { maxPendingCalls } = this.#parts.host.limits;
    return this.#calls.size >= maxPendingCalls || this.#order.deferred >= maxPendingCalls;
  }

  #refuse(target: string, call: InboundCall, error: PulsingRuntimeError): void {
    const { host } = this.#parts;
    if (!call.wantsReply) this.#undelivered(target, error);
    host.deadLetters.add(() => letterOf(call, { label: target, actorId: target }, error));
    call.refuse(error);
  }

  #complete({ id, kind, head, body, buffers }: BulkArrival): void {
    const reader = readerOf(head);
    const whole = { bytes: body, buffers };
    if (kind === FrameKind.item) this.item(reader, whole, id);
    else if (kind === FrameKind.tell) this.tell(reader, whole, id);
    else if (kind === FrameKind.ask) this.ask(reader, whole, id);
    else this.#parts.dispatch(kind, reader, whole);
  }

  #undelivered(target: string, error?: unknown): void {
    const { host, link } = this.#parts;
    host.logger.debug("dead letter", { target, from: link.nodeId, error });
  }
}

function noArguments(method: string): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot call method "${method}": its arguments are no list`, {
    kind: "invalid-message",
    method,
  });
}

/** The error for a call above `limits.maxPendingCalls`, on either side. */
export function tooManyCalls(): PulsingRuntimeError {
  return new PulsingRuntimeError(
    "Cannot send call: too many on this link wait for their answer, await earlier ones first",
    { kind: "limit-exceeded", retryable: true },
  );
}

function readerOf(head: Uint8Array): HeadReader {
  const reader = new HeadReader();
  reader.reset(head, 0, head.length);
  return reader;
}
