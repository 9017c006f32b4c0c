/**
 * A whole cluster in one isolate, on a clock and a network that a test controls.
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";
import { silentLogger } from "../logger.ts";
import { seededRandom } from "../random.ts";
import { loadFences } from "../remote/fence.ts";
import { ActorSystem } from "../system/actor_system.ts";
import type { InitOptions } from "../system/options.ts";
import { checkCount, checkRate } from "./arguments.ts";
import { ClusterTime, WITHIN_MS } from "./cluster_time.ts";
import type { ClusterNode } from "./cluster_node.ts";
import { History } from "./history.ts";
import { ManualClock } from "./manual_clock.ts";
import type { Delay, Route, Weather } from "./route.ts";
import {
  checkDelay,
  checkOptions,
  checkSeeds,
  type TestClusterOptions,
} from "./test_cluster_options.ts";
import { type VirtualHost, VirtualNetwork } from "./virtual_network.ts";
import { VirtualNode } from "./virtual_node.ts";
import type { UntilOptions, WithinOptions } from "./until.ts";
import { setManualClock } from "./virtual_systems.ts";

/** How often is looked whether all have found each other. */
const STEP_MS = 10;
const PORT = 7_000;
/** Through how many nodes a new one may join. */
const MAX_SEEDS = 3;
/** The network's number among the sources of random numbers; nodes count from 0. */
const NETWORK = -1;
/** The note before all that comes of the disposal. */
export const DISPOSED = "cluster disposed";
/** How many of those that do not see each other are named. */
const MAX_NAMED = 5;

/**
 * Real systems in one isolate: they live by a clock that stands still until the test moves it, are
 * linked by a network that the test can break, and draw their random numbers from a seed. Equal
 * seeds give equal runs, on every runtime.
 *
 * Values are copied between the actors of a node (`isolate: "clone"`), so that what cannot cross
 * the network is found. Warnings and errors of the systems are notes in the history, unless the
 * options name a logger.
 *
 * Time does not pass while a test awaits something else: use {@link TestCluster.run} for what needs
 * time, such as an answer of another node.
 *
 * @example A call across a cluster, then across a cut
 * ```ts
 * import { TestCluster } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * await using cluster = await TestCluster.start(3, { seed: 7 });
 * const [one, two] = cluster.systems;
 * await one!.spawn({ receive: (text: unknown) => `heard ${text}` }, { name: "ear" });
 * const ear = await cluster.run(two!.resolve("ear", { timeoutMs: 5_000 }));
 * assert.equal(await cluster.run(ear.ask("hello")), "heard hello");
 *
 * cluster.cut(1, 0);
 * const late = ear.ask("are you there?", { timeoutMs: 1_000 });
 * await assert.rejects(cluster.run(late), { name: "PulsingTimeoutError" });
 * ```
 */
export class TestCluster implements AsyncDisposable {
  /** Decides everything that is random. */
  readonly seed: number;
  readonly #options: InitOptions;
  readonly #isRecorded: boolean;
  readonly #configure: (options: InitOptions, index: number) => InitOptions;
  readonly #clock = new ManualClock();
  readonly #time: ClusterTime;
  readonly #network: VirtualNetwork;
  readonly #history: History;
  readonly #nodes: VirtualNode[] = [];
  #disposal: Promise<void> | undefined = undefined;
  /** The node that had the last turn, and when: it is looked at when its turn is over. */
  #active: VirtualNode | undefined = undefined;
  #activeAtMs = 0;

  /** Use {@link TestCluster.start}. */
  constructor(options: TestClusterOptions = {}) {
    checkOptions(options);
    const { seed = 1, delay, names = {}, record = true, configure = (same) => same, ...common } =
      options;
    this.seed = seed;
    this.#isRecorded = record;
    this.#configure = configure;
    this.#options = { isolate: "clone", ...common };
    this.#time = new ClusterTime(this.#clock, () => this.#where);
    this.#history = new History(() => this.#clock.now());
    this.#network = new VirtualNetwork(this.#clock, randomOf(seed, NETWORK));
    for (const [host, hosts] of Object.entries(names)) this.#network.name(host, hosts);
    if (delay !== undefined) this.#network.setWeather({ delay: checkDelay(delay) });
  }

  /**
   * Starts nodes that join through the first ones, and lets time pass until all see all.
   *
   * @param size How many nodes.
   * @param options The seed, the network, and options of each system.
   * @throws {PulsingRuntimeError} kind `"timeout"`: they do not find each other within a minute of
   * their time; it says who does not see whom.
   * @throws {TypeError} When an option is unknown or malformed, or belongs to the cluster.
   */
  static async start(size: number, options: TestClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(options);
    if (checkCount("size", size, 0) > 0) checkSeeds(options);
    if (options.passphrase) await loadFences(); // real time passes now, and not during the run
    try {
      const started = Array.from({ length: size }, () => cluster.#newNode().start());
      await cluster.run(Promise.all(started));
      await cluster.#untilJoined();
    } catch (error) {
      for (const node of cluster.#nodes) node.kill();
      throw error;
    }
    return cluster;
  }

  /** All nodes, those that have ended too. */
  get nodes(): readonly ClusterNode[] {
    return this.#nodes;
  }

  /** The systems of the nodes that run. */
  get systems(): readonly ActorSystem[] {
    return this.#nodes.filter(({ isUp }) => isUp).map(({ system }) => system);
  }

  /** What has happened so far: nodes, faults, and what each node saw of members and names. */
  get history(): History {
    this.#lookAtActive();
    if (this.#isRecorded) { for (const node of this.#nodes) node.look(this.now()); }
    return this.#history;
  }

  /**
   * The node of a number, from 0 on.
   *
   * @throws {RangeError} When there are fewer.
   */
  at(index: number): ClusterNode {
    const node = this.#nodes[index];
    if (node !== undefined) return node;
    throw new RangeError(`Cannot find node ${index}: there are ${this.#nodes.length}`);
  }

  /** The time of the cluster, in milliseconds since its start. */
  now(): number {
    return this.#clock.now();
  }

  /**
   * Lets time pass.
   *
   * @param ms How far, in milliseconds.
   * @throws {PulsingRuntimeError} kind `"shutdown"`: the cluster was disposed meanwhile.
   */
  advance(ms: number): Promise<void> {
    return this.#time.advance(ms);
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    await this.#clock.settle();
  }

  /**
   * Lets time pass until a condition holds.
   *
   * @param condition Returns something truthy once it holds; may throw until then.
   * @param options How long to wait, and for what.
   * @returns The truthy value.
   * @throws {PulsingRuntimeError} kind `"timeout"`: it did not hold in time; the message tells the
   * last value or error, and the seed.
   */
  until<T>(condition: () => T | Promise<T>, options: UntilOptions = {}): Promise<T> {
    return this.#time.until(condition, options);
  }

  /**
   * Lets time pass until a promise settles, and no longer.
   *
   * Only one call at a time lets time pass, `advance`, `until`, `stop` and others included: what is
   * to happen at the same time goes into one promise, `cluster.run(Promise.all([…]))`.
   *
   * @param promise For example a call to another node.
   * @param options How long to wait.
   * @returns What it comes to.
   * @throws What it rejects with.
   * @throws {PulsingRuntimeError} kind `"timeout"`: the time is over; it names the seed. Kind
   * `"shutdown"`: the cluster was disposed meanwhile.
   */
  run<T>(promise: PromiseLike<T>, options: WithinOptions = {}): Promise<T> {
    return this.#time.run(promise, options);
  }

  /**
   * Adds a node that joins through the others.
   *
   * @returns The node, when it has joined.
   */
  async add(): Promise<ClusterNode> {
    const node = this.#newNode();
    await this.run(node.start());
    return node;
  }

  /** Ends a node at once; see {@link ClusterNode.kill}. */
  kill(index: number): void {
    this.at(index).kill();
  }

  /** Shuts a node down; see {@link ClusterNode.stop}. */
  async stop(index: number): Promise<void> {
    await this.at(index).stop();
  }

  /** Starts a new system in a node's place; see {@link ClusterNode.restart}. */
  async restart(index: number): Promise<void> {
    await this.at(index).restart();
  }

  /** Stops a node's event loop; see {@link ClusterNode.freeze}. */
  freeze(index: number, ms?: number): void {
    this.at(index).freeze(ms);
  }

  /** Lets a node's event loop go on; see {@link ClusterNode.thaw}. */
  thaw(index: number): void {
    this.at(index).thaw();
  }

  /**
   * Makes what one node sends to another one vanish, and attempts to connect hang.
   *
   * Nobody is told: connections stay up. What was written is sent again when the cut is healed, as
   * TCP does, without the minutes that TCP may take to try again.
   */
  cut(from: number, to: number): void {
    this.#route(from, to).cut();
    this.#note(`cut ${from} -> ${to}`);
  }

  /**
   * Cuts both directions between nodes of different groups.
   *
   * @param groups Numbers of nodes; nodes in no group keep all their routes.
   * @throws {TypeError} When a group is no list.
   * @throws {RangeError} When a node is not there, or is there twice.
   */
  partition(...groups: readonly (readonly number[])[]): void {
    this.#checkGroups(groups);
    this.#note(`partition ${groups.map((group) => group.join(",")).join(" | ")}`);
    for (const group of groups) {
      for (const other of groups) {
        if (group === other) continue;
        for (const from of group) for (const to of other) this.#route(from, to).cut();
      }
    }
  }

  /**
   * Gives one name to several nodes, as a name service does, for `seeds` such as `"all:7000"`.
   *
   * @param host The name, without a port.
   * @param hosts Names of nodes, also of those to come; none: nobody knows the name.
   */
  name(host: string, hosts: readonly string[]): void {
    this.#note(`name ${host} -> ${hosts.join(",")}`);
    this.#network.name(host, hosts);
  }

  /**
   * Undoes all cuts and partitions, or the cut of one direction.
   *
   * What is clogged stays so, and so do delays, loss and duplicates.
   */
  heal(from?: number, to?: number): void {
    this.#note(`heal ${directionText(from, to)}`);
    for (const route of this.#routes(from, to)) route.heal();
  }

  /** Holds back what one node sends to another one; {@link TestCluster.unclog} lets it go. */
  clog(from: number, to: number): void {
    this.#route(from, to).clog();
    this.#note(`clog ${from} -> ${to}`);
  }

  /** Lets what was held back arrive, in its order. */
  unclog(from: number, to: number): void {
    this.#note(`unclog ${from} -> ${to}`);
    this.#route(from, to).unclog();
  }

  /**
   * Sets how long what is sent is on its way, everywhere or in one direction.
   *
   * @param delay Each write draws its own, but arrives after those before it.
   */
  delay(delay: Delay, from?: number, to?: number): void {
    const { minMs, maxMs } = checkDelay(delay);
    this.#note(`delay ${minMs}..${maxMs} ms ${directionText(from, to)}`);
    this.#setWeather({ delay }, from, to);
  }

  /**
   * Sets how much is lost, everywhere or in one direction.
   *
   * The frames of the cluster's own news are really lost. Everything else TCP sends again: it comes
   * later, 200 ms or a multiple, and holds up what is behind it.
   *
   * @param rate How likely one is lost, from 0 to 1.
   */
  loss(rate: number, from?: number, to?: number): void {
    this.#note(`loss ${checkRate(rate)} ${directionText(from, to)}`);
    this.#setWeather({ lossRate: rate }, from, to);
  }

  /**
   * Sets how many frames of the cluster's own news come twice, everywhere or in one direction.
   *
   * @param rate How likely one does, from 0 to 1.
   */
  duplicate(rate: number, from?: number, to?: number): void {
    this.#note(`duplicate ${checkRate(rate)} ${directionText(from, to)}`);
    this.#setWeather({ duplicateRate: rate }, from, to);
  }

  /**
   * Heals the network, shuts all systems down, and ends what does not come to its end.
   *
   * What lets time pass at that moment ends and rejects, which nobody has to take note of.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposal ??= this.#dispose();
  }

  async #dispose(): Promise<void> {
    await this.#time.end();
    void this.history; // what was seen before belongs before
    this.#note(DISPOSED);
    for (const route of this.#network.routes) {
      route.heal();
      route.unclog();
    }
    this.#network.setWeather({ lossRate: 0, duplicateRate: 0 });
    for (const node of this.#nodes) node.thaw();
    const stopped = this.#nodes.filter(({ isUp }) => isUp).map((node) => node.shutDown());
    let isOver = false;
    void Promise.allSettled(stopped).then(() => isOver = true);
    await this.#clock.advanceUntil(() => isOver, WITHIN_MS);
    for (const node of this.#nodes) node.kill();
  }

  #newNode(): VirtualNode {
    const index = this.#nodes.length;
    const name = `node-${index}`;
    const host = this.#network.host(name);
    const node = new VirtualNode(index, `${name}:${PORT}`, host, {
      record: this.#history,
      isRecorded: this.#isRecorded,
      clock: this.#clock,
      open: (node) => this.#open(node, host),
      run: (promise) => this.run(promise),
      turn: (node) => this.#turn(node),
    });
    this.#nodes.push(node);
    return node;
  }

  async #open(node: VirtualNode, host: VirtualHost): Promise<ActorSystem> {
    const note = (level: string) => (message: string) => {
      // Nobody else reaches a network that exists in memory only.
      if (!message.startsWith("listening ")) this.#note(`${node.name} ${level}: ${message}`);
    };
    const transport = this.#network.transport(host);
    const options = this.#configure({
      logger: { ...silentLogger, warn: note("warn"), error: note("error") },
      ...this.#options,
      addr: node.address,
      seeds: this.#seedsOf(node),
      clock: node.clock,
      random: randomOf(this.seed, node.index, node.starts),
      transport,
    }, node.index);
    const system = await ActorSystem.start(options, () => transport, () => node.shutsDown());
    setManualClock(system, this.#time);
    return system;
  }

  /** In the beginning only nodes before it, or two could join each other and nobody else. */
  #seedsOf(node: VirtualNode): readonly string[] {
    if (this.#options.seeds !== undefined) return this.#options.seeds;
    const candidates = node.starts === 1 ? this.#nodes.slice(0, node.index) : this.#nodes;
    return candidates.filter((other) => other !== node && other.state === "running")
      .slice(0, MAX_SEEDS).map(({ address }) => address);
  }

  #turn(node: VirtualNode): void {
    this.#lookAtActive();
    this.#active = node;
    this.#activeAtMs = this.now();
  }

  #lookAtActive(): void {
    this.#active?.look(this.#activeAtMs);
    this.#active = undefined;
  }

  async #untilJoined(): Promise<void> {
    const start = this.now();
    for (;;) {
      const missing = this.#missing();
      if (missing.length === 0) return;
      if (this.now() - start > WITHIN_MS) {
        const named = missing.slice(0, MAX_NAMED).join(", ");
        const state = `not all are seen (${named}), ${this.#where}`;
        throw new PulsingRuntimeError(`Cannot start cluster: ${state}`, { kind: "timeout" });
      }
      await this.advance(STEP_MS);
    }
  }

  /** Who does not see whom alive. */
  #missing(): readonly string[] {
    const missing: string[] = [];
    for (const { name, system } of this.#nodes) {
      const seen = new Set<string>();
      for (const { nodeId, status } of system.members()) if (status === "alive") seen.add(nodeId);
      if (seen.size === this.#nodes.length) continue;
      for (const other of this.#nodes) {
        if (!seen.has(other.system.nodeId)) missing.push(`${name} does not see ${other.name}`);
      }
    }
    return missing;
  }

  #checkGroups(groups: readonly (readonly number[])[]): void {
    const seen = new Set<number>();
    for (const group of groups) {
      if (!Array.isArray(group)) {
        throw new TypeError(`Cannot partition at ${String(group)}: expected lists of numbers`);
      }
      for (const index of group) {
        const { name } = this.at(index);
        if (seen.has(index)) throw new RangeError(`Cannot partition: ${name} is in it twice`);
        seen.add(index);
      }
    }
  }

  #routes(from: number | undefined, to: number | undefined): readonly Route[] {
    if (from === undefined || to === undefined) return this.#network.routes;
    return [this.#route(from, to)];
  }

  #route(from: number, to: number): Route {
    if (this.at(from) === this.at(to)) {
      throw new RangeError(`Cannot use route ${from} -> ${to}: a node needs no network to itself`);
    }
    return this.#network.route(this.#hostOf(from), this.#hostOf(to));
  }

  #hostOf(index: number): VirtualHost {
    return this.#network.host(`node-${this.at(index).index}`);
  }

  #setWeather(weather: Partial<Weather>, from: number | undefined, to: number | undefined): void {
    if (from === undefined || to === undefined) this.#network.setWeather(weather);
    else Object.assign(this.#route(from, to), weather);
  }

  #note(text: string): void {
    this.#history.add({ kind: "note", text });
  }

  /** Where in which run this is, for errors. */
  get #where(): string {
    return `at ${this.now()} ms of seed ${this.seed}`;
  }
}

/** A source of random numbers of its own for each part, so that no part shifts another's draws. */
function randomOf(seed: number, ...part: readonly number[]): ReturnType<typeof seededRandom> {
  const mix = (mixed: number, number: number) =>
    seededRandom(mixed ^ Math.imul(number + 2, 0x9e37_79b1)).next();
  return seededRandom(part.reduce(mix, seed));
}

function directionText(from: number | undefined, to: number | undefined): string {
  if ((from === undefined) !== (to === undefined)) {
    throw new TypeError(`Cannot use route ${from} -> ${to}: give both numbers or none`);
  }
  return from === undefined || to === undefined ? "everywhere" : `${from} -> ${to}`;
}
