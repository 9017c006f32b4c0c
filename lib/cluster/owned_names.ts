/**
 * The names of one owner as one node knows them: a causal set, merged without coordination.
 *
 * The owner numbers its changes. A node knows everything up to its `floor`: an entry at or below
 * it that is not here was stopped, whoever still tells of it. So no tombstone outlives the moment
 * in which all changes before it are known, and nothing that was stopped comes back.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";

/** One named actor, alive or stopped. */
export interface RegistryEntry {
  readonly path: ActorPath;
  readonly actorId: ActorId;
  /** The owner: the node the actor lives on. */
  readonly nodeId: NodeId;
  /** The owner's number of this change. */
  readonly version: number;
  readonly state: "live" | "stopped";
  readonly className?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What a node knows of one owner, without the entries themselves. */
export interface NameList {
  readonly owner: NodeId;
  /** Everything up to this change is known. */
  readonly floor: number;
  /** The changes that are still true: one for each live name. */
  readonly versions: readonly number[];
}

/** The names of one owner. */
export class OwnedNames {
  readonly owner: NodeId;
  readonly #entries = new Map<ActorPath, RegistryEntry>();
  /** The entries above the floor, stopped ones included, by version. */
  readonly #above = new Map<number, RegistryEntry>();
  #floor = 0;
  #hash = 0;

  constructor(owner: NodeId) {
    this.owner = owner;
  }

  /** Everything up to this change is known. */
  get floor(): number {
    return this.#floor;
  }

  /** A number of 32 bits that is equal for equal sets of live names. */
  get hash(): number {
    return this.#hash;
  }

  /** How many entries are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** All entries, those stopped above the floor included. */
  entries(): IterableIterator<RegistryEntry> {
    return this.#entries.values();
  }

  get(path: ActorPath): RegistryEntry | undefined {
    return this.#entries.get(path);
  }

  /** What is known, for a comparison. */
  list(): NameList {
    const versions: number[] = [];
    for (const { state, version } of this.#entries.values()) {
      if (state === "live") versions.push(version);
    }
    return { owner: this.owner, floor: this.#floor, versions };
  }

  /** Whether an entry would change anything. */
  isNews({ path, version }: RegistryEntry): boolean {
    const known = this.#entries.get(path);
    return version > this.#floor && (known === undefined || known.version < version);
  }

  /** Takes a change of the owner; `true` when it was news. */
  take(entry: RegistryEntry): boolean {
    const isNews = this.isNews(entry);
    if (isNews) this.#set(entry);
    // Also an outdated one says that this change is known now.
    if (entry.version === this.#floor + 1) this.#raise(entry.version);
    return isNews;
  }

  /**
   * Takes as stopped what another node knows to be stopped.
   *
   * What is stopped above the floor is remembered as that, or old news would bring it back.
   *
   * @returns What was live.
   */
  prune(list: NameList): readonly RegistryEntry[] {
    const alive = new Set(list.versions);
    const dropped: RegistryEntry[] = [];
    for (const entry of [...this.#entries.values()]) {
      if (entry.state === "stopped" || entry.version > list.floor) continue;
      if (alive.has(entry.version)) continue;
      dropped.push(entry);
      this.#set({ ...entry, state: "stopped" });
    }
    this.#raise(this.#knownUpTo(list));
    return dropped;
  }

  /** Forgets what is stopped, up to a floor, for want of room: old news may bring it back. */
  forgetStopped(floor: number): void {
    for (const entry of [...this.#above.values()]) {
      if (entry.state === "stopped" && entry.version <= floor) this.#delete(entry);
    }
  }

  /** Live entries that are missing in another node's list and that it does not know as stopped. */
  missingIn({ floor, versions }: NameList): readonly RegistryEntry[] {
    const theirs = new Set(versions);
    const missing: RegistryEntry[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.version > floor && !theirs.has(entry.version)) missing.push(entry);
    }
    return missing;
  }

  /** Another node knows the same live names, and everything up to a floor. */
  agree(floor: number): void {
    this.#raise(floor);
  }

  /** How far a list tells everything: up to the first name in it that is not here. */
  #knownUpTo({ floor, versions }: NameList): number {
    const own = new Set<number>();
    for (const { version } of this.#entries.values()) own.add(version);
    let known = floor;
    for (const version of versions) {
      if (version > this.#floor && !own.has(version)) known = Math.min(known, version - 1);
    }
    return known;
  }

  #raise(floor: number): void {
    if (floor > this.#floor) this.#floor = floor;
    for (const [version, entry] of this.#above) if (version <= this.#floor) this.#settle(entry);
    for (;;) {
      const next = this.#above.get(this.#floor + 1);
      if (next === undefined) return;
      this.#floor++;
      this.#settle(next);
    }
  }

  /** An entry is at or below the floor now: a stopped one need not be remembered. */
  #settle(entry: RegistryEntry): void {
    this.#above.delete(entry.version);
    if (entry.state === "stopped") this.#delete(entry);
  }

  #set(entry: RegistryEntry): void {
    const known = this.#entries.get(entry.path);
    if (known !== undefined) this.#delete(known);
    this.#entries.set(entry.path, entry);
    this.#above.set(entry.version, entry);
    if (entry.state === "live") this.#hash ^= hashOf(entry);
  }

  #delete(entry: RegistryEntry): void {
    this.#entries.delete(entry.path);
    this.#above.delete(entry.version);
    if (entry.state === "live") this.#hash ^= hashOf(entry);
  }
}

/** A version names one change of one owner, so it stands for the whole entry. */
function hashOf({ version }: RegistryEntry): number {
  return mix(mix(version | 0) ^ Math.floor(version / 0x1_0000_0000));
}

/** Spreads the bits of a number of 32 bits; the finalizer of MurmurHash3. */
export function mix(word: number): number {
  let hash = word ^ (word >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
