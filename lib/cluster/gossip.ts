/**
 * News on its way through the cluster, and what the cluster parts of two nodes say to each other.
 *
 * @module
 */

import { isId, type NodeId } from "../address.ts";
import { type Load, readLoad } from "./loads.ts";
import { type MemberNews, readMember } from "./member.ts";
import type { NameList, RegistryEntry } from "./owned_names.ts";
import { readEntry } from "./registry.ts";

/** One piece of news. */
export type Rumour =
  | { readonly kind: "member"; readonly member: MemberNews }
  | { readonly kind: "entry"; readonly entry: RegistryEntry }
  | { readonly kind: "load"; readonly load: Load };

/** News that every message can carry. */
export interface News {
  readonly members?: readonly MemberNews[];
  readonly entries?: readonly RegistryEntry[];
  readonly loads?: readonly Load[];
}

/** What one node knows of a member, for a comparison. */
export interface Row {
  readonly member: MemberNews;
  /** Up to which of the member's changes its names are known, and the hash of the live ones. */
  readonly floor: number;
  readonly hash: number;
  readonly load?: Load;
}

/** What the cluster parts of two nodes say to each other; all of it may carry news. */
export type ClusterMessage =
  & News
  & (
    /** News only. */
    | { readonly kind: "gossip" }
    /** Wants an `ack` of the same number. */
    | { readonly kind: "probe"; readonly seq: number }
    | { readonly kind: "ack"; readonly seq: number }
    /** Wants a probe of `target` and its `ack`, or a `nack` when it does not answer. */
    | { readonly kind: "probe-for"; readonly seq: number; readonly target: NodeId }
    | { readonly kind: "nack"; readonly seq: number }
    /** The hashes of all buckets; each one that differs is answered by a `summary`. */
    | { readonly kind: "sync"; readonly digest: readonly number[] }
    /** All rows of one bucket; what differs is answered by a `names`. */
    | { readonly kind: "summary"; readonly bucket: number; readonly rows: readonly Row[] }
    /** Names by number: what the other side lacks comes back, and with `answer` our lists too. */
    | { readonly kind: "names"; readonly lists: readonly NameList[]; readonly answer: boolean }
  );

/** About how many bytes one rumour takes in a message, its texts of variable length aside. */
const RUMOUR_BYTES = 160;

/**
 * News that has not been told often enough yet; newer news of the same thing replaces older.
 *
 * Holds one piece for each member, each of its accusers that count, each name and each load.
 */
export class Rumours {
  /** By how often they were told, each in the order of coming there. */
  readonly #told: Map<string, Rumour>[] = [new Map()];
  /** How often each was told. */
  readonly #times = new Map<string, number>();

  /** Whether there is nothing to tell. */
  get isEmpty(): boolean {
    return this.#times.size === 0;
  }

  /** Whether some have never been told: there were more than fit. */
  get hasUntold(): boolean {
    return this.#toldTimes(0).size > 0;
  }

  /** Drops all news: nobody is there to be told. */
  clear(): void {
    for (const rumours of this.#told) rumours.clear();
    this.#times.clear();
  }

  /** Adds a piece of news. */
  add(rumour: Rumour): void {
    const key = keyOf(rumour);
    this.#forget(key);
    this.#put(key, rumour, 0);
  }

  /**
   * Takes the news for one message, what was told least first.
   *
   * @param maxTimes How often each piece is told in all.
   * @param maxBytes The size of the message.
   * @param isTrue Whether a piece is still believed; others are dropped.
   */
  take(maxTimes: number, maxBytes: number, isTrue: (rumour: Rumour) => boolean): News {
    if (this.isEmpty) return NO_NEWS;
    const chosen: Rumour[] = [];
    let room = maxBytes;
    const taken: [string, Rumour, number][] = [];
    search: for (let times = 0; times < this.#told.length; times++) {
      for (const [key, rumour] of this.#toldTimes(times)) {
        if (!isTrue(rumour)) {
          this.#forget(key);
          continue;
        }
        room -= estimatedBytes(rumour);
        if (room < 0 && chosen.length > 0) break search; // one always passes, or it would stay
        chosen.push(rumour);
        taken.push([key, rumour, times + 1]);
      }
    }
    for (const [key, rumour, times] of taken) {
      this.#forget(key);
      if (times < maxTimes) this.#put(key, rumour, times);
    }
    return newsOf(chosen);
  }

  #put(key: string, rumour: Rumour, times: number): void {
    this.#toldTimes(times).set(key, rumour);
    this.#times.set(key, times);
  }

  #forget(key: string): void {
    const times = this.#times.get(key);
    if (times === undefined) return;
    this.#toldTimes(times).delete(key);
    this.#times.delete(key);
  }

  #toldTimes(times: number): Map<string, Rumour> {
    return this.#told[times] ??= new Map();
  }
}

/** No news. */
export const NO_NEWS: News = Object.freeze({});

/** Puts pieces of news together for a message. */
export function newsOf(rumours: readonly Rumour[]): News {
  const members: MemberNews[] = [];
  const entries: RegistryEntry[] = [];
  const loads: Load[] = [];
  for (const rumour of rumours) {
    if (rumour.kind === "member") members.push(rumour.member);
    else if (rumour.kind === "entry") entries.push(rumour.entry);
    else loads.push(rumour.load);
  }
  return {
    ...(members.length > 0 && { members }),
    ...(entries.length > 0 && { entries }),
    ...(loads.length > 0 && { loads }),
  };
}

/**
 * Cuts the news of a message into parts, each about as long as allowed; the last one is the
 * message with what is left, those before it are `gossip`.
 *
 * @param maxBytes The size of a part; a single piece of news may be longer.
 * @returns One part at least, to be sent in this order.
 */
export function partsOf(message: ClusterMessage, maxBytes: number): readonly ClusterMessage[] {
  const { members = [], entries = [], loads = [], ...rest } = message;
  if (members.length + entries.length + loads.length <= 1) return [message];
  const parts: Rumour[][] = [[]];
  let room = maxBytes;
  for (const rumour of rumoursIn(message)) {
    const bytes = estimatedBytes(rumour);
    if (bytes > room && room < maxBytes) {
      parts.push([]);
      room = maxBytes;
    }
    room -= bytes;
    parts.at(-1)?.push(rumour);
  }
  const last = parts.pop() ?? [];
  return [
    ...parts.map((rumours) => ({ kind: "gossip", ...newsOf(rumours) }) as const),
    { ...rest, ...newsOf(last) },
  ];
}

/** Reads a message from another node; malformed parts are dropped, `undefined` for the whole. */
export function readMessage(value: unknown): ClusterMessage | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const record = value as Record<string, unknown>; // each field is checked where it is read
  const body = readBody(record);
  if (body === undefined) return undefined;
  const { members, entries, loads } = record;
  return {
    ...body,
    ...(Array.isArray(members) && { members: readAll(members, readMember) }),
    ...(Array.isArray(entries) && { entries: readAll(entries, readEntry) }),
    ...(Array.isArray(loads) && { loads: readAll(loads, readLoad) }),
  };
}

function readBody(record: Record<string, unknown>): ClusterMessage | undefined {
  const { kind, seq, target, digest, bucket, rows, lists, answer } = record;
  switch (kind) {
    case "gossip":
      return { kind };
    case "probe":
    case "ack":
    case "nack":
      return isCount(seq) ? { kind, seq } : undefined;
    case "probe-for":
      return isCount(seq) && isNode(target) ? { kind, seq, target } : undefined;
    case "sync":
      return isNumbers(digest) ? { kind, digest } : undefined;
    case "summary":
      if (!isCount(bucket) || !Array.isArray(rows)) return undefined;
      return { kind, bucket, rows: readAll(rows, readRow) };
    case "names":
      if (!Array.isArray(lists)) return undefined;
      return { kind, lists: readAll(lists, readList), answer: answer === true };
    default:
      return undefined; // of a later version
  }
}

function readRow(value: unknown): Row | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { member, floor, hash, load } = value as Record<string, unknown>; // checked next
  const known = readMember(member);
  if (known === undefined || !isCount(floor) || !Number.isInteger(hash)) return undefined;
  const carried = readLoad(load);
  const row = { member: known, floor, hash: hash as number }; // an integer is a number
  return carried === undefined ? row : { ...row, load: carried };
}

function readList(value: unknown): NameList | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { owner, floor, versions } = value as Record<string, unknown>; // checked next
  if (!isNode(owner) || !isCount(floor) || !isNumbers(versions)) return undefined;
  return { owner, floor, versions };
}

function readAll<T>(values: readonly unknown[], read: (value: unknown) => T | undefined): T[] {
  const good: T[] = [];
  for (const value of values) {
    const one = read(value);
    if (one !== undefined) good.push(one);
  }
  return good;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0; // an integer is a number
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((one) => Number.isSafeInteger(one));
}

function isNode(value: unknown): value is NodeId {
  return typeof value === "string" && isId(value);
}

function* rumoursIn({ members = [], entries = [], loads = [] }: News): Generator<Rumour> {
  for (const member of members) yield { kind: "member", member };
  for (const entry of entries) yield { kind: "entry", entry };
  for (const load of loads) yield { kind: "load", load };
}

function estimatedBytes(rumour: Rumour): number {
  if (rumour.kind === "load") return RUMOUR_BYTES / 2;
  if (rumour.kind === "member") return RUMOUR_BYTES + rumour.member.addr.length;
  const { path, className = "", metadata = {} } = rumour.entry;
  let bytes = RUMOUR_BYTES + path.length + className.length;
  for (const [name, text] of Object.entries(metadata)) bytes += name.length + text.length + 4;
  return bytes;
}

/** Accusations by several members stand side by side: they count together. */
function keyOf(rumour: Rumour): string {
  switch (rumour.kind) {
    case "member":
      return `${rumour.member.nodeId} ${rumour.member.by ?? ""}`;
    case "entry":
      return `${rumour.entry.nodeId} ${rumour.entry.path}`;
    case "load":
      return `${rumour.load.nodeId} load`;
  }
}
