/**
 * Who on this node watches which actors of other nodes.
 *
 * @module
 */

import type { Terminated, Watcher } from "../actor/death_watch.ts";
import type { ActorId, NodeId } from "../address.ts";
import { asError, PulsingRuntimeError } from "../errors.ts";
import type { Association } from "./association.ts";
import type { Links } from "./links.ts";
import type { RemoteActor } from "./remote_ref.ts";

/** What is believed of another node. */
export type NodeStanding =
  /** It is a member, perhaps a suspect one. */
  | "member"
  /** It was one and is dead or has left. */
  | "gone"
  /** It never was one, as far as is remembered. */
  | "unknown";

/** What the watches of a node need. */
export interface RemoteWatchesHost {
  links(): Links;
  /** What membership says of a node. */
  standing(nodeId: NodeId): NodeStanding;
}

interface Watched {
  readonly actor: RemoteActor;
  readonly watchers: Map<string, Watcher>;
  /** How many watches had been undone when this one was sent last. */
  undoneBefore: number;
}

/**
 * One watch over the link for each watched actor, however many watch it here.
 *
 * A watch outlives its link: it is sent again over the next one. Membership, not a lost link,
 * decides that a node is gone; the actors of a node that is no member go with the link. A watch
 * that the other node refuses is kept: the loss of that node ends it as any other, and it is sent
 * again when one that the node took has ended.
 */
export class RemoteWatches {
  readonly #host: RemoteWatchesHost;
  readonly #byNode = new Map<NodeId, Map<ActorId, Watched>>();
  /** Watches that their node has no room for, each to be sent again when there is some. */
  readonly #refused = new Map<NodeId, Set<ActorId>>();
  #size = 0;
  #undone = 0;

  constructor(host: RemoteWatchesHost) {
    this.#host = host;
  }

  /** Actors of other nodes that are watched. */
  get size(): number {
    return this.#size;
  }

  /**
   * Tells a watcher of an actor's end.
   *
   * @throws {PulsingRuntimeError} kind `"limit-exceeded"`: this node watches `limits.watches` actors
   * of other nodes already. The watcher hears nothing then.
   */
  watch(actor: RemoteActor, watcher: Watcher): void {
    const { nodeId, actorId, address } = actor;
    const known = this.#byNode.get(nodeId)?.get(actorId);
    if (known !== undefined) return void known.watchers.set(watcher.watcherId, watcher);
    const watchers = new Map([[watcher.watcherId, watcher]]);
    const watched: Watched = { actor, watchers, undoneBefore: this.#undone };
    if (this.#host.standing(nodeId) === "gone") {
      tell(watched, { id: actorId, reason: "node-lost" });
      return this.nodeGone(nodeId);
    }
    const links = this.#host.links();
    if (this.#size >= links.limits.watches) throw tooMany(links.limits.watches);
    this.#remember(watched);
    const link = links.get(nodeId);
    if (link !== undefined) return this.#send(link, watched);
    // A link that comes up takes all watches of its node along.
    const opening = links.open(nodeId, address);
    if (opening instanceof Promise) opening.catch((error) => this.#unreachable(nodeId, error));
  }

  /** Undoes {@link RemoteWatches.watch}. */
  unwatch({ nodeId, actorId }: RemoteActor, watcher: Watcher): void {
    const watched = this.#byNode.get(nodeId);
    const one = watched?.get(actorId);
    if (one === undefined || !one.watchers.delete(watcher.watcherId)) return;
    if (one.watchers.size > 0) return;
    const wasRefused = this.#forget(nodeId, actorId);
    this.#host.links().get(nodeId)?.unwatch(actorId);
    this.#undone++;
    if (!wasRefused) this.#sendRefused(nodeId);
  }

  /**
   * The other side has no room for a watch.
   *
   * @returns Whether it is the only one of that node now, so that it is worth a word.
   */
  refused({ nodeId }: Association, actorId: ActorId): boolean {
    const one = this.#byNode.get(nodeId)?.get(actorId);
    if (one === undefined) return false;
    const link = this.#host.links().get(nodeId);
    // It may have crossed with an unwatch that has made room since.
    if (link !== undefined && one.undoneBefore !== this.#undone) {
      this.#send(link, one);
      return false;
    }
    let refused = this.#refused.get(nodeId);
    if (refused === undefined) this.#refused.set(nodeId, refused = new Set());
    return refused.add(actorId).size === 1;
  }

  /** A link is up: the actors of its node are watched over it from now on. */
  linkUp(link: Association): void {
    this.#refused.delete(link.nodeId);
    for (const one of this.#byNode.get(link.nodeId)?.values() ?? []) this.#send(link, one);
  }

  /** A link has ended; one that gave its place to a newer one does not count. */
  linkDown(link: Association, error: Error): void {
    if (this.#host.links().get(link.nodeId) !== undefined) return;
    if (this.#host.standing(link.nodeId) === "unknown") this.nodeGone(link.nodeId, error);
  }

  /** The other side says that an actor is gone. */
  terminated(nodeId: NodeId, end: Pick<Terminated, "id" | "reason" | "error">): void {
    const watched = this.#byNode.get(nodeId)?.get(end.id);
    if (watched === undefined) return;
    this.#forget(nodeId, end.id);
    tell(watched, end);
    this.#sendRefused(nodeId);
  }

  /** A node is gone, and its actors with it. */
  nodeGone(nodeId: NodeId, error?: Error): void {
    const watched = this.#byNode.get(nodeId);
    this.#byNode.delete(nodeId);
    this.#refused.delete(nodeId);
    this.#size -= watched?.size ?? 0;
    for (const [id, one] of watched ?? []) {
      tell(one, { id, reason: "node-lost", ...(error !== undefined && { error }) });
    }
  }

  /** The node shuts down: nobody here listens any more. */
  close(): void {
    this.#byNode.clear();
    this.#refused.clear();
    this.#size = 0;
  }

  #unreachable(nodeId: NodeId, error: unknown): void {
    if (this.#host.standing(nodeId) !== "member") this.nodeGone(nodeId, asError(error));
  }

  #remember(one: Watched): void {
    const { nodeId, actorId } = one.actor;
    let watched = this.#byNode.get(nodeId);
    if (watched === undefined) this.#byNode.set(nodeId, watched = new Map());
    watched.set(actorId, one);
    this.#size++;
  }

  /** Forgets a watch, and tells whether the other side had refused it. */
  #forget(nodeId: NodeId, actorId: ActorId): boolean {
    const watched = this.#byNode.get(nodeId);
    if (watched?.delete(actorId) === true) this.#size--;
    if (watched?.size === 0) this.#byNode.delete(nodeId);
    return this.#takeRefused(nodeId, actorId);
  }

  #takeRefused(nodeId: NodeId, actorId: ActorId): boolean {
    const refused = this.#refused.get(nodeId);
    const wasRefused = refused?.delete(actorId) === true;
    if (refused?.size === 0) this.#refused.delete(nodeId);
    return wasRefused;
  }

  /** The other node has room for one more: the one that has waited longest. */
  #sendRefused(nodeId: NodeId): void {
    const [actorId = ""] = this.#refused.get(nodeId) ?? [];
    const one = this.#byNode.get(nodeId)?.get(actorId);
    const link = this.#host.links().get(nodeId);
    if (one === undefined || link === undefined) return;
    this.#takeRefused(nodeId, actorId);
    this.#send(link, one);
  }

  #send(link: Association, one: Watched): void {
    one.undoneBefore = this.#undone;
    link.watch(one.actor.actorId);
  }
}

function tooMany(limit: number): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot watch actor: this node watches ${limit} actors of other nodes already, ` +
      "unwatch some first",
    { kind: "limit-exceeded" },
  );
}

function tell(
  { actor: { nodeId, path }, watchers }: Watched,
  end: Pick<Terminated, "id" | "reason" | "error">,
): void {
  const notice: Terminated = { ...end, nodeId, ...(path !== undefined && { path }) };
  for (const watcher of watchers.values()) queueMicrotask(() => watcher.terminated(notice));
}
