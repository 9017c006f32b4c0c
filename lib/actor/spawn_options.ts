/**
 * How actors are spawned.
 *
 * @module
 */

import { type ActorPath, isId, type NodeId, pathOfName } from "../address.ts";
import { checkNames } from "../option_names.ts";
import { checkTimeout } from "./call_options.ts";
import type { CellOptions } from "./cell_node.ts";
import type { MailboxOverflow } from "./mailbox.ts";
import {
  checkCapacity,
  checkConcurrency,
  checkOverflow,
  type Concurrency,
  type RemoteClassDefinition,
} from "./remote_class.ts";
import { resolveSupervision, SUPERVISION_NAMES, type SupervisionOptions } from "./supervision.ts";

/** How a low-level actor is spawned. */
export interface SpawnOptions extends SupervisionOptions {
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
   * What a full mailbox does with one message more.
   *
   * @default "wait"
   */
  readonly mailboxOverflow?: MailboxOverflow;
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
  /**
   * Where the actor lives: in this process, on another node, or on the node of this id.
   *
   * `"remote"` takes the node with the fewest actors, as gossip tells it, which is to a quarter,
   * and as this node has added to it meanwhile; one that is gone before it has run anything is
   * passed over, and so is one that does not know the class: when all others do not, the spawn
   * fails with `"class-not-registered"`. When there is no other node the actor lives here, with a
   * warning.
   *
   * @default "local"
   */
  readonly placement?: "local" | "remote" | NodeId;
}

/** How an actor is made and started. */
export interface SpawnCellOptions extends CellOptions {
  /** Whether other nodes are told of a named actor. */
  readonly isPublic: boolean;
  /** How long its start may take; absent for any time. */
  readonly timeoutMs?: number | undefined;
  /** Ends its start. */
  readonly signal?: AbortSignal | undefined;
}

const SPAWN_NAMES: ReadonlySet<string> = new Set<keyof SpawnOptions>([
  "name",
  "public",
  "mailboxCapacity",
  "mailboxOverflow",
  "timeoutMs",
  "signal",
  ...SUPERVISION_NAMES,
]);
const CLASS_SPAWN_NAMES: ReadonlySet<string> = new Set<string>([
  ...SPAWN_NAMES,
  "args",
  "concurrency",
  "placement",
]);

/**
 * Checks what the user said about a new actor.
 *
 * @param options What was said about the actor.
 * @param definition What was said about its class, when it has one.
 * @throws {TypeError} An option is unknown or of a wrong type.
 * @throws {RangeError} A number is out of range, or the name does not follow the grammar.
 */
export function cellOptionsOf(
  options: ClassSpawnOptions<readonly unknown[]>,
  definition: RemoteClassDefinition | undefined,
): SpawnCellOptions {
  if (definition === undefined || !isEmpty(options)) return checked(options, definition);
  // A fifth of what a spawn costs on Bun (`bench/local_bench.ts`).
  return definition.spawnDefaults ??= Object.freeze(checked(options, definition));
}

function isEmpty(options: object): boolean {
  for (const _ in options) return false;
  return true;
}

function checked(
  options: ClassSpawnOptions<readonly unknown[]>,
  definition: RemoteClassDefinition | undefined,
): SpawnCellOptions {
  checkNames("spawn", options, definition === undefined ? SPAWN_NAMES : CLASS_SPAWN_NAMES);
  const { args, concurrency, timeoutMs, signal } = options;
  if (args !== undefined && !Array.isArray(args)) throw wrong("args", args, "a list");
  const mailboxCapacity = options.mailboxCapacity ?? definition?.options.mailboxCapacity;
  const mailboxOverflow = options.mailboxOverflow ?? definition?.options.mailboxOverflow ?? "wait";
  checkPlacement(options.placement);
  checkConcurrency(concurrency);
  checkCapacity(mailboxCapacity);
  checkOverflow(mailboxOverflow);
  checkTimeout(timeoutMs);
  signal?.throwIfAborted();
  return {
    path: pathOf(options.name),
    className: definition?.name,
    mailboxCapacity,
    mailboxOverflow,
    supervision: resolveSupervision(options, definition?.options),
    isPublic: options.public ?? true,
    timeoutMs,
    signal,
  };
}

function pathOf(name: unknown): ActorPath | undefined {
  if (name === undefined) return undefined;
  if (typeof name !== "string") throw wrong("name", name, "a text");
  return pathOfName(name);
}

/** @throws {TypeError} It is neither a word we know nor the id of a node. */
export function checkPlacement(placement: unknown): void {
  if (placement === undefined || placement === "local" || placement === "remote") return;
  if (typeof placement === "string" && isId(placement)) return;
  throw wrong("placement", placement, '"local", "remote" or the id of a node');
}

function wrong(option: string, value: unknown, expected: string): TypeError {
  return new TypeError(
    `Cannot spawn actor with ${option} "${String(value)}": expected ${expected}`,
  );
}
