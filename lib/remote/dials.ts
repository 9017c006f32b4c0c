/**
 * The dials of one node that are under way, and what waits for them.
 *
 * @module
 */

import { outsideCalls } from "../actor/context.ts";
import type { NodeId } from "../address.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { Association } from "./association.ts";

interface Dial {
  readonly opening: Promise<Association>;
  /** Messages that wait for it; each holds a copy until it has ended. */
  waiting: number;
}

/** One dial for each node at most, which all messages to that node wait for. */
export class Dials {
  readonly #limits: Limits;
  readonly #underWay = new Map<NodeId, Dial>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** The dial to a node, if one is under way. */
  get(nodeId: NodeId): Promise<Association> | undefined {
    return this.#underWay.get(nodeId)?.opening;
  }

  /** Begins the dial to a node. A rejection need not be looked at. */
  begin(nodeId: NodeId, dial: () => Promise<Association>): Promise<Association> {
    const opening = outsideScope(dial);
    this.#underWay.set(nodeId, { opening, waiting: 0 });
    // After those who wait, so that a later call cannot overtake theirs.
    const done = () => void this.#underWay.delete(nodeId);
    opening.then(() => queueMicrotask(done), done);
    return opening;
  }

  /**
   * Takes a place among the messages that wait for the dial to a node, if one is under way.
   *
   * The place is free again when the dial has ended, not when the caller gives up: the message is
   * held until then.
   *
   * @throws {PulsingRuntimeError} kind `"limit-exceeded"`, retryable: `limits.maxPendingCalls`
   * wait already.
   */
  wait(nodeId: NodeId): void {
    const dial = this.#underWay.get(nodeId);
    if (dial === undefined) return;
    if (dial.waiting >= this.#limits.maxPendingCalls) throw tooManyWaiting(nodeId);
    dial.waiting++;
  }
}

/** Begins work that outlives the call that needs it first, and belongs to no call. */
export function outsideScope<T>(begin: () => Promise<T>): Promise<T> {
  return new Promise((resolve) => outsideCalls(() => resolve(begin())));
}

function tooManyWaiting(nodeId: NodeId): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot send to node ${nodeId}: too many messages wait for its link, await earlier ones first`,
    { kind: "limit-exceeded", retryable: true, nodeId },
  );
}
