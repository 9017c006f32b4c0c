/**
 * How actors are spawned and names are resolved.
 *
 * @module
 */

import { checkTimeout } from "../actor/call_options.ts";
import { checkCapacity, type Concurrency } from "../actor/remote_class.ts";
import { type NodeId, pathOfName } from "../address.ts";
import type { SpawnCellOptions } from "./local_node.ts";

/** How a low-level actor is spawned. */
export interface SpawnOptions {
  /** Makes the actor resolvable; without `/` it becomes `actors/<name>`. */
  readonly name?: string;
  /**
   * Whether a named actor can be resolved on every node, or only on its own.
   *
   * @default true
   */
  readonly public?: boolean;
  /**
   * Messages the mailbox holds.
   *
   * @default the system's `mailboxCapacity`
   */
  readonly mailboxCapacity?: number;
  /**
   * Milliseconds that `onStart` may take; then the actor is stopped and `spawn` fails with
   * `PulsingTimeoutError`.
   *
   * @default Infinity
   */
  readonly timeoutMs?: number;
  /** Ends the start: the actor is stopped and `spawn` rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How an actor of a class is spawned. */
export interface ClassSpawnOptions<A extends readonly unknown[]> extends SpawnOptions {
  /** The constructor's arguments. */
  readonly args?: A;
  /**
   * Whether async methods of the actor may overlap.
   *
   * @default what was given to `remote`, else "interleaved"
   */
  readonly concurrency?: Concurrency;
  /** Where the actor lives: in this process. */
  readonly placement?: "local";
}

/** How a name is resolved. */
export interface ResolveOptions {
  /** Only an instance on this node will do. */
  readonly nodeId?: NodeId;
  /**
   * How long to wait for the name to appear, in milliseconds; 0 is one look.
   *
   * @default 0
   */
  readonly timeoutMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

const SPAWN_NAMES: ReadonlySet<string> = new Set<keyof ClassSpawnOptions<[]>>([
  "name",
  "public",
  "mailboxCapacity",
  "timeoutMs",
  "signal",
  "args",
  "concurrency",
  "placement",
]);
const RESOLVE_NAMES: ReadonlySet<string> = new Set(["nodeId", "timeoutMs", "signal", "cls"]);

/**
 * Checks what the user said about a new actor.
 *
 * @throws {TypeError} An option is unknown or of a wrong type.
 * @throws {RangeError} A number is out of range, or the name does not follow the grammar.
 */
export function cellOptionsOf(
  options: ClassSpawnOptions<readonly unknown[]>,
  className: string | undefined,
  mailboxCapacity: number | undefined,
): SpawnCellOptions {
  checkNames("spawn", options, SPAWN_NAMES);
  const { name, args, placement = "local", timeoutMs, signal } = options;
  if (name !== undefined && typeof name !== "string") throw wrong("name", name, "a text");
  if (args !== undefined && !Array.isArray(args)) throw wrong("args", args, "a list");
  if (placement !== "local") throw wrong("placement", placement, '"local"');
  checkCapacity(mailboxCapacity);
  checkTimeout(timeoutMs);
  signal?.throwIfAborted();
  return {
    path: name === undefined ? undefined : pathOfName(name),
    className,
    mailboxCapacity,
    isPublic: options.public ?? true,
    timeoutMs,
    signal,
  };
}

/**
 * Checks how a name is to be resolved.
 *
 * @throws {TypeError} An option is unknown.
 * @throws {RangeError} The timeout is out of range.
 */
export function checkResolveOptions(options: ResolveOptions): void {
  checkNames("resolve", options, RESOLVE_NAMES);
  checkTimeout(options.timeoutMs);
}

/**
 * A misspelt option must not be silently without effect.
 *
 * @throws {TypeError} When a name is not among the known ones.
 */
export function checkNames(what: string, options: object, names: ReadonlySet<string>): void {
  for (const name in options) {
    if (names.has(name)) continue;
    const known = [...names].join(", ");
    throw new TypeError(`Cannot set option "${name}" of ${what}: expected one of ${known}`);
  }
}

function wrong(option: string, value: unknown, expected: string): TypeError {
  return new TypeError(
    `Cannot spawn actor with ${option} "${String(value)}": expected ${expected}`,
  );
}
