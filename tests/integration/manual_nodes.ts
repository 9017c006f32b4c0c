/** Some nodes on one clock that stands still: what they do takes no time but what a test gives. */

import * as pul from "../../mod.ts";
import type { ActorCell } from "../../lib/actor/actor_cell.ts";
import { Spawning } from "../../lib/system/spawning.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { BareNode, type BareNodeOptions } from "../leak/bare_node.ts";

/** The parts of the nodes that a test may choose. */
export type ManualNodesOptions = Pick<
  BareNodeOptions,
  "limits" | "logger" | "gossip" | "fence"
>;

/** One of the nodes. */
export class ManualNode extends BareNode {
  readonly #transport: FreezingTransport;

  constructor(options: BareNodeOptions, transport: FreezingTransport) {
    super({ ...options, transport });
    this.#transport = transport;
  }

  /** Starts an actor that takes its messages itself. */
  async spawnReceiver(
    actor: pul.Receiver | (() => pul.Receiver),
    options: pul.SpawnOptions = {},
  ): Promise<ActorCell> {
    return await new Spawning(this.node).receiver(actor, options);
  }

  /** Keeps from the node what arrives, until {@link ManualNode.thaw}. */
  freeze(): void {
    this.#transport.isFrozen = true;
  }

  /** Gives the node what has arrived since. */
  thaw(): void {
    this.#transport.thaw();
  }
}

/** Nodes of one isolate, linked by a network in memory. */
export class ManualNodes implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly network: pul.MemoryNetwork = new pul.MemoryNetwork(this.clock);
  readonly nodes: readonly ManualNode[];

  constructor(count: number, options: ManualNodesOptions = {}) {
    const { clock, network } = this;
    this.nodes = Array.from({ length: count }, () => {
      const transport = new FreezingTransport(pul.memory(network));
      return new ManualNode({ ...options, clock, transport }, transport);
    });
  }

  /** Makes nodes that listen. */
  static async listening(count: number, options?: ManualNodesOptions): Promise<ManualNodes> {
    const all = new ManualNodes(count, options);
    for (const node of all.nodes) await node.listen();
    return all;
  }

  /** The node of a number, from 0 on. */
  at(index: number): ManualNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`Cannot find node ${index}: there are fewer`);
    return node;
  }

  /** What a promise comes to without any time passing. */
  async now<T>(promise: PromiseLike<T>): Promise<T> {
    let isPending = true;
    const watched = Promise.resolve(promise).finally(() => isPending = false);
    watched.catch(() => {});
    await this.clock.settle();
    if (isPending) throw new Error("Cannot take the answer now: it is still pending");
    return await watched;
  }

  /** The error that a promise comes to without any time passing. */
  async failure(promise: PromiseLike<unknown>): Promise<Error> {
    const outcome = await this.now(
      Promise.resolve(promise).then(
        (value) => new Error(`Cannot take the error: it came to ${String(value)}`),
        (error: unknown) => ({ error }),
      ),
    );
    if ("error" in outcome && outcome.error instanceof Error) return outcome.error;
    throw outcome;
  }

  /** Whether a promise is pending as long as no time passes. */
  async isPending(promise: PromiseLike<unknown>): Promise<boolean> {
    let isPending = true;
    const over = () => void (isPending = false);
    Promise.resolve(promise).then(over, over);
    await this.clock.settle();
    return isPending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) node.thaw();
    const closed = Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    closed.catch(() => {});
    await this.clock.advance(60_000);
    await closed;
  }
}

/** Holds back what arrives while it is frozen. */
class FreezingTransport implements pul.Transport {
  readonly name: string = "freezing";
  isFrozen = false;
  readonly #inner: pul.Transport;
  #held: (() => void)[] = [];

  constructor(inner: pul.Transport) {
    this.#inner = inner;
  }

  listen(options: pul.ListenOptions): Promise<pul.Listener> {
    const accept = (connection: pul.Connection) => options.accept(this.#wrap(connection));
    return this.#inner.listen({ ...options, accept });
  }

  async lookup(address: string, options?: pul.DialOptions): Promise<readonly string[]> {
    return await this.#inner.lookup?.(address, options) ?? [address];
  }

  async dial(address: string, options?: pul.DialOptions): Promise<pul.Connection> {
    return this.#wrap(await this.#inner.dial(address, options));
  }

  thaw(): void {
    this.isFrozen = false;
    for (const give of this.#held.splice(0)) give();
  }

  #wrap(connection: pul.Connection): pul.Connection {
    const start = connection.start.bind(connection);
    connection.start = (handler, highWaterBytes) =>
      start({
        onBytes: (bytes) => this.#give(() => handler.onBytes(bytes)),
        onDrain: () => handler.onDrain(),
        onClose: (error) => this.#give(() => handler.onClose(error)),
      }, highWaterBytes);
    return connection;
  }

  #give(give: () => void): void {
    if (this.isFrozen) this.#held.push(give);
    else give();
  }
}
