/**
 * Runs every bench on Deno and on Bun and prints one table for each runtime.
 *
 * ```sh
 * deno task bench                       # everything, about three minutes
 * deno task bench --runtime bun wire    # one runtime, one bench
 * deno task bench --rounds 2            # quicker, less sure
 * ```
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a command-line tool

import process from "node:process";
import { fileURLToPath } from "node:url";
import { isReached, requestedRounds, type Result, table } from "./harness.ts";
import { outputOf } from "./processes.ts";

const HELP = `deno task bench [--runtime deno|bun] [--rounds N] [--help] [topic ...]

  --runtime  only this runtime; both when absent
  --rounds   rounds of each comparison, the warm-up not counted; 5 when absent
  topic      local, costs, codec, wire, websocket; all when absent

A row is compared with the control above it in the same process. "ratio" is the median over the
rounds of rate / rate of the control, "spread" the lowest and highest of them.`;

const TOPICS = ["local", "costs", "codec", "wire", "websocket"] as const;
const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  deno: [process.execPath, "run", "-A"],
  bun: ["bun", "run"],
};

if (process.argv.includes("--help")) console.log(HELP);
else await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const rounds = requestedRounds(args);
  const results: Result[] = [];
  for (const runtime of requestedRuntimes(args)) {
    for (const topic of requestedTopics(args)) {
      const measured = await runBench(runtime, topic, rounds);
      console.log(`${table(`${runtime}: ${topic}`, measured)}\n`);
      results.push(...measured);
    }
  }
  const withTarget = results.filter(({ target }) => target !== undefined);
  console.log(`${withTarget.filter(isReached).length} of ${withTarget.length} targets reached`);
}

async function runBench(runtime: string, topic: string, rounds: number): Promise<Result[]> {
  const file = fileURLToPath(new URL(`${topic}_bench.ts`, import.meta.url));
  const command = [...RUNTIMES[runtime] ?? [], file, "--json", "--rounds", `${rounds}`];
  return JSON.parse(await outputOf(command)) as Result[]; // written by the harness
}

function requestedRuntimes(args: readonly string[]): readonly string[] {
  const at = args.indexOf("--runtime");
  if (at < 0) return Object.keys(RUNTIMES);
  const runtime = args[at + 1] ?? "";
  if (runtime in RUNTIMES) return [runtime];
  throw new TypeError(`Cannot run benches on "${runtime}": expected "deno" or "bun"`);
}

function requestedTopics(args: readonly string[]): readonly string[] {
  const asked = TOPICS.filter((topic) => args.includes(topic));
  return asked.length > 0 ? asked : TOPICS;
}
