/**
 * Sending through the interceptors of the sender's node.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import type { ActorTarget } from "./actor_ref.ts";
import { type CallOptions, NO_CALL_OPTIONS, withCallOptions } from "./call_options.ts";
import { currentEnvelope } from "./context.ts";
import { changedOptions, type InterceptedCall, outgoingCall } from "./intercepted_call.ts";
import type { Interceptors } from "./interceptors.ts";
import { iteratorOf, IteratorSource, ReplyStream } from "./reply_stream.ts";
import { told } from "./told.ts";

/** The way of a call through interceptors. */
export interface InterceptedWay {
  readonly interceptors: Interceptors;
  readonly clock: Clock;
  readonly random: Random;
  readonly target: ActorTarget;
}

/** A message on that way. */
export interface InterceptedMessage {
  readonly method: string | undefined;
  readonly payload: unknown;
  readonly options: CallOptions | undefined;
}

/**
 * Asks through interceptors; the caller's deadline and signal hold for their work as well.
 *
 * @param send Sends what they have left of the message.
 */
export function askThrough(
  { interceptors, clock, random, target }: InterceptedWay,
  message: InterceptedMessage,
  send: (payload: unknown, options: CallOptions | undefined) => Promise<unknown>,
): Promise<unknown> {
  const { method, options } = message;
  const from = currentEnvelope();
  const call = outgoingCall(target, random, { kind: "ask", ...message });
  const isLimited = options?.timeoutMs !== undefined || options?.signal !== undefined;
  if (!isLimited && from?.isBound !== true) {
    return asAnswer(
      interceptors.run(call, (last) => send(last.payload, changedOptions(options, last))),
    );
  }
  const wait = { clock, options: options ?? NO_CALL_OPTIONS, operation: method ?? "ask", from };
  return withCallOptions(wait, (deadline) => {
    const caller = new AbortController();
    const { signal } = caller;
    const answer = interceptors.run(call, (last) => {
      signal.throwIfAborted(); // nobody waits any more for what is not sent yet
      const left = deadline === 0 ? {} : { timeoutMs: Math.max(0, deadline - clock.now()) };
      return send(last.payload, { ...changedOptions(options, last), signal, ...left });
    });
    return { reply: asAnswer(answer), cancel: (reason) => caller.abort(reason) };
  });
}

/** What an interceptor made of an answer: an iterable of its own is a stream like any other. */
async function asAnswer(answer: Promise<unknown>): Promise<unknown> {
  const value = await answer;
  if (typeof value !== "object" || value === null || value instanceof ReplyStream) return value;
  const iterator = iteratorOf(value);
  return iterator === undefined ? value : new ReplyStream(new IteratorSource(iterator));
}

/**
 * Tells through interceptors.
 *
 * @param send Sends what they have left of the message.
 */
export function tellThrough(
  { interceptors, random, target }: InterceptedWay,
  message: InterceptedMessage,
  send: (payload: unknown, options: CallOptions | undefined) => Promise<void>,
): Promise<void> {
  const call = outgoingCall(target, random, { kind: "tell", ...message });
  const last = (last: InterceptedCall) => send(last.payload, changedOptions(message.options, last));
  return told(interceptors.run(call, last).then(() => {}));
}
