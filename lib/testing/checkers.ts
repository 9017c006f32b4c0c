/**
 * What must hold in every run: functions of a history that tell what is wrong with it.
 *
 * Each returns a list of violations, with the entries that show them; nothing wrong is an empty
 * list.
 *
 * @module
 */

import { type HistoryEntry, lineOf } from "./history.ts";

/** An entry of some kinds. */
type EntryOf<Kind extends HistoryEntry["kind"]> = Extract<HistoryEntry, { readonly kind: Kind }>;

/**
 * Each call is handled at most once.
 *
 * @param history What happened.
 *
 * @example A call that was handled twice
 * ```ts
 * import { atMostOnce, type HistoryEntry } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * const handled: HistoryEntry = { kind: "handled", atMs: 1, call: "c1", from: "a", to: "b" };
 * assert.deepEqual(atMostOnce([handled]), []);
 * assert.equal(atMostOnce([handled, { ...handled, atMs: 2 }]).length, 1);
 * ```
 */
export function atMostOnce(history: readonly HistoryEntry[]): readonly string[] {
  const handled = new Map<string, HistoryEntry>();
  const violations: string[] = [];
  for (const entry of history) {
    if (entry.kind !== "handled") continue;
    const before = handled.get(entry.call);
    if (before === undefined) handled.set(entry.call, entry);
    else violations.push(violation(`call ${entry.call} was handled again`, before, entry));
  }
  return violations;
}

/**
 * What one sender sends to one actor is handled in the order in which it was sent.
 *
 * Calls that were not handled leave gaps, which are no violation.
 *
 * @param history What happened.
 *
 * @example The second call overtook the first
 * ```ts
 * import { type HistoryEntry, orderPerPair } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * const at = (kind: "sent" | "handled", call: string): HistoryEntry => {
 *   return { kind, atMs: 0, call, from: "a", to: "b" };
 * };
 * const sent = [at("sent", "c1"), at("sent", "c2")];
 * assert.deepEqual(orderPerPair([...sent, at("handled", "c1"), at("handled", "c2")]), []);
 * assert.equal(orderPerPair([...sent, at("handled", "c2"), at("handled", "c1")]).length, 1);
 * ```
 */
export function orderPerPair(history: readonly HistoryEntry[]): readonly string[] {
  const places = new Map<string, number>();
  const latest = new Map<string, EntryOf<"sent" | "handled">>();
  const violations: string[] = [];
  for (const [index, entry] of history.entries()) {
    if (entry.kind === "sent") places.set(entry.call, index);
    if (entry.kind !== "handled") continue;
    const pair = `${entry.from} -> ${entry.to}`;
    const before = latest.get(pair);
    if (before !== undefined && placeOf(entry.call) < placeOf(before.call)) {
      violations.push(violation(`${pair}: ${entry.call} came after a later one`, before, entry));
    } else latest.set(pair, entry);
  }
  return violations;

  function placeOf(call: string): number {
    return places.get(call) ?? Infinity; // nobody knows when it was sent
  }
}

/**
 * What a consumer took of a stream is the beginning of what the producer gave, and it ended.
 *
 * After an end without an error it is all that was given, unless the consumer left early, which it
 * must not record as an end.
 *
 * @param history What happened.
 *
 * @example An item that was never given
 * ```ts
 * import { type HistoryEntry, streamPrefix } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * const at = (kind: "yielded" | "taken", item: string): HistoryEntry => {
 *   return { kind, atMs: 0, stream: "s", item };
 * };
 * const end: HistoryEntry = { kind: "ended", atMs: 1, stream: "s" };
 * assert.deepEqual(streamPrefix([at("yielded", "1"), at("taken", "1"), end]), []);
 * assert.equal(streamPrefix([at("yielded", "1"), at("taken", "2"), end]).length, 1);
 * assert.equal(streamPrefix([at("yielded", "1"), at("taken", "1")]).length, 1); // no end
 * ```
 */
export function streamPrefix(history: readonly HistoryEntry[]): readonly string[] {
  const streams = new Map<string, StreamCheck>();
  const violations: string[] = [];
  for (const entry of history) {
    if (entry.kind !== "yielded" && entry.kind !== "taken" && entry.kind !== "ended") continue;
    const stream = streams.get(entry.stream) ?? { given: [], taken: 0 };
    streams.set(entry.stream, stream);
    const wrong = followStream(stream, entry);
    if (wrong !== undefined) violations.push(violation(`stream ${entry.stream}: ${wrong}`, entry));
  }
  for (const [name, { last, end }] of streams) {
    if (last === undefined || end !== undefined) continue;
    violations.push(violation(`stream ${name}: its consumer saw no end`, last));
  }
  return violations;
}

interface StreamCheck {
  readonly given: string[];
  taken: number;
  last?: HistoryEntry;
  end?: HistoryEntry;
}

/** Takes the next entry of a stream; tells what is wrong with it. */
function followStream(
  stream: StreamCheck,
  entry: EntryOf<"yielded" | "taken" | "ended">,
): string | undefined {
  if (entry.kind === "yielded") {
    stream.given.push(entry.item);
    return undefined;
  }
  if (stream.end !== undefined) return "something came after its end";
  if (entry.kind === "ended") {
    stream.end = entry;
    const missing = stream.given.length - stream.taken;
    return entry.error === undefined && missing > 0 ? `${missing} items are missing` : undefined;
  }
  stream.last = entry;
  const expected = stream.given[stream.taken++];
  return expected === entry.item ? undefined : `expected item ${expected ?? "none"}`;
}

function violation(what: string, ...entries: readonly HistoryEntry[]): string {
  return [what, ...entries.map((entry) => `  ${lineOf(entry)}`)].join("\n");
}
