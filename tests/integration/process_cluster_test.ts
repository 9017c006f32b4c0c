/** Clusters of real processes, driven from a test: what the verbs do, and what is left behind. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { ownRuntime } from "../../lib/testing/child_process.ts";
import {
  joinTestCluster,
  ProcessCluster,
  type ProcessClusterOptions,
  type Runtime,
} from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";
import { startScript } from "../other_runtime.ts";
import { GOSSIP, Subject } from "./process_script.ts";

const script = new URL("./process_script.ts", import.meta.url);
const MIXED: readonly Runtime[] = ["deno", "bun"];

const quiet = { gossip: GOSSIP, logger: pul.silentLogger };

/** A cluster of two, and what it printed. */
async function start(options: Partial<ProcessClusterOptions> = {}) {
  const printed: string[] = [];
  const output = (line: string, index: number) => void printed.push(`${index} ${line}`);
  const usual = { script, runtimes: MIXED, system: quiet, output };
  const cluster = await ProcessCluster.start({ ...usual, ...options });
  /** The subject of a node. */
  const subject = async (index: number) => {
    const { nodeId } = cluster.nodes[index]!;
    return (await cluster.system.resolve("subject", { nodeId, timeoutMs: 5_000 })).asType(Subject);
  };
  /** What a node believes of a node that is or was there. */
  const status = async (index: number, nodeId: string) =>
    (await cluster.members(index)).find((member) => member.nodeId === nodeId)?.status;
  const dispose = () => cluster[Symbol.asyncDispose]();
  return { cluster, printed, subject, status, [Symbol.asyncDispose]: dispose };
}

const failureOf = (work: Promise<unknown>) => work.then(() => undefined, (error) => error);

/** Whether a process is there, one that has ended and was not waited for included. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("ProcessCluster: nodes of both runtimes see each other, answer and print", async () => {
  await using all = await start();
  const { cluster, printed, subject } = all;
  for (const { index, pid, nodeId, addr, state } of cluster.nodes) {
    const asked = await subject(index);
    const runtime = MIXED[index];
    assert.deepEqual(await asked.where(), { pid, runtime, nodeId });
    assert.equal(await asked.ticket(), undefined, "programs it starts are no nodes");
    assert.equal(state, "running");
    const members = await cluster.members(index);
    assert.equal(members.length, 3);
    assert.equal(members.find((member) => member.nodeId === nodeId)?.addr, addr);
    const lines = [`${index} half a line `, `${index} serving`];
    await cluster.until(() => lines.every((line) => printed.includes(line)));
  }
  assert.ok(!printed.join().includes("nodeId"), "the private channel stays private");
});

test("ProcessCluster.kill: the others find out, calls to the node fail", async () => {
  await using all = await start();
  const { nodeId, pid } = all.cluster.nodes[1]!;
  const lost = await all.subject(1);
  await all.cluster.kill(1);
  assert.equal(all.cluster.nodes[1]!.state, "killed");
  assert.ok(!isThere(pid));
  await all.cluster.until(async () => await all.status(0, nodeId) === "dead");
  const error = await failureOf(lost.echo(1));
  assert.ok(pul.isPulsingError(error) && error.retryable, String(error));
});

for (const index of [0, 1]) {
  test(`ProcessCluster.freeze: a call to ${MIXED[index]} waits until thaw`, async () => {
    await using all = await start();
    const asked = await all.subject(index);
    await asked.echo(0);
    all.cluster.freeze(index);
    assert.equal(all.cluster.nodes[index]!.state, "frozen");
    await assert.rejects(asked.$with({ timeoutMs: 100 }).echo(1), { kind: "timeout" });
    const waiting = asked.echo(2);
    all.cluster.thaw(index);
    assert.equal(await waiting, 2);
    assert.equal(all.cluster.nodes[index]!.state, "running");
  });
}

test("ProcessCluster.stop is seen as left; restart brings a new node to the address", async () => {
  await using all = await start();
  for (const index of [0, 1]) {
    const other = 1 - index;
    const { nodeId, addr, pid } = all.cluster.nodes[index]!;
    await all.cluster.stop(index);
    assert.equal(all.cluster.nodes[index]!.state, "stopped");
    await all.cluster.until(async () => await all.status(other, nodeId) === "left");
    await all.cluster.restart(index);
    const again = all.cluster.nodes[index]!;
    assert.deepEqual([again.addr, again.state], [addr, "running"]);
    assert.ok(again.nodeId !== nodeId && again.pid !== pid);
    assert.equal(await all.status(other, again.nodeId), "alive");
    assert.equal((await (await all.subject(index)).where()).pid, again.pid);
  }
});

test("ProcessCluster.add: the new node is seen by all", async () => {
  await using all = await start({ runtimes: ["deno"] });
  const added = await all.cluster.add("bun");
  assert.deepEqual([added.index, added.runtime], [1, "bun"]);
  assert.equal(all.cluster.nodes[1], added);
  // A machine that is busy with other tests may have it suspected already.
  assert.match(String(await all.status(0, added.nodeId)), /^(alive|suspect)$/);
});

test("ProcessCluster: a node that ends by itself is crashed, and can be restarted", async () => {
  await using all = await start();
  const asked = await all.subject(1);
  await failureOf(asked.crash());
  await all.cluster.until(() => all.cluster.nodes[1]!.state === "crashed");
  assert.ok(all.printed.includes("1 the last words"));
  await assert.rejects(all.cluster.stop(1), /Cannot do "stop" to node 1: it is "crashed"/);
  await all.cluster.restart(1);
  assert.equal(await (await all.subject(1)).echo(1), 1);
});

test("ProcessCluster.stop: who does not end in time is killed, and that is told", async () => {
  await using all = await start({ runtimes: ["deno"], args: ["deaf"], stopTimeoutMs: 300 });
  await all.subject(0);
  const { pid } = all.cluster.nodes[0]!;
  const error = await failureOf(all.cluster.stop(0));
  assert.ok(pul.isPulsingError(error, "timeout"), String(error));
  assert.match(error.message, /^Cannot stop node 0: not done in 300 ms, it ended by SIGKILL/);
  assert.ok(!isThere(pid));
});

for (const runtime of MIXED) {
  test(`ProcessCluster: a ${runtime} script that throws fails the start and is shown`, async () => {
    const error = await failureOf(start({ runtimes: [runtime], args: ["broken"] }));
    assert.ok(pul.isPulsingError(error, "join-failed"), String(error));
    assert.match(error.message, /^Cannot start node 0: it ended with code 1\n/);
    assert.match(error.message, /broken on purpose/);
  });
}

test("ProcessCluster: a script that never joins fails the start and is killed", async () => {
  const slow = { runtimes: ["bun"], args: ["silent"], startTimeoutMs: 500 } as const;
  const error = await failureOf(start(slow));
  assert.ok(pul.isPulsingError(error, "join-failed"), String(error));
  assert.match(error.message, /it did not join in 500 ms, it ended by SIGKILL/);
});

test("ProcessCluster: an aborted start ends what it has begun", async () => {
  const stop = new AbortController();
  const begun = new Set<number>();
  const output = (_: string, index: number) => {
    if (begun.add(index).size === 2) stop.abort(new Error("enough"));
  };
  await assert.rejects(start({ args: ["silent"], signal: stop.signal, output }), /enough/);
  assert.equal(begun.size, 2);
});

test("ProcessCluster: misuse is refused", async () => {
  await assert.rejects(start({ runtimes: ["node" as "bun"] }), TypeError);
  await assert.rejects(start({ runtime: ["bun"] } as object), /Cannot set option "runtime"/);
  await using all = await start({ runtimes: [] });
  assert.deepEqual([all.cluster.nodes.length, all.cluster.system.members().length], [0, 1]);
  await assert.rejects(all.cluster.stop(0), RangeError);
  await assert.rejects(all.cluster.until(() => true, { stepMs: 0 }), RangeError);
  const system = { addr: "127.0.0.1:0" } as object;
  await assert.rejects(start({ runtimes: [], system }), /Cannot set option "addr"/);
});

test("ProcessCluster.add of an unknown runtime leaves no node behind", async () => {
  await using all = await start({ runtimes: [] });
  await assert.rejects(all.cluster.add("node" as "bun"), TypeError);
  assert.deepEqual(all.cluster.nodes, []);
});

test("ProcessCluster.until tells states and views when time is over", async () => {
  await using all = await start();
  const { cluster } = all;
  cluster.freeze(1);
  const never = () => new Promise<boolean>(() => {});
  for (const [condition, state] of [[() => 0, "still 0"], [never, "the last look"]] as const) {
    const waiting = cluster.until<unknown>(condition, { withinMs: 50, what: "the end" });
    const error = await failureOf(waiting);
    assert.ok(pul.isPulsingError(error, "timeout"), String(error));
    assert.ok(error.message.startsWith(`Cannot see the end: ${state}`), error.message);
    assert.match(error.message, /node 0 \(deno, running\) sees .*0 alive/);
    assert.match(error.message, /node 1 \(bun, frozen\)/);
  }
});

test("ProcessCluster: disposal leaves no process, a frozen one included", async () => {
  const all = await start();
  const pids = all.cluster.nodes.map((node) => node.pid);
  assert.ok(pids.every(isThere));
  all.cluster.freeze(0);
  await all.cluster[Symbol.asyncDispose]();
  assert.ok(!pids.some(isThere));
  assert.deepEqual(all.cluster.nodes.map((node) => node.state), ["stopped", "stopped"]);
});

test("ProcessCluster: nodes whose test was killed end by themselves", async () => {
  const abandoned = new URL("./abandoned_script.ts", import.meta.url);
  await using child = await startScript(ownRuntime, abandoned);
  const pids = child.line.split(" ").map(Number);
  assert.ok(pids.length === 2 && pids.every(isThere), child.line);
  child.kill();
  await eventually(() => !pids.some(isRunning), { what: "the nodes end", timeoutMs: 10_000 });
});

/** Whether a process runs; the first process of a container may leave ended ones unattended. */
function isRunning(pid: number): boolean {
  if (!existsSync("/proc/self")) return isThere(pid);
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

test("joinTestCluster: a script that was started by hand is told what to do", async () => {
  const error = await failureOf(joinTestCluster());
  assert.ok(pul.isPulsingError(error, "unsupported"), String(error));
  assert.match(error.message, /start it with ProcessCluster\.start/);
});
