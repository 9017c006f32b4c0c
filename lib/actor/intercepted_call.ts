/**
 * A call on its way, as interceptors see it.
 *
 * @module
 */

import type { ActorId, NodeId } from "../address.ts";
import { checkNames } from "../option_names.ts";
import type { Random } from "../random.ts";
import type { ActorRef, ActorTarget } from "./actor_ref.ts";
import { CallChain, formatTraceparent, parseTraceparent } from "./call_chain.ts";
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

/** A call whose parts are looked up when they are asked for. */
export class Call implements InterceptedCall {
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
