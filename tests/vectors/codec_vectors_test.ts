/** The bytes of one value of each kind are frozen; a change is a change of the protocol. */

import assert from "node:assert/strict";
import { ReplyStream } from "../../lib/actor/reply_stream.ts";
import { writtenStream } from "../../lib/actor/stream_writer.ts";
import { DEFAULT_LIMITS } from "../../lib/limits.ts";
import { ByteWriter } from "../../lib/wire/byte_writer.ts";
import {
  type CodecHooks,
  Decoder,
  decodeValue,
  Encoder,
  encodeValue,
} from "../../lib/wire/codec.ts";
import { Message } from "../../lib/wire/message.ts";
import { test } from "../harness.ts";
import vectors from "./codec.json" with { type: "json" };

const shared = { a: 1 };
const VALUES: Readonly<Record<string, unknown>> = {
  "null": null,
  "true": true,
  "undefined": undefined,
  "positive fixint": 7,
  "negative fixint": -3,
  "uint16": 1_000,
  "uint32": 4_000_000_000,
  "int32": -40_000,
  "float64": 1.5,
  "negative zero": -0,
  "not a number": NaN,
  "bigint": -(2n ** 64n),
  "text": "abc",
  "text beyond ASCII": "grüße",
  "array": [1, "a", null],
  "record": { id: 7, ok: true },
  "date": new Date(1_700_000_000_000),
  "regular expression": /a+/gi,
  "map": new Map([["k", 1]]),
  "set": new Set([1, 2]),
  "Uint8Array": new Uint8Array([1, 2, 3]),
  "ArrayBuffer": new Uint8Array([1, 2]).buffer,
  "DataView": new DataView(new Uint8Array([1, 2]).buffer),
  "Int8Array": new Int8Array([-1]),
  "Uint8ClampedArray": new Uint8ClampedArray([255]),
  "Int16Array": new Int16Array([-2]),
  "Uint16Array": new Uint16Array([2]),
  "Int32Array": new Int32Array([-3]),
  "Uint32Array": new Uint32Array([3]),
  "Float32Array": new Float32Array([1.5]),
  "Float64Array": new Float64Array([1.5]),
  "BigInt64Array": new BigInt64Array([-4n]),
  "BigUint64Array": new BigUint64Array([4n]),
  "Float16Array": new Float16Array([1.5]),
  "error": new TypeError("bad", { cause: 1 }),
  "shared reference": [shared, shared],
  "message of bytes": Message.single("TypeV1", new Uint8Array([1, 2, 3])),
  "message of a value": Message.pack("Ping", { n: 1 }),
  "message without type and bytes": Message.empty(),
};

/** A message "Numbers" with stream 3; not with the others because streams need hooks. */
const STREAM_MESSAGE = "c90000001a0d93a74e756d62657273a673747265616dd70b4008000000000000";

const GOLDEN: Readonly<Record<string, string>> = vectors;

test("codec vectors name every kind of value", () => {
  assert.deepEqual(Object.keys(GOLDEN), Object.keys(VALUES));
});

for (const [name, value] of Object.entries(VALUES)) {
  test(`encodeValue and decodeValue keep the frozen bytes of ${name}`, () => {
    const hex = GOLDEN[name] ?? "";
    assert.equal(encodeValue(value).toHex(), hex);
    assert.deepEqual(decodeValue(Uint8Array.fromHex(hex)), value);
  });
}

for (const name of Object.keys(VALUES).filter((name) => name.startsWith("message"))) {
  test(`decodeValue keeps the content of the frozen ${name}`, () => {
    const message = decodeValue(Uint8Array.fromHex(GOLDEN[name] ?? ""));
    assert.ok(message instanceof Message && VALUES[name] instanceof Message);
    assert.equal(message.type, VALUES[name].type);
    assert.deepEqual(message.take(), VALUES[name].take());
  });
}

test("a stream message keeps its frozen bytes", () => {
  const { stream } = writtenStream("there");
  const hooks: CodecHooks = {
    detach: (value) => value instanceof ReplyStream ? { kind: "stream", id: 3 } : undefined,
    attachRef: () => undefined,
    attachStream: (id) => id === 3 ? stream : undefined,
  };
  const writer = new ByteWriter();
  const sent = new Message("Numbers", { form: "stream", body: writtenStream("here").stream });
  new Encoder(DEFAULT_LIMITS, hooks).encode(sent, writer);
  const bytes = writer.take();
  assert.equal(bytes.toHex(), STREAM_MESSAGE);
  const message = new Decoder(DEFAULT_LIMITS, hooks).decode(bytes, 0, bytes.length);
  assert.ok(message instanceof Message && message.isStream);
  assert.equal(message.stream(), stream);
});
