/**
 * Names and where they live: a pure table, merged without coordination.
 *
 * Every entry belongs to the node its actor lives on; that node numbers its changes, and the
 * higher number wins. So merging is commutative, associative and idempotent, and a stop is never
 * undone by somebody who missed it.
 *
 * @module
 */

import { type ActorId, type ActorPath, isId, type NodeId, parsePath } from "../address.ts";

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

/** What a new entry says. */
export interface Registration {
  readonly path: ActorPath;
  readonly actorId: ActorId;
  readonly className?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

const MAX_METADATA_ENTRIES = 32;
const MAX_TEXT = 256;

/** The names one node knows. */
export class Registry {
  readonly #owner: NodeId;
  readonly #maxEntries: number;
  readonly #entries = new Map<string, RegistryEntry>();
  readonly #byPath = new Map<ActorPath, Set<string>>();
  /** Tombstones, and the sweep that saw each first. */
  readonly #stopped = new Map<string, number | undefined>();
  /** The newest tombstone forgotten of each owner; what others still hold is not taken back. */
  readonly #forgotten = new Map<NodeId, number>();
  #version = 0;
  #ignored = 0;

  /**
   * Makes an empty table.
   *
   * @param maxEntries From how many entries on those of other nodes are ignored; the owner's own
   * are always kept.
   */
  constructor(owner: NodeId, maxEntries: number) {
    this.#owner = owner;
    this.#maxEntries = maxEntries;
  }

  /** All entries, stopped ones included. */
  get all(): readonly RegistryEntry[] {
    return [...this.#entries.values()];
  }

  /** The live entries of a path. */
  at(path: ActorPath): readonly RegistryEntry[] {
    const found: RegistryEntry[] = [];
    for (const key of this.#byPath.get(path) ?? []) {
      const entry = this.#entries.get(key);
      if (entry?.state === "live") found.push(entry);
    }
    return found;
  }

  /** Enters an actor of this node. */
  register(registration: Registration): RegistryEntry {
    const entry: RegistryEntry = {
      ...registration,
      nodeId: this.#owner,
      version: ++this.#version,
      state: "live",
    };
    this.#set(entry);
    return entry;
  }

  /** Marks an actor of this node as stopped; `undefined` when it was not entered. */
  unregister(path: ActorPath, actorId: ActorId): RegistryEntry | undefined {
    const entry = this.#entries.get(keyOf(this.#owner, path));
    if (entry === undefined || entry.actorId !== actorId || entry.state === "stopped") {
      return undefined;
    }
    const stopped: RegistryEntry = { ...entry, version: ++this.#version, state: "stopped" };
    this.#set(stopped);
    return stopped;
  }

  /** Drops an entry of this node that nobody else has heard of. */
  forget(entry: RegistryEntry): void {
    this.#delete(keyOf(entry.nodeId, entry.path), entry);
  }

  /** Takes an entry from another node; `true` when it was news. */
  merge(entry: RegistryEntry): boolean {
    if (entry.nodeId === this.#owner) return false;
    const known = this.#entries.get(keyOf(entry.nodeId, entry.path));
    if (known !== undefined && known.version >= entry.version) return false;
    // Else two nodes that forget at different times would teach each other a tombstone forever.
    const forgotten = this.#forgotten.get(entry.nodeId) ?? 0;
    if (known === undefined && entry.state === "stopped" && entry.version <= forgotten) {
      return false;
    }
    if (known === undefined && this.#entries.size >= this.#maxEntries) {
      this.#ignored++;
      return false;
    }
    this.#set(entry);
    return true;
  }

  /**
   * Contradicts an entry of this node that somebody still holds after its tombstone was forgotten.
   *
   * @returns The new tombstone to tell; `undefined` when the entry is true, old or was never ours.
   */
  refute(entry: RegistryEntry): RegistryEntry | undefined {
    if (entry.nodeId !== this.#owner || entry.state === "stopped") return undefined;
    if (entry.version > this.#version || this.#entries.has(keyOf(this.#owner, entry.path))) {
      return undefined;
    }
    const stopped: RegistryEntry = { ...entry, version: ++this.#version, state: "stopped" };
    this.#set(stopped);
    return stopped;
  }

  /** Forgets tombstones that an earlier sweep, at least `retentionMs` ago, has seen. */
  sweep(now: number, retentionMs: number): void {
    for (const [key, since] of [...this.#stopped]) {
      const entry = this.#entries.get(key);
      if (since === undefined) this.#stopped.set(key, now);
      else if (entry !== undefined && now - since >= retentionMs) {
        const forgotten = this.#forgotten.get(entry.nodeId) ?? 0;
        this.#forgotten.set(entry.nodeId, Math.max(forgotten, entry.version));
        this.#delete(key, entry);
      }
    }
  }

  /** How often an entry was ignored for want of room since this was asked last. */
  takeIgnored(): number {
    const ignored = this.#ignored;
    this.#ignored = 0;
    return ignored;
  }

  /** The nodes of which anything is known. */
  owners(): ReadonlySet<NodeId> {
    const owners = new Set(this.#forgotten.keys());
    for (const entry of this.#entries.values()) owners.add(entry.nodeId);
    return owners;
  }

  /** Forgets everything of a node that is gone. */
  purge(nodeId: NodeId): void {
    for (const [key, entry] of [...this.#entries]) {
      if (entry.nodeId === nodeId) this.#delete(key, entry);
    }
    this.#forgotten.delete(nodeId);
  }

  #delete(key: string, entry: RegistryEntry): void {
    this.#entries.delete(key);
    this.#stopped.delete(key);
    const keys = this.#byPath.get(entry.path);
    keys?.delete(key);
    if (keys?.size === 0) this.#byPath.delete(entry.path);
  }

  #set(entry: RegistryEntry): void {
    const key = keyOf(entry.nodeId, entry.path);
    this.#entries.set(key, entry);
    if (entry.state === "stopped") this.#stopped.set(key, undefined);
    else this.#stopped.delete(key);
    const keys = this.#byPath.get(entry.path);
    if (keys === undefined) this.#byPath.set(entry.path, new Set([key]));
    else keys.add(key);
  }
}

/** Reads an entry from another node; `undefined` when it is malformed. */
export function readEntry(value: unknown): RegistryEntry | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { path, actorId, nodeId, version, state, className, metadata } = value as Partial<
    RegistryEntry
  >; // checked next
  if (typeof path !== "string" || !isPath(path)) return undefined;
  if (typeof actorId !== "string" || !isId(actorId)) return undefined;
  if (typeof nodeId !== "string" || !isId(nodeId)) return undefined;
  if (!Number.isSafeInteger(version) || (version ?? 0) < 1) return undefined;
  if (state !== "live" && state !== "stopped") return undefined;
  return {
    path,
    actorId,
    nodeId,
    version: version ?? 1,
    state,
    ...(isText(className) && { className }),
    ...(isMetadata(metadata) && { metadata }),
  };
}

function keyOf(nodeId: NodeId, path: ActorPath): string {
  return `${nodeId} ${path}`;
}

function isPath(path: string): boolean {
  try {
    return parsePath(path) === path;
  } catch {
    return false;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_TEXT;
}

function isMetadata(value: unknown): value is Record<string, string> {
  if (typeof value !== "object" || value === null) return false;
  const fields = Object.entries(value);
  return fields.length <= MAX_METADATA_ENTRIES &&
    fields.every(([name, text]) => isText(name) && isText(text));
}
