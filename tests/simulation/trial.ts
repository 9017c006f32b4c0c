/**
 * One run of a scenario: what its seed decides, its cluster, and what must hold at its end.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  atMostOnce,
  convergence,
  History,
  type HistoryEntry,
  noResurrection,
  orderPerPair,
  type SimulationRun,
  streamPrefix,
  type TestCluster,
  type TestClusterOptions,
} from "../../lib/testing/mod.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Transport } from "../../lib/transport.ts";
import type { ActorSystem, InitOptions } from "../../mod.ts";
import { Belongings } from "./belongings.ts";
import { Draws } from "./draws.ts";
import { Echo } from "./echo.ts";

/** What a scenario gives the systems of its nodes. */
export type TrialOptions = Omit<TestClusterOptions, "seed">;

/** What became of a call. */
export interface Outcome {
  readonly call: string;
  /** Where it was sent first; absent when the name was not found. */
  readonly nodeId: string | undefined;
  /** Why it was not answered. */
  readonly error?: unknown;
}

/** How long a cluster has to become one after its last fault, in milliseconds. */
const HEALS_WITHIN_MS = 60_000;

/** How often is looked whether it has; a look at a large one takes longer. */
const [LOOK_MS, LOOK_MS_PER_NODE] = [100, 10];

/** How long the calls of scenarios wait for their answers, in milliseconds. */
const CALL_TIMEOUT_MS = 2_000;

/** One in so many clusters of a drawn size is a large one. */
const LARGE_SHARE = 50;
const LARGE = 16;

/** How many nodes have a name in the beginning: with more, looking at them is all that is done. */
const MAX_HOMES = 16;

/** One run of one seed. */
export class Trial extends Draws implements AsyncDisposable {
  /** How long the cluster has to become one after the scenario; set by those that promise more. */
  healsWithinMs: number = HEALS_WITHIN_MS;
  /** Nodes that must find each other; all of them but where a scenario says otherwise. */
  groups: readonly (readonly number[])[] | undefined = undefined;
  /** Virtual time of what runs without a cluster, in milliseconds. */
  modelledMs = 0;
  readonly #run: SimulationRun;
  readonly #belongings = new Map<number, Belongings>();
  /** What each node was started with last. */
  readonly #started = new Map<number, InitOptions>();
  #cluster: TestCluster | undefined = undefined;
  #calls = 0;
  #names = 0;

  constructor(run: SimulationRun, scenario: string) {
    super(run.seed, scenario);
    this.#run = run;
  }

  /** The cluster; one is started before. */
  get cluster(): TestCluster {
    if (this.#cluster === undefined) throw new Error("Cannot use cluster: it is not started");
    return this.#cluster;
  }

  /** How much virtual time has passed, in milliseconds. */
  get elapsedMs(): number {
    return this.modelledMs + (this.#cluster?.now() ?? 0);
  }

  /** Draws how many nodes: few mostly, 16 sometimes. */
  size(min: number = 2): number {
    return this.int(1, LARGE_SHARE) === 1 ? LARGE : this.int(min, 5);
  }

  /** Draws a partition into two groups, none of them empty. */
  halves(): readonly [readonly number[], readonly number[]] {
    const all = this.some(this.indexes, this.indexes.length);
    const cut = this.int(1, all.length - 1);
    return [all.slice(0, cut), all.slice(cut)];
  }

  /** The numbers of all nodes. */
  get indexes(): readonly number[] {
    return this.cluster.nodes.map(({ index }) => index);
  }

  /** The numbers of the nodes that run. */
  get running(): readonly number[] {
    return this.cluster.nodes.filter(({ state }) => state === "running").map(({ index }) => index);
  }

  /** Starts the cluster, and an actor of a name of its own on each node, the first 16. */
  async start(size: number, options: TrialOptions = {}): Promise<TestCluster> {
    const { configure = (same) => same } = options;
    const counted = (started: InitOptions, index: number) =>
      this.#counted(configure, started, index);
    this.#cluster = await this.#run.start(size, { ...options, configure: counted });
    const named = Math.min(size, MAX_HOMES);
    for (let index = 0; index < named; index++) await this.spawn(index, `home-${index}`);
    return this.#cluster;
  }

  /** Starts a {@link Echo} of a name on a node. */
  async spawn(index: number, name: string): Promise<void> {
    const { history } = this.cluster;
    const actor = `${name}#${++this.#names}`;
    await this.system(index).spawnClass(Echo, { name, args: [history, actor] });
  }

  /** The system of a node. */
  system(index: number): ActorSystem {
    return this.cluster.at(index).system;
  }

  /** What a node believes of another one; `undefined` when it does not know it. */
  statusOf(index: number, other: number): string | undefined {
    const { nodeId } = this.system(other);
    return this.system(index).members().find((member) => member.nodeId === nodeId)?.status;
  }

  /** What a node has of its network since it was started last. */
  belongings(index: number): Belongings {
    const belongings = this.#belongings.get(index);
    assert.ok(belongings !== undefined, `node ${index} was not started`);
    return belongings;
  }

  /** The clock of a node: work that waits on it ends with the node. */
  clock(index: number): Clock {
    const clock = this.#started.get(index)?.clock;
    assert.ok(clock !== undefined, `node ${index} was not started`);
    return clock;
  }

  /** The network as a node sees it, for what is not said by its system. */
  transport(index: number): Transport {
    const transport = this.#started.get(index)?.transport;
    assert.ok(transport !== undefined, `node ${index} was not started`);
    return transport;
  }

  /** Adds a node; see {@link TestCluster.add}. */
  async add(): Promise<number> {
    return (await this.cluster.add()).index;
  }

  /** Lets a drawn time pass. */
  async wait(minMs: number, maxMs: number = minMs): Promise<number> {
    const ms = this.int(minMs, maxMs);
    await this.cluster.advance(ms);
    return ms;
  }

  /**
   * Calls the actor of a name from a node, and writes down how it went.
   *
   * @param user Who calls there; the calls of one user to one actor are handled in their order.
   * @returns Whether it was answered, and where it was sent first.
   */
  async call(from: number, name: string, user: string = `user-${this.#calls}`): Promise<Outcome> {
    const system = this.system(from);
    const call = `call-${++this.#calls}`;
    const sender = `${this.cluster.at(from).name}/${user}`;
    let nodeId: string | undefined;
    const send = async () => {
      const ref = await system.resolve(name);
      nodeId = ref.nodeId;
      return await ref.asType(Echo).$with({ timeoutMs: CALL_TIMEOUT_MS }).echo(call, sender);
    };
    try {
      await this.cluster.history.call(call, sender, name, send);
      return { call, nodeId };
    } catch (error) {
      return { call, nodeId, error };
    }
  }

  /** Where in the history a node was declared dead that had not ended. */
  deaths(): readonly HistoryEntry[] {
    const ended = new Set<string>();
    return this.cluster.history.entries.filter((entry) => {
      const isEnd = entry.kind === "node" && ["killed", "stopped"].includes(entry.state);
      if (isEnd) ended.add(entry.nodeId);
      return entry.kind === "member" && entry.status === "dead" && !ended.has(entry.nodeId);
    });
  }

  /** Nobody was declared dead, whatever was suspected. */
  assertNobodyDied(): void {
    assert.deepEqual(this.deaths(), [], "somebody was declared dead");
  }

  /** Lets time pass until all groups see the same, which is what runs. */
  async converge(withinMs: number = this.healsWithinMs): Promise<void> {
    const { cluster } = this;
    const end = cluster.now() + withinMs;
    for (;;) {
      const wrong = this.#differences();
      if (wrong.length === 0) return;
      const what = wrong.slice(0, 3).join("\n");
      assert.ok(cluster.now() < end, `no single view ${withinMs} ms after the last fault: ${what}`);
      await cluster.advance(Math.max(LOOK_MS, LOOK_MS_PER_NODE * cluster.nodes.length));
    }
  }

  /** Heals everything, and checks all that must hold of the history and of what is left. */
  async end(): Promise<void> {
    if (this.#cluster === undefined) return;
    this.#mend();
    await this.converge();
    const { entries } = this.cluster.history;
    for (const check of [atMostOnce, orderPerPair, streamPrefix, noResurrection]) {
      assert.deepEqual(check(entries), [], check.name);
    }
    await this.#endSystems();
  }

  /** Keeps the history as it is now, for when the run has failed. */
  keep(): void {
    if (this.#cluster === undefined) return;
    const { entries } = this.#cluster.history;
    const kept = new History(() => 0);
    for (const entry of entries) kept.add(entry, entry.atMs);
    this.#run.show(kept);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster?.[Symbol.asyncDispose]();
  }

  #counted(
    configure: NonNullable<TestClusterOptions["configure"]>,
    started: InitOptions,
    index: number,
  ): InitOptions {
    const options = configure(started, index);
    const { clock, transport } = options;
    const belongings = new Belongings();
    this.#belongings.set(index, belongings);
    this.#started.set(index, options);
    return {
      ...options,
      ...(clock !== undefined && { clock: belongings.clock(clock) }),
      ...(transport !== undefined && { transport: belongings.transport(transport) }),
    };
  }

  #differences(): readonly string[] {
    const { entries } = this.cluster.history;
    if (this.groups === undefined) return convergence(entries);
    return this.groups.flatMap((group) => {
      const names = new Set(group.map((index) => this.cluster.at(index).name));
      return convergence(entries.filter((entry) => !("node" in entry) || names.has(entry.node)));
    });
  }

  #mend(): void {
    const { cluster } = this;
    for (const node of cluster.nodes) node.thaw();
    cluster.heal();
    for (const from of this.indexes) {
      for (const to of this.indexes) if (from !== to) cluster.unclog(from, to);
    }
    cluster.loss(0);
    cluster.duplicate(0);
    cluster.delay({ minMs: 1, maxMs: 2 });
  }

  /** All systems that run end at once, and each gives back what it had taken. */
  async #endSystems(): Promise<void> {
    const { running, cluster } = this;
    await cluster.run(Promise.all(running.map((index) => this.system(index).shutdown())));
    await cluster.advance(100); // what was said at the end arrives
    for (const index of running) {
      const left = this.#belongings.get(index)?.left();
      assert.deepEqual(left, [], `node ${index} has left something behind`);
    }
  }
}
