/**
 * The first moments of a connection: magic, handshake, then the link.
 *
 * @module
 */

import type { Timer } from "../clock.ts";
import { asError, isPulsingError, PulsingRuntimeError } from "../errors.ts";
import type { Connection, ConnectionHandler } from "../transport.ts";
import { FrameKind, frameOf, FrameReader, type FrameSink, MAGIC } from "../wire/frame.ts";
import { Association } from "./association.ts";
import type { Side } from "./fence.ts";
import {
  decodeIntroduction,
  decodeRejection,
  encodeIntroduction,
  encodeRejection,
  HandshakeRejected,
  type Introduction,
  judge,
  judgeFence,
  needsProof,
  type Rejection,
  WRONG_PASSPHRASE,
} from "./handshake.ts";
import type { LinkHost } from "./link_host.ts";
import { dialableAddress, hostOf } from "./peer_address.ts";

const SHUTTING_DOWN: Rejection = {
  reason: "shutdown",
  message: "the listening node is shutting down",
};
const NOTHING = new Uint8Array(0);

/** How a connection becomes a link. */
export interface OpeningOptions {
  readonly host: LinkHost;
  readonly connection: Connection;
  readonly isDialler: boolean;
  /** What this side says about itself. */
  readonly introduction: Introduction;
  /** Ends the opening: the connection is closed. A link that is up is not touched. */
  readonly signal: AbortSignal;
  /** A further reason of the listener to refuse a dialler whose introduction is in order. */
  refuse(peer: Introduction): Rejection | undefined;
  /** A reason that came up since; asked in the moment in which the link would be up. */
  giveWay(peer: Introduction): Rejection | undefined;
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
    if (this.#side === "listener" && this.#onProven === undefined) {
      this.#write(frameOf(FrameKind.reject, encodeRejection(SHUTTING_DOWN)));
    }
    this.#fail(asError(this.#options.signal.reason), this.#side === "dialler" ? "cut" : "close");
  };
  #isOver = false;
  /** The frames that the proofs are about. */
  #hello: Uint8Array = NOTHING;
  #answer: Uint8Array = NOTHING;
  /** What the answer leads to; set while it waits for the other side's proof. */
  #onProven: (() => void) | undefined = undefined;
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
      () => this.#fail(this.#unreachable("it did not answer in time"), "cut"),
      limits.handshakeTimeoutMs,
    );
    // Before the first bytes, which may bring the link up.
    options.signal.addEventListener("abort", this.#onAbort);
  }

  begin(): void {
    const { signal, introduction } = this.#options;
    if (signal.aborted) return this.#onAbort();
    if (this.#side === "listener") return;
    this.#hello = frameOf(FrameKind.hello, encodeIntroduction(introduction));
    this.#write(MAGIC, this.#hello);
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#link?.heard();
    try {
      this.#reader.push(this.#magicSeen < MAGIC.length ? this.#takeMagic(bytes) : bytes);
    } catch (error) {
      if (this.#link === undefined) this.#fail(this.#unread(asError(error)));
      else this.#link.abort(asError(error));
    }
  }

  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#link !== undefined) return this.#link.onFrame(kind, bytes, start, end);
    if (this.#isOver) return;
    const body = bytes.subarray(start, end);
    if (this.#onProven !== undefined) return this.#onProof(this.#onProven, kind, body);
    if (this.#side === "listener" && kind === FrameKind.hello) return this.#onHello(body);
    if (this.#side === "dialler" && kind === FrameKind.welcome) return this.#onWelcome(body);
    if (this.#side === "dialler" && kind === FrameKind.reject) return this.#onRejection(body);
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

  get #side(): Side {
    return this.#options.isDialler ? "dialler" : "listener";
  }

  #onHello(body: Uint8Array): void {
    const { introduction, refuse } = this.#options;
    const peer = this.#located(decodeIntroduction(body));
    this.#hello = frameOf(FrameKind.hello, body);
    const rejection = judge(peer, introduction) ?? judgeFence(peer, introduction) ?? refuse(peer);
    if (rejection !== undefined) return this.#turnAway(rejection);
    const seenAs = hostOf(this.#address);
    const welcome = seenAs === undefined ? introduction : { ...introduction, seenAs };
    this.#answer = frameOf(FrameKind.welcome, encodeIntroduction(welcome));
    this.#write(this.#answer, ...this.#proof());
    this.#whenProven(() => this.#up(peer));
  }

  #onWelcome(body: Uint8Array): void {
    const { introduction } = this.#options;
    const peer = this.#located(decodeIntroduction(body));
    const rejection = judge(introduction, peer) ?? judgeFence(introduction, peer);
    if (rejection !== undefined) return this.#fail(this.#rejected(rejection));
    this.#answer = frameOf(FrameKind.welcome, body);
    this.#whenProven(() => this.#up(peer));
  }

  #onRejection(body: Uint8Array): void {
    const rejection = decodeRejection(body);
    const fail = () => this.#fail(this.#rejected(rejection));
    this.#answer = frameOf(FrameKind.reject, body);
    if (needsProof(rejection)) this.#whenProven(fail);
    else fail();
  }

  #onProof(onProven: () => void, kind: number, body: Uint8Array): void {
    if (this.#side === "listener" && kind === FrameKind.reject) {
      return this.#fail(this.#rejected(decodeRejection(body)));
    }
    if (kind !== FrameKind.confirm) throw this.#unexpected(kind);
    const other = this.#side === "dialler" ? "listener" : "dialler";
    const opening = { hello: this.#hello, answer: this.#answer };
    if (this.#options.host.fence?.isProof(body, other, opening)) onProven();
    else this.#turnAway(WRONG_PASSPHRASE);
  }

  /** A peer that listens on every interface is dialled where this connection leads. */
  #located(peer: Introduction): Introduction {
    const address = dialableAddress(peer.address, this.#address);
    return address === peer.address ? peer : { ...peer, address, isLocated: true };
  }

  /** Goes on at once without a passphrase, else when the other side has proven that it knows it. */
  #whenProven(then: () => void): void {
    if (this.#options.host.fence === undefined) then();
    else this.#onProven = then;
  }

  /** This side's proof, once both have spoken; nothing without a passphrase. */
  #proof(): readonly Uint8Array[] {
    const opening = { hello: this.#hello, answer: this.#answer };
    const proof = this.#options.host.fence?.prove(this.#side, opening);
    return proof === undefined ? [] : [frameOf(FrameKind.confirm, proof)];
  }

  #up(peer: Introduction): void {
    const { host, connection, isDialler, giveWay } = this.#options;
    const rejection = giveWay(peer);
    if (rejection !== undefined) return this.#fail(this.#rejected(rejection));
    if (isDialler) this.#write(...this.#proof());
    this.#stopWaiting();
    const { chunkBytes, chunkThresholdBytes } = host.limits;
    this.#reader.maxFrameBytes = 2 * Math.max(chunkBytes, chunkThresholdBytes) + 65_536;
    this.#link = new Association(host, connection, peer, isDialler);
    this.#resolve(this.#link);
    this.#options.onUp(this.#link);
  }

  #turnAway(rejection: Rejection): void {
    this.#answer = frameOf(FrameKind.reject, encodeRejection(rejection));
    this.#write(this.#answer, ...(needsProof(rejection) ? this.#proof() : []));
    this.#fail(this.#rejected(rejection));
  }

  /** A close waits for the other side's: one that has said nothing is not waited for. */
  #fail(error: Error, end: "close" | "cut" = "close"): void {
    if (this.#isOver || this.#link !== undefined) return;
    this.#isOver = true;
    this.#stopWaiting();
    if (end === "cut") this.#options.connection.abort();
    else this.#options.connection.close();
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
        throw this.#stranger();
      }
    }
    return bytes.subarray(offset);
  }

  #write(...parts: readonly Uint8Array[]): void {
    if (parts.length > 0) this.#options.connection.write(joined(parts));
  }

  #rejected(rejection: Rejection): HandshakeRejected {
    return new HandshakeRejected(rejection, this.#address);
  }

  /** Whoever sends what is no frame speaks another protocol, as HTTP: its text is no length. */
  #unread(error: Error): Error {
    return isPulsingError(error, "protocol-violation") ? this.#stranger(error) : error;
  }

  #stranger(cause?: Error): PulsingRuntimeError {
    return new PulsingRuntimeError(`Cannot link to ${this.#address}: it is not a Pulsing node`, {
      kind: "handshake-failed",
      address: this.#address,
      ...(cause === undefined ? {} : { cause }),
    });
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

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
