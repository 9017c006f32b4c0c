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
const BUN_VERSION = "1.4.5";
const RUNTIMES = { "deno-1": denoCommand, "deno-2": denoCommand, "bun-1": bunCommand };
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
    const commands = Object.entries(RUNTIMES);
    await Promise.all(commands.map(([name, command]) => this.#start(name, command(), system)));
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
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        reject(new Error(`Cannot use worker "${name}": it ended with ${signal ?? code}`));
      });
    });
    ended.catch(() => {}); // an end after the start shows in the worker's calls
    const found = Indexer.resolve(name, { system, timeoutMs: START_TIMEOUT_MS });
    const indexer = await Promise.race([found, ended]);
    this.#ready.push(new WorkerProcess(name, indexer, await indexer.pid()));
  }
}

function denoCommand(): readonly string[] {
  return ["bun" in process.versions ? "deno" : process.execPath, "run", "-A"];
}

function bunCommand(): readonly string[] {
  const isInstalled = spawnSync("bun", ["--version"], { stdio: "ignore" }).status === 0;
  return isInstalled ? ["bun", "run"] : ["npx", "-y", `bun@${BUN_VERSION}`, "run"];
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
