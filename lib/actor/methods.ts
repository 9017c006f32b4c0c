/**
 * Which methods an actor class has and how each is to be run.
 *
 * @module
 */

/** How a method gives its answer. */
export type MethodForm =
  /** A generator function: the answer is a stream. */
  | "stream"
  /** May go on after an `await`. */
  | "async"
  /** Not known yet: an ordinary function that was never run. */
  | "unknown"
  /** Was seen to answer in its own turn. */
  | "sync";

/** One public method of an actor class. */
export interface Method {
  /** The method's name. */
  readonly name: string;
  /** The function, found on the class or a base class. */
  readonly body: (...args: unknown[]) => unknown;
  /** How it answers; learnt from the first call where the declaration does not tell. */
  form: MethodForm;
}

/** The public methods of a class by name. */
export type MethodTable = ReadonlyMap<string, Method>;

/** The method that stands for reading an attribute; no method of a user has such a name. */
export const READ_ATTRIBUTE = "$get";

/** Names a proxy needs for itself: a promise would take the proxy for one of its kind. */
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(["then"]);

const HOOK_NAMES: ReadonlySet<string> = new Set(["onStart", "onStop", "onTerminated", "metadata"]);

const GENERATOR_PROTOTYPES: ReadonlySet<unknown> = new Set([
  Object.getPrototypeOf(function* () {}),
  Object.getPrototypeOf(async function* () {}),
]);

const ASYNC_PROTOTYPE: unknown = Object.getPrototypeOf(async function () {});

const tables = new WeakMap<object, MethodTable>();

/** Whether a name can be a public method: not empty, not private, not ours. */
export function isMethodName(name: string): boolean {
  return name !== "" && name[0] !== "_" && name[0] !== "$" && name !== "constructor" &&
    !HOOK_NAMES.has(name);
}

/**
 * Collects the public methods of a class, those of its base classes included.
 *
 * Getters, setters, static members, hooks and names that start with `_` or `$` are left out.
 *
 * @throws {TypeError} When a method is named `then`.
 */
export function methodsOf(cls: abstract new (...args: never[]) => object): MethodTable {
  const known = tables.get(cls);
  if (known !== undefined) return known;
  const table = new Map<string, Method>();
  const prototype: unknown = cls.prototype;
  for (let level = prototype; isClassLevel(level); level = Object.getPrototypeOf(level)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (table.has(name) || typeof value !== "function" || !isMethodName(name)) continue;
      if (FORBIDDEN_NAMES.has(name)) {
        throw new TypeError(
          `Cannot make an actor of class "${cls.name}": a method named "${name}" makes its proxy ` +
            "look like a promise",
        );
      }
      table.set(name, { name, body: value, form: formOf(value) });
    }
  }
  tables.set(cls, table);
  return table;
}

/** How a function answers, as far as its declaration tells. */
export function formOf(body: object): MethodForm {
  const prototype: unknown = Object.getPrototypeOf(body);
  if (GENERATOR_PROTOTYPES.has(prototype)) return "stream";
  return prototype === ASYNC_PROTOTYPE ? "async" : "unknown";
}

/** Takes note of how a method of unknown form has answered. */
export function learnForm(method: Method, result: unknown): void {
  if (method.form === "async" || method.form === "stream") return;
  if (typeof result === "object" && result !== null && isThenable(result)) method.form = "async";
  else if (method.form === "unknown") method.form = "sync";
}

/** Whether an answer is still to come. */
export function isThenable(value: object): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>>).then === "function"; // absent is not one
}

function isClassLevel(level: unknown): level is object {
  return level !== null && level !== undefined && level !== Object.prototype;
}
