/**
 * Actors of this node that the other side of a link watches.
 *
 * @module
 */

import type { ActorCell } from "../actor/actor_cell.ts";
import type { Terminated, Watcher } from "../actor/death_watch.ts";
import type { ActorId } from "../address.ts";

/** What the watches of a link need. */
export interface LinkWatchesHost {
  /** Finds an actor of this node. */
  cellWithId(actorId: ActorId): ActorCell | undefined;
  /** How an actor ended that is not there any more. */
  endOf(actorId: ActorId): Terminated;
  /** Tells the other side. */
  terminated(notice: Terminated): void;
  /** Tells the other side that an actor is not watched for it. */
  refused(actorId: ActorId): void;
  /** The other side watches as many as it may and wants more; called once for a link. */
  full(watches: number): void;
}

let lastLink = 0;

/** The other side of one link as a watcher; sends one notice for each actor it watches. */
export class LinkWatches implements Watcher {
  readonly watcherId: string = `link ${++lastLink}`;
  readonly #host: LinkWatchesHost;
  readonly #limit: number;
  readonly #cells = new Map<ActorId, ActorCell>();
  #wasFull = false;

  /**
   * @param limit Actors that one link may watch; further watches are refused.
   */
  constructor(host: LinkWatchesHost, limit: number) {
    this.#host = host;
    this.#limit = limit;
  }

  /** Actors that are watched. */
  get size(): number {
    return this.#cells.size;
  }

  /** The other side wants to hear of an actor's end. */
  add(actorId: ActorId): void {
    if (this.#cells.has(actorId)) return;
    const cell = this.#host.cellWithId(actorId);
    if (cell === undefined) return this.#host.terminated(this.#host.endOf(actorId));
    if (this.#cells.size >= this.#limit) return this.#refuse(actorId);
    this.#cells.set(actorId, cell);
    cell.watch(this);
  }

  /** The other side does not want to hear any more. */
  remove(actorId: ActorId): void {
    this.#cells.get(actorId)?.unwatch(this);
    this.#cells.delete(actorId);
  }

  terminated(notice: Terminated): void {
    if (this.#cells.delete(notice.id)) this.#host.terminated(notice);
  }

  /** The link has ended. */
  close(): void {
    for (const cell of this.#cells.values()) cell.unwatch(this);
    this.#cells.clear();
  }

  /** No breach: the peer cannot know the limit, and would send the same over its next link. */
  #refuse(actorId: ActorId): void {
    if (!this.#wasFull) this.#host.full(this.#limit);
    this.#wasFull = true;
    this.#host.refused(actorId);
  }
}
