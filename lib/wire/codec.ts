/**
 * Values as bytes and back: MessagePack, with extension types for what it does not know.
 *
 * Kept: everything structured clone keeps but property descriptors and holes of sparse arrays
 * (they become `undefined`): `undefined`, `-0`, `NaN`, bigints of any size, dates, regular
 * expressions, maps, sets, buffers and typed arrays, errors with their cause, cycles and shared
 * references. Instances of classes become plain objects of their own enumerable properties; lone
 * surrogates in strings become U+FFFD. Live objects (references, proxies, streams) cross through
 * {@link CodecHooks}.
 *
 * The codec is written by hand because it stands on the path of every message and keeps identity,
 * which the library cannot: it decodes small values two to three times as fast as
 * @msgpack/msgpack and encodes about as fast (`bench/codec_bench.ts`).
 *
 * @module
 */

import { DEFAULT_LIMITS, type Limits } from "../limits.ts";
import { ByteWriter } from "./byte_writer.ts";
import { Decoder } from "./decoder.ts";
import { Encoder } from "./encoder.ts";
import { setMessageCodec } from "./message.ts";

export { Decoder } from "./decoder.ts";
export { Encoder } from "./encoder.ts";
export { Message, type MessageContent, type MessageStream } from "./message.ts";
export type { CodecHooks, Detached, RefRecord } from "./codec_hooks.ts";

/**
 * Encodes a value that holds no live objects; all buffers stand in the body.
 *
 * @throws {PulsingRuntimeError} kind `"not-encodable"`.
 */
export function encodeValue(value: unknown, limits: Limits = DEFAULT_LIMITS): Uint8Array {
  const writer = new ByteWriter();
  new Encoder(limits).encode(value, writer);
  return writer.take();
}

/**
 * Decodes what {@link encodeValue} made.
 *
 * @throws {PulsingRuntimeError} kind `"not-decodable"`.
 */
export function decodeValue(bytes: Uint8Array, limits: Limits = DEFAULT_LIMITS): unknown {
  return new Decoder(limits).decode(bytes, 0, bytes.length);
}

setMessageCodec({
  encode: (value) => encodeValue(value),
  decode: (bytes) => decodeValue(bytes),
});
