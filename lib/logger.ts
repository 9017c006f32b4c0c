/**
 * The only place that writes to the console.
 *
 * @module
 */

/** Facts that belong to a log line; values are shown as JSON. */
export type LogFields = Readonly<Record<string, unknown>>;

/** How much is logged, from everything to nothing. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Where the runtime reports what nobody waits for: lost links, failed hooks, open binds. */
export interface Logger {
  /** Detail for someone who looks for a fault. */
  debug(message: string, fields?: LogFields): void;
  /** A normal event that an operator may want to know. */
  info(message: string, fields?: LogFields): void;
  /** Something is wrong and the runtime goes on. */
  warn(message: string, fields?: LogFields): void;
  /** Something failed and work was lost. */
  error(message: string, fields?: LogFields): void;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/** Logs nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};

/**
 * Creates a logger that writes one line per entry to the standard error stream.
 *
 * @param level The lowest level that is written.
 * @default level "warn"
 * @returns The logger.
 */
export function consoleLogger(level: LogLevel = "warn"): Logger {
  const lowest = LEVELS.indexOf(level);
  const at = (name: Exclude<LogLevel, "silent">): Logger["debug"] => {
    if (LEVELS.indexOf(name) < lowest) return silentLogger.debug;
    // deno-lint-ignore no-console -- this file is the console's one user
    return (message, fields) => console.error(formatLine(name, message, fields));
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function formatLine(level: string, message: string, fields?: LogFields): string {
  const shown = Object.entries(fields ?? {}).map(([key, value]) => ` ${key}=${formatValue(value)}`);
  return `pulsing ${level}: ${message}${shown.join("")}`;
}

/** Never throws: what is logged may be whatever was thrown. */
function formatValue(value: unknown): string {
  for (const format of [describe, String]) {
    try {
      return format(value);
    } catch {
      // a value that throws when it is looked at, or that JSON does not know
    }
  }
  return "an unreadable value";
}

function describe(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(`${value.name}: ${value.message}`);
  return JSON.stringify(value) ?? String(value);
}
