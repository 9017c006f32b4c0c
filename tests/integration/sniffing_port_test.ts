/** One port serves nodes, HTTP and WebSocket, and survives everything else. */

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import * as pul from "../../mod.ts";
import { parseHostPort } from "../../lib/address.ts";
import { MAGIC } from "../../lib/wire/frame.ts";
import { eventually, test } from "../harness.ts";

class Echo {
  echo(value: unknown): unknown {
    return value;
  }
}

async function dial(address: string): Promise<Socket> {
  const { host, port } = parseHostPort(address);
  const socket = connect({ host, port });
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return socket;
}

/** Sends bytes and waits for the other side to end the connection. */
async function cutOff(address: string, bytes: Uint8Array): Promise<void> {
  const socket = await dial(address);
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(bytes);
  await closed;
}

test("one port answers /health while nodes call over TCP and over WebSocket", async () => {
  await using server = await pul.actorSystem({ addr: "127.0.0.1:0" });
  const addr = server.addr!;
  await server.spawnClass(Echo, { name: "echo" });
  for (const transport of [pul.tcp(), pul.websocket()]) {
    await using client = await pul.actorSystem({ addr: "127.0.0.1:0", seeds: [addr], transport });
    const echo = (await client.resolve("echo", { timeoutMs: 5_000 })).asType(Echo);
    const [answer, response] = await Promise.all([echo.echo(1), fetch(`http://${addr}/health`)]);
    assert.equal(answer, 1);
    const health = await response.json();
    assert.deepEqual([health.status, health.nodeId], ["ok", server.nodeId]);
  }
});

test("one port answers 404 and 405 to other requests, one after another", async () => {
  await using server = await pul.actorSystem({ addr: "127.0.0.1:0" });
  for (let round = 0; round < 3; round++) {
    const missing = await fetch(`http://${server.addr}/nothing`);
    assert.equal(missing.status, 404);
    await missing.body?.cancel();
    const posted = await fetch(`http://${server.addr}/health`, { method: "POST", body: "x" });
    assert.equal(posted.status, 405);
    await posted.body?.cancel();
  }
});

test("one port cuts off garbage, a broken handshake and an oversized one, and goes on", async () => {
  const limits = { handshakeTimeoutMs: 300 };
  const logger = pul.silentLogger;
  await using server = await pul.actorSystem({ addr: "127.0.0.1:0", limits, logger });
  const addr = server.addr!;
  const garbage = new TextEncoder().encode("\x00\x01\x02 garbage\r\n\r\n");
  const frame = (...bytes: number[]) => Uint8Array.of(...MAGIC, ...bytes);
  await cutOff(addr, garbage);
  await cutOff(addr, Uint8Array.of(0xf0, 1, 2, 3, 4, 5));
  await cutOff(addr, frame(0, 0, 0, 3, 1, 0xc1, 0xc1));
  await cutOff(addr, frame(0xff, 0xff, 0xff, 0xff));
  await cutOff(addr, frame(0, 0, 0, 1, 0x11));
  await cutOff(addr, MAGIC);
  const response = await fetch(`http://${addr}/health`);
  assert.equal((await response.json()).members, 1);
});

test("a silent connection is closed after the handshake timeout", async () => {
  const limits = { handshakeTimeoutMs: 100 };
  await using server = await pul.actorSystem({ addr: "127.0.0.1:0", limits });
  await cutOff(server.addr!, new Uint8Array(0));
});

test("a malformed handshake whose bytes come one by one is read to its end, then refused", async () => {
  await using server = await pul.actorSystem({ addr: "127.0.0.1:0" });
  const socket = await dial(server.addr!);
  let heard = 0;
  socket.on("data", (bytes: Uint8Array) => heard += bytes.length);
  const hello = Uint8Array.of(...MAGIC, 0, 0, 0, 2, 1, 0x80);
  for (const byte of hello) socket.write(Uint8Array.of(byte));
  await eventually(() => socket.destroyed || socket.readableEnded, { what: "the refusal" });
  socket.destroy();
  assert.equal(heard, 0);
});
