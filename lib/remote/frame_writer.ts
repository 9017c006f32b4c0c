/**
 * Everything one side of a link says, as frames.
 *
 * @module
 */

import { isPulsingError, PulsingRuntimeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { Encoder } from "../wire/codec.ts";
import { FrameKind } from "../wire/frame.ts";
import { type ErrorRecord, toErrorRecord } from "../wire/wire_error.ts";
import type { BulkSender, BulkTransfer } from "./bulk.ts";
import type { Credit } from "./credit.ts";
import type { SentNames } from "./names.ts";
import type { Outbox } from "./outbox.ts";

/** Bits of an ask's or tell's flags field. */
export const CallFlag = { method: 1, deadline: 2, caller: 4 } as const;

/** Characters of an error's message that still cross when the whole error is too large. */
const SHORT_MESSAGE = 10_000;

/** A message for one actor. */
export interface OutgoingCall {
  /** The actor's id. */
  readonly target: string;
  /** The method, or `undefined` when the payload is a message to `receive`. */
  readonly method: string | undefined;
  readonly payload: unknown;
  /** Milliseconds until the answer is not wanted any more; 0 for no limit. */
  readonly remainingMs: number;
  /** The address of the calling actor, when an actor calls. */
  readonly caller: string | undefined;
}

/** What became of a frame with a body. */
export interface Sent {
  /** Bytes of the body and its buffers. */
  readonly bytes: number;
  /** The transfer, when the message is large and still on its way. */
  readonly transfer: BulkTransfer | undefined;
}

/**
 * Writes frames into the outbox.
 *
 * A value that cannot be encoded throws and leaves no trace of its frame.
 */
export class FrameWriter {
  readonly #outbox: Outbox;
  readonly #names: SentNames;
  readonly #bulk: BulkSender;
  readonly #encoder: Encoder;
  readonly #limits: Limits;
  #buffers: Uint8Array[] = [];

  constructor(
    parts: { outbox: Outbox; names: SentNames; bulk: BulkSender; encoder: Encoder; limits: Limits },
  ) {
    this.#outbox = parts.outbox;
    this.#names = parts.names;
    this.#bulk = parts.bulk;
    this.#encoder = parts.encoder;
    this.#limits = parts.limits;
  }

  /** Asks an actor. */
  ask(callId: number, call: OutgoingCall): Sent {
    return this.#call(FrameKind.ask, callId, call);
  }

  /** Tells an actor. */
  tell(call: OutgoingCall): Sent {
    return this.#call(FrameKind.tell, 0, call);
  }

  /** Answers an ask. */
  reply(callId: number, value: unknown): Sent {
    const mark = this.#outbox.begin(FrameKind.reply);
    this.#outbox.writer.varint(callId);
    return this.#body(FrameKind.reply, mark, value);
  }

  /** Answers an ask with an error; what of it cannot be encoded is left out. */
  failure(callId: number, error: unknown): void {
    this.#error(FrameKind.failure, error, callId);
  }

  /** Sends one item of a stream. */
  item(streamId: number, sequence: number, value: unknown): Sent {
    const mark = this.#outbox.begin(FrameKind.item);
    this.#outbox.writer.varint(streamId);
    this.#outbox.writer.varint(sequence);
    return this.#body(FrameKind.item, mark, value);
  }

  /** Ends a stream after `sequence` items. */
  endStream(streamId: number, sequence: number): void {
    this.#numbers(FrameKind.end, streamId, sequence);
  }

  /** Ends a stream after `sequence` items with an error. */
  failStream(streamId: number, sequence: number, error: unknown): void {
    this.#error(FrameKind.fault, error, streamId, sequence);
  }

  /** Lets the producer of a stream send more. */
  credit(streamId: number, { items, bytes }: Credit): void {
    this.#numbers(FrameKind.credit, streamId, items, bytes);
  }

  /** Tells the producer of a stream that no more items are wanted. */
  stopStream(streamId: number): void {
    this.#numbers(FrameKind.stop, streamId);
  }

  /** Tells the callee that the answer is not wanted any more. */
  cancel(callId: number, reason: unknown): void {
    this.#error(FrameKind.cancel, reason, callId);
  }

  /** Sends a frame that is only its kind. */
  bare(kind: FrameKind): void {
    this.#numbers(kind);
  }

  /** Says that a frame's kind is not known here. */
  unknown(kind: number): void {
    this.#numbers(FrameKind.unknown, kind);
  }

  /** Sends a frame whose payload is already encoded. */
  raw(kind: FrameKind, payload: Uint8Array): void {
    const mark = this.#outbox.begin(kind);
    this.#outbox.writer.run(payload);
    this.#outbox.end(mark);
  }

  /** Sends news between the cluster parts of the two nodes. */
  control(message: unknown): void {
    this.#body(FrameKind.control, this.#outbox.begin(FrameKind.control), message);
  }

  #call(kind: FrameKind, callId: number, call: OutgoingCall): Sent {
    this.#checkRoom(call.target);
    const { target, method, remainingMs, caller } = call;
    const targetNumber = this.#names.numberOf(target);
    const methodNumber = method === undefined ? 0 : this.#names.numberOf(method);
    const callerNumber = caller === undefined ? 0 : this.#names.numberOf(caller);
    const { writer } = this.#outbox;
    const mark = this.#outbox.begin(kind);
    if (kind === FrameKind.ask) writer.varint(callId);
    writer.byte(
      (method === undefined ? 0 : CallFlag.method) | (remainingMs > 0 ? CallFlag.deadline : 0) |
        (caller === undefined ? 0 : CallFlag.caller),
    );
    this.#names.write(target, targetNumber);
    if (method !== undefined) this.#names.write(method, methodNumber);
    if (remainingMs > 0) writer.varint(Math.ceil(remainingMs));
    if (caller !== undefined) this.#names.write(caller, callerNumber);
    return this.#body(kind, mark, call.payload);
  }

  /** Writes the body, ends the frame, and takes it apart again if it turned out to be large. */
  #body(kind: FrameKind, mark: number, value: unknown): Sent {
    const { writer } = this.#outbox;
    const bodyMark = writer.mark();
    if (value !== undefined) {
      try {
        this.#encoder.encode(value, writer, this.#buffers);
      } catch (error) {
        writer.rewind(mark);
        this.#buffers = [];
        throw error;
      }
    }
    const bytes = writer.mark() - bodyMark;
    if (this.#buffers.length === 0 && bytes < this.#limits.chunkThresholdBytes) {
      this.#outbox.end(mark);
      return { bytes, transfer: undefined };
    }
    return this.#large(kind, mark, bodyMark);
  }

  #large(kind: FrameKind, mark: number, bodyMark: number): Sent {
    const { writer } = this.#outbox;
    const begin = writer.indexOf(mark) + 5; // past the length and the kind
    const bodyBegin = writer.indexOf(bodyMark);
    const head = writer.bytes.subarray(begin, bodyBegin);
    const segments = [writer.bytes.subarray(bodyBegin, writer.position), ...this.#buffers];
    this.#buffers = [];
    const bytes = segments.reduce((sum, segment) => sum + segment.length, 0);
    const message = bytes > this.#limits.maxMessageBytes
      ? undefined
      : this.#bulk.copy(kind, head, segments);
    writer.rewind(mark);
    if (message === undefined) throw this.#tooLarge(bytes);
    return { bytes, transfer: this.#bulk.send(message) };
  }

  #tooLarge(bytes: number): PulsingRuntimeError {
    return new PulsingRuntimeError(
      `Cannot send message of ${bytes} bytes: the limit "maxMessageBytes" is ` +
        `${this.#limits.maxMessageBytes}, send it as a stream of parts`,
      { kind: "limit-exceeded" },
    );
  }

  #numbers(kind: FrameKind, ...values: number[]): void {
    const mark = this.#outbox.begin(kind);
    for (const value of values) this.#outbox.writer.varint(value);
    this.#outbox.end(mark);
  }

  #error(kind: FrameKind, error: unknown, ...values: number[]): void {
    const record = toErrorRecord(error);
    const bare = { ...record, details: undefined, cause: undefined };
    const short = { ...bare, message: record.message.slice(0, SHORT_MESSAGE) };
    for (const attempt of [record, bare, short]) {
      if (this.#tryError(kind, attempt, values)) return;
    }
  }

  /** Writes an error unless it cannot be encoded or is too large for a frame of its own. */
  #tryError(kind: FrameKind, record: ErrorRecord, values: readonly number[]): boolean {
    const { writer } = this.#outbox;
    const mark = this.#outbox.begin(kind);
    for (const value of values) writer.varint(value);
    try {
      this.#encoder.encode(record, writer);
    } catch (failure) {
      writer.rewind(mark);
      if (isPulsingError(failure)) return false;
      throw failure;
    }
    if (writer.mark() - mark <= this.#limits.chunkBytes) {
      this.#outbox.end(mark);
      return true;
    }
    writer.rewind(mark);
    return false;
  }

  #checkRoom(target: string): void {
    if (this.#outbox.bufferedBytes < this.#limits.outboxCapacityBytes) return;
    throw new PulsingRuntimeError(
      `Cannot send to actor "${target}": more than ${this.#limits.outboxCapacityBytes} bytes ` +
        "wait to be sent to its node, await earlier calls first",
      { kind: "limit-exceeded", retryable: true, actor: target },
    );
  }
}
