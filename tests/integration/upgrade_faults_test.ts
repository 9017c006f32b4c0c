/** Upgrade requests that mean harm end nobody's process. */

import assert from "node:assert/strict";
import { connect } from "node:net";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";

const UPGRADE = "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async function answerTo(addr: string, path: string): Promise<string> {
  const [host = "", port] = addr.split(":");
  let heard = "";
  let isOver = false;
  const socket = connect(
    Number(port),
    host,
    () => socket.write(`GET ${path} HTTP/1.1\r\n${UPGRADE}`),
  );
  socket.on("data", (bytes) => heard += String(bytes));
  socket.on("error", () => {});
  socket.on("close", () => isOver = true);
  await eventually(() => isOver, { what: "the end of the connection" });
  return heard;
}

test("an upgrade request with a path that is no URL is refused, the node goes on", async () => {
  await using system = await pul.actorSystem({ addr: "127.0.0.1:0" });
  assert.match(await answerTo(system.addr!, "//"), /^HTTP\/1\.1 400/);
  assert.match(await answerTo(system.addr!, "/elsewhere"), /^HTTP\/1\.1 404/);
  assert.equal((await (await fetch(`http://${system.addr}/health`)).json()).status, "ok");
});

test("a client that resets a refused upgrade harms nobody", async () => {
  await using system = await pul.actorSystem({ addr: "127.0.0.1:0" });
  const [host = "", port] = system.addr!.split(":");
  let closed = 0;
  for (let round = 0; round < 20; round++) {
    const socket = connect(Number(port), host, () => {
      socket.write(`GET /elsewhere HTTP/1.1\r\n${UPGRADE}`, () => socket.resetAndDestroy());
    });
    socket.on("error", () => {});
    socket.on("close", () => closed++);
  }
  await eventually(() => closed === 20);
  assert.equal((await (await fetch(`http://${system.addr}/health`)).json()).status, "ok");
});
