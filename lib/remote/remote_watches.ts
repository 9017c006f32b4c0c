/**
 * Who on this node watches which actors of other nodes.
 *
 * @module
 */

import type { Terminated, Watcher } from "../actor/death_watch.ts";
import type { ActorId, NodeId } from "../address.ts";
import { asError } from "../errors.ts";
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
}

/**
 * One watch over the link for each watched actor, however many watch it here.
 *
 * A watch outlives its link: it is sent again over the next one. Membership, not a lost link,
 * decides that a node is gone; the actors of a node that is no member go with the link.
 */
export class RemoteWatches {
  readonly #host: RemoteWatchesHost;
  readonly #byNode = new Map<NodeId, Map<ActorId, Watched>>();

  constructor(host: RemoteWatchesHost) {
    this.#host = host;
  }

  /** Actors of other nodes that are watched. */
  get size(): number {
    return [...this.#byNode.values()].reduce((sum, watched) => sum + watched.size, 0);
  }

  /** Tells a watcher of an actor's end. */
  watch(actor: RemoteActor, watcher: Watcher): void {
    const { nodeId, actorId, address } = actor;
    let watched = this.#byNode.get(nodeId);
    if (watched === undefined) this.#byNode.set(nodeId, watched = new Map());
    const known = watched.get(actorId);
    if (known !== undefined) return void known.watchers.set(watcher.watcherId, watcher);
    watched.set(actorId, { actor, watchers: new Map([[watcher.watcherId, watcher]]) });
    if (this.#host.standing(nodeId) === "gone") return this.nodeGone(nodeId);
    const links = this.#host.links();
    const link = links.get(nodeId);
    if (link !== undefined) return link.watch(actorId);
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
    this.#forget(nodeId, actorId);
    this.#host.links().get(nodeId)?.unwatch(actorId);
  }

  /** A link is up: the actors of its node are watched over it from now on. */
  linkUp(link: Association): void {
    for (const actorId of this.#byNode.get(link.nodeId)?.keys() ?? []) link.watch(actorId);
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
  }

  /** A node is gone, and its actors with it. */
  nodeGone(nodeId: NodeId, error?: Error): void {
    const watched = this.#byNode.get(nodeId);
    this.#byNode.delete(nodeId);
    for (const [id, one] of watched ?? []) {
      tell(one, { id, reason: "node-lost", ...(error !== undefined && { error }) });
    }
  }

  /** The node shuts down: nobody here listens any more. */
  close(): void {
    this.#byNode.clear();
  }

  #unreachable(nodeId: NodeId, error: unknown): void {
    if (this.#host.standing(nodeId) !== "member") this.nodeGone(nodeId, asError(error));
  }

  #forget(nodeId: NodeId, actorId: ActorId): void {
    const watched = this.#byNode.get(nodeId);
    watched?.delete(actorId);
    if (watched?.size === 0) this.#byNode.delete(nodeId);
  }
}

function tell(
  { actor: { nodeId, path }, watchers }: Watched,
  end: Pick<Terminated, "id" | "reason" | "error">,
): void {
  const notice: Terminated = { ...end, nodeId, ...(path !== undefined && { path }) };
  for (const watcher of watchers.values()) queueMicrotask(() => watcher.terminated(notice));
}
