/**
 * How long a caller waits and what ends the wait early, the same over every distance.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { PulsingTimeoutError } from "../errors.ts";
import { MAX_HEADER_LENGTH, MAX_HEADERS } from "../limits.ts";
import type { CallHeaders, Envelope } from "./envelope.ts";
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
  /**
   * Texts by name that travel with the call, for interceptors on both sides: at most 64, of 65 536
   * characters together.
   */
  readonly headers?: CallHeaders;
  /**
   * The W3C `traceparent` of what this call is a part of, for example of an HTTP request; one that
   * is malformed is ignored.
   *
   * @default the chain of the message that is handled now, else a new one
   */
  readonly traceparent?: string;
}

/** A call that was sent. */
export interface SentCall {
  /** Settles with the answer. */
  readonly reply: Promise<unknown>;
  /** Tells the callee that nobody waits any more. */
  cancel(reason: unknown): void;
}

/** Who waits for a call, and how long. */
export interface CallWait {
  /** Measures `timeoutMs`. */
  readonly clock: Clock;
  /** The caller's options. */
  readonly options: CallOptions;
  /** The name for the timeout error. */
  readonly operation: string;
  /** The message whose handling waits; when its caller gives up, so does this wait. */
  readonly from: Envelope | undefined;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof CallOptions>([
  "timeoutMs",
  "signal",
  "headers",
  "traceparent",
]);

/** Options for a call whose caller gave none. */
export const NO_CALL_OPTIONS: CallOptions = Object.freeze({});

/**
 * Sends a call and waits within its options; no timer or listener outlives the wait.
 *
 * The deadline and the abort of the message that is handled now hold for the call as well, unless
 * its caller has already given up: what is sent then cleans up.
 *
 * @param send Sends the call; gets the deadline on the clock, 0 for none.
 */
export function withCallOptions(
  { clock, options, operation, from }: CallWait,
  send: (deadline: number) => SentCall,
): Promise<unknown> {
  checkCallOptions(options);
  const { signal } = options;
  const timeoutMs = options.timeoutMs === Infinity ? undefined : options.timeoutMs;
  if (signal?.aborted) return Promise.reject(signal.reason);
  const outer = from !== undefined && from.isBound && !from.isCancelled ? from : undefined;
  if (timeoutMs === undefined && signal === undefined && outer === undefined) return send(0).reply;
  return new Promise((resolve, reject) => {
    const deadline = timeoutMs === undefined ? 0 : clock.now() + timeoutMs;
    const call = send(earlier(deadline, outer?.deadline ?? 0));
    const giveUp = (reason: unknown) => {
      finish();
      call.cancel(reason);
      reject(reason);
    };
    const unbind = outer?.whenCancelled(giveUp);
    const onAbort = () => giveUp(signal?.reason);
    const timer = timeoutMs === undefined ? undefined : clock.setTimer(
      () => giveUp(new PulsingTimeoutError(operation, timeoutMs)),
      timeoutMs,
    );
    const finish = () => {
      unbind?.();
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    call.reply.then((value) => {
      finish();
      resolve(bindStream(value, signal, outer));
    }, (error) => {
      finish();
      reject(error);
    });
  });
}

/** The earlier of two deadlines, of which 0 is none. */
function earlier(one: number, other: number): number {
  return one === 0 || other === 0 ? one + other : Math.min(one, other);
}

function bindStream(
  value: unknown,
  signal: AbortSignal | undefined,
  outer: Envelope | undefined,
): unknown {
  if (!(value instanceof ReplyStream)) return value;
  const signals = [signal, outer?.isDone === false ? outer.signal : undefined];
  return signals.reduce<ReplyStream<unknown>>(
    (stream, one) => one === undefined ? stream : new ReplyStream(new AbortableSource(stream, one)),
    value,
  );
}

/**
 * Checks the options of a call.
 *
 * @throws {TypeError} An option is unknown, or not of its type.
 * @throws {RangeError} The timeout is below 0 or no number, or the headers are too many.
 */
export function checkCallOptions(options: CallOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot call with options "${String(options)}": expected an object`);
  }
  for (const name in options) {
    if (OPTION_NAMES.has(name)) continue;
    const known = [...OPTION_NAMES].join(", ");
    throw new TypeError(`Cannot set call option "${name}": expected one of ${known}`);
  }
  const { timeoutMs, signal, headers, traceparent } = options;
  checkTimeout(timeoutMs);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`Cannot set call option "signal": expected an AbortSignal`);
  }
  if (traceparent !== undefined && typeof traceparent !== "string") {
    throw new TypeError(`Cannot set call option "traceparent": expected a text`);
  }
  if (headers !== undefined) checkHeaders(headers);
}

function checkHeaders(headers: unknown): void {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw new TypeError('Cannot set call option "headers": expected texts by name');
  }
  const entries: readonly [string, unknown][] = Object.entries(headers);
  let length = 0;
  for (const [name, text] of entries) {
    if (typeof text !== "string") {
      throw new TypeError(`Cannot set header "${name}": expected a text`);
    }
    length += name.length + text.length;
  }
  if (entries.length <= MAX_HEADERS && length <= MAX_HEADER_LENGTH) return;
  throw new RangeError(
    `Cannot set ${entries.length} headers of ${length} characters: ` +
      `above ${MAX_HEADERS} or ${MAX_HEADER_LENGTH}, send it as an argument`,
  );
}

/** @throws {RangeError} When a timeout is below 0 or no number. */
export function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || (typeof timeoutMs === "number" && timeoutMs >= 0)) return;
  throw new RangeError(`Cannot wait ${String(timeoutMs)} ms: expected a number from 0 on`);
}
