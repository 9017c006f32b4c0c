/**
 * Everything one side of a link says, as frames.
 *
 * @module
 */

import { isStream } from "../actor/reply_stream.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { type CodecHooks, Encoder } from "../wire/codec.ts";
import { FrameKind } from "../wire/frame.ts";
import { type ErrorRecord, toErrorRecord } from "../wire/wire_error.ts";
import { type Terminated, TERMINATION_REASONS } from "../actor/death_watch.ts";
import type { BulkSender, BulkTransfer } from "./bulk.ts";
import { internNames, writeCallHead } from "./call_head.ts";
import type { Credit } from "./credit.ts";
import type { SentNames } from "./names.ts";
import type { Outbox } from "./outbox.ts";
import type { OutgoingCall } from "./outgoing_call.ts";
import type { OutboundStream } from "./remote_stream.ts";
import type { StreamTable } from "./stream_table.ts";

/** Characters of an error's message that still cross when the whole error is too large. */
const SHORT_MESSAGE = 10_000;

/** What became of a frame with a body. */
export interface Sent {
  /** Bytes of the body and its buffers. */
  readonly bytes: number;
  /** The transfer, when the message is large and still on its way. */
  readonly transfer: BulkTransfer | undefined;
  /** The streams in the message, if there are any. */
  readonly streams?: readonly OutboundStream[];
}

/** The parts of a link that its frames are made with. */
export interface FrameWriterParts {
  readonly outbox: Outbox;
  readonly names: SentNames;
  readonly bulk: BulkSender;
  readonly streams: StreamTable;
  readonly hooks: CodecHooks;
  readonly limits: Limits;
}

/**
 * Writes frames into the outbox.
 *
 * A value that cannot be encoded throws and leaves no trace of its frame. Streams found in a value
 * start when the last of its bytes has been handed on, and are stopped when that never happens.
 */
export class FrameWriter {
  readonly #outbox: Outbox;
  readonly #names: SentNames;
  readonly #bulk: BulkSender;
  readonly #streams: StreamTable;
  readonly #hooks: CodecHooks;
  readonly #encoder: Encoder;
  readonly #errorEncoder: Encoder;
  readonly #limits: Limits;

  constructor({ outbox, names, bulk, streams, hooks, limits }: FrameWriterParts) {
    this.#outbox = outbox;
    this.#names = names;
    this.#bulk = bulk;
    this.#streams = streams;
    this.#hooks = hooks;
    this.#limits = limits;
    this.#encoder = new Encoder(limits, hooks);
    // Nobody would read a stream in an error's details.
    this.#errorEncoder = new Encoder(limits, withoutStreams(hooks));
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

  /** Answers an ask that no actor has handled and none will. */
  refusal(callId: number, error: unknown): void {
    this.#error(FrameKind.refusal, error, callId);
  }

  /** Asks to be told of an actor's end. */
  watch(target: string): void {
    this.#name(FrameKind.watch, target);
  }

  /** Does not want to be told any more. */
  unwatch(target: string): void {
    this.#name(FrameKind.unwatch, target);
  }

  /** Refuses a watch: the other side has as many as it may. */
  unwatched(target: string): void {
    this.#name(FrameKind.unwatched, target);
  }

  /** Tells of the end of an actor that the other side watches. */
  terminated({ id, reason, error }: Terminated): void {
    const number = this.#names.numberOf(id);
    const kind = FrameKind.terminated;
    const code = TERMINATION_REASONS.indexOf(reason);
    const writeHead = () => {
      this.#names.write(id, number);
      this.#outbox.writer.byte(code);
    };
    if (error !== undefined) return this.#errorAfter(kind, error, writeHead);
    const mark = this.#outbox.begin(kind);
    writeHead();
    this.#outbox.end(mark);
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
    this.#checkRoom();
    internNames(this.#names, call);
    const mark = this.#outbox.begin(kind);
    const { writer } = this.#outbox;
    if (kind === FrameKind.ask) writer.varint(callId);
    writeCallHead(writer, this.#names, call);
    return this.#body(kind, mark, call.payload);
  }

  #body(kind: FrameKind, mark: number, value: unknown): Sent {
    // What is encoded around this message, if anything, keeps its streams.
    const outer = this.#streams.takeOpened();
    try {
      const sent = this.#encode(kind, mark, value);
      const streams = this.#streams.startOpened(sent.transfer);
      return streams.length === 0 ? sent : { ...sent, streams };
    } catch (error) {
      this.#streams.stopOpened();
      throw error;
    } finally {
      this.#streams.giveBackOpened(outer);
    }
  }

  /** Writes the body, ends the frame, and takes it apart again if it turned out to be large. */
  #encode(kind: FrameKind, mark: number, value: unknown): Sent {
    const { writer } = this.#outbox;
    const bodyMark = writer.mark();
    const encoder = this.#encoder.isBusy ? new Encoder(this.#limits, this.#hooks) : this.#encoder;
    let buffers: readonly Uint8Array[];
    try {
      buffers = value === undefined ? NO_BUFFERS : encoder.encode(value, writer, "apart");
    } catch (error) {
      this.#outbox.abandon(mark);
      throw error;
    }
    const bytes = writer.mark() - bodyMark;
    if (buffers.length === 0 && bytes < this.#limits.chunkThresholdBytes) {
      this.#outbox.end(mark);
      return { bytes, transfer: undefined };
    }
    return this.#large(kind, mark, bodyMark, buffers);
  }

  #large(
    kind: FrameKind,
    mark: number,
    bodyMark: number,
    buffers: readonly Uint8Array[],
  ): Sent {
    const { writer } = this.#outbox;
    const begin = writer.indexOf(mark) + 5; // past the length and the kind
    const bodyBegin = writer.indexOf(bodyMark);
    const head = writer.bytes.subarray(begin, bodyBegin);
    const segments = [writer.bytes.subarray(bodyBegin, writer.position), ...buffers];
    const bytes = segments.reduce((sum, segment) => sum + segment.length, 0);
    const refusal = this.#refusal(kind, bytes);
    const message = refusal === undefined ? this.#bulk.copy(kind, head, segments) : undefined;
    this.#outbox.abandon(mark);
    if (message === undefined) throw refusal;
    return { bytes, transfer: this.#bulk.send(message) };
  }

  #refusal(kind: FrameKind, bytes: number): PulsingRuntimeError | undefined {
    if (bytes > this.#limits.maxMessageBytes) return this.#tooLarge(bytes);
    const isFull = this.#bulk.queuedBytes >= this.#limits.outboxCapacityBytes;
    return isFull && kind !== FrameKind.item ? this.#noRoom() : undefined; // items have credit
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

  #name(kind: FrameKind, name: string): void {
    const number = this.#names.numberOf(name);
    const mark = this.#outbox.begin(kind);
    this.#names.write(name, number);
    this.#outbox.end(mark);
  }

  #error(kind: FrameKind, error: unknown, ...values: number[]): void {
    this.#errorAfter(kind, error, () => {
      for (const value of values) this.#outbox.writer.varint(value);
    });
  }

  #errorAfter(kind: FrameKind, error: unknown, writeHead: () => void): void {
    const record = toErrorRecord(error);
    const bare = { ...record, details: undefined, cause: undefined };
    const message = record.message.slice(0, SHORT_MESSAGE);
    const short = { ...bare, message };
    for (const attempt of [record, bare, short]) {
      if (this.#tryError(kind, attempt, writeHead, this.#limits.chunkBytes)) return;
    }
    const least = { type: record.type, message };
    this.#tryError(kind, least, writeHead, Infinity);
  }

  /** Writes an error unless it cannot be encoded or is too large for a frame of its own. */
  #tryError(
    kind: FrameKind,
    record: Partial<ErrorRecord>,
    writeHead: () => void,
    maxBytes: number,
  ): boolean {
    const mark = this.#outbox.begin(kind);
    const { writer } = this.#outbox;
    const encoder = this.#errorEncoder.isBusy
      ? new Encoder(this.#limits, withoutStreams(this.#hooks))
      : this.#errorEncoder;
    writeHead();
    try {
      encoder.encode(record, writer);
      if (writer.mark() - mark <= maxBytes) {
        this.#outbox.end(mark);
        return true;
      }
    } catch {
      // What the error holds cannot be encoded, or throws when it is looked at.
    }
    this.#outbox.abandon(mark);
    return false;
  }

  #checkRoom(): void {
    if (this.#outbox.bufferedBytes >= this.#limits.outboxCapacityBytes) throw this.#noRoom();
  }

  #noRoom(): PulsingRuntimeError {
    return new PulsingRuntimeError(
      `Cannot send message: more than ${this.#limits.outboxCapacityBytes} bytes wait to be sent ` +
        "to the other node, await earlier messages first",
      { kind: "limit-exceeded", retryable: true },
    );
  }
}

const NO_BUFFERS: readonly Uint8Array[] = Object.freeze([]);

/** The same hooks for values whose streams nobody would read. */
function withoutStreams(hooks: CodecHooks): CodecHooks {
  return {
    ...hooks,
    detach: (value) => {
      if (!isStream(value)) return hooks.detach(value);
      throw new TypeError("Cannot encode error: it holds a stream"); // the details are left out
    },
  };
}
