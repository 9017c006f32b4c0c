/** Nodes that stand still in turns. */

import { type Random, randomFraction, randomInteger } from "../../lib/random.ts";

const [SHORTEST_MS, LONGEST_MS] = [1_000, 5_000];

/**
 * Keeps a tenth of the nodes stalled, each for 1 to 5 s, then others.
 *
 * @param stall Stalls the node of a number for a time.
 * @returns To be called with the time, as often as stalls should begin.
 */
export function stallSome(
  random: Random,
  size: number,
  stall: (node: number, ms: number) => void,
): (now: number) => void {
  const until = new Map<number, number>();
  return (now) => {
    for (const [node, end] of until) if (end <= now) until.delete(node);
    while (until.size < size / 10) {
      const node = randomInteger(random, size);
      if (until.has(node)) continue;
      const ms = SHORTEST_MS + randomFraction(random) * (LONGEST_MS - SHORTEST_MS);
      until.set(node, now + ms);
      stall(node, ms);
    }
  };
}
