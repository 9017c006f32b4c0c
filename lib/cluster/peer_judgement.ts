/**
 * Whether a node may be linked, for what is believed of it.
 *
 * @module
 */

import type { Introduction, Rejection } from "../remote/handshake.ts";
import { isReachable, type Member } from "./member.ts";

/**
 * Judges a node that introduces itself.
 *
 * What has been declared dead, or has left, may not speak again as the same incarnation; nor may a
 * second node speak as a member that lives: two nodes of one id, as of one image of a machine, would
 * end each other's links. A member that has moved has raised its incarnation.
 *
 * @param member What is believed of a node of its id.
 */
export function judgePeer(
  member: Member | undefined,
  { incarnation: theirs, address, isLocated = false }: Introduction,
): Rejection | undefined {
  if (member === undefined || member.incarnation < theirs) return undefined;
  const { nodeId, addr, status, incarnation } = member;
  if (isReachable(member)) {
    const isSame = address === undefined || addr === "" || address === addr;
    if (isSame || isLocated) return undefined; // one on every interface is seen at several hosts
    return { reason: "taken", message: `a node of the same id, ${nodeId}, listens at ${addr}` };
  }
  const message = status === "left"
    ? `node ${nodeId} has left the cluster`
    : `the listening node has declared incarnation ${incarnation} of node ${nodeId} dead`;
  return { reason: "dead", message, incarnation };
}
