/**
 * What stands around every call: authorisation, logging, metrics.
 *
 * @module
 */

import type { ActorId, NodeId } from "../address.ts";
import type { Random } from "../random.ts";
import type { ActorRef, ActorTarget } from "./actor_ref.ts";
import { CallChain, formatTraceparent } from "./call_chain.ts";
import type { CallOptions } from "./call_options.ts";
import { currentEnvelope } from "./context.ts";
import type { CallHeaders, Envelope } from "./envelope.ts";

/** A call on its way, as an interceptor sees it. */
export interface InterceptedCall {
  /** Whether this node sends the call or its actor handles it; a call on one node is both. */
  readonly direction: "outgoing" | "incoming";
  /** Whether somebody waits for the answer. */
  readonly kind: "ask" | "tell";
  /** The path of the actor that is called, or its id. */
  readonly actor: string;
  /** The id of the actor that is called. */
  readonly actorId: ActorId;
  /** The node it runs on. */
  readonly nodeId: NodeId;
  /** The registered name of its class, when it has one. */
  readonly className: string | undefined;
  /** The method; `undefined` for a message to `receive`. */
  readonly method: string | undefined;
  /** The method's arguments in a list, or the message. */
  readonly payload: unknown;
  /** The actor that calls, when one does. */
  readonly caller: ActorRef | undefined;
  /** Texts that travel with the call. */
  readonly headers: CallHeaders;
  /** The W3C `traceparent` of the message; a new one for a call that nothing led to. */
  readonly traceparent: string;
}

/** What an interceptor changes of a call. */
export interface CallChanges {
  /** Other arguments, or another message. */
  readonly payload?: unknown;
  /** Headers to add; of an outgoing call only. */
  readonly headers?: CallHeaders;
}

/**
 * Goes on with the call.
 *
 * @returns The answer; for a stream the stream itself, for a tell `undefined`.
 * @throws What the call throws.
 */
export type NextCall = (changes?: CallChanges) => Promise<unknown>;

/**
 * Stands around a call: what it returns is the answer, what it throws the caller's error.
 *
 * It calls `next` at most once, and not at all to answer in the actor's place. An incoming message
 * waits, and those behind it in the mailbox with it, until `next` is called. An outgoing one that
 * waits before `next` may be overtaken by later calls.
 */
export type Interceptor = (call: InterceptedCall, next: NextCall) => unknown;

/** The interceptors of one node, the first one outermost. */
export class Interceptors {
  #list: readonly Interceptor[] = [];

  /** Whether there is none. */
  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** Adds one inside those that are there. */
  add(interceptor: Interceptor): void {
    this.#list = [...this.#list, interceptor];
  }

  /** Takes one away; calls that are under way keep theirs. */
  remove(interceptor: Interceptor): void {
    const index = this.#list.indexOf(interceptor);
    if (index >= 0) this.#list = this.#list.toSpliced(index, 1);
  }

  /**
   * Runs a call through all of them.
   *
   * @param call The call.
   * @param last What the innermost `next` does.
   */
  async run(call: InterceptedCall, last: (call: InterceptedCall) => unknown): Promise<unknown> {
    return await step(this.#list, 0, call, last);
  }

  /**
   * Runs a call to an actor of this node through all of them.
   *
   * A throw of an interceptor is the caller's error and no failure of the actor.
   *
   * @param call The call.
   * @param handle Runs the actor's code.
   * @param gate The mailbox, which waits until the actor's code was reached.
   */
  runIncoming(
    call: InterceptedCall,
    handle: (payload: unknown) => unknown,
    gate: IncomingGate,
  ): Promise<unknown> {
    let hasGoneOn = false;
    let isHeld = false;
    let failure: { readonly error: unknown } | undefined;
    const goOn = () => {
      hasGoneOn = true;
      if (isHeld) gate.letGo();
      isHeld = false;
    };
    const result = this.run(call, async ({ payload }) => {
      goOn();
      try {
        return await handle(payload);
      } catch (error) {
        failure = { error };
        throw error;
      }
    });
    if (!hasGoneOn) {
      isHeld = true;
      gate.hold();
    }
    const over = () => {
      goOn();
      // After the answer: the caller gets its own error, not that of an interrupted call.
      if (failure !== undefined) queueMicrotask(() => gate.failed(failure?.error));
    };
    result.then(over, over);
    return result;
  }
}

/** The mailbox of an actor, as a call that is intercepted sees it. */
export interface IncomingGate {
  /** Keeps the messages behind this one back. */
  hold(): void;
  /** Lets them come. */
  letGo(): void;
  /** The actor's own code threw. */
  failed(error: unknown): void;
}

/** What a sender says of a call. */
export interface OutgoingMessage {
  readonly kind: InterceptedCall["kind"];
  readonly method: string | undefined;
  readonly payload: unknown;
  readonly options: CallOptions | undefined;
}

/** A call as the interceptors of its sender see it. */
export function outgoingCall(
  target: ActorTarget,
  random: Random,
  { kind, method, payload, options }: OutgoingMessage,
): InterceptedCall {
  const from = currentEnvelope();
  return {
    ...subjectOf(target),
    direction: "outgoing",
    kind,
    method,
    payload,
    caller: from?.cell?.ref,
    headers: options?.headers ?? NO_HEADERS,
    traceparent: options?.traceparent ??
      formatTraceparent(from?.tracePoint(random) ?? new CallChain().point(random)),
  };
}

/** A call as the interceptors of its actor's node see it. */
export function incomingCall(
  target: ActorTarget,
  envelope: Envelope,
  random: Random,
): InterceptedCall {
  return {
    ...subjectOf(target),
    direction: "incoming",
    kind: envelope.wantsReply ? "ask" : "tell",
    method: envelope.method,
    payload: envelope.payload,
    caller: envelope.callerRef,
    headers: envelope.headers ?? NO_HEADERS,
    traceparent: formatTraceparent(envelope.tracePoint(random)),
  };
}

/** The options of a call that interceptors have seen. */
export function changedOptions(
  options: CallOptions | undefined,
  { headers, traceparent }: InterceptedCall,
): CallOptions {
  return { ...options, headers, traceparent };
}

const NO_HEADERS: CallHeaders = Object.freeze({});

function subjectOf({ path, actorId, nodeId, className }: ActorTarget) {
  return { actor: path ?? actorId, actorId, nodeId, className };
}

async function step(
  list: readonly Interceptor[],
  index: number,
  call: InterceptedCall,
  last: (call: InterceptedCall) => unknown,
): Promise<unknown> {
  const interceptor = list[index];
  if (interceptor === undefined) return await last(call);
  let isUsed = false;
  return await interceptor(call, (changes) => {
    if (isUsed) throw new TypeError("Cannot call next again: the call has gone on already");
    isUsed = true;
    return step(list, index + 1, changes === undefined ? call : changed(call, changes), last);
  });
}

function changed(call: InterceptedCall, { payload, headers }: CallChanges): InterceptedCall {
  return {
    ...call,
    ...(payload !== undefined && { payload }),
    ...(headers !== undefined && { headers: { ...call.headers, ...headers } }),
  };
}
