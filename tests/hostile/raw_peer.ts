/**
 * The other end of a link, in the hands of a test: speaks the handshake, then whatever it is told.
 *
 * @module
 */

import assert from "node:assert/strict";
import { randomId, systemRandom } from "../../lib/random.ts";
import { encodeIntroduction, type Introduction, PROTOCOL } from "../../lib/remote/handshake.ts";
import type { Connection, ConnectionHandler, Transport } from "../../lib/transport.ts";
import { ByteWriter } from "../../lib/wire/byte_writer.ts";
import { FrameKind, FrameReader, type FrameSink, MAGIC } from "../../lib/wire/frame.ts";
import { eventually } from "../harness.ts";

/** A frame that arrived. */
export interface RawFrame {
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** A peer that dialled and sends raw bytes. */
export class RawPeer implements ConnectionHandler, FrameSink {
  readonly nodeId: string = randomId(systemRandom);
  /** Everything that arrived, the `welcome` first. */
  readonly frames: RawFrame[] = [];
  /** Whether the connection has ended. */
  isEnded = false;
  #connection: Connection | undefined = undefined;
  readonly #reader = new FrameReader(this, 16_000_000);
  #magicLeft = 0;

  /** Dials and says nothing. */
  static async dial(transport: Transport, address: string): Promise<RawPeer> {
    const peer = new RawPeer();
    peer.#connection = await transport.dial(address);
    peer.#connection.start(peer);
    return peer;
  }

  /** Takes a connection that a node has dialled. */
  static accept(connection: Connection): RawPeer {
    const peer = new RawPeer();
    peer.#magicLeft = MAGIC.length;
    peer.#connection = connection;
    connection.start(peer);
    return peer;
  }

  /** Dials and completes the handshake. */
  static async link(transport: Transport, address: string, cluster: string): Promise<RawPeer> {
    const peer = await RawPeer.dial(transport, address);
    const hello = encodeIntroduction(peer.introduction(cluster));
    peer.send(Uint8Array.of(...MAGIC, ...rawFrame(FrameKind.hello, hello)));
    await eventually(() => peer.frames.length > 0 || peer.isEnded);
    assert.equal(peer.frames[0]?.kind, FrameKind.welcome);
    return peer;
  }

  /** What a peer says about itself. */
  introduction(cluster: string): Introduction {
    return {
      protocol: PROTOCOL,
      cluster,
      nodeId: this.nodeId,
      incarnation: 0,
      address: undefined,
      features: [],
      window: { items: 4, bytes: 1_000 },
      isOnlyLink: false,
    };
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void {
    this.#connection?.write(bytes);
  }

  /** Reads nothing more. */
  pause(): void {
    this.#connection?.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#connection?.resume();
  }

  /** Frames of one kind that arrived. */
  ofKind(kind: number): RawFrame[] {
    return this.frames.filter((frame) => frame.kind === kind);
  }

  /** Ends the connection and waits for the end. */
  async end(): Promise<void> {
    this.#connection?.abort();
    await eventually(() => this.isEnded, { what: "the end of the connection" });
  }

  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): void {
    this.frames.push({ kind, payload: bytes.slice(start, end) });
  }

  /** Large messages are not looked at. */
  onChunkPart(): void {}

  onBytes(bytes: Uint8Array): void {
    const skipped = Math.min(this.#magicLeft, bytes.length);
    this.#magicLeft -= skipped;
    this.#reader.push(bytes.subarray(skipped));
  }

  onDrain(): void {}

  onClose(): void {
    this.isEnded = true;
  }
}

/** A frame of a kind with a payload. */
export function rawFrame(kind: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(5 + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length + 1);
  frame[4] = kind;
  frame.set(payload, 5);
  return frame;
}

/** Fields in front of a body: numbers as varints, texts as names in full, runs as they are. */
export function fields(...values: readonly (number | string | Uint8Array)[]): Uint8Array {
  const writer = new ByteWriter();
  for (const value of values) {
    if (typeof value === "number") writer.varint(value);
    else if (typeof value !== "string") writer.run(value);
    else {
      const text = new TextEncoder().encode(value);
      writer.varint(0);
      writer.varint(text.length);
      writer.run(text);
    }
  }
  return writer.take();
}
