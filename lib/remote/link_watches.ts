/**
 * Actors of this node that the other side of a link watches.
 *
 * @module
 */

import type { ActorCell } from "../actor/actor_cell.ts";
import type { Terminated, Watcher } from "../actor/death_watch.ts";
import type { ActorId } from "../address.ts";
import { PulsingRuntimeError } from "../errors.ts";

/** What the watches of a link need. */
export interface LinkWatchesHost {
  /** Finds an actor of this node. */
  cellWithId(actorId: ActorId): ActorCell | undefined;
  /** How an actor ended that is not there any more. */
  endOf(actorId: ActorId): Terminated;
  /** Tells the other side. */
  terminated(notice: Terminated): void;
}

let lastLink = 0;

/** The other side of one link as a watcher; sends one notice for each actor it watches. */
export class LinkWatches implements Watcher {
  readonly watcherId: string = `link ${++lastLink}`;
  readonly #host: LinkWatchesHost;
  readonly #limit: number;
  readonly #cells = new Map<ActorId, ActorCell>();

  /**
   * @param limit Actors that one link may watch.
   */
  constructor(host: LinkWatchesHost, limit: number) {
    this.#host = host;
    this.#limit = limit;
  }

  /** Actors that are watched. */
  get size(): number {
    return this.#cells.size;
  }

  /**
   * The other side wants to hear of an actor's end.
   *
   * @throws {PulsingRuntimeError} kind `"protocol-violation"`: it watches too many.
   */
  add(actorId: ActorId): void {
    if (this.#cells.has(actorId)) return;
    const cell = this.#host.cellWithId(actorId);
    if (cell === undefined) return this.#host.terminated(this.#host.endOf(actorId));
    if (this.#cells.size >= this.#limit) throw tooMany(this.#limit);
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
}

function tooMany(limit: number): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot take watch: the peer watches ${limit} actors already`, {
    kind: "protocol-violation",
  });
}
