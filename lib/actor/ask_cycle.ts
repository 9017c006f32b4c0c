/**
 * Calls that could never be answered: an actor that waits, over any number of hops, for itself.
 *
 * @module
 */

import type { ActorId } from "../address.ts";
import type { Clock } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { Envelope } from "./envelope.ts";

/** An actor that takes no other message until the call it works on is done. */
export interface WaitingActor {
  readonly actorId: ActorId;
  /** Its path or id. */
  readonly label: string;
  /** Tells the call it works on from its other ones. */
  readonly serial: number;
}

/**
 * The actors that wait while a message is handled: the one that handles it, the one that waits
 * for its answer, and so on, the nearest first.
 *
 * An actor that only told the next one does not wait, and neither do those before it.
 */
export function* waitingActors(message: Envelope | undefined): Generator<WaitingActor> {
  let last = message;
  for (let one = message; one !== undefined && !one.isDone; one = one.from) {
    last = one;
    const { cell } = one;
    if (cell?.isSequential) {
      yield { actorId: cell.actorId, label: cell.label, serial: one.serial };
    }
    if (!one.wantsReply) return;
  }
  if (last?.isDone === false) yield* last.waitingBefore;
}

/** An actor that may wait for itself. */
export interface SequentialActor {
  readonly node: { readonly clock: Clock };
  readonly actorId: ActorId;
  readonly label: string;
  /** Whether the actor works on the call with a serial. */
  isAtWork(serial: number): boolean;
}

/**
 * Fails an ask for whose answer the actor that gets it waits, here or on other nodes.
 *
 * An ask that a handler sends and does not await is none, which shows when the handler has
 * returned: so it is looked at in a later turn. A handler that goes on with something else for
 * longer than that cannot be told from one that waits for the answer.
 */
export function breakCycle(ask: Envelope, actor: SequentialActor): void {
  if (cycleOf(ask, actor.actorId, () => true) === undefined) return;
  actor.node.clock.defer(() => {
    const labels = cycleOf(ask, actor.actorId, (serial) => actor.isAtWork(serial));
    if (ask.isCancelled || labels === undefined) return;
    const error = callCycle(actor.label, labels);
    ask.cancel(error);
    ask.fail(error);
  });
}

/**
 * The way from an actor over those that wait back to itself.
 *
 * @returns The labels, the actor's first; `undefined` when it does not wait for itself.
 */
function cycleOf(
  ask: Envelope,
  actorId: ActorId,
  isAtWork: (serial: number) => boolean,
): readonly string[] | undefined {
  const labels: string[] = [];
  const before = ask.from === undefined ? ask.waitingBefore : waitingActors(ask.from);
  for (const waiting of before) {
    labels.unshift(waiting.label);
    if (waiting.actorId === actorId && isAtWork(waiting.serial)) return labels;
  }
  return undefined;
}

function callCycle(actor: string, labels: readonly string[]): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot ask actor "${actor}": it waits for the answer to this very call, ` +
      `${[...labels, actor].join(" → ")}; use tell, or concurrency "interleaved"`,
    { kind: "call-cycle", actor },
  );
}
