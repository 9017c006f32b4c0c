/**
 * Which link of two nodes stays when there could be two: pure.
 *
 * When both dial at once the dial of the node with the smaller id stays. A dialler that takes
 * anybody, by an alias or through a balancer, may be linked to the node already; it does not
 * replace that link.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { Association } from "./association.ts";
import type { Introduction, Rejection } from "./handshake.ts";

type Link = Pick<Association, "isDialler"> | undefined;
type Hello = Pick<Introduction, "nodeId" | "isOnlyLink" | "expects" | "nonce">;

/**
 * Whether the listener refuses a dialler.
 *
 * @param ours The listener.
 * @param theirs What the dialler says.
 * @param link The open link to it.
 * @param isDialling Whether the listener dials it just now.
 */
export function refuseDuplicate(
  ours: NodeId,
  theirs: Hello,
  link: Link,
  isDialling: () => boolean,
): Rejection | undefined {
  if (theirs.isOnlyLink) return undefined;
  if (link !== undefined && theirs.expects === undefined) return duplicate(ours);
  if (theirs.nodeId < ours) return undefined;
  return link?.isDialler ?? isDialling() ? duplicate(ours) : undefined;
}

/**
 * Whether the dialler refuses the node that answered, whose own dial came through meanwhile and
 * stays: that node could not know that the dials cross when it knows this one by another name.
 *
 * With a passphrase the dialler has the last word: the link is not up for the node that answered,
 * so any other link that came through meanwhile stays.
 *
 * @param ours What the dialler has said.
 * @param theirs The node that answered.
 * @param link The open link to it.
 */
export function giveWay(ours: Hello, theirs: NodeId, link: Link): Rejection | undefined {
  if (ours.isOnlyLink || link === undefined) return undefined;
  if (ours.nonce !== undefined) return duplicate(theirs);
  if (ours.expects !== undefined || ours.nodeId < theirs) return undefined;
  return link.isDialler ? undefined : duplicate(theirs);
}

/**
 * Whether the listener refuses a dialler that has proven its passphrase, because its own dial came
 * through while the proof was on its way and stays.
 *
 * @param ours The listener.
 * @param theirs What the dialler has said.
 * @param link The open link to it.
 */
export function refuseCrossed(ours: NodeId, theirs: Hello, link: Link): Rejection | undefined {
  const stays = link?.isDialler === true && ours < theirs.nodeId && !theirs.isOnlyLink;
  return stays ? duplicate(ours) : undefined;
}

function duplicate(nodeId: NodeId): Rejection {
  return { reason: "duplicate", message: "the nodes are linked, or the other dial stays", nodeId };
}
