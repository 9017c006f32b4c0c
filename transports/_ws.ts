/**
 * The one user of `ws`, with the types of the part that is used.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import * as library from "ws";

/** Bytes of one WebSocket message at most; longer writes are sent as several messages. */
export const MAX_PAYLOAD_BYTES = 16_777_216;

/** A WebSocket of either side. */
export interface WebSocketLike {
  readonly bufferedAmount: number;
  on(event: "open" | "close", listener: () => void): void;
  on(event: "message", listener: (data: Uint8Array) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  off(event: "message", listener: (data: Uint8Array) => void): void;
  send(data: Uint8Array, onSent: (error?: Error) => void): void;
  pause(): void;
  resume(): void;
  close(code?: number): void;
  terminate(): void;
}

/** Options of both sides. */
interface SocketOptions {
  readonly perMessageDeflate: false;
  readonly maxPayload: number;
}

/** A server without a socket of its own. */
interface UpgradeServer {
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    done: (socket: WebSocketLike) => void,
  ): void;
}

interface Library {
  readonly WebSocket: new (url: string, options: SocketOptions) => WebSocketLike;
  readonly WebSocketServer: new (
    options: SocketOptions & { readonly noServer: true },
  ) => UpgradeServer;
}

/** The part of `ws` that is used; the package brings no types of its own. */
export const ws: Library = library as unknown as Library;
