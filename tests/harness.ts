/**
 * The one test interface for both runtimes: `Deno.test` with its leak sanitizers on Deno,
 * `bun:test` on Bun. A test file imports this and `node:assert/strict`, and runs unchanged on both.
 *
 * @module
 */

/** The runtime that executes this file. */
export const runtime: "deno" | "bun" = "Bun" in globalThis ? "bun" : "deno";

/** What a test may ask for. */
export interface TestOptions {
  /**
   * How long the test may take, in milliseconds.
   *
   * @default 60000
   */
  readonly timeoutMs?: number;
}

/** How {@link eventually} waits. */
export interface EventuallyOptions {
  /**
   * How long to wait in milliseconds.
   *
   * @default 5000
   */
  readonly timeoutMs?: number;
  /** What is waited for, shown when it does not happen. */
  readonly what?: string;
}

type TestBody = () => void | Promise<void>;

interface Runner {
  test(name: string, fn: TestBody, timeoutMs: number): void;
  skip(name: string): void;
}

interface BunTest {
  (name: string, fn: TestBody, timeoutMs: number): void;
  skip(name: string, fn: TestBody): void;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const POLL_MS = 5;

const runner: Runner = runtime === "bun" ? await bunRunner() : denoRunner();

/**
 * Registers a test.
 *
 * On Deno it also fails when it leaves timers, sockets or other resources behind, or exits.
 *
 * @param name Symbol and criterion in plain words.
 * @param fn The test; it fails by throwing.
 * @param options How long it may take.
 */
export function test(name: string, fn: TestBody, options: TestOptions = {}): void {
  runner.test(name, fn, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
}

/**
 * Registers a test that is not run, with a reason that shows in the output.
 *
 * @param name The test's name.
 * @param reason Why it cannot run here.
 */
export function skip(name: string, reason: string): void {
  runner.skip(`${name} [skipped: ${reason}]`);
}

/**
 * Waits until a condition holds, for what only real I/O can bring about.
 *
 * @param condition Returns something truthy once it holds; may throw until then.
 * @param options How long to wait, and for what.
 * @returns The truthy value.
 * @throws {Error} When the time is over; tells what was waited for and the last value or error.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<T> {
  const { timeoutMs = 5_000, what = condition.toString() } = options;
  const start = performance.now();
  let tries = 0;
  while (true) {
    tries++;
    const last = await attempt(condition);
    if (last.value) return last.value;
    if (performance.now() - start >= timeoutMs) {
      throw new Error(`Cannot see ${what}: ${last.state} after ${timeoutMs} ms, ${tries} tries`, {
        cause: last.error,
      });
    }
    await new Promise<void>((resolve) => setTimeout(resolve, POLL_MS));
  }
}

interface Attempt<T> {
  readonly value?: T;
  readonly error?: unknown;
  readonly state: string;
}

async function attempt<T>(condition: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    const value = await condition();
    return { value, state: `still ${String(value)}` };
  } catch (error) {
    return { error, state: `still throwing ${String(error)}` };
  }
}

function denoRunner(): Runner {
  const sanitizers = { sanitizeOps: true, sanitizeResources: true, sanitizeExit: true };
  return {
    test: (name, fn, timeout) => Deno.test({ name, fn, timeout, ...sanitizers }),
    skip: (name) => Deno.test({ name, fn() {}, ignore: true }),
  };
}

async function bunRunner(): Promise<Runner> {
  const bunTest = "bun:test"; // in a variable, so that Deno does not resolve it
  const { test } = await import(bunTest) as { test: BunTest }; // Bun's documented module
  return {
    test: (name, fn, timeoutMs) => test(name, fn, timeoutMs),
    skip: (name) => test.skip(name, () => {}),
  };
}
