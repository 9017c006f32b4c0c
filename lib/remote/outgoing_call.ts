/**
 * A message for an actor of another node, with all that travels with it.
 *
 * @module
 */

import { type WaitingActor, waitingActors } from "../actor/ask_cycle.ts";
import { CallChain, parseTraceparent } from "../actor/call_chain.ts";
import { type CallOptions, NO_CALL_OPTIONS } from "../actor/call_options.ts";
import type { Envelope } from "../actor/envelope.ts";
import type { ActorId } from "../address.ts";
import { MAX_WAITING_ACTORS } from "../limits.ts";
import type { Random } from "../random.ts";
import type { CallHead } from "./call_head.ts";
import { writeCaller } from "./link_host.ts";

/** A message as its sender gives it. */
export interface RemoteMessage {
  /** The actor. */
  readonly target: ActorId;
  readonly method: string | undefined;
  readonly payload: unknown;
}

/** A message as it leaves. */
export interface OutgoingCall extends CallHead {
  readonly payload: unknown;
}

/** What a call leaves with. */
export interface Departure {
  /** The message during whose handling it is sent. */
  readonly from: Envelope | undefined;
  readonly options?: CallOptions | undefined;
  /** Milliseconds until the answer is not wanted any more; 0 for no limit. */
  readonly remainingMs: number;
}

/** An ask as it leaves. */
export function outgoingAsk(
  message: RemoteMessage,
  departure: Departure,
  random: Random,
): OutgoingCall {
  const { from } = departure;
  const waiting = from === undefined
    ? NOBODY
    : [...waitingActors(from)].slice(0, MAX_WAITING_ACTORS);
  return outgoing(message, departure, random, waiting);
}

/** A tell as it leaves: nobody waits for it. */
export function outgoingTell(
  message: RemoteMessage,
  departure: Departure,
  random: Random,
): OutgoingCall {
  return outgoing(message, departure, random, NOBODY);
}

const NOBODY: readonly WaitingActor[] = Object.freeze([]);

function outgoing(
  { target, method, payload }: RemoteMessage,
  { from, options = NO_CALL_OPTIONS, remainingMs }: Departure,
  random: Random,
  waiting: readonly WaitingActor[],
): OutgoingCall {
  const { traceparent, headers } = options;
  const given = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  // A call without arguments has no body.
  const isEmpty = method !== undefined && (payload as unknown[]).length === 0;
  return {
    target,
    method,
    payload: isEmpty ? undefined : payload,
    remainingMs,
    caller: from?.cell === undefined ? undefined : writeCaller(from.cell.ref),
    trace: given ?? from?.tracePoint(random) ?? new CallChain().point(random),
    waiting,
    headers,
  };
}
