/**
 * Child processes of a bench: same runtime, one message channel, never left behind.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** A program of `bench/` that runs in a process of its own. */
export class Peer implements AsyncDisposable {
  readonly #child: ChildProcess;
  #answered: PromiseWithResolvers<unknown> = Promise.withResolvers();

  /** Use {@link Peer.start}. */
  constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (message) => this.#answered.resolve(message));
    child.on("error", (error) => this.#answered.reject(error));
    child.on("exit", (code) => {
      this.#answered.reject(new Error(`Cannot go on: a bench process ended with code ${code}`));
    });
  }

  /**
   * Starts a program on the runtime this process runs on.
   *
   * @param file Its name in `bench/`.
   * @param args Its arguments.
   * @returns The process and the first message it sent.
   */
  static async start<T>(file: string, args: readonly string[]): Promise<{ peer: Peer; ready: T }> {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const child = spawn(process.execPath, [...runArgs(), path, ...args], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const peer = new Peer(child);
    return { peer, ready: await peer.#answered.promise as T }; // the program says what it sends
  }

  /** Sends a message and waits for the one message that answers it. */
  async ask<T>(message: string): Promise<T> {
    this.#answered = Promise.withResolvers();
    this.#child.send(message);
    return await this.#answered.promise as T; // the program says what it sends
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child);
  }
}

/**
 * Runs a program to its end.
 *
 * @param command The program and its arguments.
 * @returns What it printed; its error output goes to ours.
 * @throws {Error} It ended with another code than 0.
 */
export async function outputOf([program = "", ...args]: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const code = Promise.withResolvers<number | null>();
    child.on("error", code.reject);
    child.on("close", code.resolve);
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => output += text);
    if (await code.promise === 0) return output;
    throw new Error(`Cannot run "${args.at(-1)}": it ended with code ${await code.promise}`);
  } finally {
    await end(child);
  }
}

/** What stands between the runtime's own name and the file to run. */
function runArgs(): readonly string[] {
  return "bun" in process.versions ? ["run"] : ["run", "-A"];
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  process.kill(child.pid, "SIGKILL");
  await ended;
}
