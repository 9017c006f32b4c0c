/**
 * Which node carries least, as one that spawns actors there reckons it.
 *
 * A node says by gossip how many actors it has, and not before that has changed by a quarter, by 4
 * at least. One of which nothing was heard has fewer than 4, or its news is on its way: it counts
 * as empty. What this node has begun there since is added, so that a burst does not all go to the
 * node that was empty before it.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import { type Random, randomInteger } from "../random.ts";

/** The actors one node has begun on another one since that said what it carries. */
export interface BegunActors {
  /** What it had said. */
  readonly heard: number;
  /** When the first of them was begun, in monotonic milliseconds. */
  readonly since: number;
  readonly count: number;
}

/** A node that a new actor may go to. */
export interface Place {
  readonly nodeId: NodeId;
  /** Whether it is alive, and not only not yet dead. */
  readonly isAlive: boolean;
  /** What it carries, as {@link reckon} has it. */
  readonly actors: number;
}

/**
 * How long begun actors count while their node says nothing, in milliseconds.
 *
 * Longer than a statement takes that is worth one: a node that is silent for so long carries about
 * what it said, because some of them have ended.
 */
const COUNTED_MS = 10_000;

/** Whether actors that were begun are not yet part of what their node says. */
export function isCounted(begun: BegunActors, heard: number, now: number): boolean {
  return begun.heard === heard && now - begun.since < COUNTED_MS;
}

/** What a node carries. */
export function reckon(heard: number, begun: BegunActors | undefined, now: number): number {
  return begun !== undefined && isCounted(begun, heard, now) ? heard + begun.count : heard;
}

/** Counts one more actor that is begun on a node. */
export function begin(begun: BegunActors | undefined, heard: number, now: number): BegunActors {
  if (begun === undefined || !isCounted(begun, heard, now)) return { heard, since: now, count: 1 };
  return { ...begun, count: begun.count + 1 };
}

/** The place that carries least: one that is alive before a suspect, equal ones by chance. */
export function leastLoaded(places: readonly Place[], random: Random): Place | undefined {
  let best: Place | undefined;
  let equals = 0;
  for (const place of places) {
    const order = best === undefined ? -1 : compare(place, best);
    if (order > 0) continue;
    equals = order < 0 ? 1 : equals + 1;
    if (order < 0 || randomInteger(random, equals) === 0) best = place;
  }
  return best;
}

function compare(one: Place, other: Place): number {
  if (one.isAlive !== other.isAlive) return one.isAlive ? -1 : 1;
  return one.actors - other.actors;
}
