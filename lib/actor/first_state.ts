/**
 * The first state of an actor, of which each actor has its own.
 *
 * @module
 */

/**
 * What makes the first state: a function does, plain data is copied for each actor.
 *
 * @throws {TypeError} It is an instance of a class, which actors would share.
 */
export function makerOf<S>(init: S | (() => S)): () => S {
  if (typeof init === "function") return init as () => S; // a state that is a function is made by one
  if (typeof init !== "object" || init === null) return () => init;
  if (!isCopied(init)) {
    const name = init.constructor?.name ?? "a class";
    throw new TypeError(
      `Cannot make behavior: actors would share its first state, an instance of ${name}, pass a ` +
        "function that makes it",
    );
  }
  const first = copyOf(init);
  return () => copyOf(first);
}

function isCopied(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value) ||
    value instanceof Map || value instanceof Set || isCloned(value);
}

function isCloned(value: object): boolean {
  return value instanceof Date || ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

/** Copies plain data; other objects stay as they are. */
function copyOf<T>(value: T, copies: Map<unknown, unknown> = new Map()): T {
  if (typeof value !== "object" || value === null || !isCopied(value)) return value;
  const known = copies.get(value);
  if (known !== undefined) return known as T; // made below, of this very value
  const copy = (isCloned(value) ? structuredClone(value) : emptyLike(value)) as T; // of its kind
  copies.set(value, copy);
  const part = <P>(one: P): P => copyOf(one, copies);
  if (copy instanceof Map && value instanceof Map) {
    for (const [key, item] of value) copy.set(part(key), part(item));
  } else if (copy instanceof Set && value instanceof Set) {
    for (const item of value) copy.add(part(item));
  } else if (!isCloned(value)) {
    for (const [key, item] of Object.entries(value)) {
      Object.defineProperty(copy, key, { ...OWN, value: part(item) });
    }
  }
  return copy;
}

function emptyLike(value: object): object {
  if (Array.isArray(value)) return new Array(value.length);
  if (value instanceof Map) return new Map();
  return value instanceof Set ? new Set() : Object.create(Object.getPrototypeOf(value));
}

const OWN: PropertyDescriptor = { writable: true, enumerable: true, configurable: true };
