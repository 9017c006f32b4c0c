/** Systems on one manual clock and one network in memory, started one by one, dials counted. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { ManualClock } from "../../lib/testing/mod.ts";

/** What the start of a node came to; `undefined` until it has started or failed. */
export interface Started {
  outcome: unknown;
}

/** A place where nodes find each other, or do not. */
export class Town implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly network: pul.MemoryNetwork = new pul.MemoryNetwork(this.clock);
  readonly systems: pul.ActorSystem[] = [];
  /** Every dial, in order. */
  readonly dials: { readonly by: string; readonly address: string }[] = [];
  linksEnded = 0;
  readonly #random: pul.Random;
  /** Hosts that are cut off from all others, each with a part of the town. */
  readonly #parts = new Map<string, number>();
  readonly #connections: { readonly ends: readonly string[]; readonly cut: () => void }[] = [];

  constructor(seed: number) {
    this.#random = pul.seededRandom(seed);
  }

  /** Starts a node. */
  start(addr: string, options: pul.InitOptions): Started {
    const started: Started = { outcome: undefined };
    pul.actorSystem(this.options(addr, options)).then((system) => {
      this.systems.push(system);
      started.outcome = system;
    }, (error) => started.outcome = error);
    return started;
  }

  /** The options of a node of the town. */
  options(addr: string, options: pul.InitOptions): pul.InitOptions {
    const { clock } = this;
    const common = { addr, clock, random: this.#random, transport: this.transport(addr) };
    return { ...common, logger: this.#logger(), ...options };
  }

  /** What a node has dialled, in order. */
  dialledBy(addr: string): readonly string[] {
    return this.dials.filter(({ by }) => by === addr).map(({ address }) => address);
  }

  /** Cuts every connection between a host and others of no part, and lets none be made. */
  divide(...parts: readonly (readonly string[])[]): void {
    this.#parts.clear();
    for (const [index, hosts] of parts.entries()) {
      for (const host of hosts) this.#parts.set(host, index);
    }
    for (const { ends: [near = "", far = ""], cut } of this.#connections) {
      if (this.#isDivided(near, far)) cut();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = Promise.all(this.systems.map((system) => system.shutdown()));
    await this.clock.advance(0);
    await ended;
    assert.equal(this.clock.pendingTimers, 0, "timers are left");
  }

  /** The network as a host sees it. */
  transport(addr: string): pul.Transport {
    const inner = pul.memory(this.network);
    const near = hostOf(addr);
    return {
      name: "counted",
      listen: (options) => inner.listen(options),
      lookup: (address, options) => inner.lookup!(address, options),
      dial: async (address, options) => {
        this.dials.push({ by: addr, address });
        const far = hostOf(address);
        if (this.#isDivided(near, far)) throw new Error("the town is divided");
        const connection = await inner.dial(address, options);
        this.#connections.push({ ends: [near, far], cut: () => connection.abort() });
        return connection;
      },
    };
  }

  #isDivided(near: string, far: string): boolean {
    return this.#parts.get(near) !== this.#parts.get(far);
  }

  #logger(): pul.Logger {
    const debug = (text: string) => {
      if (text === "link ended") this.linksEnded++;
    };
    return { ...pul.silentLogger, debug };
  }
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}

/** The running system that a start came to. */
export function systemOf({ outcome }: Started): pul.ActorSystem {
  assert.ok(outcome instanceof pul.ActorSystem, String(outcome));
  return outcome;
}

/** What a node sees of its cluster: status and incarnation of each member. */
export function membersOf(started: Started): readonly string[] {
  return systemOf(started).members().map(({ status, incarnation }) => `${status} ${incarnation}`);
}

/** Checks that a node has started and sees so many members, none of which was ever suspected. */
export function assertJoined(started: Started, members: number): void {
  assert.deepEqual(membersOf(started), Array(members).fill("alive 0"));
}

/** Checks that a node has started and sees so many members that live. */
export function assertAlive(started: Started, members: number): void {
  const alive = systemOf(started).members().filter(({ status }) => status === "alive");
  assert.equal(alive.length, members, membersOf(started).join());
}
