/**
 * Bytes to values.
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import {
  BARE_BUFFER,
  type CodecHooks,
  Ext,
  MAX_BIGINT_BYTES,
  type RefRecord,
  UINT8_VIEW,
  VIEWS,
} from "./codec_hooks.ts";
import { Message, type MessageStream } from "./message.ts";
import { fromErrorValue } from "./wire_error.ts";

/** Strings up to this length are read by a loop, which beats the call into the runtime. */
const SHORT_STRING = 24;

/** Slots for the keys of records, which repeat from message to message. */
const KEY_SLOTS = 256;

/** Longest key that is looked up instead of read. */
const LONGEST_CACHED_KEY = 24;

/** Keeps a leading U+FEFF, which is part of the text and no byte order mark here. */
const textDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads values; nothing is allocated before its length has been checked against what is there.
 *
 * Keeps no values between calls, only short keys.
 */
export class Decoder {
  readonly #limits: Limits;
  readonly #hooks: CodecHooks | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #position = 0;
  #end = 0;
  #buffers: readonly Uint8Array[] = NO_BUFFERS;
  #seen: unknown[] = [];
  #claimed = 0;
  #depth = 0;
  readonly #keys: string[] = new Array(KEY_SLOTS).fill("");

  constructor(limits: Limits, hooks?: CodecHooks) {
    this.#limits = limits;
    this.#hooks = hooks;
  }

  /**
   * Reads exactly one value.
   *
   * @param bytes The array that holds the body.
   * @param start Where the body begins.
   * @param end Where it ends.
   * @param buffers The buffers that travelled beside it.
   * @throws {PulsingRuntimeError} kind `"not-decodable"`: malformed, truncated or too deep.
   */
  decode(
    bytes: Uint8Array,
    start: number,
    end: number,
    buffers: readonly Uint8Array[] = NO_BUFFERS,
  ): unknown {
    if (bytes !== this.#bytes) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
    this.#buffers = buffers;
    try {
      const value = this.#value();
      if (this.#position !== end) throw malformed("bytes are left over");
      return value;
    } finally {
      if (this.#seen.length > 0) this.#seen = [];
      this.#depth = 0;
      this.#buffers = NO_BUFFERS;
      this.#claimed = 0;
    }
  }

  #value(): unknown {
    const head = this.#byte();
    if (head < 0x80) return head;
    if (head < 0x90) return this.#map(head & 0x0f);
    if (head < 0xa0) return this.#array(head & 0x0f);
    if (head < 0xc0) return this.#string(head & 0x1f);
    if (head >= 0xe0) return head - 0x100;
    return this.#tagged(head);
  }

  #tagged(head: number): unknown {
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.#binary(this.#byte());
      case 0xc5:
        return this.#binary(this.#uint16());
      case 0xc6:
        return this.#binary(this.#uint32());
      case 0xc7:
        return this.#ext(this.#byte());
      case 0xc8:
        return this.#ext(this.#uint16());
      case 0xc9:
        return this.#ext(this.#uint32());
      case 0xd9:
        return this.#string(this.#byte());
      case 0xda:
        return this.#string(this.#uint16());
      case 0xdb:
        return this.#string(this.#uint32());
      case 0xdc:
        return this.#array(this.#uint16());
      case 0xdd:
        return this.#array(this.#uint32());
      case 0xde:
        return this.#map(this.#uint16());
      case 0xdf:
        return this.#map(this.#uint32());
      default:
        return head >= 0xd4 && head <= 0xd8 ? this.#ext(1 << (head - 0xd4)) : this.#numeric(head);
    }
  }

  #numeric(head: number): number {
    switch (head) {
      case 0xca:
        return this.#view.getFloat32(this.#past(4));
      case 0xcb:
        return this.#view.getFloat64(this.#past(8));
      case 0xcc:
        return this.#byte();
      case 0xcd:
        return this.#uint16();
      case 0xce:
        return this.#uint32();
      case 0xcf:
        return Number(this.#view.getBigUint64(this.#past(8)));
      case 0xd0:
        return this.#view.getInt8(this.#past(1));
      case 0xd1:
        return this.#view.getInt16(this.#past(2));
      case 0xd2:
        return this.#view.getInt32(this.#past(4));
      case 0xd3:
        return Number(this.#view.getBigInt64(this.#past(8)));
      default:
        throw malformed(`byte ${head} begins no value`);
    }
  }

  /** Reads a key; short ones that were met before are neither built nor hashed again. */
  #key(): unknown {
    const head = this.#bytes[this.#position] as number; // what lies behind the end is not a string
    const length = head & 0x1f;
    const start = this.#position + 1;
    if ((head & 0xe0) !== 0xa0 || length > LONGEST_CACHED_KEY || start + length > this.#end) {
      return this.#value();
    }
    const bytes = this.#bytes;
    const first = bytes[start] ?? 0;
    const last = bytes[start + length - 1] ?? 0;
    const slot = (length * 31 + first * 7 + last) % KEY_SLOTS;
    const known = this.#keys[slot] as string; // every slot is filled
    if (known.length === length && isAt(known, bytes, start)) {
      this.#position = start + length;
      return known;
    }
    const key = this.#value();
    if (typeof key === "string") this.#keys[slot] = key;
    return key;
  }

  #string(length: number): string {
    const start = this.#position;
    this.#skip(length);
    const bytes = this.#bytes;
    if (length > SHORT_STRING) return textDecoder.decode(bytes.subarray(start, start + length));
    let text = "";
    for (let index = start; index < start + length; index++) {
      const code = bytes[index] as number; // the skip checked the range
      if (code >= 0x80) return textDecoder.decode(bytes.subarray(start, start + length));
      text += String.fromCharCode(code);
    }
    return text;
  }

  #array(length: number): unknown[] {
    this.#checkCount(length);
    const items: unknown[] = [];
    this.#seen.push(items);
    this.#deeper();
    for (let index = 0; index < length; index++) items.push(this.#value());
    this.#depth--;
    return items;
  }

  #map(length: number): Record<string, unknown> {
    this.#checkCount(length * 2);
    const record: Record<string, unknown> = {};
    this.#seen.push(record);
    this.#deeper();
    for (let index = 0; index < length; index++) {
      const key = this.#key();
      if (typeof key !== "string" && typeof key !== "number") throw malformed("a key is no text");
      if (key === "__proto__") throw malformed('a key is "__proto__"');
      record[key] = this.#value();
    }
    this.#depth--;
    return record;
  }

  #binary(length: number): Uint8Array {
    const start = this.#position;
    this.#skip(length);
    const value = copyOf(this.#bytes, start, start + length);
    this.#seen.push(value);
    return value;
  }

  #ext(length: number): unknown {
    const type = this.#byte();
    if (length > this.#end - this.#position) throw malformed("it is truncated");
    const end = this.#position + length;
    const value = this.#extValue(type, end);
    if (this.#position !== end) throw malformed(`extension ${type} has a wrong length`);
    return value;
  }

  #extValue(type: number, end: number): unknown {
    switch (type) {
      case Ext.undefined:
        this.#position = end;
        return undefined;
      case Ext.back:
        return this.#back();
      case Ext.bigint:
        return this.#bigint(end);
      case Ext.date:
        return this.#remember(new Date(this.#float64()));
      case Ext.buffer:
        return this.#buffer(end);
      case Ext.outOfBand:
        return this.#outOfBand();
      case Ext.stream:
        return this.#stream();
      case Ext.map:
        return this.#mapObject();
      case Ext.set:
        return this.#setObject();
      case Ext.regexp:
        return this.#whole(([source, flags]) => toRegExp(source, flags));
      case Ext.error:
        return this.#whole(([record]) => fromErrorValue(record));
      case Ext.ref:
        return this.#whole((fields) => this.#ref(fields));
      case Ext.message:
        return this.#whole(toMessage);
      default:
        throw malformed(`extension ${type} is unknown`);
    }
  }

  #back(): unknown {
    const number = this.#float64();
    if (!Number.isInteger(number) || number < 0 || number >= this.#seen.length) {
      throw malformed("a back reference leads nowhere");
    }
    return this.#seen[number];
  }

  #bigint(end: number): bigint {
    if (end - this.#position > MAX_BIGINT_BYTES) throw malformed("a bigint is too long");
    const isNegative = this.#byte() === 1;
    let digits = "";
    while (this.#position < end) digits += this.#byte().toString(16).padStart(2, "0");
    const magnitude = BigInt(`0x${digits || "0"}`);
    return isNegative ? -magnitude : magnitude;
  }

  #buffer(end: number): unknown {
    const kind = this.#byte();
    const start = this.#position;
    this.#position = end;
    return this.#remember(toView(kind, copyOf(this.#bytes, start, end)));
  }

  #outOfBand(): unknown {
    const kind = this.#byte();
    const index = this.#uint32();
    const length = this.#uint32();
    const buffer = this.#buffers[index];
    // Each once and in order: claiming one many times would multiply what it costs.
    if (index !== this.#claimed++ || buffer === undefined || buffer.length !== length) {
      throw malformed("a buffer is missing or has another length");
    }
    return this.#remember(toView(kind, buffer));
  }

  #stream(): unknown {
    const id = this.#float64();
    if (this.#hooks === undefined || !Number.isSafeInteger(id) || id < 0) {
      throw malformed("a stream cannot be opened here");
    }
    return this.#remember(this.#hooks.attachStream(id));
  }

  #mapObject(): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>();
    this.#seen.push(map);
    const count = this.#listLength();
    if (count % 2 !== 0) throw malformed("a map has a key without a value");
    for (let index = 0; index < count; index += 2) map.set(this.#value(), this.#value());
    this.#depth--;
    return map;
  }

  #setObject(): Set<unknown> {
    const set = new Set<unknown>();
    this.#seen.push(set);
    const count = this.#listLength();
    for (let index = 0; index < count; index++) set.add(this.#value());
    this.#depth--;
    return set;
  }

  /** Reads the items of an extension whose object can only be made when all are there. */
  #whole(make: (items: unknown[]) => unknown): unknown {
    const number = this.#seen.push(undefined) - 1;
    const items: unknown[] = [];
    const count = this.#listLength();
    for (let index = 0; index < count; index++) items.push(this.#value());
    this.#depth--;
    return this.#seen[number] = make(items);
  }

  #listLength(): number {
    const head = this.#byte();
    const count = head === 0xdd ? this.#uint32() : head === 0xdc ? this.#uint16() : head & 0x0f;
    if (head < 0xdc && (head & 0xf0) !== 0x90) throw malformed("an extension holds no list");
    this.#checkCount(count);
    this.#deeper();
    return count;
  }

  #ref([form, actorId, nodeId, path, address, className]: unknown[]): unknown {
    const isForm = form === "ref" || form === "proxy";
    if (
      this.#hooks === undefined || !isForm || typeof actorId !== "string" ||
      typeof nodeId !== "string" || ![path, address, className].every(isOptionalText)
    ) throw malformed("a reference is malformed");
    const optional = { path, address, className } as Partial<RefRecord>; // checked above
    return this.#hooks.attachRef({ form, actorId, nodeId, ...optional });
  }

  #remember<T>(value: T): T {
    this.#seen.push(value);
    return value;
  }

  #deeper(): void {
    if (++this.#depth > this.#limits.maxDepth) throw malformed("it is nested too deeply");
  }

  #checkCount(count: number): void {
    if (count > this.#end - this.#position) throw malformed("it is truncated");
  }

  /** Passes over some bytes and tells where they begin. */
  #past(length: number): number {
    const position = this.#position;
    this.#skip(length);
    return position;
  }

  #skip(length: number): void {
    if (length > this.#end - this.#position) throw malformed("it is truncated");
    this.#position += length;
  }

  #byte(): number {
    if (this.#position >= this.#end) throw malformed("it is truncated");
    return this.#bytes[this.#position++] as number; // in range
  }

  #uint16(): number {
    this.#skip(2);
    return this.#view.getUint16(this.#position - 2);
  }

  #uint32(): number {
    this.#skip(4);
    return this.#view.getUint32(this.#position - 4);
  }

  #float64(): number {
    this.#skip(8);
    return this.#view.getFloat64(this.#position - 8);
  }
}

const NO_BUFFERS: readonly Uint8Array[] = Object.freeze([]);

function toView(kind: number, bytes: Uint8Array): unknown {
  const View = VIEWS[kind];
  if (View === undefined) throw malformed("a buffer is of an unknown kind");
  if (kind === UINT8_VIEW) return bytes;
  const size = View.BYTES_PER_ELEMENT ?? 1;
  if (bytes.length % size !== 0) throw malformed("a typed array has a broken element");
  // A buffer of its own is needed for a bare ArrayBuffer, and where the elements do not align.
  const isUsable = kind !== BARE_BUFFER && bytes.byteOffset % size === 0;
  const { buffer, byteOffset } = isUsable ? bytes : copyOf(bytes, 0, bytes.length);
  const own = buffer as ArrayBuffer; // never shared memory: the transports make it
  return kind === BARE_BUFFER ? own : new View(own, byteOffset, bytes.length / size);
}

/** A copy in a buffer of its own; `slice` of Node's `Buffer`, which sockets give, is no copy. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

/** Whether a text stands at a place as ASCII. */
function isAt(text: string, bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code !== bytes[start + index] || code >= 0x80) return false;
  }
  return true;
}

function toRegExp(source: unknown, flags: unknown): RegExp {
  try {
    return new RegExp(String(source), String(flags));
  } catch (cause) {
    throw malformed("a regular expression is invalid", cause);
  }
}

function toMessage([type, form, body]: unknown[]): Message {
  if (typeof type === "string") {
    if (form === "value") return new Message(type, { form, body });
    if (form === "bytes" && body instanceof Uint8Array) return new Message(type, { form, body });
    if (form === "stream" && isStream(body)) return new Message(type, { form, body });
  }
  throw malformed("a typed message is malformed");
}

/** Of what is decoded only streams have the symbol: keys are texts. */
function isStream(value: unknown): value is MessageStream {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function malformed(why: string, cause?: unknown): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot decode the message: ${why}`, {
    kind: "not-decodable",
    ...(cause === undefined ? {} : { cause }),
  });
}
