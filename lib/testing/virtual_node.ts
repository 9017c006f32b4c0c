/**
 * What stands behind one node of a cluster under test.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { ActorSystem } from "../system/actor_system.ts";
import { checkMs } from "./arguments.ts";
import type { ClusterNode } from "./cluster_node.ts";
import type { History, NodeState } from "./history.ts";
import { NodeClock } from "./node_clock.ts";
import { ViewRecorder } from "./view_recorder.ts";
import type { VirtualHost } from "./virtual_network.ts";

/** What a node needs of its cluster. */
export interface NodeHost {
  readonly record: History;
  /** Whether what the nodes see is recorded. */
  readonly isRecorded: boolean;
  /** The time of all nodes. */
  readonly clock: Clock;
  /** Makes a system for the node and waits until it has joined. */
  open(node: VirtualNode): Promise<ActorSystem>;
  /** Lets time pass until a promise settles. */
  run<T>(promise: PromiseLike<T>): Promise<T>;
  /** A turn of the node begins. */
  turn(node: VirtualNode): void;
}

/** A node of a {@link TestCluster}, and what the cluster needs of it. */
export class VirtualNode implements ClusterNode {
  readonly index: number;
  readonly address: string;
  readonly #host: VirtualHost;
  readonly #cluster: NodeHost;
  #clock: NodeClock;
  #starts = 0;
  #state: NodeState = "stopped";
  #system: ActorSystem | undefined = undefined;
  #recorder: ViewRecorder | undefined = undefined;
  #ending: Promise<void> | undefined = undefined;
  #thawing: Timer | undefined = undefined;

  /** Made by the cluster. */
  constructor(index: number, address: string, host: VirtualHost, cluster: NodeHost) {
    this.index = index;
    this.address = address;
    this.#host = host;
    this.#cluster = cluster;
    this.#clock = host.clock;
  }

  get name(): string {
    return this.#starts < 2 ? `node-${this.index}` : `node-${this.index}.${this.#starts}`;
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  get state(): NodeState {
    return this.#state;
  }

  /** Whether its system has joined and has not ended. */
  get isUp(): boolean {
    return this.#state === "running" && this.#system !== undefined;
  }

  /** The event loop of its system. */
  get clock(): NodeClock {
    return this.#clock;
  }

  get system(): ActorSystem {
    if (this.#system === undefined) {
      throw unsupported("use", this.index, "it has not joined");
    }
    return this.#system;
  }

  /** Starts a system, which joins; the cluster calls it once. */
  async start(): Promise<void> {
    if (this.#state === "running" || this.#state === "frozen") {
      throw unsupported("start", this.index, `it is ${this.#state}`);
    }
    this.#starts++;
    this.#system = undefined;
    this.#clock = this.#host.clock = new NodeClock(
      this.#cluster.clock,
      () => this.#cluster.turn(this),
    );
    this.#state = "running";
    try {
      const system = this.#system = await this.#cluster.open(this);
      if (this.#cluster.isRecorded) {
        this.#recorder = new ViewRecorder(this.name, system, this.#cluster.record);
      }
      this.#note();
    } catch (error) {
      this.#host.crash();
      this.#state = "stopped";
      throw error;
    }
  }

  kill(): void {
    if (this.#state !== "running" && this.#state !== "frozen") return;
    this.look(this.#cluster.clock.now());
    this.#host.crash();
    this.#become("killed");
  }

  async stop(): Promise<void> {
    if (this.#state === "frozen") {
      throw unsupported("stop", this.index, "it is frozen, thaw it or kill it");
    }
    if (this.#state !== "running") return;
    await this.#cluster.run(this.shutDown());
  }

  /** Shuts the system down while somebody else lets time pass. */
  async shutDown(): Promise<void> {
    await this.system.shutdown();
    await this.#ending;
  }

  /** Its system begins to shut down, whoever asked for it. */
  shutsDown(): void {
    this.#ending = this.#end();
    this.#ending.catch(() => {}); // who asked for it hears of it
  }

  async #end(): Promise<void> {
    const system = this.#system;
    await system?.shutdown();
    const isOver = this.#state === "killed" || this.#state === "stopped";
    if (system === undefined || system !== this.#system || isOver) return;
    this.#host.crash(); // ends what had not come to its end in time
    this.#become("stopped");
  }

  freeze(ms?: number): void {
    if (this.#state !== "running") {
      throw unsupported("freeze", this.index, `it is ${this.#state}`);
    }
    if (ms !== undefined) checkMs("ms", ms);
    this.#clock.freeze();
    this.#become("frozen");
    if (ms !== undefined) this.#thawing = this.#cluster.clock.setTimer(() => this.thaw(), ms);
  }

  thaw(): void {
    if (this.#state !== "frozen") return;
    this.#clock.thaw();
    this.#become("running");
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.#cluster.run(this.start());
  }

  /** Records what its system sees now. */
  look(atMs: number): void {
    this.#recorder?.look(atMs);
  }

  #become(state: NodeState): void {
    this.#state = state;
    this.#thawing?.cancel();
    if (state === "killed" || state === "stopped") this.#recorder = undefined;
    this.#note();
  }

  #note(): void {
    if (this.#system === undefined) return; // it was ended before it had begun
    const { nodeId } = this.#system;
    this.#cluster.record.add({ kind: "node", node: this.name, nodeId, state: this.#state });
  }
}

/** The refusal of a verb that means nothing in the present state. */
function unsupported(verb: string, index: number, state: string): PulsingRuntimeError {
  const text = `Cannot ${verb} node ${index}: ${state}`;
  return new PulsingRuntimeError(text, { kind: "unsupported" });
}
