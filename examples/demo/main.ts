/**
 * A word index over real files, built by a cluster that loses a worker on the way.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a demo shows its output

import process from "node:process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as pul from "../../mod.ts";
import { Dispatch } from "./dispatch.ts";
import { Progress } from "./progress.ts";
import { changedFiles, findFiles, readPieces, skipReason } from "./scan.ts";
import type { Skipped, SourceFile } from "./scan.ts";
import { WordCounter } from "./word_counter.ts";
import { WordIndex } from "./word_index.ts";
import { Workers } from "./workers.ts";

const HELP = `deno task demo [DIR] [--no-kill]

Builds a word index of the text files below DIR (default: this repository) on three worker
processes, two of Deno and one of Bun, kills one of them half way, finishes anyway, and checks
the result against a plain count in one process. Folders named .git and node_modules are left out.

  --no-kill  let every worker live
  --help     show this text

Exit codes: 0 confirmed, 1 failed, 2 unusable arguments, 130 interrupted.`;

/** What was asked for makes no sense. */
class UsageError extends Error {}

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const SHOWN = 10;

async function main(root: string, mayKill: boolean, workers: Workers): Promise<void> {
  const skipped: Skipped = new Map();
  const files = await findFiles(root, skipped).catch((error) => {
    throw new UsageError(`Cannot index "${printable(root)}": ${skipReason(error) ?? error}`);
  });
  if (files.length === 0) {
    showSkipped(skipped);
    throw new UsageError(`Cannot index "${printable(root)}": it contains no files`);
  }
  console.log(`${printable(root)}: ${files.length} files, ${mebibytes(files)} MiB`);

  console.log("starting two workers of Deno and one of Bun");
  const system = await pul.actorSystem({ addr: "127.0.0.1:0", logger: pul.silentLogger });
  const startedAt = performance.now();
  await workers.start(system);
  console.log(
    `cluster of ${system.members().length} nodes is up after ${secondsSince(startedAt)} s`,
  );
  const clusterAt = performance.now();
  const index = await countOnCluster(files, skipped, workers, mayKill);
  const clusterTime = secondsSince(clusterAt);
  const plainAt = performance.now();
  const plainSkipped: Skipped = new Map();
  const plain = await countHere(files, plainSkipped);
  const plainTime = secondsSince(plainAt);
  showSkipped(skipped);
  await check(index, plain, files, skipped, plainSkipped);
  for (const { term, count, files } of index.top(SHOWN)) {
    console.log(`${String(count).padStart(10)}  ${term}  (in ${files} files)`);
  }
  console.log(`cluster: ${clusterTime} s, one process: ${plainTime} s`);
  await system.shutdown();
}

async function countOnCluster(
  files: readonly SourceFile[],
  skipped: Skipped,
  { ready }: Workers,
  mayKill: boolean,
): Promise<WordIndex> {
  let mustKill = mayKill;
  const killOnce = () => {
    if (!mustKill || progress.share < 0.5) return;
    mustKill = false;
    const victim = ready.reduce((a, b) => b.inFlightBytes > a.inFlightBytes ? b : a);
    progress.say(`kill -9 ${victim.name}, which works on ${victim.inFlight} jobs`);
    victim.kill();
  };
  const dispatch: Dispatch = new Dispatch(files, skipped, {
    sent: killOnce,
    lost: ({ name }, { kind }) => progress.say(`${name} is lost (${kind}), others do its jobs`),
  });
  using progress = new Progress(files, dispatch, ready);
  await dispatch.run(ready);
  if (mayKill) progress.say(`jobs done again by others: ${dispatch.redone}`);
  if (mustKill) progress.say("no worker was killed: there was nothing to send");
  return dispatch.index;
}

async function countHere(files: readonly SourceFile[], skipped: Skipped): Promise<WordIndex> {
  const index = new WordIndex();
  for (const file of files) {
    try {
      const counter = new WordCounter();
      for await (const piece of readPieces(file)) counter.add(piece);
      index.add(file.index, counter.end());
    } catch (error) {
      const reason = skipReason(error);
      if (reason === undefined) throw error;
      skipped.set(file.path, reason);
    }
  }
  return index;
}

async function check(
  index: WordIndex,
  plain: WordIndex,
  files: readonly SourceFile[],
  skipped: Skipped,
  plainSkipped: Skipped,
): Promise<void> {
  const changed = await changedFiles(files);
  for (const file of files) {
    if (changed.has(file.index) || skipped.has(file.path) === plainSkipped.has(file.path)) continue;
    throw new Error(`Cannot confirm the index: "${printable(file.path)}" was left out only once`);
  }
  const difference = index.differenceTo(plain, changed);
  if (difference !== undefined) throw new Error(`Cannot confirm the index: ${difference}`);
  const except = changed.size > 0 ? `, but for ${changed.size} files that changed meanwhile` : "";
  console.log(`confirmed: ${index.size} terms, the same as counted in one process${except}`);
}

function showSkipped(skipped: Skipped): void {
  if (skipped.size === 0) return;
  console.log(`left out: ${skipped.size} files`);
  for (const [path, why] of [...skipped].slice(0, SHOWN)) {
    console.log(`  ${printable(path)}: ${why}`);
  }
  if (skipped.size > SHOWN) console.log(`  and ${skipped.size - SHOWN} more`);
}

/** A path as one line, whatever is in it. */
function printable(path: string): string {
  return path.replace(/\p{C}/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}

function mebibytes(files: readonly SourceFile[]): string {
  return (files.reduce((sum, { bytes }) => sum + bytes, 0) / 1_048_576).toFixed(1);
}

function secondsSince(startedAt: number): string {
  return ((performance.now() - startedAt) / 1_000).toFixed(2);
}

function argumentsOf(args: readonly string[]): { help: boolean; noKill: boolean; dir?: string } {
  const flags = { "no-kill": { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: flags,
      allowPositionals: true,
    });
    const [dir, ...more] = positionals;
    if (more.length > 0) throw new Error(`Cannot use ${positionals.length} folders: one is enough`);
    return { help: values.help === true, noKill: values["no-kill"] === true, dir };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\nSee deno task demo --help`);
  }
}

async function run(): Promise<number> {
  const { help, noKill, dir } = argumentsOf(process.argv.slice(2));
  if (help) return console.log(HELP), 0;
  using workers = new Workers();
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    process.on(signal, () => (workers[Symbol.dispose](), process.exit(code)));
  }
  await main(resolve(dir ?? REPOSITORY), !noKill, workers);
  return 0;
}

process.exit(
  await run().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return error instanceof UsageError ? 2 : 1;
  }),
);
