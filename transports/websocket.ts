/**
 * Nodes over WebSocket: the same contract for those who cannot open sockets, or where a proxy
 * lets only HTTP through.
 *
 * @module
 */

import { parseHostPort } from "../lib/address.ts";
import type { Connection, DialOptions, Transport } from "../lib/transport.ts";
import { listenSniffing } from "./_listener.ts";
import { lookupAddresses } from "./_lookup.ts";
import { unreachable } from "./tcp.ts";
import { WebSocketConnection } from "./_websocket_connection.ts";
import { WEBSOCKET_PATH } from "./_websocket_server.ts";
import { MAX_PAYLOAD_BYTES, type WebSocketLike, ws } from "./_ws.ts";

/**
 * A transport that dials with WebSocket; it listens on the same port as {@link tcp}, so nodes of
 * both kinds reach each other.
 */
export function websocket(): Transport {
  return {
    name: "websocket",
    listen: listenSniffing,
    dial: dialWebSocket,
    lookup: lookupAddresses,
  };
}

function dialWebSocket(address: string, { signal }: DialOptions = {}): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    parseHostPort(address);
    const socket: WebSocketLike = new ws.WebSocket(`ws://${address}${WEBSOCKET_PATH}`, {
      perMessageDeflate: false,
      maxPayload: MAX_PAYLOAD_BYTES,
    });
    const onAbort = () => {
      reject(signal?.reason);
      socket.terminate();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.on("error", (cause) => {
      signal?.removeEventListener("abort", onAbort);
      reject(unreachable(address, cause));
    });
    const connection = new WebSocketConnection(socket, address);
    socket.on("open", () => {
      signal?.removeEventListener("abort", onAbort);
      resolve(connection);
    });
  });
}
