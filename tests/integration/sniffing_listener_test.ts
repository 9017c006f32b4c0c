/** The sniffing port below the actor system: who is let in, who is answered, who is cut off. */

import assert from "node:assert/strict";
import { connect } from "node:net";
import { parseHostPort } from "../../lib/address.ts";
import { isPulsingError } from "../../lib/errors.ts";
import type { Connection, Listener } from "../../lib/transport.ts";
import { MAGIC } from "../../lib/wire/frame.ts";
import { tcp } from "../../transports/tcp.ts";
import { websocket } from "../../transports/websocket.ts";
import { eventually, test } from "../harness.ts";

class Heard {
  bytes: number[] = [];
  closes = 0;

  onBytes(bytes: Uint8Array): void {
    this.bytes.push(...bytes);
  }
  onDrain(): void {}
  onClose(): void {
    this.closes++;
  }
}

async function answer(request: Request): Promise<Response> {
  if (new URL(request.url).pathname === "/throw") throw new Error("secret");
  return new Response(await request.text(), {
    headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]],
  });
}

async function open(handshakeTimeoutMs = 5_000) {
  const accepted: { connection: Connection; heard: Heard }[] = [];
  const listener: Listener = await tcp().listen({
    address: "127.0.0.1:0",
    handshakeTimeoutMs,
    http: answer,
    accept(connection) {
      const heard = new Heard();
      connection.start(heard);
      accepted.push({ connection, heard });
    },
  });
  return { accepted, address: listener.address, [Symbol.asyncDispose]: () => listener.close() };
}

/** Writes pieces, one after the other, and reads until the other side ends. */
async function exchange(address: string, ...pieces: (string | Uint8Array)[]): Promise<string> {
  const { host, port } = parseHostPort(address);
  const socket = connect({ host, port });
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (bytes) => text += String(bytes));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  for (const piece of pieces) socket.write(piece);
  await closed;
  return text;
}

test("sniffing port: a POST body is echoed, every header line kept, twice on one port", async () => {
  await using place = await open();
  for (const body of ["first", "x".repeat(300_000)]) {
    const response = await fetch(`http://${place.address}/`, { method: "POST", body });
    assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
    assert.equal(await response.text(), body);
  }
});

test("sniffing port: a throwing handler answers 500 without the reason", async () => {
  await using place = await open();
  const response = await fetch(`http://${place.address}/throw`);
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /secret/);
});

test("sniffing port: half a magic, garbage and a broken host get 400 and no node", async () => {
  await using place = await open();
  assert.match(await exchange(place.address, Uint8Array.of(0xf0, 1, 2, 3, 13, 10)), /400/);
  assert.match(await exchange(place.address, "garbage\r\n\r\n"), /400/);
  assert.match(await exchange(place.address, "GET / HTTP/1.1\r\nHost: [\r\n\r\n"), /400/);
  assert.equal(place.accepted.length, 0);
});

test("sniffing port: silence, part of a magic and half a request are cut off in time", async () => {
  await using place = await open(100);
  for (const start of [new Uint8Array(0), MAGIC.slice(0, 2), "GET / HT"]) {
    assert.equal(await exchange(place.address, start), "");
  }
  assert.equal(place.accepted.length, 0);
});

test("sniffing port: a WebSocket that is silent or says no magic is never accepted", async () => {
  await using place = await open(100);
  for (const first of [[], [1, 2, 3, 4, 5]]) {
    const connection = await websocket().dial(place.address);
    const heard = new Heard();
    connection.start(heard);
    if (first.length > 0) connection.write(Uint8Array.from(first));
    await eventually(() => heard.closes === 1, { what: "the cut" });
  }
  assert.equal(place.accepted.length, 0);
});

for (const transport of [tcp(), websocket()]) {
  test(`sniffing port: a magic in two pieces over ${transport.name} arrives whole`, async () => {
    await using place = await open();
    const connection = await transport.dial(place.address);
    const heard = new Heard();
    connection.start(heard);
    connection.write(MAGIC.slice(0, 1));
    connection.write(Uint8Array.of(...MAGIC.slice(1), 7));
    await eventually(() => place.accepted[0]?.heard.bytes.length === 5, { what: "five bytes" });
    assert.deepEqual(place.accepted[0]!.heard.bytes, [...MAGIC, 7]);
    connection.close();
    await eventually(() => heard.closes + place.accepted[0]!.heard.closes === 2);
  });
}

test("sniffing port: a WebSocket dial under way ends with the reason of its signal", async () => {
  const controller = new AbortController();
  const reason = new Error("no longer wanted");
  await using place = await open();
  const dialled = websocket().dial(place.address, { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(dialled, (error) => error === reason && !isPulsingError(error));
});
