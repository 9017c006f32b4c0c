/**
 * A node of a later version, made of the present one: what it says has more in it.
 *
 * Its introduction names a newer protocol and features, everything between the cluster parts has
 * fields, members and kinds that nobody knows yet, and there are frames of unknown kinds.
 */

import { decodeValue, encodeValue } from "../../lib/wire/codec.ts";
import {
  FrameKind,
  FrameReader,
  type FrameSink,
  LENGTH_BYTES,
  MAGIC,
} from "../../lib/wire/frame.ts";
import type { Connection, Transport } from "../../lib/transport.ts";
import { TappedConnection } from "./tapped_connection.ts";

/** A kind that no version has. */
const FUTURE_KIND = 0x7e;

/** How many bytes a frame may have here. */
const MAX_FRAME_BYTES = 16_777_216;

/** The network of a node of a later version. */
export function newerVersion(transport: Transport): Transport {
  const newer = (connection: Connection, isDialler: boolean) => {
    const writer = new NewerWriter(isDialler);
    return new TappedConnection(connection, { write: (bytes) => writer.rewrite(bytes) });
  };
  return {
    ...transport,
    dial: async (address, options) => newer(await transport.dial(address, options), true),
    listen: (options) =>
      transport.listen({
        ...options,
        accept: (connection) => options.accept(newer(connection, false)),
      }),
  };
}

/** Adds to the frames of one side of a connection. */
class NewerWriter implements FrameSink {
  readonly #reader = new FrameReader(this, MAX_FRAME_BYTES);
  #magicLeft: number;
  #parts: Uint8Array[] = [];

  constructor(isDialler: boolean) {
    this.#magicLeft = isDialler ? MAGIC.length : 0;
  }

  /** What is sent instead of some bytes. */
  rewrite(bytes: Uint8Array): Uint8Array {
    const magic = bytes.subarray(0, this.#magicLeft);
    this.#magicLeft -= magic.length;
    this.#parts = [magic];
    this.#reader.push(bytes.slice(magic.length)); // the writer may write to its own again
    return joined(this.#parts);
  }

  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): void {
    const body = bytes.subarray(start, end);
    if (kind === FrameKind.hello || kind === FrameKind.welcome) {
      return void this.#parts.push(frameOf(kind, newerIntroduction(body)));
    }
    if (kind !== FrameKind.control) return void this.#parts.push(frameOf(kind, body));
    const message = decodeValue(body) as Record<string, unknown>; // it is this version's own
    this.#parts.push(
      frameOf(FUTURE_KIND, Uint8Array.of(1, 2, 3)),
      frameOf(kind, encodeValue({ kind: "forecast", horizonMs: 1_000, members: "all" })),
      frameOf(kind, encodeValue(newerMessage(message))),
    );
  }

  onChunkPart(): void {
    throw new Error("Cannot rewrite chunk: the scenarios send no large messages");
  }
}

function newerIntroduction(body: Uint8Array): Uint8Array {
  const { protocol, features, ...rest } = decodeValue(body) as Record<string, unknown>; // own too
  const { oldest, newest } = protocol as { oldest: number; newest: number };
  return encodeValue({
    ...rest,
    protocol: { oldest, newest: newest + 1, preferred: newest + 1 },
    features: [...features as string[], "forecasts"],
    zone: { rack: 7 },
  });
}

/** With a field and a member of kinds that are unknown in each list. */
function newerMessage({ members, entries, ...rest }: Record<string, unknown>) {
  const withMore = (list: unknown, more: object) =>
    Array.isArray(list) ? [...list.map((one) => ({ ...one, zone: "b" })), more] : list;
  return {
    ...rest,
    zone: "a",
    ...(members !== undefined && { members: withMore(members, { status: "paused" }) }),
    ...(entries !== undefined && { entries: withMore(entries, { state: "moving" }) }),
  };
}

function frameOf(kind: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(LENGTH_BYTES + 1 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length + 1);
  frame[LENGTH_BYTES] = kind;
  frame.set(body, LENGTH_BYTES + 1);
  return frame;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
