/**
 * How much the nodes carry, as far as gossip has told.
 *
 * A node tells of its load when it has changed by a quarter, so that a cluster at rest is silent
 * and one that grows tells a few times for each doubling.
 *
 * @module
 */

import { isId, type NodeId } from "../address.ts";

/** What a node says it carries. */
export interface Load {
  readonly nodeId: NodeId;
  /** The node's number of this statement; the highest counts. */
  readonly seq: number;
  /** Its actors. */
  readonly actors: number;
}

/** From which change on a node tells of its load: this share of what it told last, 4 at least. */
const TOLD_CHANGE = 0.25;

/** The loads one node knows, its own included. */
export class Loads {
  readonly #self: NodeId;
  readonly #loads = new Map<NodeId, Load>();

  constructor(self: NodeId) {
    this.#self = self;
  }

  get(nodeId: NodeId): Load | undefined {
    return this.#loads.get(nodeId);
  }

  /** Measures this node; what is to be told when that is worth it. */
  measure(actors: number): Load | undefined {
    const told = this.#loads.get(this.#self);
    const before = told?.actors ?? 0;
    if (Math.abs(actors - before) < Math.max(4, before * TOLD_CHANGE)) return undefined;
    const load = { nodeId: this.#self, seq: (told?.seq ?? 0) + 1, actors };
    this.#loads.set(this.#self, load);
    return load;
  }

  /** Takes the load of another node; `true` when it was news. */
  hear(load: Load): boolean {
    if (load.nodeId === this.#self) return false;
    const known = this.#loads.get(load.nodeId);
    if (known !== undefined && known.seq >= load.seq) return false;
    this.#loads.set(load.nodeId, load);
    return true;
  }

  /** Forgets a node. */
  forget(nodeId: NodeId): void {
    if (nodeId !== this.#self) this.#loads.delete(nodeId);
  }
}

/** Reads a load from another node; `undefined` when it is malformed. */
export function readLoad(value: unknown): Load | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { nodeId, seq, actors } = value as Partial<Load>; // checked next
  if (typeof nodeId !== "string" || !isId(nodeId)) return undefined;
  if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(actors)) return undefined;
  if (seq === undefined || actors === undefined || seq < 1 || actors < 0) return undefined;
  return { nodeId, seq, actors };
}
