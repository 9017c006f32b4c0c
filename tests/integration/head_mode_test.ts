/** How a worker finds its head, again and again, and what head mode is on real sockets. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { isWildcardHost, parseHostPort } from "../../lib/address.ts";
import { eventually, test } from "../harness.ts";
import { assertJoined, membersOf, systemOf, Town } from "./town.ts";

const HEAD = { isHeadNode: true };
const { reconnectMinMs, reconnectMaxMs } = pul.DEFAULT_LIMITS;

test("a worker dials its head until it is there, ever later, and leaves no timer", async () => {
  await using town = new Town(1);
  const worker = town.start("b:1", { headAddr: "a:1", joinTimeoutMs: 0 });
  const times: number[] = [];
  for (let ms = 0; ms < 60_000; ms += 10) {
    await town.clock.advance(10);
    if (town.dials.length > times.length) times.push(town.clock.now());
  }
  assertJoined(worker, 1);
  const waits = times.slice(1).map((time, n) => time - (times[n] ?? 0));
  for (const [n, wait] of waits.entries()) {
    const most = Math.min(reconnectMinMs * 2 ** n, reconnectMaxMs);
    assert.ok(wait >= most / 2 - 10 && wait <= most + 10, `wait ${n} of ${wait} ms`);
  }
  assert.ok(waits.length > 8, `${waits.length} waits`);
  const head = town.start("a:1", HEAD);
  await town.clock.advance(reconnectMaxMs + 100);
  for (const started of [head, worker]) assertJoined(started, 2);
});

test("a head that comes back at another address of its name is found there", async () => {
  await using town = new Town(1);
  town.network.name("head", ["a"]);
  const first = town.start("a:1", HEAD);
  const worker = town.start("b:1", { headAddr: "head:1" });
  await town.clock.advance(100);
  for (const started of [first, worker]) assertJoined(started, 2);
  const { nodeId } = systemOf(first);
  void systemOf(first).shutdown();
  await town.clock.advance(1_000);
  town.network.name("head", ["c"]);
  const second = town.start("c:1", HEAD);
  await town.clock.advance(reconnectMaxMs + 100);
  assertJoined(second, 2);
  const seen = systemOf(worker).members().map((member) => [member.nodeId, member.status]);
  assert.deepEqual(
    seen.toSorted(),
    [
      [nodeId, "left"],
      [systemOf(second).nodeId, "alive"],
      [systemOf(worker).nodeId, "alive"],
    ].toSorted(),
  );
});

test("a worker that is linked dials nobody", async () => {
  await using town = new Town(1);
  const head = town.start("a:1", HEAD);
  const workers = ["b:1", "c:1"].map((addr) => town.start(addr, { headAddr: "a:1" }));
  await town.clock.advance(3_600_000);
  assert.equal(town.dials.length, 2);
  for (const started of [head, ...workers]) assertJoined(started, 3);
});

test("a worker that loses its link to the head is back soon, and was never dead", async () => {
  await using town = new Town(1);
  const head = town.start("a:1", HEAD);
  const worker = town.start("b:1", { headAddr: "a:1" });
  await town.clock.advance(100);
  town.divide(["a"], ["b"]);
  await town.clock.advance(10);
  assert.equal(membersOf(head).filter((text) => text.startsWith("suspect")).length, 1);
  assert.equal(membersOf(worker).filter((text) => text.startsWith("suspect")).length, 1);
  town.divide();
  await town.clock.advance(1_000);
  assert.deepEqual(membersOf(head), ["alive 1", "alive 1"]);
  assert.deepEqual(membersOf(worker), ["alive 1", "alive 1"]);
});

test("init of a worker fails in time, with the head's error", async () => {
  const refusals: Readonly<Record<string, RegExp>> = {
    "a:1":
      /^Cannot join the cluster: the head at "a:1" did not answer: .*, the listening one in "other"/,
    "c:1": /the head at "c:1" did not answer: Cannot register with c:1: it is a worker/,
    "d:1":
      /the head at "d:1" did not answer: .*dialling node finds .* a head, the listening one by gossip/,
    "z:1": /the head at "z:1" did not answer: Cannot reach node at z:1: nobody/,
  };
  for (const [headAddr, message] of Object.entries(refusals)) {
    await using town = new Town(1);
    town.start("a:1", { ...HEAD, cluster: "other" });
    town.start("c:1", { headAddr: "a:1", joinTimeoutMs: 0 });
    town.start("d:1", {});
    const worker = town.start("b:1", { headAddr, joinTimeoutMs: 1_500 });
    await town.clock.advance(1_490);
    const { outcome } = worker;
    assert.ok(pul.isPulsingError(outcome, "join-failed"), `${headAddr}: ${outcome}`);
    assert.match(outcome.message, message);
  }
});

// It tried itself for ten seconds.
test("init of a worker fails at once when the head's address leads back to it", async () => {
  await using town = new Town(1);
  town.network.name("alias", ["b"]);
  const worker = town.start("b:1", { headAddr: "alias:1" });
  await town.clock.settle();
  const { outcome } = worker;
  assert.ok(pul.isPulsingError(outcome, "join-failed"), String(outcome));
  assert.match(outcome.message, /the head at "alias:1" .* same node/);
});

test("init of a worker fails in time when its head never answers", async () => {
  await using town = new Town(1);
  const silent: pul.Transport = {
    ...town.transport("b:1"),
    dial: (_, { signal } = {}) =>
      new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
      }),
  };
  const worker = town.start("b:1", { headAddr: "a:1", joinTimeoutMs: 1_500, transport: silent });
  await town.clock.advance(1_490);
  assert.equal(worker.outcome, undefined);
  await town.clock.advance(20);
  assert.match(String(worker.outcome), /the head at "a:1" did not answer: .*in time/);
});

test("shutdown while init of a worker waits for its head leaves nothing", async () => {
  const town = new Town(1);
  const starting = pul.init(town.options("b:1", { headAddr: "a:1" }));
  starting.catch(() => {});
  await town.clock.advance(500);
  const ended = pul.shutdown();
  await town.clock.advance(100);
  await ended;
  await assert.rejects(starting, { kind: "shutdown" });
  assert.equal(town.clock.pendingTimers, 0);
});

test("options of head mode contradict each other and gossip", async () => {
  const addr = "127.0.0.1:0";
  const refused: readonly (readonly [pul.InitOptions, RegExp])[] = [
    [{ addr, isHeadNode: true, headAddr: "a:1" }, /Cannot set both "headAddr" and "isHeadNode"/],
    [{ addr, isHeadNode: true, seeds: ["a:1"] }, /Cannot set both "seeds" and "isHeadNode"/],
    [{ addr, headAddr: "a:1", seeds: ["a:1"] }, /Cannot set both "seeds" and "headAddr"/],
    [{ isHeadNode: true }, /Cannot join a cluster without "addr"/],
    [{ headAddr: "a:1" }, /Cannot join a cluster without "addr"/],
    [{ addr, headAddr: "nowhere" }, /nowhere/],
    [{ addr, isHeadNode: "yes" as never }, /Cannot set option "isHeadNode" to "yes"/],
  ];
  for (const [options, message] of refused) {
    await assert.rejects(pul.actorSystem(options), (error: Error) => {
      assert.match(error.message, message);
      return error instanceof TypeError;
    });
  }
  await using town = new Town(1);
  const head = town.start("a:1", { ...HEAD, seeds: [] });
  const worker = town.start("b:1", { isHeadNode: false, headAddr: "a:1" });
  await town.clock.advance(100);
  for (const started of [head, worker]) assertJoined(started, 2);
});

test("the builder's headNode and headAddr take each other back", async () => {
  await using town = new Town(1);
  const builder = (addr: string) => pul.ActorSystem.builder().with(town.options(addr, {}));
  const built = [
    builder("a:1").headAddr("z:1").headNode().build(),
    builder("b:1").headNode().headAddr("a:1").build(),
  ];
  const settled = Promise.all(built);
  await town.clock.advance(1_000);
  const [head, worker] = await settled;
  assert.equal(head?.members().length, 2);
  town.systems.push(...[head, worker].filter((system) => system !== undefined));
});

class Subject {
  echo(value: unknown): unknown {
    return value;
  }
}

test("on sockets: head and workers that listen everywhere call each other's actors", async () => {
  const common = { addr: "0.0.0.0:0", logger: pul.silentLogger };
  await using head = await pul.actorSystem({ ...common, ...HEAD });
  const headAddr = `127.0.0.1:${parseHostPort(head.addr ?? "").port}`;
  await using one = await pul.actorSystem({ ...common, headAddr });
  await using two = await pul.actorSystem({ ...common, headAddr });
  const systems = [head, one, two];
  await eventually(() => systems.every((system) => system.members().length === 3));
  for (const [index, system] of systems.entries()) {
    await system.spawnClass(Subject, { name: `subject-${index}` });
  }
  for (const system of systems) {
    for (const index of systems.keys()) {
      const subject = await system.resolve(`subject-${index}`, { timeoutMs: 5_000 });
      assert.equal(await subject.asType(Subject).echo(index), index);
    }
  }
  for (const system of [one, two]) {
    const hosts = system.members().map(({ addr }) => parseHostPort(addr).host);
    assert.ok(hosts.every((host) => !isWildcardHost(host)), hosts.join());
  }
});

test("on sockets: a head that is replaced is found, and knows what its workers have", async () => {
  const common = { logger: pul.silentLogger, gossip: "local" } as const;
  const first = await pul.actorSystem({ ...common, addr: "127.0.0.1:0", ...HEAD });
  const headAddr = first.addr ?? "";
  await using one = await pul.actorSystem({ ...common, addr: "127.0.0.1:0", headAddr });
  await using two = await pul.actorSystem({ ...common, addr: "127.0.0.1:0", headAddr });
  await one.spawnClass(Subject, { name: "subject" });
  const subject = (await two.resolve("subject", { timeoutMs: 5_000 })).asType(Subject);
  await first.shutdown();
  assert.equal(await subject.echo(1), 1);
  await two.spawnClass(Subject, { name: "young" });
  await using second = await pul.actorSystem({ ...common, addr: headAddr, ...HEAD });
  await eventually(() => second.allNamedActors().length === 2, { timeoutMs: 15_000 });
  const young = await one.resolve("young", { timeoutMs: 5_000 });
  assert.equal(await young.asType(Subject).echo(2), 2);
});
