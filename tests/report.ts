/**
 * Reads the JUnit reports that both test runners write.
 *
 * @module
 */

/** What became of the tests of one suite. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** The names of the tests that were not run; the harness puts the reason into the name. */
  readonly skipped: readonly string[];
}

const TEST_CASE = /<testcase\b((?:[^>"]|"[^"]*")*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;
const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

/** Counts the test cases of a report; a missing report is an empty text. */
export function readReport(xml: string): Counts {
  let passed = 0;
  let failed = 0;
  const skipped: string[] = [];
  for (const [, attributes = "", body = ""] of xml.matchAll(TEST_CASE)) {
    if (/<skipped\b/.test(body)) skipped.push(nameOf(attributes));
    else if (/<(?:failure|error)\b/.test(body)) failed++;
    else passed++;
  }
  return { passed, failed, skipped };
}

function nameOf(attributes: string): string {
  const [, name = "a test without a name"] = /\bname="([^"]*)"/.exec(attributes) ?? [];
  return name.replace(/&(\w+);/g, (entity, key: string) => ENTITIES[key] ?? entity);
}
