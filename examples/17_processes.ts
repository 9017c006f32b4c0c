/**
 * A test that drives real processes: nodes on Deno and on Bun, stopped, killed, frozen, restarted.
 *
 * Every process runs `greeter_node.ts`; in a test file the same lines stand in `Deno.test` or in
 * Bun's `test`.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import { ProcessCluster } from "../lib/testing/mod.ts";

await using cluster = await ProcessCluster.start({
  script: new URL("./greeter_node.ts", import.meta.url),
  runtimes: ["deno", "bun"],
});
for (const { index, runtime, state } of cluster.nodes) console.log("node", index, runtime, state);

// The test has a node too: it resolves and calls like any other one.
const greeterOf = async (nodeId = "") =>
  (await cluster.system.resolve("greeter", { nodeId, timeoutMs: 5_000 })).asAny();
for (const { nodeId } of cluster.nodes) {
  console.log(await (await greeterOf(nodeId)).greet?.("you"));
}

// SIGSTOP: the node stands still, its connections stay open, a call waits.
const [, bun] = cluster.nodes;
const frozen = await greeterOf(bun?.nodeId);
cluster.freeze(1);
const waiting = frozen.greet?.("sleeper");
cluster.thaw(1);
console.log(await waiting);

// SIGTERM: it says goodbye. Then a new node comes under the same address.
const { nodeId = "", addr = "" } = bun ?? {};
await cluster.stop(1);
const seen = await cluster.until(async () =>
  (await cluster.members(0)).find((member) => member.nodeId === nodeId && member.status === "left")
);
console.log("node 0 saw it:", seen?.status);
await cluster.restart(1);
console.log("the same address:", bun?.addr === addr, "another node:", bun?.nodeId !== nodeId);

// SIGKILL: it says nothing.
await cluster.kill(0);
console.log(cluster.nodes.map(({ state }) => state).join(", "));
