/**
 * The control of the wire: length-framed messages over bare sockets, each answered by itself.
 *
 * In two kinds: `"each"` writes every message and every answer by itself, as a plain program does;
 * `"batched"` writes what one turn gave at once, as a program does that was tuned for throughput.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { connect, createServer, type Socket } from "node:net";

const HEADER_BYTES = 4;
const COPY_BELOW = 65_536;

/** When frames are handed to the socket. */
export type Writing = "each" | "batched";

type TakeFrame = (body: Uint8Array) => void;

/** One link to an echo server; answers come in the order of the messages. */
export interface EchoLink {
  /** Sends bytes and waits for their echo. */
  ask(body: Uint8Array): Promise<Uint8Array>;
}

/**
 * Starts an echo server on a free port of this machine.
 *
 * @returns The port.
 */
export async function listenRaw(writing: Writing): Promise<number> {
  const server = createServer((socket) => readFrames(socket, frameWriter(socket, writing)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("Cannot get the port");
  return address.port;
}

/** Connects to a server made by {@link listenRaw}; the link lives as long as the process. */
export async function dialRaw(port: number, writing: Writing): Promise<EchoLink> {
  const socket = connect(port, "127.0.0.1");
  const waiting: ((body: Uint8Array) => void)[] = [];
  let answered = 0;
  const write = frameWriter(socket, writing);
  readFrames(socket, (body) => {
    waiting[answered++]?.(body);
    if (answered < waiting.length) return;
    waiting.length = answered = 0;
  });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).on("error", reject));
  return {
    ask: (body) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        write(body);
      }),
  };
}

function frameWriter(socket: Socket, writing: Writing): TakeFrame {
  if (writing === "each") return (body) => framed(body).forEach((part) => socket.write(part));
  let parts: Uint8Array[] = [];
  const flush = () => {
    const batch = parts;
    parts = [];
    socket.write(Buffer.concat(batch));
  };
  return (body) => {
    if (parts.length === 0) queueMicrotask(flush);
    parts.push(...framed(body));
  };
}

/** Header and body: small ones as one, so that they are one write; large ones are not copied. */
function framed(body: Uint8Array): readonly Uint8Array[] {
  const isSmall = body.length < COPY_BELOW;
  const bytes = new Uint8Array(HEADER_BYTES + (isSmall ? body.length : 0));
  new DataView(bytes.buffer).setUint32(0, body.length);
  if (!isSmall) return [bytes, body];
  bytes.set(body, HEADER_BYTES);
  return [bytes];
}

/** Cuts what arrives into the frames that were sent; a body is copied once. */
function readFrames(socket: Socket, onFrame: TakeFrame): void {
  const header = new Uint8Array(HEADER_BYTES);
  const headerView = new DataView(header.buffer);
  let headerFilled = 0;
  let body = new Uint8Array(0);
  let bodyFilled = 0;
  socket.setNoDelay(true);
  socket.on("data", (chunk: Uint8Array) => {
    let at = 0;
    while (at < chunk.length) {
      if (headerFilled < HEADER_BYTES) {
        header[headerFilled++] = chunk[at++] ?? 0;
        if (headerFilled < HEADER_BYTES) continue;
        body = new Uint8Array(headerView.getUint32(0));
        bodyFilled = 0;
      }
      const part = chunk.subarray(at, at + body.length - bodyFilled);
      body.set(part, bodyFilled);
      bodyFilled += part.length;
      at += part.length;
      if (bodyFilled < body.length) continue;
      headerFilled = 0;
      onFrame(body);
    }
  });
}
