/**
 * Runs the tests on Deno, then on Bun, and ends with one line that counts both.
 *
 * ```sh
 * deno task test        # both
 * deno task test:bun    # one of them
 * ```
 *
 * Needs no more than npm: a Bun of another version than the pinned one is left alone and the
 * right one is run through `npx`. A suite that does not start, runs nothing or ends badly without
 * a failed test counts as one failure.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a command-line tool

import { type Counts, readReport } from "./report.ts";

const BUN_VERSION = "1.4.5";
const TESTS = "./tests/";

type Suite = (report: string) => Promise<readonly string[]>;

const suites: Readonly<Record<string, Suite>> = {
  deno: (report) =>
    Promise.resolve([Deno.execPath(), "test", "-A", `--junit-path=${report}`, TESTS]),
  bun: async (report) => [
    ...await bunCommand(),
    ...["test", "--isolate", "--timeout", "60000"],
    ...["--reporter=junit", `--reporter-outfile=${report}`, TESTS],
  ],
};

const folder = await Deno.makeTempDir();
let passed = 0;
let failed = 0;
const skipped: string[] = [];
try {
  for (const name of Deno.args.length > 0 ? Deno.args : Object.keys(suites)) {
    const counts = await runSuite(name, `${folder}/${name}.xml`);
    passed += counts.passed;
    failed += counts.failed;
    skipped.push(...counts.skipped.map((test) => `skipped on ${name}: ${test}`));
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
console.log(["", ...skipped, `${passed} passed, ${failed} failed`].join("\n"));
Deno.exit(failed === 0 ? 0 : 1);

async function runSuite(name: string, report: string): Promise<Counts> {
  console.log(`\n----- ${name} -----`);
  const command = await suites[name]?.(report);
  if (command === undefined) throw new TypeError(`Cannot run tests: there is no suite "${name}"`);
  const code = await run(command);
  const counts = readReport(await Deno.readTextFile(report).catch(() => ""));
  const why = counts.passed + counts.failed === 0
    ? "it ran no test"
    : code !== 0 && counts.failed === 0
    ? `it ended with code ${code} and no failed test`
    : undefined;
  if (why === undefined) return counts;
  console.error(`\nCannot count ${name} as passed: ${why}`);
  return { ...counts, failed: counts.failed + 1 };
}

/** Runs a program with our own output; 127 when it cannot be started, as shells do. */
async function run([program = "", ...args]: readonly string[]): Promise<number> {
  try {
    return (await new Deno.Command(program, { args, stdin: "null" }).spawn().status).code;
  } catch (error) {
    console.error(error);
    return 127;
  }
}

async function bunCommand(): Promise<readonly string[]> {
  try {
    const { stdout } = await new Deno.Command("bun", { args: ["--version"] }).output();
    if (new TextDecoder().decode(stdout).trim() === BUN_VERSION) return ["bun"];
  } catch {
    // no Bun on the PATH
  }
  return ["npx", "-y", `bun@${BUN_VERSION}`];
}
