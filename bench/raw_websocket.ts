/**
 * The control of the WebSocket transport: one message each way for every call.
 *
 * @module
 */

import * as library from "ws";
import type { EchoLink } from "./raw_tcp.ts";

interface RawSocket {
  on(event: "open", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "message", listener: (data: Uint8Array) => void): void;
  send(data: Uint8Array): void;
}

interface RawServer {
  on(event: "connection", listener: (socket: RawSocket) => void): void;
  on(event: "listening", listener: () => void): void;
  address(): { readonly port: number };
}

interface Library {
  readonly WebSocket: new (url: string, options: { perMessageDeflate: false }) => RawSocket;
  readonly WebSocketServer: new (
    options: { host: string; port: number; perMessageDeflate: false },
  ) => RawServer;
}

const ws: Library = library as unknown as Library; // the package brings no types of its own

/**
 * Starts an echo server on a free port of this machine.
 *
 * @returns The port.
 */
export async function listenRawWebSocket(): Promise<number> {
  const server = new ws.WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  await new Promise<void>((resolve) => server.on("listening", resolve));
  return server.address().port;
}

/** Connects to a server made by {@link listenRawWebSocket}. */
export async function dialRawWebSocket(port: number): Promise<EchoLink> {
  const socket = new ws.WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  const waiting: ((body: Uint8Array) => void)[] = [];
  let answered = 0;
  socket.on("message", (data) => {
    waiting[answered++]?.(data);
    if (answered < waiting.length) return;
    waiting.length = answered = 0;
  });
  await new Promise<void>((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
  });
  return {
    ask: (body) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        socket.send(body);
      }),
  };
}
