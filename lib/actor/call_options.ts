/**
 * How long a caller waits and what ends the wait early, the same over every distance.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { PulsingTimeoutError } from "../errors.ts";
import { AbortableSource, ReplyStream } from "./reply_stream.ts";

/** What a caller can set for one call. */
export interface CallOptions {
  /**
   * Milliseconds to wait for the answer, for a stream its opening; then the call fails with
   * {@link PulsingTimeoutError} and the callee's `context().signal` aborts.
   *
   * @default Infinity: no limit but the life of the link and of the actor
   */
  readonly timeoutMs?: number;
  /** Ends the call, or the stream it opened: the callee's `context().signal` aborts. */
  readonly signal?: AbortSignal;
}

/** A call that was sent. */
export interface SentCall {
  /** Settles with the answer. */
  readonly reply: Promise<unknown>;
  /** Tells the callee that nobody waits any more. */
  cancel(reason: unknown): void;
}

/**
 * Sends a call and waits within its options; no timer or listener outlives the wait.
 *
 * @param clock Measures `timeoutMs`.
 * @param options The caller's options.
 * @param operation The name for the timeout error.
 * @param send Sends the call; gets the deadline on the clock, 0 for none.
 */
export function withCallOptions(
  clock: Clock,
  options: CallOptions,
  operation: string,
  send: (deadline: number) => SentCall,
): Promise<unknown> {
  checkCallOptions(options);
  const { signal } = options;
  const timeoutMs = options.timeoutMs === Infinity ? undefined : options.timeoutMs;
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (timeoutMs === undefined && signal === undefined) return send(0).reply;
  return new Promise((resolve, reject) => {
    const call = send(timeoutMs === undefined ? 0 : clock.now() + timeoutMs);
    const giveUp = (reason: unknown) => {
      finish();
      call.cancel(reason);
      reject(reason);
    };
    const onAbort = () => giveUp(signal?.reason);
    const timer = timeoutMs === undefined ? undefined : clock.setTimer(
      () => giveUp(new PulsingTimeoutError(operation, timeoutMs)),
      timeoutMs,
    );
    const finish = () => {
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    call.reply.then((value) => {
      finish();
      resolve(bindStream(value, signal));
    }, (error) => {
      finish();
      reject(error);
    });
  });
}

function bindStream(value: unknown, signal: AbortSignal | undefined): unknown {
  if (signal === undefined || !(value instanceof ReplyStream)) return value;
  return new ReplyStream(new AbortableSource(value, signal));
}

/**
 * Checks the options of a call.
 *
 * @throws {TypeError} An option is unknown, or not of its type.
 * @throws {RangeError} The timeout is below 0 or no number.
 */
export function checkCallOptions(options: CallOptions): void {
  for (const name in options) {
    if (name !== "timeoutMs" && name !== "signal") {
      throw new TypeError(`Cannot set call option "${name}": expected "timeoutMs" or "signal"`);
    }
  }
  checkTimeout(options.timeoutMs);
}

/** @throws {RangeError} When a timeout is below 0 or no number. */
export function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || (typeof timeoutMs === "number" && timeoutMs >= 0)) return;
  throw new RangeError(`Cannot wait ${JSON.stringify(timeoutMs)} ms: expected a number from 0 on`);
}
