/**
 * Lets nodes in over WebSocket on the sniffing port.
 *
 * @module
 */

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { ListenOptions } from "../lib/transport.ts";
import { join, judge } from "./_magic.ts";
import { WebSocketConnection } from "./_websocket_connection.ts";
import { MAX_PAYLOAD_BYTES, type WebSocketLike, ws } from "./_ws.ts";

/** The path on which nodes connect. */
export const WEBSOCKET_PATH = "/pulsing";

/**
 * Answers upgrade requests: nodes on {@link WEBSOCKET_PATH}, others are refused.
 *
 * @returns Ends the sockets that were upgraded and have not said the magic yet.
 */
export function acceptUpgrades(http: Server, options: ListenOptions): () => void {
  const unknown = new Set<WebSocketLike>();
  const server = new ws.WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD_BYTES,
  });
  http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    socket.on("error", () => {}); // an upgraded socket has no listener left, and would end the process
    const path = URL.parse(request.url ?? "/", "http://localhost")?.pathname;
    if (path !== WEBSOCKET_PATH) {
      const status = path === undefined ? "400 Bad Request" : "404 Not Found";
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`, () => socket.destroy());
      return;
    }
    const remoteAddress = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
    server.handleUpgrade(request, socket, head, (upgraded) => {
      unknown.add(upgraded);
      admit(upgraded, remoteAddress, options, () => unknown.delete(upgraded));
    });
  });
  return () => {
    for (const socket of unknown) socket.terminate();
  };
}

function admit(
  socket: WebSocketLike,
  remoteAddress: string,
  options: ListenOptions,
  onKnown: () => void,
): void {
  const connection = new WebSocketConnection(socket, remoteAddress); // keeps what arrives
  const timer = setTimeout(() => socket.terminate(), options.handshakeTimeoutMs);
  let head: Uint8Array | undefined;
  let isKnown = false;
  const settle = () => {
    isKnown = true;
    clearTimeout(timer);
    onKnown();
    socket.off("message", onMessage);
  };
  const onMessage = (data: Uint8Array) => {
    head = join(head, data);
    const verdict = judge(head);
    // Several messages may come out of one read: those after the verdict are not asked.
    if (verdict === "unclear" || isKnown) return;
    settle();
    if (verdict === "node") options.accept(connection);
    else socket.terminate();
  };
  socket.on("message", onMessage);
  socket.on("close", settle);
}
