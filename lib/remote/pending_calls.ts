/**
 * Calls of this side of a link that wait for their answer.
 *
 * @module
 */

import type { OnRefused } from "../actor/envelope.ts";
import type { Sent } from "./frame_writer.ts";

/** One call that was sent. */
export interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly sent: Sent;
  readonly onRefused: OnRefused | undefined;
}

/** The calls without an answer, by id; a late answer finds none. */
export class PendingCalls {
  readonly #calls = new Map<number, PendingCall>();

  get size(): number {
    return this.#calls.size;
  }

  add(callId: number, call: PendingCall): void {
    this.#calls.set(callId, call);
  }

  /** Takes a call out; `undefined` when it was given up. */
  take(callId: number): PendingCall | undefined {
    const call = this.#calls.get(callId);
    this.#calls.delete(callId);
    return call;
  }

  /** Takes a call that is given up out; what of it is still leaving is dropped. */
  giveUp(callId: number, reason: unknown): boolean {
    const call = this.take(callId);
    if (call === undefined) return false;
    call.sent.transfer?.drop();
    for (const stream of call.sent.streams ?? []) stream.fail(reason);
    return true;
  }

  /** Fails all. */
  failAll(error: Error): void {
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
  }
}

/** No actor has handled a call: it goes elsewhere when its sender knows where. */
export function refuse({ resolve, reject, sent, onRefused }: PendingCall, error: Error): void {
  // A stream in it has begun to flow and cannot be sent again.
  if (onRefused === undefined || sent.streams !== undefined) reject(error);
  else resolve(onRefused(error));
}
