/**
 * Classes that were declared to be actors.
 *
 * @module
 */

import type { ActorClass } from "./proxy.ts";
import { methodsOf, type MethodTable } from "./methods.ts";

/** Whether async methods of one actor may overlap. */
export type Concurrency =
  /** Others run while an async method awaits. */
  | "interleaved"
  /** Async methods too run strictly one after another; a stream counts until it has ended. */
  | "sequential";

/** What can be said about an actor class once, for all its actors. */
export interface ClassOptions {
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
  readonly concurrency: Concurrency;
  readonly mailboxCapacity: number | undefined;
}

const CLASS_OPTIONS: ReadonlySet<string> = new Set<keyof ClassOptions>([
  "concurrency",
  "mailboxCapacity",
  "name",
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
  for (const name in options) {
    if (CLASS_OPTIONS.has(name)) continue;
    const known = [...CLASS_OPTIONS].join(", ");
    throw new TypeError(`Cannot set option "${name}" of "${cls.name}": expected one of ${known}`);
  }
  const { concurrency = "interleaved", mailboxCapacity } = options;
  if (concurrency !== "interleaved" && concurrency !== "sequential") {
    throw new TypeError(
      `Cannot make actor class "${cls.name}": concurrency is "${concurrency}", expected ` +
        '"interleaved" or "sequential"',
    );
  }
  checkCapacity(mailboxCapacity);
  const name = options.name ?? cls.name;
  const definition = { name, cls, methods: methodsOf(cls), concurrency, mailboxCapacity };
  definitions.set(cls, definition);
  byName.set(name, definition);
  return definition;
}

/** What was declared of a class or, when nothing was, of the nearest base class. */
export function definitionOf(cls: ActorClass): RemoteClassDefinition {
  return definitions.get(cls) ?? defineClass(cls, inheritedOptions(cls));
}

/** Finds a class by the name under which other nodes know it. */
export function definitionNamed(name: string): RemoteClassDefinition | undefined {
  return byName.get(name);
}

/** @throws {RangeError} When a capacity is not a positive integer. */
export function checkCapacity(capacity: number | undefined): void {
  if (capacity === undefined || (Number.isSafeInteger(capacity) && capacity > 0)) return;
  throw new RangeError(`Cannot use mailbox capacity ${capacity}: expected a positive integer`);
}

function inheritedOptions(cls: ActorClass): ClassOptions {
  const base: unknown = Object.getPrototypeOf(cls);
  const inherited = typeof base === "function" ? definitions.get(base) : undefined;
  if (inherited === undefined) return {};
  const { concurrency, mailboxCapacity } = inherited;
  return mailboxCapacity === undefined ? { concurrency } : { concurrency, mailboxCapacity };
}
