/**
 * What a cluster under test is made of.
 *
 * @module
 */

import { parseHostPort } from "../address.ts";
import type { InitOptions } from "../system/options.ts";
import { checkCount, checkMs } from "./arguments.ts";
import type { Delay } from "./route.ts";

/** Options of `TestCluster.start`: its own, and those of each of its systems. */
export interface TestClusterOptions
  extends Omit<InitOptions, "addr" | "advertise" | "transport" | "clock" | "random"> {
  /**
   * Addresses of nodes to join: each is its name in the history, `node-0`, or a name for several nodes,
   * with port 7000.
   *
   * @default the first nodes that run
   */
  readonly seeds?: readonly string[];
  /**
   * Names for several nodes, as a name service has them: `{ all: ["node-0", "node-1"] }` is for
   * `seeds: ["all:7000"]`. `TestCluster.name` changes them.
   *
   * @default none
   */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /**
   * Decides everything that is random: ids, choices, delays, losses. Equal seeds, equal runs. A
   * whole number.
   *
   * @default 1
   */
  readonly seed?: number;
  /**
   * How long what is sent is on its way.
   *
   * @default { minMs: 1, maxMs: 2 }
   */
  readonly delay?: Delay;
  /**
   * Whether the members and names that each node sees are recorded in the history.
   *
   * @default true
   */
  readonly record?: boolean;
  /**
   * Changes what single nodes are started with: another cluster's name, limits, a transport around
   * the one of the virtual network.
   *
   * @param options What the node would be started with.
   * @param index Its number, from 0 on.
   * @returns What it is started with.
   * @default every node is started with the same
   */
  readonly configure?: (options: InitOptions, index: number) => InitOptions;
}

/** Options of a system that the cluster decides. */
const DECIDED = ["addr", "advertise", "transport", "clock", "random"];

/**
 * Checks the options that are the cluster's own; its systems check the others.
 *
 * @throws {TypeError} One is malformed, or is not to be decided by the test.
 */
export function checkOptions(options: TestClusterOptions): void {
  for (const name of DECIDED) {
    if (!(name in options)) continue;
    throw new TypeError(
      `Cannot set option "${name}" of the test cluster: it decides that, see "configure"`,
    );
  }
  const { seed = 1, configure = () => {} } = options;
  checkCount("seed", seed, Number.MIN_SAFE_INTEGER);
  if (typeof configure !== "function") {
    throw new TypeError(`Cannot set option "configure" to ${configure}: expected a function`);
  }
}

/**
 * Nodes that are started with seeds which nobody knows would wait for them in vain.
 *
 * @throws {TypeError} No seed is a node or has a name.
 */
export function checkSeeds({ seeds = [], names = {} }: TestClusterOptions): void {
  const isKnown = (seed: string) => {
    const { host } = parseHostPort(seed);
    return /^node-\d+$/.test(host) || Object.hasOwn(names, host);
  };
  if (!Array.isArray(seeds) || seeds.length === 0 || seeds.some(isKnown)) return;
  throw new TypeError(
    `Cannot start cluster: nobody knows the seed "${seeds[0]}", say in "names" which nodes it is`,
  );
}

/** @throws {RangeError} When it is below 0 or ends before it begins. */
export function checkDelay(delay: Delay): Delay {
  const { minMs, maxMs } = delay;
  checkMs("minMs", minMs);
  if (checkMs("maxMs", maxMs) >= minMs) return delay;
  throw new RangeError(`Cannot set delay to ${minMs}..${maxMs} ms: expected 0 or more, in order`);
}
