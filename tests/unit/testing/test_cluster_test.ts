import assert from "node:assert/strict";
import * as pul from "../../../mod.ts";
import { convergence, TestCluster } from "../../../lib/testing/mod.ts";
import { test } from "../../harness.ts";

const echo = { receive: (message: unknown) => message };

/** Two nodes; the second one has a reference to the actor "echo" of the first. */
async function pair(options: pul.InitOptions = {}) {
  const cluster = await TestCluster.start(2, options);
  await cluster.at(0).system.spawn(echo, { name: "echo" });
  const ref = await cluster.run(cluster.at(1).system.resolve("echo", { timeoutMs: 5_000 }));
  return { cluster, ref };
}

const isPulsing = (kind: pul.ErrorKind) => (error: unknown) => pul.isPulsingError(error, kind);

test("TestCluster.start: every system has joined and sees all others alive", async () => {
  await using cluster = await TestCluster.start(16, { seed: 3 });
  for (const { system, address, state, index, name } of cluster.nodes) {
    assert.equal(system.members().filter(({ status }) => status === "alive").length, 16);
    assert.deepEqual([system.addr, address], [`node-${index}:7000`, `node-${index}:7000`]);
    assert.deepEqual([state, name], ["running", `node-${index}`]);
  }
  assert.deepEqual(convergence(cluster.history.entries), []);
  assert.ok(cluster.now() < 5_000, `${cluster.now()} ms`);
});

test("TestCluster.start names who does not see whom, and the seed", async () => {
  await assert.rejects(
    TestCluster.start(2, { seed: 5, limits: { maxMembers: 1 }, gossip: {} }),
    /^PulsingRuntimeError: Cannot start cluster: .*node-0 does not see node-1.* of seed 5$/,
  );
});

test("TestCluster.name: a name for several nodes is a seed, whichever of them run", async () => {
  await using cluster = await TestCluster.start(0, { seeds: ["all:7000"] });
  cluster.name("all", ["node-0"]);
  await cluster.add();
  cluster.name("all", ["node-2", "node-1", "node-0"]);
  for (let index = 1; index < 3; index++) await cluster.add();
  const seesAll = () => cluster.systems.every((system) => system.members().length === 3);
  await cluster.until(seesAll);
  await cluster.stop(0);
  await cluster.restart(0);
  await cluster.until(() => convergence(cluster.history.entries).length === 0);
});

test("TestCluster refuses a node that is not there, bad rates and bad delays", async () => {
  await using cluster = await TestCluster.start(1);
  assert.throws(() => cluster.at(1), RangeError);
  assert.throws(() => cluster.cut(0, 7), RangeError);
  assert.throws(() => cluster.loss(1.5), RangeError);
  assert.throws(() => cluster.duplicate(NaN), RangeError);
  assert.throws(() => cluster.delay({ minMs: 5, maxMs: 4 }), RangeError);
  await assert.rejects(TestCluster.start(1, { delay: { minMs: -1, maxMs: 4 } }), RangeError);
});

test("TestCluster: options of the systems are merged, messages are copied by default", async () => {
  await using cluster = await TestCluster.start(1, { limits: { mailboxCapacity: 1 } });
  const got: unknown[] = [];
  const ref = await cluster.at(0).system.spawn({ receive: (message) => void got.push(message) });
  const message = { n: 1 };
  await cluster.run(ref.ask(message));
  assert.deepEqual(got, [message]);
  assert.notEqual(got[0], message);
});

test("TestCluster: single nodes can be started with something else", async () => {
  const configure = (options: pul.InitOptions, index: number) =>
    index === 1 ? { ...options, cluster: "other", seeds: [], joinTimeoutMs: 0 } : options;
  await using cluster = await TestCluster.start(1, { configure });
  await cluster.add();
  await cluster.add();
  await cluster.advance(10_000);
  assert.deepEqual(cluster.systems.map((system) => system.members().length), [2, 1, 2]);
});

test("TestCluster.run gives what a promise comes to, and no more time than it needs", async () => {
  const { cluster, ref } = await pair();
  await using _ = cluster;
  const start = cluster.now();
  assert.equal(await cluster.run(ref.ask("hello")), "hello");
  const took = cluster.now() - start;
  assert.ok(took >= 2 && took <= 4, `two ways of 1 to 2 ms took ${took}`);
  await assert.rejects(cluster.run(Promise.reject(new Error("mine"))), /mine/);
  const never = cluster.run(new Promise(() => {}), { withinMs: 100 });
  await assert.rejects(never, /Cannot run promise: it took more than 100 ms, at .* of seed 1$/);
});

test("TestCluster.until gives what was seen and no more time than it needs, or tells what was not", async () => {
  await using cluster = await TestCluster.start(1);
  const start = cluster.now();
  assert.equal(await cluster.until(() => cluster.now() >= start + 95 && "late"), "late");
  assert.equal(cluster.now(), start + 100);
  assert.equal(await cluster.until(() => Promise.resolve(true)), true);
  assert.equal(cluster.now(), start + 100);
  await assert.rejects(
    cluster.until(() => false, { withinMs: 45, what: "a miracle" }),
    /Cannot see a miracle: still false after 45 ms and 6 looks; at .* of seed 1$/,
  );
  assert.equal(cluster.now(), start + 145);
});

test("TestCluster.until lets time pass for a condition that waits", async () => {
  const { cluster, ref } = await pair();
  await using _ = cluster;
  assert.equal(await cluster.until(() => ref.ask("hello")), "hello");
  const never = cluster.until(() => new Promise(() => {}), { withinMs: 100 });
  await assert.rejects(
    never,
    /the last look did not end after 100 ms and 1 looks; at .* of seed 1$/,
  );
});

test("TestCluster.kill ends all code of a node, and peers are reset after the delay", async () => {
  const { cluster, ref } = await pair();
  await using _ = cluster;
  let ticks = 0;
  const node = cluster.at(0);
  class Ticker {
    tick(): void {
      ticks++;
      pul.context().delayed(10).tick();
    }
  }
  const ticker = await node.system.spawnClass(Ticker);
  await ticker.tick();
  await cluster.advance(50);
  assert.ok(ticks >= 5, `${ticks}`);
  const [before, start] = [ticks, cluster.now()];
  const hangs = await node.system.spawn({ receive: () => new Promise(() => {}) }, {
    name: "hangs",
  });
  await cluster.advance(1_000);
  assert.ok(ticks > before);
  const call = cluster.at(1).system.resolve("hangs").then((far) => far.ask(1));
  const failure = call.catch((error: unknown) => error);
  await cluster.advance(100);
  node.kill();
  const last = ticks;
  const killedAt = cluster.now();
  assert.ok(isPulsing("node-lost")(await cluster.run(failure)));
  assert.ok(cluster.now() - killedAt <= 2, "the network's delay");
  void hangs.tell("nothing happens").catch(() => {});
  await cluster.advance(60_000);
  assert.deepEqual([ticks, node.state, cluster.systems.length], [last, "killed", 1]);
  await assert.rejects(cluster.run(ref.ask(1)), (error) => pul.isPulsingError(error));
  assert.ok(start < killedAt);
});

test("TestCluster.stop shuts down in order, restart comes back under the address", async () => {
  const { cluster } = await pair();
  await using _ = cluster;
  const [first, second] = cluster.nodes;
  const { nodeId } = first!.system;
  let stopped = "";
  await first!.system.spawn({ ...echo, onStop: (reason) => void (stopped = reason) });
  await cluster.stop(0);
  assert.deepEqual([first!.state, stopped], ["stopped", "shutdown"]);
  const statusOf = (id: string) =>
    second!.system.members().find((one) => one.nodeId === id)?.status;
  await cluster.until(() => statusOf(nodeId) === "left");
  await cluster.restart(0);
  assert.notEqual(first!.system.nodeId, nodeId);
  assert.deepEqual([first!.state, first!.name], ["running", "node-0.2"]);
  await cluster.until(() => statusOf(first!.system.nodeId) === "alive");
  await cluster.restart(0); // one that runs is stopped before
  assert.equal(first!.name, "node-0.3");
});

test("TestCluster.add makes a node that joins the others", async () => {
  await using cluster = await TestCluster.start(2);
  const node = await cluster.add();
  assert.equal(node.index, 2);
  await cluster.until(() => convergence(cluster.history.entries).length === 0);
  assert.equal(cluster.systems.length, 3);
});

test("TestCluster.freeze holds a node up, which sees after the thaw how long it was", async () => {
  const { cluster, ref } = await pair();
  await using _ = cluster;
  const handled: number[] = [];
  const order: unknown[] = [];
  const { system } = cluster.at(0);
  await system.spawn({ receive: (n) => void order.push(n, handled.push(cluster.now())) }, {
    name: "log",
  });
  const log = await cluster.run(cluster.at(1).system.resolve("log", { timeoutMs: 5_000 }));
  cluster.freeze(0, 900);
  const start = cluster.now();
  const answer = ref.ask("still there?");
  for (let n = 1; n <= 3; n++) void log.tell(n);
  await cluster.advance(899);
  assert.deepEqual([handled, cluster.at(0).state, cluster.systems.length], [[], "frozen", 1]);
  assert.throws(() => cluster.freeze(0), /Cannot freeze node 0: it is frozen/);
  assert.throws(() => cluster.freeze(0), isPulsing("unsupported"));
  await assert.rejects(cluster.stop(0), /Cannot stop node 0: it is frozen/);
  assert.equal(await cluster.run(answer), "still there?");
  assert.deepEqual(handled, [start + 900, start + 900, start + 900]);
  assert.deepEqual(order.filter((_, index) => index % 2 === 0), [1, 2, 3]);
  assert.equal(cluster.at(0).state, "running");
});

test("TestCluster: a thaw by hand ends a freeze for a time, the next one lasts", async () => {
  await using cluster = await TestCluster.start(1);
  cluster.freeze(0, 100);
  cluster.thaw(0);
  cluster.freeze(0);
  await cluster.advance(200);
  assert.equal(cluster.at(0).state, "frozen");
  cluster.thaw(0);
  cluster.thaw(0);
  assert.equal(cluster.at(0).state, "running");
});

test("TestCluster.cut loses one direction: the call is handled, its answer comes late", async () => {
  const { cluster, ref } = await pair();
  await using _ = cluster;
  cluster.cut(0, 1);
  await assert.rejects(cluster.run(ref.ask(1, { timeoutMs: 500 })), { kind: "timeout" });
  const late = ref.ask(2);
  await cluster.advance(500);
  cluster.heal(0, 1);
  assert.equal(await cluster.run(late, { withinMs: 10 }), 2);
});

test("TestCluster.partition cuts between groups only, and heal mends everything", async () => {
  await using cluster = await TestCluster.start(5);
  const call = async (from: number, to: number) => {
    const name = `echo-${to}`;
    const ref = await cluster.at(from).system.resolve(name, { timeoutMs: 1_000 });
    return await ref.ask("hi", { timeoutMs: 1_000 });
  };
  for (const [index, system] of cluster.systems.entries()) {
    await system.spawn(echo, { name: `echo-${index}` });
  }
  await cluster.until(() => convergence(cluster.history.entries).length === 0);
  cluster.partition([0, 1], [2, 3]);
  for (const [from, to] of [[0, 1], [2, 3], [4, 0], [3, 4]] as const) {
    assert.equal(await cluster.run(call(from, to)), "hi");
  }
  for (const [from, to] of [[0, 2], [3, 1]] as const) {
    await assert.rejects(cluster.run(call(from, to)), { kind: "timeout" });
  }
  cluster.heal();
  for (const [from, to] of [[0, 2], [3, 1]] as const) {
    assert.equal(await cluster.run(call(from, to)), "hi");
  }
});

test("TestCluster.clog holds back in order until unclog", async () => {
  const { cluster, ref } = await pair();
  await using _ = cluster;
  cluster.clog(1, 0);
  const answers = [1, 2, 3].map((n) => ref.ask(n));
  await cluster.advance(2_000);
  cluster.unclog(1, 0);
  assert.deepEqual(await cluster.run(Promise.all(answers), { withinMs: 10 }), [1, 2, 3]);
});

test("TestCluster.delay and loss can be given for one direction", async () => {
  const { cluster, ref } = await pair();
  await using _ = cluster;
  const took = async () => {
    const start = cluster.now();
    await cluster.run(ref.ask(1));
    return cluster.now() - start;
  };
  cluster.delay({ minMs: 100, maxMs: 100 }, 0, 1);
  assert.ok(await took() >= 101 && await took() <= 102 + 2);
  cluster.delay({ minMs: 10, maxMs: 10 });
  await cluster.advance(100); // what is on its way is slow still
  assert.equal(Math.round(await took()), 20);
  cluster.loss(0.5, 0, 1);
  const times: number[] = [];
  for (let n = 0; n < 12; n++) times.push(await took());
  assert.ok(times.some((ms) => ms < 21) && times.some((ms) => ms >= 210), String(times));
});

test("TestCluster: what one node draws does not shift what another one draws", async () => {
  const idsOf = async (spawns: number) => {
    await using cluster = await TestCluster.start(3, { seed: 9 });
    const [one, two] = cluster.systems;
    for (let n = 0; n < spawns; n++) await one!.spawn(echo);
    return [(await two!.spawn(echo)).actorId, ...cluster.systems.map(({ nodeId }) => nodeId)];
  };
  assert.deepEqual(await idsOf(0), await idsOf(5));
});

test("TestCluster: errors are notes of the history unless a logger is given", async () => {
  const logged: string[] = [];
  const logger = { ...pul.silentLogger, error: (text: string) => void logged.push(text) };
  const fail = async (options: pul.InitOptions) => {
    await using cluster = await TestCluster.start(1, options);
    const onStop = () => {
      throw new Error("broken");
    };
    await cluster.at(0).system.spawn({ ...echo, onStop }, { name: "actor" });
    await cluster.run(cluster.at(0).system.stop("actor"));
    return cluster.history.text();
  };
  assert.doesNotMatch(await fail({ logger }), /onStop failed/);
  assert.match(logged.join(), /onStop failed/);
  assert.match(await fail({}), /note node-0 error: actor's onStop failed/);
});

test("TestCluster: nobody is warned of a network that exists in memory only", async () => {
  await using cluster = await TestCluster.start(1);
  assert.doesNotMatch(cluster.history.text(), /authentication/);
});

test("TestCluster: its end stops all actors, also those of frozen nodes and across cuts", async () => {
  const cluster = await TestCluster.start(3);
  const stopped: number[] = [];
  for (const [index, system] of cluster.systems.entries()) {
    await system.spawn({ ...echo, onStop: () => void stopped.push(index) });
  }
  cluster.partition([0], [1, 2]);
  cluster.clog(1, 2);
  cluster.freeze(2);
  const start = cluster.now();
  await cluster[Symbol.asyncDispose]();
  assert.deepEqual(stopped.sort(), [0, 1, 2]);
  assert.ok(cluster.now() - start < 6_000, `${cluster.now() - start} ms`);
  assert.deepEqual(cluster.nodes.map(({ state }) => state), ["stopped", "stopped", "stopped"]);
});

test("TestCluster: its end while time passes ends that, and hides no error of the test", async () => {
  const cluster = await TestCluster.start(2);
  const unwatched = cluster.advance(60_000);
  const failing = async () => {
    await using _ = cluster;
    await cluster.settle();
    throw new Error("the real failure");
  };
  await assert.rejects(failing, { message: "the real failure" });
  await assert.rejects(unwatched, isPulsing("shutdown"));
  assert.ok(cluster.now() < 60_000, `${cluster.now()} ms`);
  await assert.rejects(cluster.advance(1), isPulsing("shutdown"));

  const other = await TestCluster.start(2);
  const never = other.run(new Promise(() => {}));
  const until = other.until(() => false);
  await assert.rejects(until, /already advancing/); // one at a time
  await other[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await assert.rejects(never, isPulsing("shutdown"));
});

test("TestCluster refuses arguments that would look like a result", async () => {
  for (const size of [-1, 1.5, NaN]) await assert.rejects(TestCluster.start(size), RangeError);
  await assert.rejects(TestCluster.start("3" as never), TypeError);
  await assert.rejects(TestCluster.start(1, { seed: NaN }), RangeError);
  await assert.rejects(TestCluster.start(1, { seed: "7" as never }), TypeError);
  await using cluster = await TestCluster.start(3);
  const now = cluster.now();
  for (const stepMs of [0, -1, NaN]) {
    await assert.rejects(cluster.until(() => false, { stepMs }), RangeError);
    await assert.rejects(cluster.until(() => true, { withinMs: stepMs - 1 }), RangeError);
    await assert.rejects(cluster.run(Promise.resolve(), { withinMs: stepMs - 1 }), RangeError);
    await assert.rejects(cluster.advance(stepMs - 1), RangeError);
    assert.throws(() => cluster.freeze(0, stepMs - 1), RangeError);
  }
  await assert.rejects(cluster.until(true as never), TypeError);
  await assert.rejects(cluster.until(() => true, { within: 3 } as never), /option "within"/);
  await assert.rejects(cluster.run(7 as never), TypeError);
  await assert.rejects(cluster.run(Promise.resolve(), { within: 3 } as never), /option "within"/);
  await assert.rejects(cluster.advance("100" as never), RangeError);
  assert.throws(() => cluster.partition([0, 1], [1, 2]), RangeError);
  assert.throws(() => cluster.partition([0], [9]), RangeError);
  assert.throws(() => cluster.partition(0 as never, 1 as never), TypeError);
  assert.throws(() => cluster.cut(0, 0), RangeError);
  assert.deepEqual([cluster.now(), cluster.at(0).state], [now, "running"]);
});

test("TestCluster refuses one end of a direction: it is no direction, nor everywhere", async () => {
  await using cluster = await TestCluster.start(2);
  assert.throws(() => cluster.heal(0), TypeError);
  assert.throws(() => cluster.loss(1, 0), TypeError);
  assert.throws(() => cluster.delay({ minMs: 1, maxMs: 2 }, undefined, 1), TypeError);
  assert.throws(() => cluster.duplicate(1, 1), TypeError);
});

test("TestCluster: a system that is shut down directly ends its node", async () => {
  await using cluster = await TestCluster.start(3);
  const { nodeId } = cluster.at(1).system;
  await cluster.run(cluster.at(1).system.shutdown());
  assert.equal(cluster.at(1).state, "stopped");
  assert.equal(cluster.systems.length, 2);
  await cluster.until(() => convergence(cluster.history.entries).length === 0);
  await cluster.stop(1);
  await cluster.restart(1);
  assert.notEqual(cluster.at(1).system.nodeId, nodeId);
  await cluster.until(() => convergence(cluster.history.entries).length === 0);
});

test("TestCluster.start: names for several nodes are known from the start, others are refused", async () => {
  const seeds = ["all:7000"];
  await assert.rejects(TestCluster.start(3, { seeds }), /nobody knows the seed "all:7000"/);
  await using cluster = await TestCluster.start(3, {
    seeds,
    names: { all: ["node-0", "node-1", "node-2"] },
  });
  assert.deepEqual(convergence(cluster.history.entries), []);
});

test("TestCluster refuses options that it decides itself", async () => {
  for (const decided of [{ addr: "127.0.0.1:0" }, { advertise: "a:1" }, { transport: {} }]) {
    await assert.rejects(TestCluster.start(1, decided as never), TypeError);
  }
});
