/**
 * The names that options may have.
 *
 * @module
 */

/**
 * A misspelt option must not be silently without effect.
 *
 * @param what What the options are of, for the error.
 * @param options What the user said.
 * @param names The known names.
 * @throws {TypeError} When a name is not among the known ones.
 */
export function checkNames(what: string, options: object, names: ReadonlySet<string>): void {
  for (const name in options) {
    if (names.has(name)) continue;
    const known = [...names].join(", ");
    throw new TypeError(`Cannot set option "${name}" of ${what}: expected one of ${known}`);
  }
}
