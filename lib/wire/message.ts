/**
 * Values with a type name, and bytes of somebody else's making, as messages of their own.
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";

/** Turns what is in messages into bytes and back. */
export interface MessageCodec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

let codec: MessageCodec | undefined;

/** Hands in the codec, once: it knows messages, so that they cannot import it. */
export function setMessageCodec(one: MessageCodec): void {
  codec = one;
}

/** What reads the items of a stream message: a `ReplyStream`. */
export interface MessageStream extends AsyncIterable<unknown>, AsyncDisposable {
  /** Ends the stream: the writer's next `write` fails. */
  cancel(reason?: unknown): Promise<void>;
  /** The same items as a web stream. */
  toReadableStream(): ReadableStream<unknown>;
}

/** What is in a {@link Message}, in the form that crosses the wire. */
export type MessageContent =
  | { readonly form: "bytes"; readonly body: Uint8Array }
  | { readonly form: "value"; readonly body: unknown }
  | { readonly form: "stream"; readonly body: MessageStream };

/**
 * A message that names its type; it arrives as a `Message`, on this node and on others.
 *
 * Its content is bytes, or a packed value that is encoded only when it crosses to another node or
 * when {@link Message.payload} is read, or a stream (see `StreamMessage`). On one node a message
 * passes by reference; bytes and values must not be changed once it was sent.
 *
 * @example Answer a message with a message
 * ```ts
 * import * as pul from "@pulsing/core";
 * import { Message } from "@pulsing/core/messaging";
 * import assert from "node:assert/strict";
 *
 * await using system = await pul.actorSystem();
 * const echo = await system.spawn({
 *   receive(message: unknown) {
 *     if (!(message instanceof Message)) return "no message";
 *     return Message.pack("Pong", message.unpack());
 *   },
 * });
 * const answer = await echo.ask(Message.pack("Ping", { n: 1 }));
 * assert.ok(answer instanceof Message);
 * assert.equal(answer.type, "Pong");
 * assert.deepEqual(answer.unpack(), { n: 1 });
 * ```
 */
export class Message {
  /** What the message is, for its receiver to choose by. */
  readonly type: string;
  readonly #content: MessageContent;
  #encoded: Uint8Array | undefined = undefined;
  #isTaken = false;

  /**
   * Makes a message of its parts; {@link Message.single}, {@link Message.pack} and
   * `StreamMessage.create` are the usual ways.
   *
   * @param type The name of the type.
   * @param content What is in it.
   * @throws {TypeError} The type is no text, or the content of form `"bytes"` no `Uint8Array`.
   */
  constructor(type: string, content: MessageContent) {
    if (typeof type !== "string") {
      throw new TypeError(`Cannot make message: its type is a ${typeof type}, expected a text`);
    }
    if (content.form === "bytes" && !(content.body instanceof Uint8Array)) {
      throw new TypeError(`Cannot make message "${type}": its payload is no Uint8Array`);
    }
    this.type = type;
    this.#content = content;
  }

  /**
   * Bytes as they are, for formats of your own: `Message.single("TypeV1", bytes)`.
   *
   * @param type The name of the type, with its version.
   * @param payload The bytes; not copied.
   */
  static single(type: string, payload: Uint8Array): Message {
    return new Message(type, { form: "bytes", body: payload });
  }

  /**
   * Any value that can be sent; references in it arrive live.
   *
   * @param type The name of the type.
   * @param value The value; not copied.
   */
  static pack(type: string, value: unknown): Message {
    return new Message(type, { form: "value", body: value });
  }

  /**
   * The JSON text of a value, for readers that know nothing of this library.
   *
   * @param type The name of the type.
   * @param value The value.
   * @throws {TypeError} It has no JSON form: a function, a cycle, a bigint.
   */
  static fromJson(type: string, value: unknown): Message {
    const text: string | undefined = JSON.stringify(value); // its type forgets functions
    if (text !== undefined) return Message.single(type, textEncoder.encode(text));
    throw new TypeError(`Cannot make message "${type}": a ${typeof value} has no JSON form`);
  }

  /** No type, no bytes. */
  static empty(): Message {
    return Message.single("", new Uint8Array(0));
  }

  /** Whether the message is a stream: read {@link Message.stream} then. */
  get isStream(): boolean {
    return this.#content.form === "stream";
  }

  /**
   * The bytes; those of a packed value are made on the first read.
   *
   * @throws {TypeError} The message is a stream.
   * @throws {PulsingRuntimeError} kind `"not-encodable"`: the packed value cannot be encoded, or
   * holds references, which need a link to cross.
   */
  get payload(): Uint8Array {
    const { form, body } = this.#content;
    if (form === "bytes") return body;
    if (form === "stream") throw this.#isNot("payload", "a stream, read stream() instead");
    return this.#encoded ??= loadedCodec().encode(body);
  }

  /**
   * The packed value; of bytes, what they decode to.
   *
   * @throws {TypeError} The message is a stream.
   * @throws {PulsingRuntimeError} kind `"not-decodable"`: the bytes were not made by this codec.
   */
  unpack(): unknown {
    const { form, body } = this.#content;
    if (form === "value") return body;
    if (form === "stream") throw this.#isNot("value", "a stream, read stream() instead");
    return loadedCodec().decode(body);
  }

  /**
   * What the JSON text in the bytes says.
   *
   * @throws {TypeError} The message is a stream.
   * @throws {PulsingRuntimeError} kind `"not-decodable"`: the bytes are no JSON text.
   */
  toJson(): unknown {
    const { payload } = this;
    try {
      return JSON.parse(textDecoder.decode(payload));
    } catch (cause) {
      throw new PulsingRuntimeError(`Cannot read message "${this.type}": its bytes are no JSON`, {
        kind: "not-decodable",
        cause,
      });
    }
  }

  /**
   * The items of a stream message, as a `ReplyStream`; once, and not after the message was sent to
   * another node.
   *
   * Items arrive as they were written; an error arrives after the items before it. A stream that
   * came from another node must be read, or at least begun, before its message is answered.
   *
   * @throws {TypeError} The message is no stream.
   * @throws {PulsingRuntimeError} kind `"stream-closed"`: the stream was taken already.
   */
  stream(): MessageStream {
    const { form, body } = this.#content;
    if (form !== "stream") throw this.#isNot("stream", "no stream, read payload or unpack()");
    if (this.#isTaken) {
      throw new PulsingRuntimeError(
        `Cannot read stream of message "${this.type}": it was taken already`,
        { kind: "stream-closed" },
      );
    }
    this.#isTaken = true;
    return body;
  }

  /** Takes what is in it, to send it elsewhere; a stream as by {@link Message.stream}. */
  take(): MessageContent {
    return this.isStream ? { form: "stream", body: this.stream() } : this.#content;
  }

  #isNot(what: string, state: string): TypeError {
    return new TypeError(`Cannot read ${what} of message "${this.type}": it is ${state}`);
  }
}

function loadedCodec(): MessageCodec {
  if (codec !== undefined) return codec;
  throw new TypeError("Cannot read message: its codec was not loaded, import it from codec.ts");
}

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder("utf-8", { fatal: true });
