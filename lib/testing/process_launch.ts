/**
 * How the processes of a `ProcessCluster` are launched.
 *
 * @module
 */

import { checkNames } from "../option_names.ts";
import type { ChildProcess, Runtime, RuntimeVersions } from "./child_process.ts";
import type { TestNodeOptions } from "./join_test_cluster.ts";
import { type NodeTicket, TICKET_VARIABLE, writeTicket } from "./node_ticket.ts";

/** What a process cluster is made of. */
export interface ProcessClusterOptions {
  /** What every process runs; it calls `joinTestCluster`. */
  readonly script: URL;
  /** One process each. */
  readonly runtimes: readonly Runtime[];
  /**
   * Arguments of the script.
   *
   * @default none
   */
  readonly args?: readonly string[];
  /** Options of the test's own node. */
  readonly system?: TestNodeOptions;
  /**
   * How long a process may take to join and to be seen by all, in milliseconds.
   *
   * @default 30_000
   */
  readonly startTimeoutMs?: number;
  /**
   * How long a process may take to end when asked to, in milliseconds; then it is killed.
   *
   * @default 10_000
   */
  readonly stopTimeoutMs?: number;
  /**
   * Takes what the scripts print, line by line.
   *
   * @default to the same stream of the test, as `[node 2] line`
   */
  readonly output?: (line: string, index: number) => void;
  /**
   * What npx fetches when the other runtime is not on the PATH.
   *
   * @default the versions this package is tested with
   */
  readonly versions?: Partial<RuntimeVersions>;
  /** Ends the start; nothing is left of the cluster then. */
  readonly signal?: AbortSignal;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof ProcessClusterOptions>([
  "script",
  "runtimes",
  "args",
  "system",
  "startTimeoutMs",
  "stopTimeoutMs",
  "output",
  "versions",
  "signal",
]);

/** Options of the test's node that the cluster decides. */
const DECIDED = ["addr", "advertise", "cluster", "joinTimeoutMs", "seeds"];

/** Where a line of output was printed. */
export type OutputStream = "stdout" | "stderr";

/** Starts a process; `addr` is where its node is to listen. */
export type Launch = (
  addr: string,
  onLine: (line: string, stream: OutputStream) => void,
) => ChildProcess;

/**
 * Finds what is needed to start a process; from then on it starts at once.
 *
 * @throws {PulsingRuntimeError} kind `"unsupported"`: the runtime was not found.
 */
export async function prepareLaunch(
  runtime: Runtime,
  { args = [], script, versions }: ProcessClusterOptions,
  ticket: Omit<NodeTicket, "addr" | "parentPid">,
): Promise<Launch> {
  const { ChildProcess, ownPid, runtimeCommand } = await import("./child_process.ts");
  const command = await runtimeCommand(runtime, versions);
  return (addr, onLine) => {
    const text = writeTicket({ ...ticket, addr, parentPid: ownPid() });
    return new ChildProcess({ command, script, args, env: { [TICKET_VARIABLE]: text }, onLine });
  };
}

/** @throws {TypeError} An option is unknown or is the cluster's, or there is no such runtime. */
export function checkOptions(options: ProcessClusterOptions): void {
  checkNames("the process cluster", options, OPTION_NAMES);
  const { runtimes, system = {} } = options;
  for (const runtime of runtimes) checkRuntime(runtime);
  for (const name of DECIDED) {
    if (!(name in system)) continue;
    throw new TypeError(`Cannot set option "${name}" of the test's node: the cluster decides it`);
  }
}

/** @throws {TypeError} There is no such runtime. */
export function checkRuntime(runtime: Runtime): void {
  if (runtime === "deno" || runtime === "bun") return;
  throw new TypeError(`Cannot start a process on "${runtime}": expected "deno" or "bun"`);
}
