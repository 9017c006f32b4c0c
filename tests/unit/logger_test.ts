import assert from "node:assert/strict";
import { consoleLogger, type Logger, type LogLevel, silentLogger } from "../../lib/logger.ts";
import { test } from "../harness.ts";

const ALL = ["debug", "info", "warn", "error"] as const;

test("consoleLogger writes its level and above, one line each, to the error stream", () => {
  const expected: readonly (readonly [LogLevel | undefined, readonly string[]])[] = [
    ["debug", ALL],
    ["info", ["info", "warn", "error"]],
    ["warn", ["warn", "error"]],
    [undefined, ["warn", "error"]],
    ["error", ["error"]],
    ["silent", []],
  ];
  for (const [level, written] of expected) {
    const lines = linesOf(consoleLogger(level), (logger) => ALL.map((name) => logger[name]("hi")));
    assert.deepEqual(lines, written.map((name) => `pulsing ${name}: hi`), level);
  }
});

test("consoleLogger shows fields as JSON and survives values that are none", () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const cases: readonly (readonly [unknown, string])[] = [
    ["a b", '"a b"'],
    ["a\nb", '"a\\nb"'],
    [{ port: 1 }, '{"port":1}'],
    [new TypeError("bad"), '"TypeError: bad"'],
    [undefined, "undefined"],
    [7n, "7"],
    [cycle, "[object Object]"],
  ];
  for (const [value, shown] of cases) {
    const lines = linesOf(consoleLogger(), (logger) => logger.warn("hi", { value, n: 1 }));
    assert.deepEqual(lines, [`pulsing warn: hi value=${shown} n=1`]);
  }
});

test("silentLogger writes nothing", () => {
  const lines = linesOf(silentLogger, (logger) => ALL.map((name) => logger[name]("hi", { a: 1 })));
  assert.deepEqual(lines, []);
});

/** The lines that reach the console's error stream; its other streams must stay silent. */
function linesOf(logger: Logger, log: (logger: Logger) => unknown): string[] {
  const lines: string[] = [];
  const { error, warn, info, debug, log: print } = console;
  const forbidden = () => assert.fail("wrote to another stream than the error stream");
  const keep = (...parts: unknown[]) => void lines.push(parts.join(" "));
  Object.assign(console, { warn: forbidden, info: forbidden, debug: forbidden, log: forbidden });
  Object.assign(console, { error: keep });
  try {
    log(logger);
  } finally {
    Object.assign(console, { error, warn, info, debug, log: print });
  }
  return lines;
}
