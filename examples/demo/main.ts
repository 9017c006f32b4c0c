// deno-lint-ignore-file no-console -- a demo shows what it does
/** Builds a word index of a folder on three worker processes, one of which is lost on the way. */

import { resolve } from "node:path";
import process from "node:process";
import * as pul from "../../mod.ts";
import { indexOnWorkers } from "./coordinator.ts";
import { Progress } from "./progress.ts";
import { listFiles, readPieces, type SkippedFile, type TextFile } from "./scan.ts";
import { countWords, WordIndex } from "./word_index.ts";
import { startWorkers, type Worker } from "./workers.ts";

const HELP = `deno task demo [DIR] [--no-kill]

Counts the words of the text files below DIR (default: this repository) on a cluster of three
worker processes, two on Deno and one on Bun, and compares with a plain count in one process.

  --no-kill   do not end one worker with kill -9 half way
  --help      show this`;

const KILL_LOOK_MS = 5;
const SHOWN_SKIPS = 10;

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes("--help")) return console.log(HELP);
  const unknown = args.find((arg) => arg.startsWith("-") && arg !== "--no-kill");
  if (unknown !== undefined) throw new Error(`unknown option ${unknown}, see --help`);
  const repository = new URL("../..", import.meta.url).pathname;
  const folder = resolve(args.find((arg) => !arg.startsWith("-")) ?? repository);

  const skipped: SkippedFile[] = [];
  const files = await listFiles(folder, skipped);
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  console.log(`${files.length} text files, ${mib(bytes)} MiB below ${folder}`);

  await using system = await pul.actorSystem({ addr: "127.0.0.1:0" });
  const workers = await startWorkers(system);
  console.log(
    `cluster of ${system.members().length} nodes: ${workers.map((w) => w.name).join(", ")}`,
  );

  const progress = new Progress(workers, files.length, bytes);
  const index = new WordIndex();
  const start = performance.now();
  const killer = args.includes("--no-kill") ? undefined : killHalfWay(workers, progress, bytes);
  const { notText, repeated } = await indexOnWorkers(files, workers, index, progress)
    .finally(() => clearInterval(killer));
  const clusterMs = performance.now() - start;
  progress.stop();
  for (const id of notText) skipped.push({ path: files[id]?.path ?? "", why: "not UTF-8" });
  report(skipped);

  const plain = new WordIndex();
  const plainStart = performance.now();
  for (const file of files) await countFile(file, plain);
  const plainMs = performance.now() - plainStart;
  if (!index.equals(plain)) throw new Error("the index differs from the plain count");

  console.log(`\nthe index equals the plain count: ${index.size} terms; the ten most frequent:`);
  for (const { term, count, files } of index.top(10)) {
    console.log(`  ${term.padEnd(20)} ${String(count).padStart(9)} times in ${files} files`);
  }
  console.log(
    `\ncluster ${seconds(clusterMs)}, one process ${seconds(plainMs)}, calls repeated: ${repeated}`,
  );
  for (const worker of workers) worker.kill();
}

function killHalfWay(
  workers: readonly Worker[],
  progress: Progress,
  bytes: number,
): ReturnType<typeof setInterval> {
  const timer = setInterval(() => {
    if (progress.sent * 2 < bytes) return;
    const busiest = [...workers].sort((a, b) => b.inFlight - a.inFlight)[0];
    if (busiest === undefined || busiest.inFlight === 0) return;
    clearInterval(timer);
    progress.say(`kill -9 ${busiest.name} with ${busiest.inFlight} calls in flight`);
    busiest.kill();
  }, KILL_LOOK_MS);
  return timer;
}

async function countFile({ id, path }: TextFile, index: WordIndex): Promise<void> {
  const counts = await countWords(readPieces(path));
  if (counts !== undefined) index.add(id, counts);
}

function report(skipped: readonly SkippedFile[]): void {
  if (skipped.length === 0) return;
  console.log(`skipped ${skipped.length} files:`);
  for (const { path, why } of skipped.slice(0, SHOWN_SKIPS)) console.log(`  ${path}: ${why}`);
  if (skipped.length > SHOWN_SKIPS) console.log(`  and ${skipped.length - SHOWN_SKIPS} more`);
}

function mib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`demo failed: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
