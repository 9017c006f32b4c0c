/**
 * Starts programs on the runtime that the tests do not run on.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { runtime } from "./harness.ts";

/** Versions that are fetched when the other runtime is not on the PATH. */
const PINNED = { deno: "deno@2.9.6", bun: "bun@1.4.5" } as const;

/** A runtime of the two. */
export type Runtime = keyof typeof PINNED;

/** The runtime that the tests do not run on. */
export const otherRuntime: Runtime = runtime === "deno" ? "bun" : "deno";

/** How a script is started on a runtime. */
export function runtimeCommand(wanted: Runtime): { command: string; args: string[] } {
  const args = wanted === "deno" ? ["run", "-A"] : ["run"];
  if (wanted === runtime) return { command: process.execPath, args };
  const isThere = spawnSync(wanted, ["--version"], { stdio: "ignore" }).status === 0;
  if (isThere) return { command: wanted, args };
  return { command: "npx", args: ["-y", PINNED[wanted], ...args] };
}

/** A child process that said it is ready. */
export interface ReadyChild extends AsyncDisposable {
  readonly pid: number;
  /** The first line it printed. */
  readonly line: string;
  /** Ends it at once, as a crash would. */
  kill(): void;
}

/** Starts a script and waits for its first line. */
export async function startScript(
  wanted: Runtime,
  script: URL,
  args: readonly string[] = [],
): Promise<ReadyChild> {
  const { command, args: before } = runtimeCommand(wanted);
  const child = spawn(command, [...before, script.pathname, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const kill = () => {
    // Not child.kill: on Deno its second signal is not sent.
    if (child.exitCode === null && child.pid !== undefined) safeKill(child.pid);
  };
  const line = await firstLine(child);
  return {
    pid: child.pid ?? 0,
    line,
    kill,
    async [Symbol.asyncDispose]() {
      kill();
      await ended;
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk) => {
      text += String(chunk);
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.once("error", reject);
    child.once(
      "close",
      (code) => reject(new Error(`Cannot read a line: the script ended, ${code}`)),
    );
  });
}

function safeKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
