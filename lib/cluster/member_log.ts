/**
 * What the log says of members: each that goes, each that is back, each outage once.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { Logger } from "../logger.ts";
import { isReachable, type Member } from "./member.ts";
import type { Naming } from "./naming.ts";

/** Logs what happens to members; what it keeps is bounded by the members that are remembered. */
export class MemberLog {
  readonly #logger: Logger;
  readonly #gone = new Map<NodeId, Member["status"]>();
  readonly #unlinked = new Set<NodeId>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** A member was found dead or has left. */
  gone(member: Member): void {
    const { nodeId, status } = member;
    if (this.#gone.get(nodeId) === status) return;
    this.#gone.set(nodeId, status);
    this.#logger.info(status === "left" ? "member has left" : "member is dead", fieldsOf(member));
  }

  /** A node cannot be linked: news until it is linked. */
  unlinked(nodeId: NodeId, error: unknown): void {
    if (this.#unlinked.has(nodeId)) return;
    this.#unlinked.add(nodeId);
    this.#logger.debug("a member cannot be linked", { nodeId, error });
  }

  /** A node is linked. */
  linked(nodeId: NodeId): void {
    if (this.#unlinked.size > 0) this.#unlinked.delete(nodeId);
  }

  /** Members have changed: those that have gone may be back, or forgotten. */
  changed(naming: Naming): void {
    for (const nodeId of this.#gone.keys()) {
      const member = naming.member(nodeId);
      if (member !== undefined && !isReachable(member)) continue;
      this.#gone.delete(nodeId);
      if (member !== undefined) this.#logger.info("member is back", fieldsOf(member));
    }
    for (const nodeId of this.#unlinked) {
      if (naming.member(nodeId) === undefined) this.#unlinked.delete(nodeId);
    }
  }
}

function fieldsOf({ nodeId, addr, incarnation }: Member): Omit<Member, "status"> {
  return { nodeId, addr, incarnation };
}
