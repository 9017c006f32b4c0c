/**
 * Starts programs on the runtime that the tests do not run on.
 */

import {
  ChildProcess,
  ownRuntime,
  type Runtime,
  runtimeCommand,
} from "../lib/testing/child_process.ts";

/** The runtime that the tests do not run on. */
export const otherRuntime: Runtime = ownRuntime === "deno" ? "bun" : "deno";

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
  runtime: Runtime,
  script: URL,
  args: readonly string[] = [],
): Promise<ReadyChild> {
  const first = Promise.withResolvers<string>();
  const onLine = (line: string, stream: "stdout" | "stderr") => {
    if (stream === "stdout") first.resolve(line);
    // deno-lint-ignore no-console -- what went wrong in the script
    else console.error(line);
  };
  const child = new ChildProcess({ command: await runtimeCommand(runtime), script, args, onLine });
  void child.ended.then((how) =>
    first.reject(new Error(`Cannot read a line: the script ended ${how}`))
  );
  return {
    pid: child.pid,
    line: await first.promise,
    kill: () => child.signal("SIGKILL"),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
