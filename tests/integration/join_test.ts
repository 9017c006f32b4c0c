/** How a node finds its cluster: seeds that name each other, itself, nobody, or never answer. */

import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Socket } from "node:net";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { assertJoined, Town } from "./town.ts";

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]; // either node has the smaller id in some of them

test("joining ends when the seed has dialled us, though it refuses our dial", async () => {
  for (const seed of SEEDS) {
    await using town = new Town(seed);
    const one = town.start("a:1", { seeds: ["b:1"], joinTimeoutMs: 1_500 });
    await town.clock.advance(30);
    const two = town.start("b:1", { seeds: ["a:1"], joinTimeoutMs: 1_500 });
    await town.clock.advance(10);
    for (const started of [one, two]) assertJoined(started, 2);
  }
});

test("joining through a seed known by another name ends when that seed has dialled us", async () => {
  for (const seed of SEEDS) {
    await using town = new Town(seed);
    town.network.name("alias", ["b"]);
    const one = town.start("a:1", { seeds: ["alias:1"], joinTimeoutMs: 1_500 });
    await town.clock.advance(30);
    const two = town.start("b:1", { seeds: ["a:1"], joinTimeoutMs: 1_500 });
    await town.clock.advance(1_000);
    for (const started of [one, two]) assertJoined(started, 2);
  }
});

test("joining in the background does not dial again once the seed is linked", async () => {
  for (const seed of SEEDS) {
    await using town = new Town(seed);
    const one = town.start("a:1", { seeds: ["b:1"], joinTimeoutMs: 0 });
    await town.clock.advance(30);
    const two = town.start("b:1", { seeds: ["a:1"], joinTimeoutMs: 0 });
    await town.clock.advance(1_000);
    for (const started of [one, two]) assertJoined(started, 2);
    const dials = town.dials.length;
    await town.clock.advance(60_000);
    assert.equal(town.dials.length, dials);
  }
});

test("two nodes that join through each other at once keep one link and suspect nobody", async () => {
  for (const seed of SEEDS) {
    await using town = new Town(seed);
    const one = town.start("a:1", { seeds: ["b:1"], joinTimeoutMs: 1_500 });
    const two = town.start("b:1", { seeds: ["a:1"], joinTimeoutMs: 1_500 });
    await town.clock.advance(1_000);
    for (const started of [one, two]) assertJoined(started, 2);
    assert.equal(town.linksEnded, 0);
  }
});

test("the first node starts at once with the seed list that names only itself", async () => {
  await using town = new Town(1);
  const alone = town.start("a:1", { seeds: ["a:1"] });
  const advertised = town.start("b:1", { seeds: ["b:1", "public:1"], advertise: "public:1" });
  await town.clock.settle();
  assertJoined(alone, 1);
  assertJoined(advertised, 1);
});

test("a seed list that names the node itself is joined through the others", async () => {
  for (const seed of SEEDS) {
    await using town = new Town(seed);
    const seeds = ["a:1", "b:1"];
    const one = town.start("a:1", { seeds });
    await town.clock.advance(500);
    assert.equal(one.outcome, undefined, "it waits for the other one");
    const two = town.start("b:1", { seeds });
    await town.clock.advance(1_000);
    for (const started of [one, two]) assertJoined(started, 2);
  }
});

test("joinTimeoutMs ends a handshake that the seed never answers", async () => {
  await using town = new Town(1);
  const silent = { onBytes() {}, onDrain() {}, onClose() {} };
  await using _listener = town.network.listen({
    address: "silent:1",
    handshakeTimeoutMs: 60_000,
    accept: (connection) => connection.start(silent),
  });
  const started = town.start("a:1", { seeds: ["silent:1"], joinTimeoutMs: 300 });
  await town.clock.advance(299);
  const before = started.outcome;
  assert.equal(before, undefined);
  await town.clock.advance(1);
  const { outcome } = started;
  assert.ok(pul.isPulsingError(outcome, "join-failed"), String(outcome));
  assert.match(outcome.message, /silent:1 .*did not answer in time/);
});

async function nameMany(system: pul.ActorSystem): Promise<void> {
  for (let n = 0; n < 2_000; n++) {
    await system.spawn({ receive: () => n }, { name: `a-worker-named-${n}` });
  }
}

const SMALL_MESSAGES = {
  limits: { maxMessageBytes: 100_000 },
  gossip: { pushPullIntervalMs: 300 },
};

test("a newcomer hears all names at once, though they exceed one message", async () => {
  await using town = new Town(1);
  town.start("a:1", SMALL_MESSAGES);
  await town.clock.settle();
  await nameMany(town.systems[0]!);
  const other = town.start("b:1", { ...SMALL_MESSAGES, seeds: ["a:1"] });
  await town.clock.settle();
  assertJoined(other, 2);
  assert.equal(town.systems[1]!.allNamedActors().length, 2_000);
});

test("more names than fit into one message do not end the link to those who are told", async () => {
  await using town = new Town(1);
  town.start("a:1", SMALL_MESSAGES);
  await town.clock.settle();
  const other = town.start("b:1", { ...SMALL_MESSAGES, seeds: ["a:1"] });
  await town.clock.settle();
  await nameMany(town.systems[0]!);
  await town.clock.advance(1_000);
  assertJoined(other, 2);
  assert.equal(town.systems[1]!.allNamedActors().length, 2_000);
  assert.equal(town.linksEnded, 0);
});

test("news that cannot be sent is logged and harms neither the node nor the link", async () => {
  await using town = new Town(1);
  const logged: string[] = [];
  const logger = { ...pul.silentLogger, warn: (text: string) => void logged.push(text) };
  town.start("a:1", { limits: { maxMessageBytes: 300, chunkThresholdBytes: 200 }, logger });
  await town.clock.settle();
  const other = town.start("b:1", { seeds: ["a:1"] });
  await town.clock.settle();
  const [one] = town.systems as [pul.ActorSystem];
  await one.spawn({ receive: () => "short" }, { name: "short" });
  await one.spawn({ receive: () => "long" }, { name: Array(4).fill("l".repeat(60)).join("/") });
  await town.clock.advance(1_000);
  assert.ok(logged.includes("news not sent"), String(logged));
  assertJoined(other, 2);
  assert.equal(town.systems[1]!.allNamedActors()[0]?.path, "actors/short");
});

test("a seed that comes up shortly before joinTimeoutMs is still joined", async () => {
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const joining = pul.actorSystem({
    addr: "a:1",
    transport,
    seeds: ["b:1"],
    joinTimeoutMs: 1_500,
  });
  await new Promise((resolve) => setTimeout(resolve, 1_200)); // past the tries of plain doubling
  await using seed = await pul.actorSystem({ addr: "b:1", transport });
  await using system = await joining;
  assert.equal(system.members().length, 2);
  assert.equal(seed.members().length, 2);
});

// The joiner of "two" was told: "this node is in cluster "one", the other one in "two"".
test("a joiner that is in another cluster is told which of the two it is", async () => {
  await using town = new Town(1);
  town.start("a:1", { cluster: "one" });
  await town.clock.settle();
  const joiner = town.start("b:1", { cluster: "two", seeds: ["a:1"], joinTimeoutMs: 1_000 });
  await town.clock.advance(1_000);
  const { outcome } = joiner;
  assert.ok(pul.isPulsingError(outcome, "join-failed"), String(outcome));
  assert.match(
    outcome.message,
    /the dialling node is in cluster "two", the listening one in "one"/,
  );
});

/** A server that does something with each connection, and knows how each has ended. */
async function server(greet: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const listening = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on("error", () => {}).resume());
    greet(socket);
  });
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const { port } = listening.address() as AddressInfo;
  return {
    addr: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listening.close(resolve));
    },
  };
}

// It took a second more: the connection was closed, and a seed that is silent does not close its end.
test("over tcp: a seed that accepts and says nothing is waited for until joinTimeoutMs", async () => {
  await using silent = await server(() => {});
  const { now } = pul.systemClock;
  const begun = now();
  const joinTimeoutMs = 200;
  const joining = pul.actorSystem({ addr: "127.0.0.1:0", seeds: [silent.addr], joinTimeoutMs });
  await assert.rejects(joining, /did not answer in time/);
  const tookMs = now() - begun;
  assert.ok(tookMs < 900, `${tookMs} ms`);
});

// "Cannot read frame of 1213486160 bytes"
test("over tcp: a seed that speaks HTTP is not a Pulsing node", async () => {
  await using web = await server((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const options = { addr: "127.0.0.1:0", seeds: [web.addr], joinTimeoutMs: 200 };
  await assert.rejects(pul.actorSystem(options), (error) => {
    assert.ok(pul.isPulsingError(error, "join-failed"), String(error));
    assert.match(error.message, /it is not a Pulsing node/);
    return true;
  });
});
