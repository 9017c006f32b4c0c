/**
 * What does a call to another process cost, compared with a bare echo over TCP?
 *
 * @module
 */

import process from "node:process";
import { askRaw, type EchoServer, flightRow, joinEcho } from "./echo_actor.ts";
import { compare, type Comparison, expectCount, oneAtATime, report, type Row } from "./harness.ts";
import { Peer } from "./processes.ts";
import { dialRaw } from "./raw_tcp.ts";

const ASKS = 1_000;
const ITEMS = 100_000;
const BLOBS = 20;
const BLOB = new Uint8Array(1_048_576).fill(7);
const CLIENTS = 4;

await using started = new AsyncDisposableStack();
const { peer, ready: server } = await Peer.start<EchoServer>("echo_server.ts", ["tcp"]);
started.use(peer);
const link = await dialRaw(server.rawPort, "each");
const batchedLink = await dialRaw(server.batchedPort, "batched");
const { system, echo } = await joinEcho(server, "tcp");
started.use(system);

const raw = (value: number) => askRaw(link, value);
const rawFlight = flightRow("raw echo, 256 in flight", raw);
const comparisons: readonly Comparison[] = [
  {
    control: askRow("raw echo, one at a time", raw),
    measured: askRow("ask, one at a time", (value) => echo.echo(value)),
    target: 0.85,
  },
  {
    control: rawFlight,
    measured: flightRow("ask, 256 in flight", (value) => echo.echo(value)),
    target: 0.4,
  },
  {
    control: flightRow("raw batched echo, 256 in flight", (value) => askRaw(batchedLink, value)),
    measured: flightRow("ask, 256 in flight", (value) => echo.echo(value)),
    target: 0.4,
  },
  { control: rawFlight, measured: items(), target: 0.8 },
  {
    control: blobRow("raw echo, 1 MiB", (blob) => link.ask(blob)),
    measured: blobRow("ask, 1 MiB", (blob) => echo.blob(blob)),
    target: 0.7,
  },
];
const results = await compare(comparisons);
const clients = await startClients();
results.push(
  ...await compare([{
    control: clientsRow("four raw clients, 256 in flight each", "raw"),
    measured: clientsRow("four client nodes, 256 in flight each", "actor"),
    target: 0.5,
  }]),
);
report("wire", results);
await started.disposeAsync();
process.exit(); // the bare link is still open

function askRow(name: string, ask: (value: number) => Promise<number>): Row {
  return { name, run: (record) => oneAtATime(ASKS, ask, record) };
}

function items(): Row {
  return {
    name: "stream, items",
    async run() {
      let expected = 0;
      for await (const item of echo.items(ITEMS)) expected += item === expected ? 1 : 0;
      expectCount(expected, ITEMS);
      return ITEMS;
    },
  };
}

function blobRow(name: string, ask: (blob: Uint8Array) => Promise<Uint8Array>): Row {
  const askLength = async (index: number) => {
    const answer = await ask(BLOB);
    return answer.length === BLOB.length && answer.at(-1) === 7 ? index : -1;
  };
  return { name, run: (record) => oneAtATime(BLOBS, askLength, record) };
}

async function startClients(): Promise<readonly Peer[]> {
  const args = [`${server.rawPort}`, server.addr];
  return await Promise.all(Array.from({ length: CLIENTS }, async () => {
    const { peer } = await Peer.start("echo_client.ts", args);
    return started.use(peer);
  }));
}

function clientsRow(name: string, what: "raw" | "actor"): Row {
  return {
    name,
    async run() {
      const counts = await Promise.all(clients.map((client) => client.ask<number>(what)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}
