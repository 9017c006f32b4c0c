/**
 * Lets nodes in over WebSocket on the sniffing port.
 *
 * @module
 */

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { ListenOptions } from "../lib/transport.ts";
import { WebSocketConnection } from "./_websocket_connection.ts";
import { ws } from "./_ws.ts";

/** The path on which nodes connect. */
export const WEBSOCKET_PATH = "/pulsing";

/** Bytes of one WebSocket message at most; a write of the runtime is far below. */
export const MAX_PAYLOAD_BYTES = 67_108_864;

/** Answers upgrade requests: nodes on {@link WEBSOCKET_PATH}, others are refused. */
export function acceptUpgrades(http: Server, options: ListenOptions): void {
  const server = new ws.WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD_BYTES,
  });
  http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname !== WEBSOCKET_PATH) {
      socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
      return;
    }
    const remoteAddress = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
    server.handleUpgrade(request, socket, head, (upgraded) => {
      options.accept(new WebSocketConnection(upgraded, remoteAddress));
    });
  });
}
