/**
 * A ring of hashes that gives each key one owner, and moves few keys when owners change.
 *
 * @module
 */

import { compareHashes, type Hash64, murmurHash64A } from "./murmur_hash.ts";

/** Points of one label on the ring: as many as keep the shares of the owners about equal. */
export const DEFAULT_VIRTUAL_NODES = 160;

const SEED = 4_193_360_111;

interface Point extends Hash64 {
  readonly label: string;
}

const encoder = new TextEncoder();

/**
 * The owners of all keys, for one set of labels.
 *
 * Every label has points on the ring, the hashes of `"<label>:<number>"`; a key belongs to the
 * first point at its own hash or above, and above the last point to the first. So the owner of a
 * key is the same on every node, whatever the order of the labels; when a label goes only its own
 * keys move, scattered over those that stay, and when one comes it takes keys from all.
 */
export class HashRing {
  /** The labels as they were given. */
  readonly labels: readonly string[];
  readonly #points: readonly Point[];

  /**
   * Places the labels: `labels * virtualNodes` points are kept.
   *
   * @param virtualNodes Points of each label, a positive integer.
   */
  constructor(labels: readonly string[], virtualNodes: number = DEFAULT_VIRTUAL_NODES) {
    this.labels = [...labels];
    this.#points = [...new Set(labels)]
      .flatMap((label) => pointsOf(label, virtualNodes))
      .sort(comparePoints);
  }

  /** The label a key belongs to; `undefined` when there are no labels. */
  owner(key: string): string | undefined {
    const points = this.#points;
    const hash = hashOf(key);
    let [from, to] = [0, points.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const point = points[middle] as Point; // `middle` is below `to`
      if (compareHashes(point, hash) < 0) from = middle + 1;
      else to = middle;
    }
    return (points[from] ?? points[0])?.label;
  }
}

function pointsOf(label: string, virtualNodes: number): Point[] {
  return Array.from({ length: virtualNodes }, (_, number) => {
    const { high, low } = hashOf(`${label}:${number}`);
    return { high, low, label };
  });
}

function hashOf(text: string): Hash64 {
  return murmurHash64A(encoder.encode(text), SEED);
}

/** By place; labels that share one in the order of their texts. */
function comparePoints(one: Point, other: Point): number {
  return compareHashes(one, other) || (one.label < other.label ? -1 : 1);
}
