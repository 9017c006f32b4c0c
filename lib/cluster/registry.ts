/**
 * Names and where they live: a pure table, merged without coordination.
 *
 * Every entry belongs to the node its actor lives on; see {@link OwnedNames} for what that gives.
 *
 * @module
 */

import { type ActorId, type ActorPath, isId, type NodeId, parsePath } from "../address.ts";
import { type NameList, OwnedNames, type RegistryEntry } from "./owned_names.ts";

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
  readonly #self: NodeId;
  readonly #maxEntries: number;
  readonly #owners = new Map<NodeId, OwnedNames>();
  readonly #byPath = new Map<ActorPath, Set<NodeId>>();
  #version = 0;
  #size = 0;
  #ignored = 0;
  #revision = 0;

  /**
   * Makes an empty table.
   *
   * @param maxEntries From how many entries on those of other nodes are ignored; the node's own
   * are always kept.
   */
  constructor(self: NodeId, maxEntries: number) {
    this.#self = self;
    this.#maxEntries = maxEntries;
    this.#owners.set(self, new OwnedNames(self));
  }

  /** Rises with every change of a live name. */
  get revision(): number {
    return this.#revision;
  }

  /** The nodes of which anything is known. */
  owners(): IterableIterator<NodeId> {
    return this.#owners.keys();
  }

  /** The names of an owner. */
  of(owner: NodeId): OwnedNames | undefined {
    return this.#owners.get(owner);
  }

  /** The live entries of a path. */
  at(path: ActorPath): readonly RegistryEntry[] {
    const found: RegistryEntry[] = [];
    for (const owner of this.#byPath.get(path) ?? []) {
      const entry = this.#owners.get(owner)?.get(path);
      if (entry?.state === "live") found.push(entry);
    }
    return found;
  }

  /** Enters an actor of this node. */
  register(registration: Registration): RegistryEntry {
    const version = ++this.#version;
    const entry = { ...registration, nodeId: this.#self, version, state: "live" } as const;
    this.#take(this.#namesOf(this.#self), entry);
    return entry;
  }

  /** Marks an actor of this node as stopped; `undefined` when it was not entered. */
  unregister(path: ActorPath, actorId: ActorId): RegistryEntry | undefined {
    const names = this.#namesOf(this.#self);
    const entry = names.get(path);
    if (entry?.actorId !== actorId) return undefined;
    const stopped = { ...entry, version: ++this.#version, state: "stopped" } as const;
    this.#take(names, stopped);
    return stopped;
  }

  /** Takes an entry from another node; `true` when it was news. */
  merge(entry: RegistryEntry): boolean {
    if (entry.nodeId === this.#self) return false;
    const known = this.#owners.get(entry.nodeId);
    const isFull = this.#size >= this.#maxEntries && known?.get(entry.path) === undefined;
    if (isFull && known?.isNews(entry) !== false) {
      this.#ignored++;
      return false;
    }
    return this.#take(this.#namesOf(entry.nodeId), entry);
  }

  /**
   * Compares what another node knows of an owner; what it knows to be stopped is stopped here.
   *
   * @returns Entries that it lacks.
   */
  compare(list: NameList): readonly RegistryEntry[] {
    const names = this.#namesOf(list.owner);
    if (list.owner !== this.#self) {
      const before = names.size;
      for (const { path } of names.prune(list)) this.#unlist(path, list.owner);
      // A table that is full of stopped names would take no new ones.
      if (this.#size >= this.#maxEntries) names.forgetStopped(list.floor);
      this.#size += names.size - before;
    }
    return names.missingIn(list);
  }

  /**
   * Another node knows as many changes of an owner as its floor says.
   *
   * @param hash That of the live names it knows.
   * @returns Whether it knows the same live names; then its floor holds here too.
   */
  agree(owner: NodeId, floor: number, hash: number): boolean {
    if ((this.#owners.get(owner)?.hash ?? 0) !== hash) return false;
    if (owner === this.#self || floor === 0) return true;
    const names = this.#namesOf(owner); // also of one without names: what it had stopped stays so
    const before = names.size;
    names.agree(floor);
    this.#size += names.size - before;
    return true;
  }

  /** How often an entry was ignored for want of room since this was asked last. */
  takeIgnored(): number {
    const ignored = this.#ignored;
    this.#ignored = 0;
    return ignored;
  }

  /** Forgets everything of a node that is gone. */
  purge(owner: NodeId): void {
    const names = this.#owners.get(owner);
    if (names === undefined || owner === this.#self) return;
    for (const { path } of names.entries()) this.#unlist(path, owner);
    this.#size -= names.size;
    this.#owners.delete(owner);
  }

  #namesOf(owner: NodeId): OwnedNames {
    let names = this.#owners.get(owner);
    if (names === undefined) this.#owners.set(owner, names = new OwnedNames(owner));
    return names;
  }

  #take(names: OwnedNames, entry: RegistryEntry): boolean {
    const before = names.size;
    const isNews = names.take(entry);
    this.#size += names.size - before;
    if (!isNews) return false;
    if (entry.state === "stopped") this.#unlist(entry.path, names.owner);
    else this.#list(entry.path, names.owner);
    return true;
  }

  #list(path: ActorPath, owner: NodeId): void {
    this.#revision++;
    const owners = this.#byPath.get(path);
    if (owners === undefined) this.#byPath.set(path, new Set([owner]));
    else owners.add(owner);
  }

  #unlist(path: ActorPath, owner: NodeId): void {
    this.#revision++;
    const owners = this.#byPath.get(path);
    owners?.delete(owner);
    if (owners?.size === 0) this.#byPath.delete(path);
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
