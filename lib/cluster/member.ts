/**
 * A known node and what is believed of it.
 *
 * @module
 */

import { isId, type NodeId } from "../address.ts";
import { isAddress } from "../remote/ref_record.ts";

/** What a member is believed to be. */
export type MemberStatus =
  /** It answers. */
  | "alive"
  /** It could not be reached; it has time to refute. */
  | "suspect"
  /** It did not refute. */
  | "dead"
  /** It said goodbye. */
  | "left";

/** One member as one node sees it. */
export interface Member {
  /** Identity of the node. */
  readonly nodeId: NodeId;
  /** `host:port` to dial it; empty when it does not listen. */
  readonly addr: string;
  /** What it is believed to be. */
  readonly status: MemberStatus;
  /** Raised by the member itself when it refutes a rumour about itself. */
  readonly incarnation: number;
}

/** What is told of a member. */
export interface MemberNews extends Member {
  /** Who could not reach it, when it is suspect. */
  readonly by?: NodeId;
}

/**
 * The highest incarnation that is believed. An accusation must be below it, so that the member can
 * always refute it with one that the others still believe.
 */
export const MAX_INCARNATION: number = 2 ** 48;

const RANK: Readonly<Record<MemberStatus, number>> = { alive: 0, suspect: 1, dead: 2, left: 3 };

/**
 * Whether a rumour about a member replaces what is believed.
 *
 * The higher incarnation wins; at the same incarnation the worse status does, so that only the
 * member itself can take a suspicion back.
 */
export function supersedes(rumour: Member, belief: Member): boolean {
  if (rumour.incarnation !== belief.incarnation) return rumour.incarnation > belief.incarnation;
  return RANK[rumour.status] > RANK[belief.status];
}

/** Whether a member is to be asked for its actors. */
export function isReachable(member: Member | undefined): boolean {
  return member?.status === "alive" || member?.status === "suspect";
}

/** Whether a member is known to be dead or to have left. */
export function isGone(member: Member | undefined): boolean {
  return member !== undefined && !isReachable(member);
}

/** Reads a member from another node; `undefined` when it is malformed. Unknown fields are skipped. */
export function readMember(value: unknown): MemberNews | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { nodeId, addr, status, incarnation, by } = value as Partial<MemberNews>; // checked next
  if (typeof nodeId !== "string" || !isId(nodeId)) return undefined;
  if (typeof addr !== "string" || (addr !== "" && !isAddress(addr))) return undefined;
  if (typeof status !== "string" || !Object.hasOwn(RANK, status)) return undefined;
  if (!isIncarnation(incarnation, status)) return undefined;
  const member = { nodeId, addr, status, incarnation };
  return status === "suspect" && typeof by === "string" && isId(by) ? { ...member, by } : member;
}

function isIncarnation(value: unknown, status: MemberStatus): value is number {
  if (!Number.isSafeInteger(value)) return false;
  const incarnation = value as number; // an integer is a number
  if (incarnation < 0 || incarnation > MAX_INCARNATION) return false;
  return status === "alive" || incarnation < MAX_INCARNATION;
}
