/**
 * The first moments of a connection: magic, handshake, then the link.
 *
 * @module
 */

import type { Timer } from "../clock.ts";
import { asError, PulsingRuntimeError } from "../errors.ts";
import type { Connection, ConnectionHandler } from "../transport.ts";
import { FrameKind, FrameReader, type FrameSink, MAGIC } from "../wire/frame.ts";
import { ByteWriter } from "../wire/byte_writer.ts";
import { Association } from "./association.ts";
import {
  decodeIntroduction,
  decodeRejection,
  encodeIntroduction,
  encodeRejection,
  HandshakeRejected,
  type Introduction,
  judge,
  type Rejection,
} from "./handshake.ts";
import type { LinkHost } from "./link_host.ts";
import { dialableAddress, hostOf } from "./peer_address.ts";

const SHUTTING_DOWN: Rejection = { reason: "shutdown", message: "the node is shutting down" };

/** How a connection becomes a link. */
export interface OpeningOptions {
  readonly host: LinkHost;
  readonly connection: Connection;
  readonly isDialler: boolean;
  /** What this side says about itself. */
  readonly introduction: Introduction;
  /** Ends the opening: the connection is closed. A link that is up is not touched. */
  readonly signal: AbortSignal;
  /** A further reason to refuse a peer whose introduction is in order. */
  refuse(peer: Introduction): Rejection | undefined;
  /** Called in the moment in which the link is up. */
  onUp(link: Association): void;
  /** Called once when the connection has ended, whether it became a link or not. */
  onEnded(): void;
}

/**
 * Opens a link on a new connection; the connection is closed when that fails.
 *
 * @returns The link.
 * @throws {PulsingRuntimeError} kind `"handshake-failed"`: the peer is not one of us, refused or
 * was refused; kind `"node-unreachable"`: it did not answer in time or went away.
 * @throws The signal's reason.
 */
export function openLink(options: OpeningOptions): Promise<Association> {
  return new Promise((resolve, reject) => {
    const opening = new LinkOpening(options, resolve, reject);
    const { outboxHighWaterBytes, chunkBytes } = options.host.limits;
    options.connection.start(opening, Math.min(outboxHighWaterBytes, chunkBytes));
    opening.begin();
  });
}

class LinkOpening implements ConnectionHandler, FrameSink {
  readonly #options: OpeningOptions;
  readonly #resolve: (link: Association) => void;
  readonly #reject: (error: Error) => void;
  readonly #reader: FrameReader;
  readonly #timer: Timer;
  #magicSeen: number;
  readonly #onAbort = (): void => {
    if (this.#isOver || this.#link !== undefined) return;
    if (!this.#options.isDialler) this.#send(FrameKind.reject, encodeRejection(SHUTTING_DOWN));
    this.#fail(asError(this.#options.signal.reason));
  };
  #isOver = false;
  #link: Association | undefined = undefined;

  constructor(
    options: OpeningOptions,
    resolve: (link: Association) => void,
    reject: (error: Error) => void,
  ) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    const { limits, clock } = options.host;
    this.#magicSeen = options.isDialler ? MAGIC.length : 0;
    this.#reader = new FrameReader(this, limits.maxHandshakeBytes);
    this.#timer = clock.setTimer(
      () => this.#fail(this.#unreachable("it did not answer in time")),
      limits.handshakeTimeoutMs,
    );
    // Before the first bytes, which may bring the link up.
    options.signal.addEventListener("abort", this.#onAbort);
  }

  begin(): void {
    const { signal } = this.#options;
    if (signal.aborted) return this.#onAbort();
    if (!this.#options.isDialler) return;
    const hello = encodeIntroduction(this.#options.introduction);
    this.#send(FrameKind.hello, hello, MAGIC);
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#link?.heard();
    try {
      this.#reader.push(this.#magicSeen < MAGIC.length ? this.#takeMagic(bytes) : bytes);
    } catch (error) {
      if (this.#link === undefined) this.#fail(asError(error));
      else this.#link.abort(asError(error));
    }
  }

  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#link !== undefined) return this.#link.onFrame(kind, bytes, start, end);
    if (this.#isOver) return;
    const body = bytes.subarray(start, end);
    const expected = this.#options.isDialler ? FrameKind.welcome : FrameKind.hello;
    if (kind === expected) return this.#onIntroduction(decodeIntroduction(body));
    if (kind === FrameKind.reject && this.#options.isDialler) {
      return this.#fail(new HandshakeRejected(decodeRejection(body), this.#address));
    }
    throw this.#unexpected(kind);
  }

  onChunkPart(bytes: Uint8Array, start: number, end: number, left: number): void {
    if (this.#link !== undefined) return this.#link.onChunkPart(bytes, start, end, left);
    if (!this.#isOver) throw this.#unexpected(FrameKind.chunk);
  }

  onDrain(): void {
    this.#link?.onDrain();
  }

  onClose(error?: Error): void {
    this.#options.onEnded();
    if (this.#link !== undefined) return this.#link.onClose(error);
    this.#fail(this.#unreachable("the connection ended before the handshake", error));
  }

  get #address(): string {
    return this.#options.connection.remoteAddress;
  }

  #onIntroduction(said: Introduction): void {
    const { introduction, isDialler } = this.#options;
    const peer = this.#located(said);
    const rejection = judge(introduction, peer) ?? this.#options.refuse(peer);
    if (rejection !== undefined) {
      if (!isDialler) this.#send(FrameKind.reject, encodeRejection(rejection));
      return this.#fail(new HandshakeRejected(rejection, this.#address));
    }
    if (!isDialler) this.#welcome(introduction);
    this.#up(peer);
  }

  /** A peer that listens on every interface is dialled where this connection leads. */
  #located(peer: Introduction): Introduction {
    const address = dialableAddress(peer.address, this.#address);
    return address === peer.address ? peer : { ...peer, address };
  }

  #welcome(introduction: Introduction): void {
    const seenAs = hostOf(this.#address);
    const welcome = seenAs === undefined ? introduction : { ...introduction, seenAs };
    this.#send(FrameKind.welcome, encodeIntroduction(welcome));
  }

  #up(peer: Introduction): void {
    const { host, connection, isDialler } = this.#options;
    this.#stopWaiting();
    const { chunkBytes, chunkThresholdBytes } = host.limits;
    this.#reader.maxFrameBytes = 2 * Math.max(chunkBytes, chunkThresholdBytes) + 65_536;
    this.#link = new Association(host, connection, peer, isDialler);
    this.#resolve(this.#link);
    this.#options.onUp(this.#link);
  }

  #fail(error: Error): void {
    if (this.#isOver || this.#link !== undefined) return;
    this.#isOver = true;
    this.#stopWaiting();
    this.#options.connection.close();
    this.#reject(error);
  }

  #stopWaiting(): void {
    this.#timer.cancel();
    this.#options.signal.removeEventListener("abort", this.#onAbort);
  }

  #takeMagic(bytes: Uint8Array): Uint8Array {
    let offset = 0;
    while (this.#magicSeen < MAGIC.length && offset < bytes.length) {
      if (bytes[offset++] !== MAGIC[this.#magicSeen++]) {
        throw new PulsingRuntimeError(`Cannot link to ${this.#address}: it is not a Pulsing node`, {
          kind: "handshake-failed",
          address: this.#address,
        });
      }
    }
    return bytes.subarray(offset);
  }

  #send(kind: FrameKind, body: Uint8Array, before?: Uint8Array): void {
    const writer = new ByteWriter();
    if (before !== undefined) writer.run(before);
    writer.reserve(5);
    writer.view.setUint32(writer.position, body.length + 1);
    writer.position += 4;
    writer.byte(kind);
    writer.run(body);
    this.#options.connection.write(writer.take());
  }

  #unexpected(kind: number): PulsingRuntimeError {
    return new PulsingRuntimeError(`Cannot link to ${this.#address}: unexpected frame ${kind}`, {
      kind: "handshake-failed",
      address: this.#address,
    });
  }

  #unreachable(why: string, cause?: Error): PulsingRuntimeError {
    return new PulsingRuntimeError(`Cannot link to ${this.#address}: ${why}`, {
      kind: "node-unreachable",
      retryable: true,
      address: this.#address,
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
