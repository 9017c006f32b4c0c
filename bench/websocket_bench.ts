/**
 * What does batching give over a WebSocket that sends one message per call?
 *
 * @module
 */

import process from "node:process";
import { askRaw, type EchoServer, flightRow, joinEcho } from "./echo_actor.ts";
import { compare, report } from "./harness.ts";
import { Peer } from "./processes.ts";
import { dialRawWebSocket } from "./raw_websocket.ts";

await using started = new AsyncDisposableStack();
const { peer, ready: server } = await Peer.start<EchoServer>("echo_server.ts", ["websocket"]);
started.use(peer);
const link = await dialRawWebSocket(server.rawPort);
const { system, echo } = await joinEcho(server, "websocket");
started.use(system);

report(
  "websocket",
  await compare([{
    control: flightRow("raw WebSocket echo, 256 in flight", (value) => askRaw(link, value)),
    measured: flightRow("ask, 256 in flight", (value) => echo.echo(value)),
    target: 1.5,
  }]),
);
await started.disposeAsync();
process.exit(); // the bare link is still open
