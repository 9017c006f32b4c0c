/**
 * Values to bytes.
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { ByteWriter } from "./byte_writer.ts";
import {
  BARE_BUFFER,
  type CodecHooks,
  Ext,
  MAX_BIGINT_BYTES,
  UINT8_VIEW,
  VIEWS,
} from "./codec_hooks.ts";
import { Message } from "./message.ts";
import { toErrorRecord } from "./wire_error.ts";

/** Strings up to this length are written by a loop, which beats the call into the runtime. */
const SHORT_STRING = 48;
/** Objects up to this number are looked for by a scan, which beats a map. */
const FEW_OBJECTS = 32;
/** What a decoder takes. */
const MAX_BIGINT_DIGITS = 2 * MAX_BIGINT_BYTES - 2;
const TWO_32 = 0x1_0000_0000;

const NO_BUFFERS: readonly Uint8Array[] = Object.freeze([]);

/** Stands where no value is being encoded. */
const NOWHERE = new ByteWriter();
const textEncoder = new TextEncoder();

/** Appends values to a {@link ByteWriter}. Keeps nothing between calls. */
export class Encoder {
  readonly #limits: Limits;
  readonly #hooks: CodecHooks | undefined;
  #writer: ByteWriter = NOWHERE;
  #buffers: Uint8Array[] | undefined = undefined;
  #isApart = false;
  #seen: object[] = [];
  #numbers: Map<object, number> | undefined = undefined;
  #depth = 0;
  #path: (string | number)[] = [];

  constructor(limits: Limits, hooks?: CodecHooks) {
    this.#limits = limits;
    this.#hooks = hooks;
  }

  /** Whether a value is being encoded, by code around the running code. */
  get isBusy(): boolean {
    return this.#writer !== NOWHERE;
  }

  /**
   * Appends one value.
   *
   * @param value The value.
   * @param writer Where to; rewound to where it was when this throws.
   * @param buffers `"apart"`: buffers of `limits.chunkThresholdBytes` and more do not stand in the
   * body but are returned, as they are, not copied.
   * @returns Those buffers in the order of their places.
   * @throws {PulsingRuntimeError} kind `"not-encodable"`: a function, a symbol, a key
   * `"__proto__"`, or too deep; the message names the place.
   */
  encode(
    value: unknown,
    writer: ByteWriter,
    buffers: "inside" | "apart" = "inside",
  ): readonly Uint8Array[] {
    const mark = writer.mark();
    this.#writer = writer;
    this.#isApart = buffers === "apart";
    try {
      this.#value(value);
      return this.#buffers ?? NO_BUFFERS;
    } catch (error) {
      writer.rewind(mark);
      throw error;
    } finally {
      if (this.#seen.length > 0) this.#seen = [];
      this.#numbers = undefined;
      this.#writer = NOWHERE;
      this.#buffers = undefined;
      this.#depth = 0;
      if (this.#path.length > 0) this.#path = [];
    }
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case "string":
        return this.#string(value);
      case "number":
        return this.#number(value);
      case "boolean":
        return this.#writer.byte(value ? 0xc3 : 0xc2);
      case "undefined":
        return this.#undefined();
      case "object":
        return value === null ? this.#writer.byte(0xc0) : this.#object(value);
      case "bigint":
        return this.#bigint(value);
      case "function":
      case "symbol":
        throw this.#refuse(`a ${typeof value}`, "send data, or an actor's reference instead");
    }
  }

  #undefined(): void {
    const writer = this.#writer;
    writer.reserve(3);
    writer.bytes[writer.position++] = 0xd4;
    writer.bytes[writer.position++] = Ext.undefined;
    writer.bytes[writer.position++] = 0;
  }

  #number(value: number): void {
    const writer = this.#writer;
    writer.reserve(9);
    const { bytes, view } = writer;
    if (value === (value | 0) && !Object.is(value, -0)) {
      if (value >= 0) {
        if (value < 0x80) bytes[writer.position++] = value;
        else this.#unsigned(value);
      } else if (value >= -0x20) {
        bytes[writer.position++] = value & 0xff;
      } else {
        bytes[writer.position++] = 0xd2;
        view.setInt32(writer.position, value);
        writer.position += 4;
      }
    } else if (value > 0 && value < TWO_32 && Number.isInteger(value)) {
      this.#unsigned(value);
    } else {
      bytes[writer.position++] = 0xcb;
      view.setFloat64(writer.position, value);
      writer.position += 8;
    }
  }

  #unsigned(value: number): void {
    const writer = this.#writer;
    if (value < 0x100) {
      writer.bytes[writer.position++] = 0xcc;
      writer.bytes[writer.position++] = value;
    } else if (value < 0x1_0000) {
      writer.bytes[writer.position++] = 0xcd;
      writer.view.setUint16(writer.position, value);
      writer.position += 2;
    } else {
      writer.bytes[writer.position++] = 0xce;
      writer.view.setUint32(writer.position, value);
      writer.position += 4;
    }
  }

  #string(text: string): void {
    const { length } = text;
    const writer = this.#writer;
    if (length > SHORT_STRING) return this.#longString(text);
    writer.reserve(length + 2);
    const { bytes, position } = writer;
    const header = length < 32 ? 1 : 2;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) return this.#longString(text);
      bytes[position + header + index] = code;
    }
    if (header === 1) bytes[position] = 0xa0 | length;
    else {
      bytes[position] = 0xd9;
      bytes[position + 1] = length;
    }
    writer.position = position + header + length;
  }

  #longString(text: string): void {
    const writer = this.#writer;
    // Three bytes are the most one UTF-16 unit takes; the header is written when it is known.
    writer.reserve(text.length * 3 + 5);
    const start = writer.position;
    const header = text.length * 3 < 0x100 ? 2 : text.length * 3 < 0x1_0000 ? 3 : 5;
    const target = writer.bytes.subarray(start + header);
    const { written } = textEncoder.encodeInto(text, target);
    writer.bytes[start] = header === 2 ? 0xd9 : header === 3 ? 0xda : 0xdb;
    if (header === 2) writer.bytes[start + 1] = written;
    else if (header === 3) writer.view.setUint16(start + 1, written);
    else writer.view.setUint32(start + 1, written);
    writer.position = start + header + written;
  }

  #object(value: object): void {
    if (this.#isKnown(value)) return;
    if (++this.#depth > this.#limits.maxDepth) {
      throw this.#refuse(`more than ${this.#limits.maxDepth} levels`, "flatten the value");
    }
    if (Array.isArray(value)) this.#array(value);
    else {
      const prototype: unknown = Object.getPrototypeOf(value);
      const isPlain = prototype === Object.prototype || prototype === null;
      if (!isPlain || Symbol.asyncIterator in value) this.#special(value);
      else this.#plain(value);
    }
    this.#depth--;
  }

  /** Writes a back reference to an object met before, and numbers it otherwise. */
  #isKnown(value: object): boolean {
    const seen = this.#seen;
    let number: number | undefined = -1;
    if (this.#numbers !== undefined) number = this.#numbers.get(value) ?? -1;
    else {
      for (let index = 0; index < seen.length; index++) {
        if (seen[index] === value) {
          number = index;
          break;
        }
      }
    }
    if (number >= 0) {
      this.#ext32(Ext.back, number);
      return true;
    }
    if (this.#numbers === undefined && seen.length === FEW_OBJECTS) {
      this.#numbers = new Map(seen.map((object, index) => [object, index]));
    }
    this.#numbers?.set(value, this.#numbers.size);
    if (this.#numbers === undefined) seen.push(value);
    return false;
  }

  #array(items: readonly unknown[]): void {
    const { length } = items;
    this.#count(length, 0x90, 0xdc);
    for (let index = 0; index < length; index++) {
      const item = items[index];
      if (isSimple(item)) this.#value(item);
      else this.#at(index, item);
    }
  }

  #plain(value: object): void {
    const keys = Object.keys(value);
    this.#count(keys.length, 0x80, 0xde);
    const record = value as Record<string, unknown>; // read by its own keys
    for (const key of keys) {
      if (key === "__proto__") throw this.#refuse('a key "__proto__"', "rename it");
      this.#string(key);
      const item = record[key];
      if (isSimple(item)) this.#value(item);
      else this.#at(key, item);
    }
  }

  #at(place: string | number, item: unknown): void {
    this.#path.push(place);
    this.#value(item);
    this.#path.pop();
  }

  #special(value: object): void {
    if (value instanceof Uint8Array || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      return this.#buffer(value);
    }
    if (value instanceof Date) return this.#date(value);
    if (value instanceof Map) {
      const flat: unknown[] = [];
      for (const [key, item] of value) flat.push(key, item);
      return this.#nested(Ext.map, flat);
    }
    if (value instanceof Set) return this.#nested(Ext.set, [...value]);
    if (value instanceof RegExp) return this.#nested(Ext.regexp, [value.source, value.flags]);
    if (value instanceof Error) return this.#nested(Ext.error, [toErrorRecord(value)]);
    if (value instanceof Message) return this.#message(value);
    const detached = this.#hooks?.detach(value);
    if (detached === undefined) return this.#ownProperties(value);
    if (detached.kind === "stream") return this.#ext32(Ext.stream, detached.id);
    const { form, actorId, nodeId, path, address, className } = detached.record;
    this.#nested(Ext.ref, [form, actorId, nodeId, path, address, className]);
  }

  #message(message: Message): void {
    const id = message.isStream ? this.#hooks?.handThrough?.(message) : undefined;
    if (id !== undefined) return this.#ext32(Ext.stream, id);
    const { form, body } = message.take();
    this.#nested(Ext.message, [message.type, form, body]);
  }

  #ownProperties(value: object): void {
    if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) {
      throw this.#refuse(`a ${value.constructor.name}`, "await it, or send data instead");
    }
    const isBoxed = value instanceof String || value instanceof Number || value instanceof Boolean;
    if (isBoxed || Object.keys(value).length === 0) {
      // A URL, a Blob, a WeakRef: it would silently arrive as an empty object.
      const name = value.constructor?.name ?? "special object";
      throw this.#refuse(`a ${name} without fields of its own`, "send the data in it instead");
    }
    this.#plain(value);
  }

  /** Writes items one after another inside one extension, whose length is filled in last. */
  #nested(type: number, items: readonly unknown[]): void {
    const writer = this.#writer;
    writer.reserve(10);
    const mark = writer.mark();
    writer.position += 6;
    this.#count(items.length, 0x90, 0xdc);
    for (let index = 0; index < items.length; index++) this.#at(index, items[index]);
    const start = writer.indexOf(mark);
    writer.bytes[start] = 0xc9;
    writer.view.setUint32(start + 1, writer.position - start - 6);
    writer.bytes[start + 5] = type;
  }

  #buffer(value: ArrayBuffer | ArrayBufferView): void {
    const kind = value instanceof ArrayBuffer
      ? BARE_BUFFER
      : VIEWS.findIndex((View, index) => index !== BARE_BUFFER && value instanceof View);
    if (kind < 0) throw this.#refuse("a buffer of an unknown kind", "send a typed array");
    const source = value instanceof ArrayBuffer
      ? new Uint8Array(value)
      : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    if (this.#isApart && source.length >= this.#limits.chunkThresholdBytes) {
      return this.#outOfBand(kind, source);
    }
    const writer = this.#writer;
    writer.reserve(source.length + 7);
    if (kind === UINT8_VIEW) {
      writer.bytes[writer.position] = 0xc6;
      writer.view.setUint32(writer.position + 1, source.length);
      writer.position += 5;
    } else {
      writer.bytes[writer.position] = 0xc9;
      writer.view.setUint32(writer.position + 1, source.length + 1);
      writer.bytes[writer.position + 5] = Ext.buffer;
      writer.bytes[writer.position + 6] = kind;
      writer.position += 7;
    }
    writer.run(source);
  }

  #outOfBand(kind: number, source: Uint8Array): void {
    const writer = this.#writer;
    const buffers = this.#buffers ??= [];
    const index = buffers.push(source) - 1;
    writer.reserve(15);
    const { view, position } = writer;
    view.setUint8(position, 0xc7);
    view.setUint8(position + 1, 9);
    view.setUint8(position + 2, Ext.outOfBand);
    view.setUint8(position + 3, kind);
    view.setUint32(position + 4, index);
    view.setUint32(position + 8, source.length);
    writer.position = position + 12;
  }

  #date(value: Date): void {
    const writer = this.#writer;
    writer.reserve(10);
    writer.bytes[writer.position] = 0xd7;
    writer.bytes[writer.position + 1] = Ext.date;
    writer.view.setFloat64(writer.position + 2, value.getTime());
    writer.position += 10;
  }

  #bigint(value: bigint): void {
    const isNegative = value < 0n;
    let digits = (isNegative ? -value : value).toString(16);
    if (digits.length % 2 === 1) digits = `0${digits}`;
    if (digits.length > MAX_BIGINT_DIGITS) {
      throw this.#refuse(`a bigint above ${MAX_BIGINT_BYTES} bytes`, "send its bytes instead");
    }
    const length = digits.length / 2;
    const writer = this.#writer;
    writer.reserve(length + 7);
    writer.bytes[writer.position] = 0xc9;
    writer.view.setUint32(writer.position + 1, length + 1);
    writer.bytes[writer.position + 5] = Ext.bigint;
    writer.bytes[writer.position + 6] = isNegative ? 1 : 0;
    writer.position += 7;
    for (let index = 0; index < length; index++) {
      writer.bytes[writer.position++] = parseInt(digits.slice(index * 2, index * 2 + 2), 16);
    }
  }

  #ext32(type: number, value: number): void {
    const writer = this.#writer;
    writer.reserve(10);
    writer.bytes[writer.position] = 0xd7;
    writer.bytes[writer.position + 1] = type;
    writer.view.setFloat64(writer.position + 2, value);
    writer.position += 10;
  }

  #count(count: number, short: number, long: number): void {
    const writer = this.#writer;
    writer.reserve(5);
    if (count < 16) {
      writer.bytes[writer.position++] = short | count;
    } else if (count < 0x1_0000) {
      writer.bytes[writer.position++] = long;
      writer.view.setUint16(writer.position, count);
      writer.position += 2;
    } else {
      writer.bytes[writer.position++] = long + 1;
      writer.view.setUint32(writer.position, count);
      writer.position += 4;
    }
  }

  #refuse(what: string, advice: string): PulsingRuntimeError {
    const place = this.#path.map((step) => typeof step === "number" ? `[${step}]` : `.${step}`);
    return new PulsingRuntimeError(
      `Cannot encode the message: it holds ${what} at value${place.join("")}, ${advice}`,
      { kind: "not-encodable" },
    );
  }
}

/** Values that have no place worth remembering for an error message. */
function isSimple(value: unknown): boolean {
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" || value === null;
}
