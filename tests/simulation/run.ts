/**
 * Runs the scenarios of the simulation over many seeds.
 *
 * ```sh
 * deno task sim --seeds 200
 * deno task sim --scenario "swizzle-clog" --first 17 --seeds 1    # one seed again
 * bun run tests/simulation/run.ts --seeds 20
 * ```
 *
 * Prints a line for each scenario: its seeds, the time of the clusters and the time it took. The
 * first seed that fails ends its scenario, with the end of its history; the others are still run.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a command-line tool

import process from "node:process";
import { parseArgs } from "node:util";
import { runScenario, type Scenario, seedsOf } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

const HELP = `Runs the scenarios of the simulation over many seeds.

  --seeds N          how many seeds of each scenario (default 20); slow ones run the share of
                     them that --list shows, one at least
  --first S          the first seed (default 1)
  --scenario "name"  only this one, also as a line of --list; may be given several times
  --list             names the scenarios: what each promises, and its share of the seeds
  --report           measures the promises of the cluster and prints them as a table; takes minutes
  -h, --help         this text

Ends with code 1 when a seed fails, and says how to run it again; with code 2 when it is
called wrongly.`;

/** How many names are suggested for one that is not there. */
const MAX_SUGGESTED = 3;

/** A command line that cannot be followed. */
class UsageError extends Error {}

interface Command {
  readonly seeds: number;
  readonly first: number;
  readonly scenarios: readonly Scenario[];
  readonly only: "list" | "help" | "report" | undefined;
}

try {
  process.exitCode = await main(readCommand(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\nSee --help for all options`);
  process.exitCode = 2;
}

async function main({ seeds, first, scenarios, only }: Command): Promise<number> {
  if (only === "help") {
    console.log(HELP);
    return 0;
  }
  if (only === "list") {
    for (const scenario of scenarios) console.log(lineOf(scenario));
    return 0;
  }
  if (only === "report") return await printReport();
  const start = performance.now();
  let failed = 0;
  let virtualMs = 0;
  console.log(row("scenario", "seeds", "virtual s", "real s"));
  for (const scenario of scenarios) {
    const took = await runOne(scenario, { seeds, first });
    if (took === undefined) failed++;
    else virtualMs += took;
  }
  const count = `${scenarios.length} scenarios`;
  console.log(row(count, "", inSeconds(virtualMs), inSeconds(performance.now() - start)));
  console.log(failed === 0 ? "all scenarios held" : `${failed} scenarios failed, see above`);
  return failed === 0 ? 0 : 1;
}

/** Tells each measurement as it is known, then all of them as a table. */
async function printReport(): Promise<number> {
  const { asTable, report } = await import("./report.ts");
  const rows = await report(({ what, measured, isMet }) =>
    console.error(`${isMet ? "met" : "NOT MET"}: ${what}: ${measured}`)
  );
  console.log(asTable(rows));
  return rows.every(({ isMet }) => isMet) ? 0 : 1;
}

/** Runs one scenario; how much virtual time it took, `undefined` when a seed failed. */
async function runOne(
  scenario: Scenario,
  { seeds, first }: { readonly seeds: number; readonly first: number },
): Promise<number | undefined> {
  const { name } = scenario;
  const count = seedsOf(scenario, seeds);
  const start = performance.now();
  try {
    const { virtualMs } = await runScenario(scenario, { seeds, first }, (seed) => {
      progress(`${name}: seed ${seed}, ${seed - first + 1} of ${count}`);
    });
    progress("");
    const realMs = performance.now() - start;
    console.log(row(name, String(count), inSeconds(virtualMs), inSeconds(realMs)));
    return virtualMs;
  } catch (error) {
    progress("");
    console.error(`\n${error instanceof Error ? error.message : error}`);
    if (error instanceof Error && error.cause instanceof Error) console.error(error.cause.stack);
    console.error("");
    return undefined;
  }
}

/** Shows what is under way in the last line of a terminal; nothing elsewhere. */
function progress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`);
}

function row(name: string, seeds: string, virtual: string, real: string): string {
  return `${name.padEnd(48)} ${seeds.padStart(6)} ${virtual.padStart(10)} ${real.padStart(8)}`;
}

function inSeconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

function readCommand(args: readonly string[]): Command {
  const { seeds, first, scenario, list, report, help } = parse(args);
  return {
    seeds: readCount("seeds", seeds ?? "20"),
    first: readCount("first", first ?? "1"),
    scenarios: scenario === undefined ? SCENARIOS : scenario.map(find),
    only: help ? "help" : list ? "list" : report ? "report" : undefined,
  };
}

function parse(args: readonly string[]) {
  try {
    const options = {
      seeds: { type: "string" },
      first: { type: "string" },
      scenario: { type: "string", multiple: true },
      list: { type: "boolean" },
      report: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new UsageError(text.split(". ")[0]); // the rest is about arguments with a dash
  }
}

/** A scenario as it is listed. */
function lineOf({ name, promise, share = 1 }: Scenario): string {
  const part = share < 1 ? ` (${Math.round(share * 1_000) / 10} % of the seeds)` : "";
  return `${name}: ${promise}${part}`;
}

function find(text: string): Scenario {
  const linesOf = (one: Scenario) => [one.name, `${one.name}: ${one.promise}`, lineOf(one)];
  const scenario = SCENARIOS.find((candidate) => linesOf(candidate).includes(text));
  if (scenario !== undefined) return scenario;
  const close = closeTo(text).map((name) => `"${name}"`).join(", ");
  const hint = close === "" ? "--list shows all" : `did you mean ${close}`;
  throw new UsageError(`Cannot find scenario "${text}": ${hint}`);
}

/** The names that have words in common with a text, those with most of them first. */
function closeTo(text: string): readonly string[] {
  const words = wordsOf(text);
  const isAlike = (one: string, other: string) => one.startsWith(other) || other.startsWith(one);
  const rank = ({ name }: Scenario) => {
    return wordsOf(name).filter((word) => words.some((other) => isAlike(word, other))).length;
  };
  return SCENARIOS.filter((scenario) => rank(scenario) > 0)
    .toSorted((one, other) => rank(other) - rank(one))
    .slice(0, MAX_SUGGESTED).map(({ name }) => name);
}

/** Words of three letters or more: the short ones are in every name. */
function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().split(/[^a-z0-9]+/).filter((word) => word.length > 2);
}

function readCount(option: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new UsageError(`Cannot set --${option} to "${text}": expected a number above 0`);
}
