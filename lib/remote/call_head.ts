/**
 * What stands in front of the body of an ask or a tell.
 *
 * ```text
 * head = [call id] flags target [method] [remaining ms] [caller] [trace] [waiting] [headers]
 * ```
 *
 * @module
 */

import type { WaitingActor } from "../actor/ask_cycle.ts";
import type { TracePoint } from "../actor/call_chain.ts";
import type { CallHeaders } from "../actor/envelope.ts";
import { PulsingRuntimeError } from "../errors.ts";
import { MAX_HEADER_LENGTH, MAX_HEADERS, MAX_WAITING_ACTORS } from "../limits.ts";
import type { ByteWriter } from "../wire/byte_writer.ts";
import type { HeadReader } from "./head_reader.ts";
import type { ReceivedNames, SentNames } from "./names.ts";

/** Bits of the flags field: which of the optional fields are there. */
export const CallFlag = {
  method: 1,
  deadline: 2,
  caller: 4,
  trace: 8,
  waiting: 16,
  headers: 32,
} as const;

/** The head of a call, as it is written and as it was read. */
export interface CallHead {
  /** The actor's id. */
  readonly target: string;
  /** The method, or `undefined` when the payload is a message to `receive`. */
  readonly method: string | undefined;
  /** Milliseconds until the answer is not wanted any more; 0 for no limit. */
  readonly remainingMs: number;
  /** The address of the calling actor, when an actor calls. */
  readonly caller: string | undefined;
  /** The place in the chain of the message that led to the call. */
  readonly trace: TracePoint | undefined;
  /** Actors that wait for the answer, the nearest first. */
  readonly waiting: readonly WaitingActor[];
  readonly headers: CallHeaders | undefined;
}

/** What is above is as good as no limit, and no number on the wire. */
const LONGEST_MS = Number.MAX_SAFE_INTEGER;
/** The most UTF-8 bytes that one UTF-16 unit takes. */
const MOST_BYTES = 3;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const NOBODY: readonly WaitingActor[] = Object.freeze([]);

/**
 * Gives numbers to the names in a head; call it before the frame is begun.
 *
 * The names that a head repeats most are looked up here, the rare ones when they are written.
 */
export function internNames(names: SentNames, { target, method, caller, waiting }: CallHead): void {
  names.numberOf(target);
  if (method !== undefined) names.numberOf(method);
  if (caller !== undefined) names.numberOf(caller);
  for (const one of waiting) names.numberOf(textOf(one));
}

/** Writes a head from its flags on. */
export function writeCallHead(writer: ByteWriter, names: SentNames, head: CallHead): void {
  const { target, method, remainingMs, caller, trace, waiting, headers } = head;
  writer.byte(
    (method === undefined ? 0 : CallFlag.method) | (remainingMs > 0 ? CallFlag.deadline : 0) |
      (caller === undefined ? 0 : CallFlag.caller) | (trace === undefined ? 0 : CallFlag.trace) |
      (waiting.length === 0 ? 0 : CallFlag.waiting) |
      (headers === undefined ? 0 : CallFlag.headers),
  );
  names.write(target, names.numberOf(target));
  if (method !== undefined) names.write(method, names.numberOf(method));
  if (remainingMs > 0) writer.varint(Math.min(Math.ceil(remainingMs), LONGEST_MS));
  if (caller !== undefined) names.write(caller, names.numberOf(caller));
  if (trace !== undefined) writeTrace(writer, trace);
  if (waiting.length > 0) writeWaiting(writer, names, waiting);
  if (headers !== undefined) writeHeaders(writer, headers);
}

/**
 * Reads a head from its flags on.
 *
 * @throws {PulsingRuntimeError} kind `"protocol-violation"`: it is malformed.
 */
export function readCallHead(head: HeadReader, names: ReceivedNames): CallHead {
  const flags = head.byte();
  const target = names.read(head);
  return {
    target,
    method: (flags & CallFlag.method) === 0 ? undefined : names.read(head),
    remainingMs: (flags & CallFlag.deadline) === 0 ? 0 : head.varint(),
    caller: (flags & CallFlag.caller) === 0 ? undefined : names.read(head),
    trace: (flags & CallFlag.trace) === 0 ? undefined : readTrace(head),
    waiting: (flags & CallFlag.waiting) === 0 ? NOBODY : readWaiting(head, names),
    headers: (flags & CallFlag.headers) === 0 ? undefined : readHeaders(head),
  };
}

function writeTrace(writer: ByteWriter, { trace, span, flags }: TracePoint): void {
  writer.reserve(25);
  const { view } = writer;
  let { position } = writer;
  for (let index = 0; index < 4; index++, position += 4) {
    view.setUint32(position, trace[index] as number); // it has four words
  }
  view.setUint32(position, span[0]);
  view.setUint32(position + 4, span[1]);
  view.setUint8(position + 8, flags);
  writer.position = position + 9;
}

function readTrace(head: HeadReader): TracePoint {
  const trace = [word(head), word(head), word(head), word(head)] as const;
  const span = [word(head), word(head)] as const;
  return { trace, span, flags: head.byte() };
}

function word(head: HeadReader): number {
  return ((head.byte() << 24) | (head.byte() << 16) | (head.byte() << 8) | head.byte()) >>> 0;
}

function writeWaiting(
  writer: ByteWriter,
  names: SentNames,
  waiting: readonly WaitingActor[],
): void {
  writer.varint(waiting.length);
  for (const one of waiting) {
    const text = textOf(one);
    names.write(text, names.numberOf(text));
    writer.varint(one.serial);
  }
}

function readWaiting(head: HeadReader, names: ReceivedNames): WaitingActor[] {
  const waiting: WaitingActor[] = [];
  for (let left = countUpTo(head, MAX_WAITING_ACTORS); left > 0; left--) {
    const text = names.read(head);
    const space = text.indexOf(" ");
    const actorId = space < 0 ? text : text.slice(0, space);
    const label = space < 0 ? text : text.slice(space + 1);
    waiting.push({ actorId, label, serial: head.varint() });
  }
  return waiting;
}

function textOf({ actorId, label }: WaitingActor): string {
  return label === actorId ? actorId : `${actorId} ${label}`;
}

function writeHeaders(writer: ByteWriter, headers: CallHeaders): void {
  const entries = Object.entries(headers);
  writer.varint(entries.length);
  for (const text of entries.flat()) {
    const bytes = encoder.encode(text);
    writer.varint(bytes.length);
    writer.run(bytes);
  }
}

function readHeaders(head: HeadReader): CallHeaders {
  const headers: Record<string, string> = Object.create(null);
  let room = MAX_HEADER_LENGTH;
  for (let left = countUpTo(head, MAX_HEADERS); left > 0; left--) {
    const name = readText(head, room);
    const text = readText(head, room -= name.length);
    room -= text.length;
    headers[name] = text;
  }
  return headers;
}

/** Reads a text of so many characters at most; what cannot be so short is not decoded. */
function readText(head: HeadReader, room: number): string {
  const bytes = head.varint();
  const text = bytes > room * MOST_BYTES ? undefined : decoder.decode(head.run(bytes));
  if (text !== undefined && text.length <= room) return text;
  throw new PulsingRuntimeError(
    `Cannot read call: its headers have more than ${MAX_HEADER_LENGTH} characters`,
    { kind: "protocol-violation" },
  );
}

function countUpTo(head: HeadReader, most: number): number {
  const count = head.varint();
  if (count <= most) return count;
  throw new PulsingRuntimeError(`Cannot read call: it has ${count} parts where ${most} may be`, {
    kind: "protocol-violation",
  });
}
