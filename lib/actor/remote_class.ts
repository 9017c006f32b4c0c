/**
 * Classes that were declared to be actors.
 *
 * @module
 */

import { checkNames } from "../option_names.ts";
import type { MailboxOverflow } from "./mailbox.ts";
import { methodsOf, type MethodTable } from "./methods.ts";
import type { ActorClass } from "./proxy.ts";
import type { SpawnCellOptions } from "./spawn_options.ts";
import { resolveSupervision, SUPERVISION_NAMES, type SupervisionOptions } from "./supervision.ts";

/** Whether async methods of one actor may overlap. */
export type Concurrency =
  /** Others run while an async method awaits. */
  | "interleaved"
  /** Async methods too run strictly one after another; a stream counts until it has ended. */
  | "sequential";

/** What can be said about an actor class once, for all its actors. */
export interface ClassOptions extends SupervisionOptions {
  /**
   * Whether async methods of one actor may overlap.
   *
   * @default "interleaved"
   */
  readonly concurrency?: Concurrency;
  /**
   * Messages the mailbox of one actor holds.
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
   * The name under which other nodes know the class.
   *
   * @default the name of the class
   */
  readonly name?: string;
}

/** A class that was declared to be an actor. */
export interface RemoteClassDefinition {
  readonly name: string;
  readonly cls: ActorClass;
  readonly methods: MethodTable;
  /** What holds for all its actors unless one of them is spawned otherwise. */
  readonly options: Omit<ClassOptions, "name">;
  /** What a spawn that says nothing uses; made by the first one. */
  spawnDefaults: SpawnCellOptions | undefined;
}

const CLASS_OPTIONS: ReadonlySet<string> = new Set<keyof ClassOptions>([
  "concurrency",
  "mailboxCapacity",
  "mailboxOverflow",
  "name",
  ...SUPERVISION_NAMES,
]);
const definitions = new WeakMap<object, RemoteClassDefinition>();
const byName = new Map<string, RemoteClassDefinition>();

/**
 * Declares a class to be an actor.
 *
 * Of several classes with one name the last one counts for what other nodes send.
 *
 * @throws {TypeError} An option or a method name is not acceptable.
 */
export function defineClass(cls: ActorClass, options: ClassOptions = {}): RemoteClassDefinition {
  const definition = describeClass(cls, options);
  if (definition.name === "") {
    throw new TypeError("Cannot make an actor of a class without a name: pass the option name");
  }
  byName.set(definition.name, definition);
  return definition;
}

/**
 * What was declared of a class or, when nothing was, of the nearest base class.
 *
 * Other nodes know nothing of a class that was not declared itself: they cannot spawn it here.
 */
export function definitionOf(cls: ActorClass): RemoteClassDefinition {
  return definitions.get(cls) ?? describeClass(cls, inheritedOptions(cls));
}

/** Finds a class by the name under which other nodes know it. */
export function definitionNamed(name: string): RemoteClassDefinition | undefined {
  return byName.get(name);
}

function describeClass(cls: ActorClass, options: ClassOptions): RemoteClassDefinition {
  checkNames(`class "${cls.name}"`, options, CLASS_OPTIONS);
  const { name = cls.name, ...common } = options;
  checkConcurrency(common.concurrency);
  checkCapacity(common.mailboxCapacity);
  checkOverflow(common.mailboxOverflow);
  resolveSupervision(common);
  const methods = methodsOf(cls);
  const definition = { name, cls, methods, options: common, spawnDefaults: undefined };
  definitions.set(cls, definition);
  return definition;
}

/** The names of all classes that other nodes may spawn here. */
export function definedNames(): readonly string[] {
  return [...byName.keys()];
}

/** @throws {RangeError} When a capacity is not a positive integer. */
export function checkCapacity(capacity: number | undefined): void {
  if (capacity === undefined || (Number.isSafeInteger(capacity) && capacity > 0)) return;
  throw new RangeError(`Cannot use mailbox capacity ${capacity}: expected a positive integer`);
}

/** @throws {TypeError} When it is none of the known ones. */
export function checkConcurrency(concurrency: unknown): void {
  if (concurrency === undefined) return;
  if (concurrency === "interleaved" || concurrency === "sequential") return;
  throw new TypeError(
    `Cannot set option "concurrency" to "${String(concurrency)}": expected "interleaved" or ` +
      '"sequential"',
  );
}

/** @throws {TypeError} When it is none of the known ones. */
export function checkOverflow(overflow: unknown): void {
  if (overflow === undefined || overflow === "wait") return;
  if (overflow === "reject" || overflow === "drop-oldest") return;
  throw new TypeError(
    `Cannot set option "mailboxOverflow" to "${String(overflow)}": expected "wait", "reject" or ` +
      '"drop-oldest"',
  );
}

function inheritedOptions(cls: ActorClass): ClassOptions {
  const base: unknown = Object.getPrototypeOf(cls);
  const inherited = typeof base === "function" ? definitions.get(base) : undefined;
  return inherited?.options ?? {};
}
