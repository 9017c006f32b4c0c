/**
 * The one port of a node: its first bytes tell nodes from browsers.
 *
 * ```text
 * 0xf0 "PUL" …  ──► framed traffic on the bare socket
 * anything else ──► node:http ──► ListenOptions.http
 *                        └─ upgrade on /pulsing ──► the same traffic in WebSocket messages
 * ```
 *
 * @module
 */

import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { formatHostPort, parseHostPort } from "../lib/address.ts";
import { asError, PulsingRuntimeError } from "../lib/errors.ts";
import type { Listener, ListenOptions } from "../lib/transport.ts";
import { answerWith } from "./_http.ts";
import { join, judge } from "./_magic.ts";
import { SocketConnection } from "./_socket_connection.ts";
import { acceptUpgrades } from "./_websocket_server.ts";

/** Listens on the sniffing port. */
export async function listenSniffing(options: ListenOptions): Promise<Listener> {
  const http = createHttpServer(answerWith(options.http));
  const endUpgraded = acceptUpgrades(http, options);
  const unknown = new Set<Socket>();
  // A request's own socket object, so that its first request ends the wait for it.
  const waits = new WeakMap<object, () => void>();
  http.prependListener("request", (request) => waits.get(request.socket)?.());
  http.prependListener("upgrade", (_request, socket) => waits.get(socket)?.());
  const server = createServer({ pauseOnConnect: false }, (socket) => {
    unknown.add(socket);
    const onKnown = () => void unknown.delete(socket);
    waits.set(socket, sniff(socket, options, http, onKnown));
  });
  await bind(server, options.address);
  const { host } = parseHostPort(options.address);
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const close = () => {
    for (const socket of unknown) socket.destroy();
    endUpgraded();
    http.closeAllConnections();
    return new Promise<void>((resolve) => {
      // Calls back at once or when the last socket is gone; the port is free in either case.
      if (server.listening) server.close();
      resolve();
    });
  };
  let closed: Promise<void> | undefined;
  const closeOnce = () => closed ??= close();
  const address = formatHostPort({ host, port });
  return { address, close: closeOnce, [Symbol.asyncDispose]: closeOnce };
}

/** @returns Ends the wait of a socket that was handed to HTTP: its request is there. */
function sniff(
  socket: Socket,
  options: ListenOptions,
  http: HttpServer,
  onKnown: () => void,
): () => void {
  const remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
  const ignore = () => {}; // the close that follows ends the wait
  const timer = setTimeout(() => socket.destroy(), options.handshakeTimeoutMs);
  const settle = () => {
    clearTimeout(timer);
    onKnown();
  };
  socket.setNoDelay(true);
  socket.on("error", ignore);
  socket.once("close", settle);
  let head: Uint8Array | undefined;
  const onData = (piece: Uint8Array) => {
    head = join(head, piece);
    const verdict = judge(head);
    if (verdict === "unclear") return;
    socket.off("data", onData);
    socket.off("error", ignore);
    if (verdict === "node") {
      const connection = new SocketConnection(socket, remoteAddress, head);
      socket.off("close", settle);
      settle();
      return options.accept(connection);
    }
    socket.pause();
    http.emit("connection", socket);
    socket.unshift(head);
    socket.resume();
  };
  socket.on("data", onData);
  return settle;
}

function bind(server: Server, address: string): Promise<void> {
  const { host, port } = parseHostPort(address);
  return new Promise((resolve, reject) => {
    const onError = (thrown: unknown) => {
      const cause = asError(thrown);
      reject(
        new PulsingRuntimeError(
          `Cannot listen on ${address}: ${cause.message}, choose another address or port 0`,
          { kind: "listen-failed", address, cause },
        ),
      );
    };
    server.once("error", onError);
    server.listen(port, host, () => {
      server.off("error", onError);
      server.on("error", () => {}); // errors of single sockets are reported there
      resolve();
    });
  });
}
