/** Some systems on one clock that stands still, linked by a network in memory. */

import * as pul from "../../mod.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { Mortal } from "./mortal_transport.ts";

/** One of the systems, with the transport that can kill it. */
export interface NamedNode {
  readonly system: pul.ActorSystem;
  readonly mortal: Mortal;
}

/** What the systems log at a level. */
export type LogLine = readonly [level: pul.LogLevel, message: string, fields?: pul.LogFields];

/** A cluster whose time passes only when a test says so. */
export class NamedNodes implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly logged: LogLine[] = [];
  readonly #nodes: NamedNode[] = [];
  readonly #network: pul.MemoryNetwork = new pul.MemoryNetwork(this.clock);

  /** Makes systems that know each other. */
  static async start(count: number, options: pul.InitOptions = {}): Promise<NamedNodes> {
    const all = new NamedNodes();
    for (let index = 0; index < count; index++) await all.add(options);
    await all.gossip();
    return all;
  }

  /** Adds a system that joins through the first one. */
  async add(options: pul.InitOptions = {}): Promise<pul.ActorSystem> {
    const { clock } = this;
    const mortal = new Mortal(pul.memory(this.#network));
    const at = (level: pul.LogLevel) => (message: string, fields?: pul.LogFields) =>
      void this.logged.push([level, message, fields]);
    const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
    const seeds = this.#nodes.slice(0, 1).map(({ system }) => system.addr!);
    const common = { addr: "127.0.0.1:0", transport: mortal, clock, logger, seeds };
    const system = await this.soon(pul.actorSystem({ ...common, ...options }));
    this.#nodes.push({ system, mortal });
    return system;
  }

  /** The system of a number, from 0 on. */
  at(index: number): pul.ActorSystem {
    return this.#node(index).system;
  }

  /** Ends a system without a word. */
  async kill(index: number): Promise<void> {
    await this.#node(index).mortal.kill();
    await this.clock.settle();
  }

  /** Lets so much time pass that everybody has heard the news. */
  async gossip(): Promise<void> {
    await this.clock.advance(1_000);
  }

  /** What a promise comes to, while time passes for as long as it is pending. */
  async soon<T>(promise: Promise<T>): Promise<T> {
    let isPending = true;
    const over = () => void (isPending = false);
    promise.then(over, over);
    await this.clock.settle();
    for (let steps = 0; isPending; steps++) {
      if (steps > 1_000) throw new Error("Cannot wait for the promise: it is still pending");
      await this.clock.advance(50);
    }
    return await promise;
  }

  /** The error that a promise comes to. */
  async failure(promise: Promise<unknown>): Promise<pul.PulsingError> {
    const error = await this.soon(promise.then(
      (value) => new Error(`Cannot take the error: it came to ${String(value)}`),
      (error: unknown) => error,
    ));
    if (pul.isPulsingError(error)) return error;
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = Promise.all(this.#nodes.map(({ system }) => system.shutdown()));
    await this.soon(closed);
  }

  #node(index: number): NamedNode {
    const node = this.#nodes[index];
    if (node === undefined) throw new Error(`Cannot find node ${index}: there are fewer`);
    return node;
  }
}
