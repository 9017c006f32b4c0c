/**
 * The worker processes: started, found by name, killed, never left behind.
 *
 * @module
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type * as pul from "../../mod.ts";
import { Indexer, type IndexerProxy } from "./worker.ts";

const PROGRAM = fileURLToPath(new URL("worker.ts", import.meta.url));
const WORKERS = { "deno-1": "deno", "deno-2": "deno", "bun-1": "bun" } as const;
// What npx fetches where the runtime is not on the PATH.
const PACKAGES = { deno: "deno@2.9.6", bun: "bun@1.4.5" } as const;
// The first start may have to download Bun.
const START_TIMEOUT_MS = 120_000;

/** One worker process and the actor in it. */
export class WorkerProcess {
  /** Its name, also that of its actor. */
  readonly name: string;
  /** Its actor. */
  readonly indexer: IndexerProxy;
  /** Work it has now. */
  inFlight = 0;
  /** Bytes it was sent for the work it has now. */
  inFlightBytes = 0;
  /** It is gone, and its work is others' now. */
  isLost = false;
  readonly #pid: number;

  /** Use {@link Workers.start}. */
  constructor(name: string, indexer: IndexerProxy, pid: number) {
    this.name = name;
    this.indexer = indexer;
    this.#pid = pid;
  }

  /** Ends the process with `kill -9`. */
  kill(): void {
    kill(this.#pid);
  }
}

/** All worker processes; ends them when it is disposed. */
export class Workers implements Disposable {
  readonly #children: ChildProcess[] = [];
  readonly #ready: WorkerProcess[] = [];

  /** Those that were started completely. */
  get ready(): readonly WorkerProcess[] {
    return this.#ready;
  }

  /**
   * Starts the processes and waits until each one's actor is found.
   *
   * @throws {Error} A process ended or did not join in time.
   */
  async start(system: pul.ActorSystem): Promise<void> {
    const commands = { deno: commandOf("deno"), bun: commandOf("bun") };
    const workers = Object.entries(WORKERS);
    await Promise.all(workers.map(([name, of]) => this.#start(name, commands[of], system)));
  }

  /** Ends every process; safe to call at any time and again. */
  [Symbol.dispose](): void {
    for (const worker of this.#ready) worker.kill();
    for (const child of this.#children) {
      child.stdin?.destroy(); // ends a worker that a launcher started and that is not known yet
      if (child.exitCode === null && child.signalCode === null) kill(child.pid);
    }
  }

  async #start(name: string, command: readonly string[], system: pul.ActorSystem): Promise<void> {
    const [program = "", ...args] = command;
    const child = spawn(program, [...args, PROGRAM, name, `${system.addr}`], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    this.#children.push(child);
    child.stdin?.on("error", () => {}); // the worker may end before the pipe is closed
    const ended = new Promise<never>((_, reject) => {
      const fail = (why: string) => reject(new Error(`Cannot use worker "${name}": ${why}`));
      child.once("error", (error) => fail(`"${program}" does not start, ${error.message}`));
      child.once("exit", (code, signal) => fail(`it ended with ${signal ?? code}`));
    });
    ended.catch(() => {}); // an end after the start shows in the worker's calls
    const found = Indexer.resolve(name, { system, timeoutMs: START_TIMEOUT_MS });
    const indexer = await Promise.race([found, ended]);
    this.#ready.push(new WorkerProcess(name, indexer, await indexer.pid()));
  }
}

function commandOf(runtime: keyof typeof PACKAGES): readonly string[] {
  const run = runtime === "deno" ? ["run", "-A"] : ["run"];
  if (runtime in process.versions) return [process.execPath, ...run];
  const isInstalled = spawnSync(runtime, ["--version"], { stdio: "ignore" }).status === 0;
  return isInstalled ? [runtime, ...run] : ["npx", "-y", PACKAGES[runtime], ...run];
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
