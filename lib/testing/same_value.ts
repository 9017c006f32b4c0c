/**
 * Whether two values say the same.
 *
 * @module
 */

/**
 * Compares values as a message is compared with what was expected: by what they hold, numbers by
 * `Object.is`, objects of classes by their class and their own properties.
 */
export function isSameValue(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isObject(one) || !isObject(other)) return false;
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  if (one instanceof Date) return Object.is(one.getTime(), Number(other));
  if (one instanceof Map || one instanceof Set) return isSameList([...one], listOf(other));
  if (ArrayBuffer.isView(one)) return isSameList(bytesOf(one), bytesOf(other as ArrayBufferView));
  if (Array.isArray(one)) return isSameList(one, listOf(other));
  const names = Object.keys(one);
  return names.length === Object.keys(other).length &&
    names.every((name) =>
      Object.hasOwn(other, name) && isSameValue(Reflect.get(one, name), Reflect.get(other, name))
    );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Of a value whose class is that of a list. */
function listOf(value: object): readonly unknown[] {
  return [...value as Iterable<unknown>];
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): readonly number[] {
  return [...new Uint8Array(buffer, byteOffset, byteLength)];
}

function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length &&
    one.every((value, index) => isSameValue(value, other[index]));
}
