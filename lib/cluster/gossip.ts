/**
 * News on its way through the cluster: what to tell next, and the messages that tell it.
 *
 * @module
 */

import { type Member, readMember } from "./member.ts";
import { readEntry, type RegistryEntry } from "./registry.ts";

/** One piece of news. */
export type Rumour =
  | { readonly kind: "member"; readonly member: Member }
  | { readonly kind: "entry"; readonly entry: RegistryEntry };

/** What the cluster parts of two nodes say to each other. */
export interface ClusterMessage {
  /**
   * `gossip`: news. `push`: all the sender knows, an answer is wanted. `pull`: that answer.
   *
   * What is too long for one message goes as `gossip` but for its last part.
   */
  readonly kind: "gossip" | "push" | "pull";
  readonly members: readonly Member[];
  readonly entries: readonly RegistryEntry[];
}

/** About how many bytes one rumour takes in a message, its texts of variable length aside. */
const RUMOUR_BYTES = 160;

interface Told {
  readonly rumour: Rumour;
  times: number;
}

/** News that has not been told often enough yet; newer news of the same thing replaces older. */
export class Rumours {
  readonly #told = new Map<string, Told>();

  /** Whether there is nothing to tell. */
  get isEmpty(): boolean {
    return this.#told.size === 0;
  }

  /** Drops all news: nobody is there to be told. */
  clear(): void {
    this.#told.clear();
  }

  /** Adds a piece of news. */
  add(rumour: Rumour): void {
    const key = keyOf(rumour);
    this.#told.delete(key);
    this.#told.set(key, { rumour, times: 0 });
  }

  /**
   * Takes the news for one message, what was told least first.
   *
   * @param maxTimes How often each piece is told in all.
   * @param maxBytes The size of the message.
   */
  take(maxTimes: number, maxBytes: number): readonly Rumour[] {
    const chosen: Rumour[] = [];
    let room = maxBytes;
    for (const [key, told] of [...this.#told].sort(([, a], [, b]) => a.times - b.times)) {
      room -= estimatedBytes(told.rumour);
      if (room < 0 && chosen.length > 0) break; // one always passes, or it would stay forever
      chosen.push(told.rumour);
      told.times++;
      if (told.times >= maxTimes) this.#told.delete(key);
    }
    return chosen;
  }
}

/** Makes a message of pieces of news. */
export function gossipMessage(rumours: readonly Rumour[]): ClusterMessage {
  const members: Member[] = [];
  const entries: RegistryEntry[] = [];
  for (const rumour of rumours) {
    if (rumour.kind === "member") members.push(rumour.member);
    else entries.push(rumour.entry);
  }
  return { kind: "gossip", members, entries };
}

/**
 * Cuts a message into parts, each about as long as allowed; only the last one wants the answer.
 *
 * @param maxBytes The size of a part; a single piece of news may be longer.
 * @returns One part at least, to be sent in this order.
 */
export function partsOf(message: ClusterMessage, maxBytes: number): readonly ClusterMessage[] {
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
  return parts.map((rumours, index) => {
    const part = gossipMessage(rumours);
    return index === parts.length - 1 ? { ...part, kind: message.kind } : part;
  });
}

/** Reads a message from another node; malformed parts are dropped, `undefined` for the whole. */
export function readMessage(value: unknown): ClusterMessage | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { kind, members, entries } = value as Record<string, unknown>; // checked next
  if (kind !== "gossip" && kind !== "push" && kind !== "pull") return undefined;
  if (!Array.isArray(members) || !Array.isArray(entries)) return undefined;
  return {
    kind,
    members: members.map(readMember).filter((member) => member !== undefined),
    entries: entries.map(readEntry).filter((entry) => entry !== undefined),
  };
}

function* rumoursIn({ members, entries }: ClusterMessage): Generator<Rumour> {
  for (const member of members) yield { kind: "member", member };
  for (const entry of entries) yield { kind: "entry", entry };
}

function estimatedBytes(rumour: Rumour): number {
  if (rumour.kind === "member") return RUMOUR_BYTES + rumour.member.addr.length;
  const { path, className = "", metadata = {} } = rumour.entry;
  let bytes = RUMOUR_BYTES + path.length + className.length;
  for (const [name, text] of Object.entries(metadata)) bytes += name.length + text.length + 4;
  return bytes;
}

function keyOf(rumour: Rumour): string {
  if (rumour.kind === "member") return rumour.member.nodeId;
  return `${rumour.entry.nodeId} ${rumour.entry.path}`;
}
