/**
 * What stands around every call: authorisation, logging, metrics.
 *
 * @module
 */

import type { ActorId, NodeId } from "../address.ts";
import { checkNames } from "../option_names.ts";
import type { Random } from "../random.ts";
import type { ActorRef, ActorTarget } from "./actor_ref.ts";
import { CallChain, formatTraceparent, parseTraceparent } from "./call_chain.ts";
import type { CallOptions } from "./call_options.ts";
import { bindTurn, currentEnvelope } from "./context.ts";
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

  /**
   * Adds one inside those that are there.
   *
   * @returns Takes it away; calls that are under way keep it.
   */
  add(interceptor: Interceptor): () => void {
    if (typeof interceptor !== "function") {
      throw new TypeError(`Cannot use interceptor "${String(interceptor)}": expected a function`);
    }
    const added: Interceptor = (call, next) => interceptor(call, next); // may be added twice
    this.#list = [...this.#list, added];
    return () => void (this.#list = this.#list.filter((one) => one !== added));
  }

  /**
   * Runs a call through all of them.
   *
   * @param call The call.
   * @param last What the innermost `next` does.
   */
  async run(call: InterceptedCall, last: (call: InterceptedCall) => unknown): Promise<unknown> {
    // An interceptor may go on in a later turn: the call still belongs to the message handled now.
    return await step(this.#list, 0, call, bindTurn(last));
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
  const trace = new LazyTrace(() =>
    wellFormed(options?.traceparent) ??
      formatTraceparent(from?.tracePoint(random) ?? new CallChain().point(random))
  );
  const about = {
    direction: "outgoing",
    kind,
    method,
    target,
    caller: () => from?.cell?.ref,
  } as const;
  return new Call(about, trace, payload, options?.headers ?? NO_HEADERS);
}

/** A call as the interceptors of its actor's node see it. */
export function incomingCall(
  target: ActorTarget,
  envelope: Envelope,
  random: Random,
): InterceptedCall {
  const { method, payload } = envelope;
  const trace = new LazyTrace(() => formatTraceparent(envelope.tracePoint(random)));
  const kind = envelope.wantsReply ? "ask" : "tell";
  const { from } = envelope; // the message forgets it when it is done
  const caller = () => from === undefined ? envelope.callerRef : from.cell?.ref;
  const about = { direction: "incoming", kind, method, target, caller } as const;
  return new Call(about, trace, payload, envelope.headers ?? NO_HEADERS);
}

/** The options of a call that interceptors have seen. */
export function changedOptions(
  options: CallOptions | undefined,
  call: InterceptedCall,
): CallOptions | undefined {
  const { headers } = call;
  // A trace that an interceptor was shown must be the one that travels.
  const seen = call instanceof Call ? call.seenTraceparent : undefined;
  if (seen === undefined && headers === NO_HEADERS) return options;
  return { ...options, headers, ...(seen !== undefined && { traceparent: seen }) };
}

/** What of a call does not change on its way through interceptors. */
interface CallSubject extends Pick<InterceptedCall, "direction" | "kind" | "method"> {
  readonly target: ActorTarget;
  caller(): ActorRef | undefined;
}

/** The text of a trace, made when it is looked at. */
class LazyTrace {
  readonly #make: () => string;
  text: string | undefined = undefined;

  constructor(make: () => string) {
    this.#make = make;
  }

  read(): string {
    return this.text ??= this.#make();
  }
}

class Call implements InterceptedCall {
  readonly #about: CallSubject;
  readonly #trace: LazyTrace;
  readonly payload: unknown;
  readonly headers: CallHeaders;

  constructor(about: CallSubject, trace: LazyTrace, payload: unknown, headers: CallHeaders) {
    this.#about = about;
    this.#trace = trace;
    this.payload = payload;
    this.headers = headers;
  }

  get direction(): InterceptedCall["direction"] {
    return this.#about.direction;
  }

  get kind(): InterceptedCall["kind"] {
    return this.#about.kind;
  }

  get method(): string | undefined {
    return this.#about.method;
  }

  get actor(): string {
    return this.#about.target.path ?? this.#about.target.actorId;
  }

  get actorId(): ActorId {
    return this.#about.target.actorId;
  }

  get nodeId(): NodeId {
    return this.#about.target.nodeId;
  }

  get className(): string | undefined {
    return this.#about.target.className;
  }

  get caller(): ActorRef | undefined {
    return this.#about.caller();
  }

  get traceparent(): string {
    return this.#trace.read();
  }

  /** The trace, when somebody has looked at it. */
  get seenTraceparent(): string | undefined {
    return this.#trace.text;
  }

  /** The same call with changes. */
  changed(changes: CallChanges): Call {
    if (typeof changes !== "object" || changes === null) {
      throw new TypeError(`Cannot change the call to "${String(changes)}": expected an object`);
    }
    checkNames("next", changes, CHANGE_NAMES);
    const { payload = this.payload, headers } = changes;
    if (headers !== undefined && this.direction === "incoming") {
      throw new TypeError("Cannot change the headers of an incoming call: they have travelled");
    }
    if (this.method !== undefined && !Array.isArray(payload)) {
      throw new TypeError(`Cannot change the arguments of "${this.method}": expected a list`);
    }
    const all = headers === undefined ? this.headers : { ...this.headers, ...headers };
    return new Call(this.#about, this.#trace, payload, all);
  }
}

const CHANGE_NAMES: ReadonlySet<string> = new Set<keyof CallChanges>(["payload", "headers"]);
const NO_HEADERS: CallHeaders = Object.freeze({});

/** A malformed trace is ignored, as the standard wants it. */
function wellFormed(traceparent: string | undefined): string | undefined {
  if (traceparent === undefined || parseTraceparent(traceparent) === undefined) return undefined;
  return traceparent;
}

function step(
  list: readonly Interceptor[],
  index: number,
  call: InterceptedCall,
  last: (call: InterceptedCall) => unknown,
): unknown {
  const interceptor = list[index];
  if (interceptor === undefined) return last(call);
  let isUsed = false;
  // Async, so that what the rest throws at once reaches the interceptor as a rejection.
  return interceptor(call, async (changes) => {
    if (isUsed) throw new TypeError("Cannot call next again: the call has gone on already");
    isUsed = true;
    const next = changes !== undefined && call instanceof Call ? call.changed(changes) : call;
    return await step(list, index + 1, next, last);
  });
}
