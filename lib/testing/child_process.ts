/**
 * A script that runs in a process of its own, on either runtime.
 *
 * Reads the world: it starts processes, signals them and reads their output. Imported only where a
 * `ProcessCluster` starts, so that the rest of the test kit stays free of it.
 *
 * @module
 */

import { type ChildProcess as Child, execFile, spawn } from "node:child_process";
import process from "node:process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { PulsingRuntimeError } from "../errors.ts";

/** A runtime that can execute a script. */
export type Runtime = "deno" | "bun";

/** Versions that npx fetches when a runtime is not on the PATH. */
export type RuntimeVersions = Readonly<Record<Runtime, string>>;

/** An executable, and what comes before the script. */
export interface RuntimeCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** What a process is started with. */
export interface ChildOptions {
  readonly command: RuntimeCommand;
  readonly script: URL;
  readonly args?: readonly string[];
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Takes its output line by line, as it comes. */
  onLine(line: string, stream: "stdout" | "stderr"): void;
}

/** Signals for a process: asked to end, ended, stopped where it is, and going on. */
export type Signal = "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT";

/** The versions that are tested. */
const TESTED_VERSIONS: RuntimeVersions = { deno: "2.9.6", bun: "1.4.5" };

const RUN: Readonly<Record<Runtime, readonly string[]>> = { deno: ["run", "-A"], bun: ["run"] };

/** What makes a runtime say where its executable is. */
const PRINT_PATH: Readonly<Record<Runtime, readonly string[]>> = {
  deno: ["eval", "console.log(Deno.execPath())"],
  bun: ["-e", "console.log(process.execPath)"],
};

/** Characters of a line without an end that are held; above, they are passed on as a line. */
const MAX_LINE_LENGTH = 65_536;

/** The runtime that executes this file. */
export const ownRuntime: Runtime = "Bun" in globalThis ? "bun" : "deno";

const commands = new Map<string, Promise<RuntimeCommand>>();

/**
 * How a script is started on a runtime.
 *
 * It is the executable itself, found once, never a program in front of it: signals must reach the
 * script's process, and 12 processes must start in the time of 12 and not of 24.
 *
 * @param runtime Which one; for the runtime of this process it is the executable of this process.
 * @param versions What npx fetches when the other one is not on the PATH.
 * @throws {PulsingRuntimeError} kind `"unsupported"`: it was not found.
 */
export function runtimeCommand(
  runtime: Runtime,
  versions: Partial<RuntimeVersions> = {},
): Promise<RuntimeCommand> {
  const version = versions[runtime] ?? TESTED_VERSIONS[runtime];
  const wanted = `${runtime}@${version}`;
  const found = commands.get(wanted) ?? find(runtime, wanted);
  commands.set(wanted, found);
  found.catch(() => commands.delete(wanted)); // whoever asked is told
  return found;
}

async function find(runtime: Runtime, wanted: string): Promise<RuntimeCommand> {
  const args = RUN[runtime];
  if (runtime === ownRuntime) return { command: process.execPath, args };
  const onPath = await printedBy(runtime, PRINT_PATH[runtime]);
  const command = onPath ?? await printedBy("npx", ["-y", wanted, ...PRINT_PATH[runtime]]);
  if (command !== undefined) return { command, args };
  throw new PulsingRuntimeError(
    `Cannot find the runtime "${runtime}": it is not on the PATH and "npx -y ${wanted}" failed`,
    { kind: "unsupported" },
  );
}

/** What a program prints; `undefined` when it does not run. */
function printedBy(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout) => {
      resolve(error === null ? String(stdout).trim() : undefined);
    });
  });
}

/** A process that this one started; disposing of it ends it. */
export class ChildProcess implements AsyncDisposable {
  /** How it ended, in words for "it ended …", once its output has been read to the end. */
  readonly ended: Promise<string>;
  readonly #child: Child;

  constructor({ command, script, args = [], env = {}, onLine }: ChildOptions) {
    const child = this.#child = spawn(
      command.command,
      [...command.args, fileURLToPath(script), ...args],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } },
    );
    readLines(child.stdout, (line) => onLine(line, "stdout"));
    readLines(child.stderr, (line) => onLine(line, "stderr"));
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(`before it began: ${error.message}`));
      child.once("close", (code, signal) => resolve(signal ? `by ${signal}` : `with code ${code}`));
    });
  }

  /** Its process id; 0 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends a signal; does nothing when it has ended. */
  signal(name: Signal): void {
    const { exitCode, pid, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      process.kill(pid, name); // not child.kill: on Deno its second signal is not sent
    } catch {
      // it ended just now
    }
  }

  /** Ends it at once, as a crash would. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }
}

/** The id of this process, by which its children know whether it is still there. */
export function ownPid(): number {
  return process.pid;
}

/** Writes a line of a child's output to the same stream of this process. */
export function passOn(line: string, stream: "stdout" | "stderr"): void {
  process[stream].write(`${line}\n`);
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
    if (rest.length <= MAX_LINE_LENGTH) return;
    onLine(rest);
    rest = "";
  });
  stream.once("end", () => {
    if (rest !== "") onLine(rest);
  });
}
