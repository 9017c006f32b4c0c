/**
 * Runs a scenario over many seeds.
 *
 * @module
 */

import { type History, type HistoryEntry, lineOf } from "./history.ts";
import { checkNames } from "../option_names.ts";
import { checkCount } from "./arguments.ts";
import { DISPOSED, TestCluster } from "./test_cluster.ts";
import type { TestClusterOptions } from "./test_cluster_options.ts";

/** Options of {@link simulate}. */
export interface SimulateOptions {
  /** How many seeds. */
  readonly seeds: number;
  /**
   * The first one.
   *
   * @default 1
   */
  readonly first?: number;
  /** What is simulated, shown when it fails. */
  readonly name?: string;
  /**
   * Gives the command that runs one seed again, shown when it fails.
   *
   * @default the options of `simulate` that do
   */
  readonly replay?: (seed: number) => string;
}

/** One run of one seed. */
export interface SimulationRun {
  /** Decides everything that is random in this run. */
  readonly seed: number;
  /**
   * Starts a cluster of the seed, whose history is shown when the run fails: up to its disposal.
   *
   * @param size How many nodes.
   * @param options As for {@link TestCluster.start}.
   * @returns The cluster; it is disposed at the end of the run at the latest.
   */
  start(size: number, options?: Omit<TestClusterOptions, "seed">): Promise<TestCluster>;
  /** Names another history to be shown when the run fails. */
  show(history: History): void;
}

const SHOWN_LINES = 40;
const OPTION_NAMES: ReadonlySet<string> = new Set<keyof SimulateOptions>([
  "seeds",
  "first",
  "name",
  "replay",
]);

/**
 * Runs a scenario once for each seed, one after the other, up to the first that fails.
 *
 * @param options Which seeds.
 * @param body The scenario; it fails by throwing.
 * @throws {Error} When a run fails: the message has the seed, the end of the history and how to
 * run it again, the cause is what the run threw.
 * @throws {TypeError | RangeError} When an option is unknown or malformed.
 *
 * @example A scenario over three seeds
 * ```ts
 * import { atMostOnce, simulate } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * await simulate({ seeds: 3, name: "leave" }, async (_seed, run) => {
 *   await using cluster = await run.start(3);
 *   await cluster.stop(1);
 *   const isLeft = () => cluster.at(0).system.members().some(({ status }) => status === "left");
 *   await cluster.until(isLeft, { withinMs: 5_000 });
 *   assert.deepEqual(atMostOnce(cluster.history.entries), []);
 * });
 *
 * const broken = simulate({ seeds: 3, first: 17 }, (seed) => assert.notEqual(seed, 18));
 * await assert.rejects(broken, /simulate\(\{ first: 18, seeds: 1 \}, …\)/);
 * ```
 */
export async function simulate(
  options: SimulateOptions,
  body: (seed: number, run: SimulationRun) => void | Promise<void>,
): Promise<void> {
  checkNames("the simulation", options, OPTION_NAMES);
  const { seeds, first = 1 } = options;
  checkCount("seeds", seeds, 1);
  checkCount("first", first, 0);
  for (let seed = first; seed < first + seeds; seed++) {
    let history: (() => History) | undefined;
    const clusters: TestCluster[] = [];
    const end = async () => {
      for (const cluster of clusters) await cluster[Symbol.asyncDispose]();
    };
    const run: SimulationRun = {
      seed,
      start: async (size, options = {}) => {
        const cluster = await TestCluster.start(size, { ...options, seed });
        clusters.push(cluster);
        history = () => cluster.history;
        return cluster;
      },
      show: (shown) => void (history = () => shown),
    };
    try {
      await body(seed, run);
      await end();
    } catch (error) {
      const failure = failed(options, seed, error, history?.());
      await end().catch(() => {}); // what came first is told
      throw failure;
    }
  }
}

function failed(
  { name = "the scenario", replay = replayText }: SimulateOptions,
  seed: number,
  cause: unknown,
  history: History | undefined,
): Error {
  const why = cause instanceof Error ? cause.message : String(cause);
  const text = [
    `Cannot simulate ${name}: seed ${seed} failed: ${why}`,
    ...(history === undefined ? [] : [`the last of what happened:\n${endOf(history)}`]),
    `run it again with ${replay(seed)}`,
  ];
  return new Error(text.join("\n"), { cause });
}

/** The last lines of a history before its cluster was disposed: that is after what went wrong. */
function endOf({ entries }: History): string {
  const isDisposal = (entry: HistoryEntry) => entry.kind === "note" && entry.text === DISPOSED;
  const end = entries.findIndex(isDisposal);
  const shown = end === -1 ? entries : entries.slice(0, end);
  return shown.slice(-SHOWN_LINES).map((entry) => `${lineOf(entry)}\n`).join("");
}

function replayText(seed: number): string {
  return `simulate({ first: ${seed}, seeds: 1 }, …)`;
}
