/** Seeds that are names or load balancers, that come late, or were behind a partition. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { resolveClusterSettings } from "../../lib/cluster/settings.ts";
import { eventually, test } from "../harness.ts";
import { assertAlive, assertJoined, membersOf, type Started, systemOf, Town } from "./town.ts";

const RANDOM_SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]; // either node has the smaller id in some of them
const PROBE_MS = resolveClusterSettings().seedProbeIntervalMs;

test("a name that stands for this node alone is joined at once", async () => {
  await using town = new Town(1);
  town.network.name("nodes", ["a"]);
  const one = town.start("a:1", { seeds: ["nodes:1"] });
  await town.clock.settle();
  assertJoined(one, 1);
  assert.deepEqual(town.dials, []);
});

test("a name that stands for this node and two others is joined through one of them", async () => {
  for (const seed of RANDOM_SEEDS) {
    await using town = new Town(seed);
    const first = town.start("b:1", {});
    const second = town.start("c:1", { seeds: ["b:1"] });
    await town.clock.settle();
    town.network.name("nodes", ["a", "b", "c"]);
    const one = town.start("a:1", { seeds: ["nodes:1"] });
    await town.clock.settle();
    assert.ok(membersOf(one).length >= 2);
    await town.clock.advance(2_000);
    for (const started of [first, second, one]) assertJoined(started, 3);
    assert.ok(!town.dialledBy("a:1").includes("a:1"), "it has dialled itself");
  }
});

test("a name of which one address is silent and one refuses is joined through the third", async () => {
  for (const seed of RANDOM_SEEDS) {
    await using town = new Town(seed);
    const silent = { onBytes() {}, onDrain() {}, onClose() {} };
    await using _listener = town.network.listen({
      address: "silent:1",
      handshakeTimeoutMs: 60_000,
      accept: (connection) => connection.start(silent),
    });
    const first = town.start("b:1", {});
    await town.clock.settle();
    town.network.name("nodes", ["silent", "nobody", "b"]);
    const one = town.start("a:1", { seeds: ["nodes:1"] });
    await town.clock.advance(6_000);
    for (const started of [first, one]) assertJoined(started, 2);
  }
});

test("a name is looked up afresh at each try", async () => {
  await using town = new Town(1);
  const other = town.start("b:1", {});
  town.network.name("nodes", ["gone"]);
  const one = town.start("a:1", { seeds: ["nodes:1"] });
  await town.clock.advance(1_000);
  assert.equal(one.outcome, undefined);
  town.network.name("nodes", ["b"]);
  await town.clock.advance(1_000);
  for (const started of [one, other]) assertJoined(started, 2);
});

test("join-failed names each seed: one unknown, one refused at all of its addresses", async () => {
  await using town = new Town(1);
  town.network.name("unknown", []);
  town.network.name("empty", ["c", "d", "e"]);
  const seeds = ["unknown:1", "empty:1", "b:1", "a:1"];
  const { outcome } = await timeOut(town, town.start("a:1", { seeds, joinTimeoutMs: 1_000 }));
  assert.ok(pul.isPulsingError(outcome, "join-failed"), String(outcome));
  assert.match(outcome.message, /unknown:1 \(Cannot look up unknown:1: nobody knows the name\)/);
  assert.match(
    outcome.message,
    /empty:1 \(Cannot reach node at [cde]:1: [^)]*, and 2 more of its addresses failed\)/,
  );
  assert.match(outcome.message, /b:1 \(Cannot reach node at b:1: nobody listens there\)/);
  assert.ok(outcome.cause instanceof AggregateError);
  assert.equal(outcome.cause.errors.length, 5);
});

async function timeOut(town: Town, started: Started): Promise<Started> {
  await town.clock.advance(1_000);
  return started;
}

test("a look-up that is never answered ends with joinTimeoutMs", async () => {
  await using town = new Town(1);
  const silent = { ...town.transport("a:1"), lookup: neverAnswers };
  const options = { transport: silent, seeds: ["nodes:1"], joinTimeoutMs: 300 };
  const started = town.start("a:1", options);
  await town.clock.advance(299);
  const before = started.outcome;
  assert.equal(before, undefined);
  await town.clock.advance(1);
  const { outcome } = started;
  assert.ok(pul.isPulsingError(outcome, "join-failed"), String(outcome));
  assert.match(outcome.message, /nodes:1 .*did not answer in time/);
});

function neverAnswers(_address: string, { signal }: pul.DialOptions = {}): Promise<never> {
  return new Promise((_, reject) =>
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true })
  );
}

test("two nodes behind a load balancer that answers each with itself end as one cluster", async () => {
  for (const seed of RANDOM_SEEDS) {
    await using town = new Town(seed);
    let dials = 0;
    const listeners = ["a:1", "b:1"];
    town.network.balance("balancer:1", () => listeners[dials++ % listeners.length]!);
    const one = town.start("a:1", { seeds: ["balancer:1"] });
    await town.clock.settle();
    const two = town.start("b:1", { seeds: ["balancer:1"] });
    await town.clock.settle();
    for (const started of [one, two]) assertJoined(started, 1);
    assert.equal(dials, 2);
    await town.clock.advance(12 * PROBE_MS);
    for (const started of [one, two]) assertJoined(started, 2);
  }
});

test("a load balancer is probed for ever, and no link gives way to what it leads to", async () => {
  for (const seed of RANDOM_SEEDS) {
    await using town = new Town(seed);
    const nodes = ["a:1", "b:1", "c:1"];
    let dials = 0;
    town.network.balance("balancer:1", () => nodes[dials++ % nodes.length]!);
    const started: Started[] = [];
    for (const node of nodes) {
      started.push(town.start(node, { seeds: ["balancer:1"] }));
      await town.clock.advance(1_000);
    }
    await town.clock.advance(20 * PROBE_MS);
    const gate = Promise.withResolvers<string>();
    for (const one of started) {
      await systemOf(one).spawn({ receive: () => gate.promise }, { name: "gate" });
    }
    await town.clock.advance(1_000);
    // Calls that fail with node-lost when the link they wait on is replaced.
    const calls = await Promise.all(started.flatMap((near) =>
      started.map(async (far) => {
        const { nodeId } = systemOf(far);
        const ref = await systemOf(near).resolve("gate", { nodeId });
        return { answer: ref.ask("wait", { timeoutMs: 100 * PROBE_MS }) };
      })
    ));
    await town.clock.advance(60 * PROBE_MS);
    assert.ok(dials > 100, String(dials));
    for (const one of started) assertJoined(one, 3);
    gate.resolve("open");
    await town.clock.settle();
    for (const { answer } of calls) assert.equal(await answer, "open");
  }
});

test("two nodes that start alone behind one name at the same moment merge", async () => {
  for (const seed of RANDOM_SEEDS) {
    await using town = new Town(seed);
    town.network.name("nodes", ["a", "b"]);
    const options = { seeds: ["nodes:1"], joinTimeoutMs: 0 };
    const all = [town.start("a:1", options), town.start("b:1", options)];
    await town.clock.settle();
    for (const started of all) systemOf(started);
    await town.clock.advance(1_000);
    for (const started of all) assertJoined(started, 2);
    assert.equal(town.linksEnded, 0);
  }
});

test("two nodes that dial each other at once under other names keep one link", async () => {
  for (const seed of RANDOM_SEEDS) {
    await using town = new Town(seed);
    town.network.name("first", ["a"]);
    town.network.name("second", ["b"]);
    const one = town.start("a:1", { seeds: ["second:1"] });
    const two = town.start("b:1", { seeds: ["first:1"] });
    await town.clock.advance(1_000);
    for (const started of [one, two]) assertAlive(started, 2);
    await town.clock.advance(10 * PROBE_MS);
    assert.equal(town.linksEnded, 0);
    assert.equal(await askFor(town, one, two), "heard");
  }
});

/** Sends a call from one node to another one: their link works. */
async function askFor(town: Town, near: Started, far: Started): Promise<unknown> {
  await systemOf(far).spawn({ receive: () => "heard" }, { name: "ear" });
  await town.clock.advance(1_000);
  const ref = await systemOf(near).resolve("ear");
  const answer = ref.ask("anybody there");
  await town.clock.settle();
  return await answer;
}

test("a seed that comes after this node has joined another one is found", async () => {
  await using town = new Town(1);
  const first = town.start("b:1", {});
  await town.clock.settle();
  const one = town.start("a:1", { seeds: ["b:1", "c:1"] });
  await town.clock.advance(60_000);
  assertJoined(one, 2);
  const late = town.start("c:1", {});
  await town.clock.advance(2 * PROBE_MS);
  for (const started of [first, one, late]) assertJoined(started, 3);
});

test("a partition heals by probing of seeds, once it has ended", async () => {
  for (const seed of RANDOM_SEEDS.slice(0, 4)) {
    await using town = new Town(seed);
    const hosts = ["a", "b", "c", "d"];
    const seeds = hosts.map((host) => `${host}:1`);
    const all = hosts.map((host) => town.start(`${host}:1`, { seeds }));
    await town.clock.advance(3_000);
    for (const started of all) assertJoined(started, 4);
    town.divide(["a", "b"], ["c", "d"]);
    await town.clock.advance(60_000);
    for (const started of all) assertAlive(started, 2);
    town.divide();
    await town.clock.advance(3 * PROBE_MS);
    for (const started of all) assertAlive(started, 4);
  }
});

test("probing dials one address in an interval, each has its turn, members are not dialled", async () => {
  await using town = new Town(1);
  const first = town.start("b:1", {});
  await town.clock.settle();
  town.network.name("nodes", ["a", "b", "x1", "x2", "x3"]);
  const one = town.start("a:1", { seeds: ["nodes:1", "b:1", "x4:1"] });
  await town.clock.settle();
  for (const started of [first, one]) assertJoined(started, 2);
  town.dials.length = 0;
  for (let round = 1; round <= 3; round++) {
    await town.clock.advance(4 * PROBE_MS);
    const dialled = [...town.dialledBy("a:1")].sort();
    town.dials.length = 0;
    assert.deepEqual(dialled, ["x1:1", "x2:1", "x3:1", "x4:1"], `round ${round}`);
  }
});

test("fifty nodes that join through one seed at once end as one cluster", async () => {
  await using town = new Town(1);
  const all = [town.start("seed:1", {})];
  await town.clock.settle();
  for (let n = 0; n < 49; n++) all.push(town.start(`n${n}:1`, { seeds: ["seed:1"] }));
  await town.clock.settle();
  for (const started of all) systemOf(started);
  assertJoined(all[0]!, 50);
  await town.clock.advance(5_000);
  for (const started of all) assertJoined(started, 50);
  assert.equal(town.linksEnded, 0);
});

test("shutdown ends the probing, also while a dial of it is under way", async () => {
  for (const isHeld of [false, true]) {
    await using town = new Town(1);
    const holding = { ...town.transport("a:1") };
    const first = town.start("b:1", {});
    await town.clock.settle();
    const seeds = ["b:1", "x:1"];
    const one = town.start("a:1", { transport: holding, seeds });
    await town.clock.settle();
    if (isHeld) holding.dial = neverAnswers;
    await town.clock.advance(PROBE_MS);
    const ended = Promise.all([systemOf(one).shutdown(), systemOf(first).shutdown()]);
    await town.clock.settle();
    await ended;
    assert.equal(town.clock.pendingTimers, 0);
  }
});

test("shutdown while init still joins rejects it, and leaves nothing behind here or there", async () => {
  for (const state of ["lookup", "dial", "handshake", "backoff"] as const) {
    await using town = new Town(1);
    const seed = town.start("b:1", {});
    await town.clock.settle();
    town.network.name("nodes", state === "backoff" ? ["nobody", "a"] : ["a", "b"]);
    const transport = town.transport("a:1");
    const options = town.options("a:1", {
      seeds: ["nodes:1"],
      transport: {
        ...transport,
        ...(state === "lookup" && { lookup: neverAnswers }),
        ...(state === "dial" && { dial: neverAnswers }),
        ...(state === "handshake" && { dial: (address) => deaf(transport.dial(address)) }),
      },
    });
    const outcome = pul.init(options).catch((error: unknown) => error);
    await town.clock.advance(50);
    const ended = pul.shutdown();
    await town.clock.advance(0);
    await ended;
    assert.ok(pul.isPulsingError(await outcome, "shutdown"), `${state}: ${await outcome}`);
    assert.equal(pul.isInitialized(), false);
    await town.clock.advance(1_000);
    const [own, ...others] = systemOf(seed).members();
    assert.equal(own?.nodeId, systemOf(seed).nodeId);
    for (const { status } of others) assert.notEqual(status, "alive", state);
    await using again = town.network.listen({
      address: "a:1",
      accept() {},
      handshakeTimeoutMs: 1,
    });
    assert.equal(again.address, "a:1");
  }
});

/** A connection on which nothing is ever heard. */
async function deaf(dialling: Promise<pul.Connection>): Promise<pul.Connection> {
  const connection = await dialling;
  const start = connection.start.bind(connection);
  connection.start = (handler, highWaterBytes) =>
    start(
      { onBytes() {}, onDrain() {}, onClose: (error) => handler.onClose(error) },
      highWaterBytes,
    );
  return connection;
}

for (const make of [pul.tcp, pul.websocket]) {
  const transport = make();
  test(`over ${transport.name}: nodes join through the name of the machine, and itself`, async () => {
    const common = { transport, logger: pul.silentLogger };
    await using one = await pul.actorSystem({ ...common, addr: "localhost:0" });
    const seeds = [one.addr!.replace("127.0.0.1", "localhost")];
    await using two = await pul.actorSystem({ ...common, addr: "127.0.0.1:0", seeds });
    await eventually(() => two.members().length === 2, { what: "both members" });
    await assert.rejects(
      pul.actorSystem({
        ...common,
        addr: "127.0.0.1:0",
        seeds: ["nobody.invalid:1"],
        joinTimeoutMs: 200,
      }),
      (error) =>
        pul.isPulsingError(error, "join-failed") &&
        error.message.includes("nobody.invalid:1 (Cannot look up nobody.invalid:1: "),
    );
  });
}
