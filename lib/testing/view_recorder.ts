/**
 * Writes down when a node's view of its cluster changes.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { Member } from "../cluster/member.ts";
import type { ActorSystem, NamedActor } from "../system/actor_system.ts";
import type { History } from "./history.ts";

/** One actor of a name. */
interface Seen {
  readonly path: ActorPath;
  readonly actorId: ActorId;
  readonly nodeId: NodeId;
}

/** Compares what one node sees with what it saw when it was looked at last. */
export class ViewRecorder {
  readonly #node: string;
  readonly #system: ActorSystem;
  readonly #history: History;
  #members: readonly Member[] = [];
  #byId = new Map<NodeId, Member>();
  #named: readonly NamedActor[] = [];
  #names = new Map<string, Seen>();

  /**
   * @param node What the node is called in the history.
   */
  constructor(node: string, system: ActorSystem, history: History) {
    this.#node = node;
    this.#system = system;
    this.#history = history;
  }

  /**
   * Looks at the node; to be called often, so what has not changed must cost little.
   *
   * @param atMs When the node came to what it sees now.
   */
  look(atMs: number): void {
    const members = this.#system.members();
    if (!isSameList(members, this.#members)) this.#membersChanged(members, atMs);
    const named = this.#system.allNamedActors();
    if (named !== this.#named && named.length + this.#named.length > 0) {
      this.#namesChanged(named, atMs);
    }
  }

  #membersChanged(members: readonly Member[], atMs: number): void {
    const byId = new Map<NodeId, Member>();
    for (const member of members) {
      byId.set(member.nodeId, member);
      const before = this.#byId.get(member.nodeId);
      if (before === member) continue;
      const { nodeId, addr, status, incarnation } = member;
      if (before?.status === status && before.incarnation === incarnation) continue;
      const event = { node: this.#node, nodeId, addr, status, incarnation };
      this.#history.add({ kind: "member", ...event }, atMs);
    }
    for (const { nodeId, addr, incarnation } of this.#members) {
      if (byId.has(nodeId)) continue;
      const event = { node: this.#node, nodeId, addr, status: "forgotten", incarnation } as const;
      this.#history.add({ kind: "member", ...event }, atMs);
    }
    this.#members = members;
    this.#byId = byId;
  }

  #namesChanged(named: readonly NamedActor[], atMs: number): void {
    const names = new Map<string, Seen>();
    for (const { path, instances } of named) {
      for (const { actorId, nodeId } of instances) {
        names.set(`${path} ${actorId}`, { path, actorId, nodeId });
      }
    }
    const node = this.#node;
    for (const [key, seen] of names) {
      if (this.#names.has(key)) continue;
      this.#history.add({ kind: "name", node, ...seen, state: "up" }, atMs);
    }
    for (const [key, seen] of this.#names) {
      if (names.has(key)) continue;
      this.#history.add({ kind: "name", node, ...seen, state: "gone" }, atMs);
    }
    this.#named = named;
    this.#names = names;
  }
}

function isSameList(one: readonly Member[], other: readonly Member[]): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) {
    if (one[index] !== other[index]) return false;
  }
  return true;
}
