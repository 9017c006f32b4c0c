/**
 * Runs every numbered example on Deno and on Bun and compares what it prints with
 * `expected/<name>.txt`.
 *
 * ```sh
 * deno task examples
 * ```
 *
 * A Bun of another version than the pinned one is left alone and the right one is run through
 * `npx`. Ends with code 1 when an example prints something else or does not end well.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a command-line tool

const BUN_VERSION = "1.4.5";
/** Time for one example, in milliseconds; later it is ended and counts as failed. */
const TIMEOUT_MS = 120_000;

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

const folder = new URL("./", import.meta.url);
const runtimes: Readonly<Record<string, readonly string[]>> = {
  deno: [Deno.execPath(), "run", "-A"],
  bun: [...await bunCommand(), "run"],
};

let failed = 0;
for (const name of examples()) {
  const expected = await Deno.readTextFile(new URL(`expected/${name}.txt`, folder));
  for (const [runtime, command] of Object.entries(runtimes)) {
    const outcome = await run([...command, new URL(`${name}.ts`, folder).pathname]);
    const isRight = outcome.code === 0 && withoutReturns(outcome.output) === expected;
    console.log(`${isRight ? "ok" : "FAILED"} ${name} on ${runtime}`);
    if (isRight) continue;
    failed++;
    console.log(`--- expected, code 0\n${expected}--- got, code ${outcome.code}`);
    console.log(`${outcome.output}${outcome.errors}---`);
  }
}
Deno.exit(failed === 0 ? 0 : 1);

function examples(): string[] {
  const names: string[] = [];
  for (const { name } of Deno.readDirSync(folder)) {
    if (/^\d\d_\w+\.ts$/.test(name)) names.push(name.slice(0, -".ts".length));
  }
  return names.sort();
}

/** Runs a program to its end; code 127 when it cannot be started, as shells do. */
async function run([program = "", ...args]: readonly string[]): Promise<Outcome> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const options = { args, cwd: new URL("../", folder), stdin: "null", signal } as const;
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, options).output();
    return { code, output: toText(stdout), errors: toText(stderr) };
  } catch (error) {
    return { code: 127, output: "", errors: `${error}\n` };
  }
}

async function bunCommand(): Promise<readonly string[]> {
  const { output } = await run(["bun", "--version"]);
  return output.trim() === BUN_VERSION ? ["bun"] : ["npx", "-y", `bun@${BUN_VERSION}`];
}

function toText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function withoutReturns(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
