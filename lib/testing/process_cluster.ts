/**
 * A cluster of real processes, driven from a test.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import type { Member } from "../cluster/member.ts";
import { PulsingRuntimeError } from "../errors.ts";
import { randomId, systemRandom } from "../random.ts";
import { ActorSystem } from "../system/actor_system.ts";
import { SystemActor } from "../system/system_actor.ts";
import type { Runtime } from "./child_process.ts";
import { NodeProcess, type ProcessNode } from "./node_process.ts";
import {
  checkOptions,
  checkRuntime,
  prepareLaunch,
  type ProcessClusterOptions,
} from "./process_launch.ts";
import { until, type UntilOptions } from "./until.ts";

/** Makes the process of a number; it is not started yet. */
export type MakeProcess = (index: number, runtime: Runtime) => NodeProcess;

/** Where the test's node listens. */
const ANY_PORT = "127.0.0.1:0";

/** How long a node may take to tell whom it sees, in milliseconds; it is on the same machine. */
const ANSWER_TIMEOUT_MS = 2_000;

/**
 * Nodes in processes of their own, Deno and Bun mixed as told, and one node in the test itself.
 *
 * The processes run one script, which calls `joinTestCluster`. The test's node is the seed: its
 * port is known before the first process is there, so all of them start at once. The verbs do real
 * things, SIGKILL and SIGSTOP among them, in real time; what the cluster makes of them is waited
 * for with {@link ProcessCluster.until}. Disposal ends every process, also when the start failed
 * half-way; a process whose test has gone ends by itself. Deno needs the permissions to run
 * programs, to read the environment and to use the network.
 *
 * @example Two processes and a crash
 * ```ts
 * import { ProcessCluster } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * // A script that begins with: const system = await joinTestCluster();
 * const script = new URL("../../examples/greeter_node.ts", import.meta.url);
 * await using cluster = await ProcessCluster.start({ script, runtimes: ["deno", "bun"] });
 *
 * const greeter = await cluster.system.resolve("greeter", { timeoutMs: 5_000 });
 * assert.match(await greeter.asAny().greet?.("you"), /^hello you/);
 *
 * await cluster.kill(1);
 * const { nodeId } = cluster.nodes[1]!;
 * await cluster.until(async () => {
 *   const seen = await cluster.members(0);
 *   return seen.some((member) => member.nodeId === nodeId && member.status === "dead");
 * });
 * ```
 */
export class ProcessCluster implements AsyncDisposable {
  /** The test's own node. */
  readonly system: ActorSystem;
  readonly #clock: Clock = systemClock;
  readonly #makeProcess: MakeProcess;
  readonly #startTimeoutMs: number;
  readonly #nodes: NodeProcess[] = [];

  /** Use {@link ProcessCluster.start}: a cluster made here has no processes yet. */
  constructor(system: ActorSystem, make: MakeProcess, startTimeoutMs: number) {
    this.system = system;
    this.#makeProcess = make;
    this.#startTimeoutMs = startTimeoutMs;
  }

  /**
   * Starts the processes, all at once.
   *
   * @param options The script and the runtimes.
   * @returns When every node sees every other one alive.
   * @throws {PulsingRuntimeError} kind `"join-failed"`: a script ended before it had joined, or was
   * too slow; the message has its last output. Kind `"timeout"`: they did not find each other.
   * Nothing is left of the cluster then.
   * @throws {TypeError} When an option is unknown or decided by the cluster, or no such runtime.
   */
  static async start(options: ProcessClusterOptions): Promise<ProcessCluster> {
    checkOptions(options);
    const { runtimes, signal } = options;
    const cluster = await ProcessCluster.#withoutProcesses(options);
    const end = () => cluster[Symbol.asyncDispose]();
    const onAbort = () => void end(); // does not reject
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      signal?.throwIfAborted();
      await cluster.#start(runtimes.map((runtime) => cluster.#make(runtime)));
    } catch (error) {
      await end();
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    return cluster;
  }

  /** The processes by their numbers; those that have ended keep theirs. */
  get nodes(): readonly ProcessNode[] {
    return this.#nodes;
  }

  /**
   * Asks a process to shut its system down and end, with SIGTERM.
   *
   * @param index Its number.
   * @returns When it has ended.
   * @throws {PulsingRuntimeError} kind `"timeout"`: it did not end in time and was killed; kind
   * `"shutdown"`: it ended with another code than 0; kind `"unsupported"`: it does not run.
   */
  async stop(index: number): Promise<void> {
    await this.#node(index).stop();
  }

  /**
   * Ends a process without a word, with SIGKILL.
   *
   * @param index Its number.
   * @returns When it has ended; the other nodes have yet to notice.
   */
  async kill(index: number): Promise<void> {
    await this.#node(index).kill();
  }

  /**
   * Lets a process stand still, with SIGSTOP: its connections stay open and nobody answers.
   *
   * @param index Its number.
   */
  freeze(index: number): void {
    this.#node(index).freeze();
  }

  /**
   * Lets a frozen process go on, with SIGCONT.
   *
   * @param index Its number.
   */
  thaw(index: number): void {
    this.#node(index).thaw();
  }

  /**
   * Starts a process that has ended again, under the same address: a new node in the old place.
   *
   * @param index Its number.
   * @returns When every running node sees it alive, and it sees them.
   * @throws As {@link ProcessCluster.start}; the other nodes stay.
   */
  async restart(index: number): Promise<void> {
    const node = this.#node(index);
    node.checkEnded();
    await this.#start([node]);
  }

  /**
   * Starts one more process.
   *
   * @param runtime What executes the script.
   * @returns The new node, once every running node sees it alive, and it sees them.
   * @throws As {@link ProcessCluster.start}; the other nodes stay.
   */
  async add(runtime: Runtime): Promise<ProcessNode> {
    checkRuntime(runtime); // before the node has a number, which it would keep
    const node = this.#make(runtime);
    await this.#start([node]);
    return node;
  }

  /**
   * Waits until a condition holds.
   *
   * @param condition Returns something truthy once it holds; may throw until then.
   * @param options How long to wait.
   * @returns The truthy value.
   * @throws {PulsingRuntimeError} kind `"timeout"`: it did not hold in time; the message tells the
   * last value or error, the state of every process and whom each node sees.
   */
  async until<T>(condition: () => T | Promise<T>, options: UntilOptions = {}): Promise<T> {
    return await until(this.#clock, condition, options, () => this.#views());
  }

  /**
   * Asks a node whom it knows, itself included.
   *
   * @param index Its number.
   * @returns The members as that node sees them.
   * @throws {PulsingError} It does not run, or does not answer.
   */
  async members(index: number): Promise<readonly Member[]> {
    const { nodeId } = this.#node(index);
    const ref = await this.system.resolve("system/core", { nodeId });
    return await ref.asType(SystemActor).$with({ timeoutMs: ANSWER_TIMEOUT_MS }).members();
  }

  /** Ends all processes and the test's node; what does not end when asked to is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    await this.system.shutdown();
  }

  static async #withoutProcesses(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const { output, startTimeoutMs = 30_000, stopTimeoutMs = 10_000 } = options;
    const cluster = `test-${randomId(systemRandom)}`;
    const { tcp } = await import("../../transports/tcp.ts");
    const { passOn } = await import("./child_process.ts");
    const system = await ActorSystem.start({ ...options.system, addr: ANY_PORT, cluster }, tcp);
    const ticket = { cluster, seeds: [system.addr ?? ""], joinTimeoutMs: startTimeoutMs };
    const make = (index: number, runtime: Runtime) =>
      new NodeProcess({
        ...{ index, runtime, clock: systemClock, startTimeoutMs, stopTimeoutMs },
        prepare: () => prepareLaunch(runtime, options, ticket),
        output: (line, stream) =>
          output === undefined ? passOn(`[node ${index}] ${line}`, stream) : output(line, index),
      });
    return new ProcessCluster(system, make, startTimeoutMs);
  }

  #make(runtime: Runtime): NodeProcess {
    const node = this.#makeProcess(this.#nodes.length, runtime);
    this.#nodes.push(node);
    return node;
  }

  async #start(nodes: readonly NodeProcess[]): Promise<void> {
    await Promise.all(nodes.map((node) => node.start()));
    await this.#formed(nodes);
  }

  /** Waits until all running nodes see each other, unless one that was just started is gone. */
  async #formed(started: readonly NodeProcess[]): Promise<void> {
    const gone = () => started.find((node) => node.state === "crashed");
    const what = "that all running nodes see each other alive";
    const options = { withinMs: this.#startTimeoutMs, what };
    await this.until(() => gone() !== undefined || this.#isFormed(), options);
    const { index, obituary } = gone() ?? {};
    if (index === undefined) return;
    throw new PulsingRuntimeError(`Cannot start node ${index}: it had joined, then ${obituary}`, {
      kind: "join-failed",
    });
  }

  async #isFormed(): Promise<boolean> {
    const running = this.#nodes.filter((node) => node.state === "running");
    const ids = [this.system.nodeId, ...running.map((node) => node.nodeId)];
    const isComplete = (members: readonly Member[]) =>
      ids.every((id) => members.some(({ nodeId, status }) => nodeId === id && status === "alive"));
    if (!isComplete(this.system.members())) return false;
    const views = await Promise.all(running.map((node) => this.members(node.index)));
    return views.every(isComplete);
  }

  /** Whom each node sees, for people. */
  async #views(): Promise<string> {
    const nameOf = (id: string) =>
      this.#nodes.find(({ nodeId }) => nodeId === id)?.index ??
        (id === this.system.nodeId ? "test" : id.slice(0, 8));
    const shown = (members: readonly Member[]) =>
      members.map(({ nodeId, status }) => `${nameOf(nodeId)} ${status}`).join(", ");
    const views = this.#nodes.map(async ({ index, runtime, state }) => {
      const who = `node ${index} (${runtime}, ${state})`;
      if (state !== "running") return who;
      return await this.members(index).then(
        (members) => `${who} sees ${shown(members)}`,
        (error) => `${who} does not answer, ${error}`,
      );
    });
    return [`the test sees ${shown(this.system.members())}`, ...await Promise.all(views)].join(
      "; ",
    );
  }

  #node(index: number): NodeProcess {
    const node = this.#nodes[index];
    if (node !== undefined) return node;
    throw new RangeError(
      `Cannot find node ${index}: the cluster has nodes 0 to ${this.#nodes.length - 1}`,
    );
  }
}
