/**
 * Which nodes one node links to: asked when they meet, and again when the link would be up.
 *
 * With a passphrase there is time between the two, in which a peer may be declared dead and
 * another link to it may come up.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { Limits } from "../limits.ts";
import type { Association } from "./association.ts";
import type { Introduction, Rejection } from "./handshake.ts";
import { giveWay, refuseCrossed, refuseDuplicate } from "./precedence.ts";

/** What decides about links. */
export interface AdmissionOptions {
  readonly nodeId: NodeId;
  readonly limits: Limits;
  /** The links that are up, by the node at their other end. */
  readonly links: ReadonlyMap<NodeId, Association>;
  /** Whether to refuse a node for what is believed of it. */
  judge(theirs: Introduction): Rejection | undefined;
  /** Whether this node dials another one just now. */
  isDialling(theirs: Introduction): boolean;
}

/** Decides about links; makes none. */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Whether to refuse a dialler that has introduced itself. */
  refuse(theirs: Introduction): Rejection | undefined {
    const { nodeId, isDialling } = this.#options;
    return this.#unwelcome(theirs) ??
      refuseDuplicate(nodeId, theirs, this.#linkTo(theirs), () => isDialling(theirs));
  }

  /** Whether a listener refuses, after all, a dialler that has proven that it belongs here. */
  refuseProven(theirs: Introduction): Rejection | undefined {
    return this.#unwelcome(theirs) ??
      refuseCrossed(this.#options.nodeId, theirs, this.#linkTo(theirs));
  }

  /**
   * Whether a dialler refuses, after all, the node that has answered.
   *
   * Whoever is held for dead may be back; a second node of one id is none that was looked for.
   */
  giveWay(ours: Introduction, theirs: Introduction): Rejection | undefined {
    const judgement = this.#options.judge(theirs);
    if (judgement?.reason === "taken") return judgement;
    return giveWay(ours, theirs.nodeId, this.#linkTo(theirs));
  }

  #linkTo({ nodeId }: Introduction): Association | undefined {
    const link = this.#options.links.get(nodeId);
    return link?.isOpen ? link : undefined;
  }

  #unwelcome(theirs: Introduction): Rejection | undefined {
    const { links, limits, judge } = this.#options;
    const judgement = judge(theirs);
    if (judgement !== undefined || links.size < limits.maxLinks) return judgement;
    return { reason: "busy", message: "the listening node has too many links" };
  }
}
