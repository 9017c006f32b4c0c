/**
 * What does our codec cost, compared with `@msgpack/msgpack`?
 *
 * The library keeps less than ours (no Map, no Set, no shared references), so the values are those
 * that both can carry.
 *
 * @module
 */

import { Decoder as PlainDecoder, Encoder as PlainEncoder } from "@msgpack/msgpack";
import { DEFAULT_LIMITS } from "../lib/limits.ts";
import { ByteWriter } from "../lib/wire/byte_writer.ts";
import { Decoder, Encoder } from "../lib/wire/codec.ts";
import { compare, type Comparison, expectCount, report, type Row } from "./harness.ts";

const VALUES_PER_RUN = 1_000;

const values: readonly (readonly [string, unknown])[] = [
  ["small args", [1, "incr", true]],
  ["small object", { id: 7, name: "counter", value: 41.5, ok: true }],
  ["800-byte object", order()],
];

const plainEncoder = new PlainEncoder();
const plainDecoder = new PlainDecoder();
const encoder = new Encoder(DEFAULT_LIMITS);
const decoder = new Decoder(DEFAULT_LIMITS);
const writer = new ByteWriter();

report("codec", await compare(values.flatMap(([name, value]) => both(name, value))));

function both(name: string, value: unknown): readonly Comparison[] {
  const plain = plainEncoder.encode(value);
  encoder.encode(value, writer);
  const own = writer.take().slice();
  return [
    {
      control: encodeRow(`msgpack encode, ${name}`, () => plainEncoder.encodeSharedRef(value)),
      measured: encodeRow("encode", () => {
        encoder.encode(value, writer);
        return writer.take();
      }),
    },
    {
      control: decodeRow(`msgpack decode, ${name}`, value, () => plainDecoder.decode(plain)),
      measured: decodeRow("decode", value, () => decoder.decode(own, 0, own.length)),
    },
  ];
}

function encodeRow(name: string, encode: () => Uint8Array): Row {
  const { length } = encode();
  return {
    name,
    run() {
      let bytes = 0;
      for (let done = 0; done < VALUES_PER_RUN; done++) bytes += encode().length;
      expectCount(bytes, length * VALUES_PER_RUN);
      return VALUES_PER_RUN;
    },
  };
}

function decodeRow(name: string, value: unknown, decode: () => unknown): Row {
  const size = sizeOf(value);
  return {
    name,
    run() {
      let fields = 0;
      for (let done = 0; done < VALUES_PER_RUN; done++) fields += sizeOf(decode());
      expectCount(fields, size * VALUES_PER_RUN);
      return VALUES_PER_RUN;
    },
  };
}

/** Looks into the value so that decoding it cannot be optimized away. */
function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  const { id } = value as { readonly id: number }; // every object above has one
  return id;
}

function order(): unknown {
  return {
    id: 90_210,
    customer: { name: "Ada Lovelace", email: "ada@example.org", tags: ["gold", "early", "uk"] },
    lines: Array.from({ length: 8 }, (_, index) => ({
      sku: `part-${index}-${"x".repeat(12)}`,
      quantity: index + 1,
      price: 9.99 + index,
      options: { colour: "blue", size: index * 100, gift: index % 2 === 0 },
    })),
    note: "leave the parcel with the neighbour",
    total: 1_234.5,
  };
}
