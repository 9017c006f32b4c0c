/**
 * The comparison of what two nodes know, which finds what gossip missed.
 *
 * ```text
 * one                                  other
 *  │ ── sync: a hash for each bucket ──► │
 *  │ ◄── summary: a bucket that differs ─│   its members, and a hash of each one's names
 *  │ ── names: lists of names that differ ──► │
 *  │ ◄── names: its lists, and the entries that we lack ─│
 *  │ ── names: the entries that it lacks ──► │
 * ```
 *
 * Two nodes that know the same exchange one small message. Members are spread over 16 buckets by
 * the first digit of their ids, so that one change does not bring up all of a large cluster.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { ClusterMessage, Row } from "./gossip.ts";
import type { Loads } from "./loads.ts";
import { isReachable, type Member, type MemberNews, supersedes } from "./member.ts";
import type { Membership } from "./membership.ts";
import { mix, type NameList, type RegistryEntry } from "./owned_names.ts";
import type { Registry } from "./registry.ts";

const BUCKETS = 16;

/** Lists that one message may ask about; what is left is found by the next comparison. */
const MAX_LISTS = 4_096;

/** Compares what this node knows with what others do. */
export class AntiEntropy {
  readonly #membership: Membership;
  readonly #registry: Registry;
  readonly #loads: Loads;

  constructor(membership: Membership, registry: Registry, loads: Loads) {
    this.#membership = membership;
    this.#registry = registry;
    this.#loads = loads;
  }

  /** What this node knows, in two numbers of 32 bits for each bucket. */
  digest(): readonly number[] {
    const digest = Array<number>(2 * BUCKETS).fill(0);
    for (const member of this.#membership.all) {
      if (!isReachable(member)) continue;
      const names = this.#registry.of(member.nodeId);
      const known = mix(wordOf(member.nodeId, 8) ^ mix(member.incarnation + 1));
      const named = mix(mix(known ^ (names?.hash ?? 0)) + (names?.floor ?? 0));
      const place = 2 * bucketOf(member.nodeId);
      digest[place] = (digest[place] ?? 0) ^ known;
      digest[place + 1] = (digest[place + 1] ?? 0) ^ named;
    }
    return digest;
  }

  /** The buckets in which another node knows something else. */
  differences(theirs: readonly number[]): readonly ClusterMessage[] {
    const ours = this.digest();
    const messages: ClusterMessage[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const [one, two] = [2 * bucket, 2 * bucket + 1];
      if (ours[one] === theirs[one] && ours[two] === theirs[two]) continue;
      messages.push({ kind: "summary", bucket, rows: this.#rows(bucket) });
    }
    return messages;
  }

  /**
   * Weighs the names in a summary, whose members have been heard.
   *
   * @returns What the sender should know, and the lists of names that differ.
   */
  answer(bucket: number, rows: readonly Row[]): ClusterMessage | undefined {
    const members: MemberNews[] = [];
    const lists: NameList[] = [];
    const seen = new Set<NodeId>();
    for (const { member, floor, hash } of rows) {
      const belief = this.#membership.get(member.nodeId);
      seen.add(member.nodeId);
      if (belief === undefined) continue;
      const isNews = supersedes(belief, member) && this.#membership.isFresh(member.nodeId);
      if (isNews) members.push(this.#remembered(belief));
      if (!this.#registry.agree(member.nodeId, floor, hash)) lists.push(this.#list(belief));
    }
    for (const member of this.#membership.all) {
      if (bucketOf(member.nodeId) !== bucket || seen.has(member.nodeId)) continue;
      if (!isReachable(member) || !this.#membership.isFresh(member.nodeId)) continue;
      members.push(member);
      if (this.#registry.of(member.nodeId) !== undefined) lists.push(this.#list(member));
    }
    if (members.length === 0 && lists.length === 0) return undefined;
    return { kind: "names", members, lists: lists.slice(0, MAX_LISTS), answer: true };
  }

  /** Weighs lists of names: what the sender lacks goes back, and what this node lacks is asked. */
  reconcile(theirs: readonly NameList[], wantsOurs: boolean): ClusterMessage | undefined {
    const entries: RegistryEntry[] = [];
    const lists: NameList[] = [];
    for (const list of theirs) {
      const member = this.#membership.get(list.owner);
      if (member === undefined) continue;
      entries.push(...this.#registry.compare(list));
      if (wantsOurs) lists.push(this.#list(member));
    }
    if (entries.length === 0 && lists.length === 0) return undefined;
    return { kind: "names", entries, lists, answer: false };
  }

  #rows(bucket: number): readonly Row[] {
    const rows: Row[] = [];
    for (const member of this.#membership.all) {
      if (bucketOf(member.nodeId) !== bucket || !this.#membership.isFresh(member.nodeId)) continue;
      const names = this.#registry.of(member.nodeId);
      const load = this.#loads.get(member.nodeId);
      const row = { member, floor: names?.floor ?? 0, hash: names?.hash ?? 0 };
      rows.push(load === undefined ? row : { ...row, load });
    }
    return rows;
  }

  #list({ nodeId }: Member): NameList {
    return this.#registry.of(nodeId)?.list() ?? { owner: nodeId, floor: 0, versions: [] };
  }

  /** The dead are told of as suspects: whoever sees them alive lets them refute. */
  #remembered(belief: Member): MemberNews {
    if (belief.status !== "dead") return belief;
    return { ...belief, status: "suspect", by: this.#membership.self.nodeId };
  }
}

function bucketOf(nodeId: NodeId): number {
  return wordOf(nodeId, 1);
}

function wordOf(nodeId: NodeId, digits: number): number {
  return parseInt(nodeId.slice(0, digits), 16) | 0;
}
