/**
 * Seeds: what a user says about where others may be, and the addresses that it stands for now.
 *
 * @module
 */

import { asError } from "../errors.ts";
import { type Random, shuffled } from "../random.ts";
import type { Links } from "../remote/links.ts";

/**
 * Addresses of one look-up that are considered, drawn at random from those found.
 *
 * One that answers is enough; a name that stands for more must not fill the memory.
 */
const MAX_CANDIDATES = 1_024;

/** Where another node may listen. */
export interface Candidate {
  /** The seed, as the user wrote it. */
  readonly seed: string;
  /** One of the addresses it stands for. */
  readonly address: string;
  /**
   * What to dial: the seed itself while it stands for one address only, since its node, or a proxy
   * on the way, may know itself by that name.
   */
  readonly target: string;
}

/** What a look-up works with. */
export interface SeedLookup {
  /** `host:port` each. */
  readonly seeds: readonly string[];
  /** Where this node listens; it is no candidate. */
  readonly own: string | undefined;
  readonly links: Links;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** What the seeds stand for at one moment. */
export interface Found {
  /** In random order, each address once. */
  readonly candidates: readonly Candidate[];
  /** Why a seed could not be looked up. */
  readonly failures: ReadonlyMap<string, Error>;
}

/** Looks every seed up afresh: names change, and a new node may stand behind an old one. */
export async function lookUpSeeds({ seeds, own, links, random, signal }: SeedLookup): Promise<
  Found
> {
  const others = [...new Set(seeds)].filter((seed) => seed !== own);
  const failures = new Map<string, Error>();
  const found = await Promise.all(others.map((seed) =>
    links.lookup(seed, signal).catch((error) => {
      failures.set(seed, asError(error));
      return [];
    })
  ));
  const byAddress = new Map<string, Candidate>();
  for (const [index, seed] of others.entries()) {
    const addresses = found[index] ?? []; // one list for each
    for (const address of addresses) {
      const target = addresses.length === 1 ? seed : address;
      if (address !== own) byAddress.set(address, { seed, address, target });
    }
  }
  const candidates = shuffled(random, byAddress.values()).slice(0, MAX_CANDIDATES);
  return { candidates, failures };
}
