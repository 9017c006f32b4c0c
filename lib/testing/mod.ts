/**
 * Tools for testing actors: whole clusters in one isolate, whose time passes when a test says so,
 * whose network breaks when it says so, and whose runs repeat from a seed.
 *
 * - {@link TestCluster}: real systems on one clock and one network. `run` lets time pass until a
 *   promise settles, `until` until a condition holds, `advance` as far as it is told. `kill`,
 *   `stop`, `restart`, `freeze`, `thaw` for nodes; `cut`, `partition`, `heal`, `clog`, `unclog`,
 *   `delay`, `loss`, `duplicate`, `name` for the network between them.
 * - {@link TestProbe}: an actor that says what it got, also in systems that live in real time.
 * - {@link History}: what happened. {@link atMostOnce}, {@link orderPerPair}, {@link streamPrefix},
 *   {@link convergence} and {@link noResurrection} tell what is wrong with it.
 * - {@link ProcessCluster}: nothing simulated, real Deno and Bun processes in real time.
 * - {@link simulate}: a scenario over many seeds; a failure says how to run it again.
 * - {@link ManualClock} and {@link seededRandom}: for what needs no cluster.
 *
 * But for processes nothing waits for the clock of the machine, so an hour of a cluster takes seconds. What a test
 * waits for itself must be something the cluster brings about: promises of real files, sockets or
 * timers settle when they like, and such a run does not repeat.
 *
 * @example A partition that heals
 * ```ts
 * import { convergence, TestCluster } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * await using cluster = await TestCluster.start(4, { seed: 7 });
 * cluster.partition([0, 1], [2, 3]);
 * await cluster.at(0).system.spawn({ receive: () => "here" }, { name: "news" });
 * await cluster.advance(1_000);
 * assert.equal(cluster.at(3).system.allNamedActors().length, 0);
 *
 * cluster.heal();
 * await cluster.until(() => convergence(cluster.history.entries).length === 0);
 * const ref = await cluster.run(cluster.at(3).system.resolve("news"));
 * assert.equal(await cluster.run(ref.ask("where?")), "here");
 * ```
 *
 * @example Processes that are stopped and come back
 * ```ts
 * import { ProcessCluster } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * await using cluster = await ProcessCluster.start({
 *   script: new URL("../../examples/greeter_node.ts", import.meta.url), // it calls joinTestCluster
 *   runtimes: ["deno", "bun"],
 * });
 * await cluster.stop(1);
 * await cluster.restart(1);
 * assert.equal(cluster.nodes[1]?.state, "running");
 * ```
 *
 * @module
 */

export { ManualClock, type ManualClockOptions } from "./manual_clock.ts";
export { TestCluster } from "./test_cluster.ts";
export type { TestClusterOptions } from "./test_cluster_options.ts";
export type { ClusterNode } from "./cluster_node.ts";
export type { Delay } from "./route.ts";
export {
  type ProbeMatcher,
  type ProbeMessage,
  type ProbeWait,
  TestProbe,
  type TestProbeOptions,
} from "./test_probe.ts";
export { History, type HistoryEntry, type HistoryEvent, type NodeState } from "./history.ts";
export { atMostOnce, orderPerPair, streamPrefix } from "./checkers.ts";
export { convergence, noResurrection } from "./cluster_checkers.ts";
export { simulate, type SimulateOptions, type SimulationRun } from "./simulate.ts";
export { type Random, seededRandom } from "../random.ts";
export type { Clock, Timer } from "../clock.ts";
export type { Runtime, RuntimeVersions } from "./child_process.ts";
export { joinTestCluster, type TestNodeOptions } from "./join_test_cluster.ts";
export type { ProcessNode, ProcessState } from "./node_process.ts";
export { ProcessCluster } from "./process_cluster.ts";
export type { ProcessClusterOptions } from "./process_launch.ts";
export type { UntilOptions, WithinOptions } from "./until.ts";
