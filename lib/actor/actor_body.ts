/**
 * The user's side of an actor: an instance of a class with methods, or an object with `receive`.
 *
 * @module
 */

import { asError, PulsingActorError, PulsingRuntimeError } from "../errors.ts";
import {
  type ActorHooks,
  type CallMessage,
  callMessage,
  isCallMessage,
  type Receiver,
} from "./actor.ts";
import { type CellContext, contextOf } from "./context.ts";
import type { Envelope } from "./envelope.ts";
import { formOf, isMethodName, type Method, type MethodTable, READ_ATTRIBUTE } from "./methods.ts";

/** What a cell runs. */
export interface ActorBody {
  /** The hooks, called with the user's object as `this`. */
  readonly hooks: ActorHooks;
  /** Whether a message waits until the one before is answered, streams included. */
  readonly isSequential: boolean;
  /**
   * Finds what handles a message; may bring the message into the form that the handler takes.
   *
   * @throws {PulsingRuntimeError} When nothing does; it becomes the caller's error.
   */
  lookup(envelope: Envelope): Method;
  /** Runs the handler. */
  run(method: Method, envelope: Envelope): unknown;
  /** Turns what the user returned into the answer; a throw becomes the caller's error. */
  unwrap(envelope: Envelope, result: object): unknown;
}

/** An instance of a class whose methods are the messages. */
export class ClassBody implements ActorBody {
  readonly hooks: ActorHooks;
  readonly isSequential: boolean;
  readonly #instance: Record<string, unknown>;
  readonly #methods: MethodTable;

  constructor(instance: object, methods: MethodTable, isSequential: boolean) {
    this.hooks = instance;
    this.#instance = instance as Record<string, unknown>; // read by name only after a check
    this.#methods = methods;
    this.isSequential = isSequential;
  }

  lookup(envelope: Envelope): Method {
    const known = envelope.method === undefined ? undefined : this.#methods.get(envelope.method);
    return known ?? this.#lookupRare(envelope);
  }

  run(method: Method, envelope: Envelope): unknown {
    // The payload of a message with a method is its argument list.
    return Reflect.apply(method.body, this.#instance, envelope.payload as unknown[]);
  }

  unwrap(_envelope: Envelope, result: object): unknown {
    return result;
  }

  #lookupRare(envelope: Envelope): Method {
    if (envelope.method === undefined) unfoldCall(envelope);
    const name = envelope.method ?? "";
    const known = this.#methods.get(name);
    if (known !== undefined) return known;
    if (name === READ_ATTRIBUTE) {
      const body = (attribute: unknown) => this.#attribute(`${attribute}`);
      return { name, body, form: "unknown" };
    }
    if (!isMethodName(name)) {
      throw new PulsingRuntimeError(`Cannot call method "${name}": Invalid method: ${name}`, {
        kind: "method-not-found",
        method: name,
      });
    }
    if (!Object.hasOwn(this.#instance, name)) throw notFound(name);
    return { name, body: this.#ownProperty(name), form: "unknown" };
  }

  #attribute(name: string): unknown {
    const isOfObject = name in Object.prototype && !Object.hasOwn(this.#instance, name);
    if (!isMethodName(name) || isOfObject || !(name in this.#instance)) throw notFound(name);
    const value = this.#instance[name];
    if (typeof value !== "function") return value;
    throw new PulsingRuntimeError(`Cannot read attribute "${name}": it is a method, call it`, {
      kind: "unsupported",
      method: name,
    });
  }

  #ownProperty(name: string): Method["body"] {
    const value = this.#instance[name];
    if (typeof value === "function") return value as Method["body"]; // any function will do
    return () => value;
  }
}

/** An object that takes its messages itself. */
export class ReceiverBody implements ActorBody {
  readonly hooks: ActorHooks;
  readonly isSequential = true;
  readonly #receiver: Receiver;
  readonly #method: Method;
  readonly #takesContext: boolean;

  constructor(receiver: Receiver) {
    this.hooks = receiver;
    this.#receiver = receiver;
    const body = receiver.receive as Method["body"]; // only its form is looked at
    this.#method = { name: "receive", body, form: formOf(body) };
    this.#takesContext = takesSecond(body);
  }

  lookup(_envelope: Envelope): Method {
    return this.#method;
  }

  run(_method: Method, envelope: Envelope): unknown {
    const { cell } = envelope;
    if (cell === undefined) return undefined;
    const message = envelope.method === undefined
      ? envelope.payload
      : toCallMessage(envelope.method, envelope.payload as unknown[]); // a method's payload
    const receive: unknown = this.#receiver.receive;
    if (!this.#takesContext && receive === this.#method.body) {
      return this.#receiver.receive(message, NO_CONTEXT);
    }
    return this.#receiver.receive(message, contextOf(cell, envelope));
  }

  unwrap(envelope: Envelope, result: object): unknown {
    if (envelope.method === undefined) return result;
    if ("__error__" in result) {
      const error = asError(result.__error__);
      throw result.__error__ instanceof Error ? error : new PulsingActorError(error.message);
    }
    return "__result__" in result ? result.__result__ : result;
  }
}

/** Stands for the context where nobody can see it: making one is a sixth of a tell. */
const NO_CONTEXT = undefined as unknown as CellContext; // the function has one plain parameter

/** The beginning of a function with no parameter, or one that is only a name. */
const ONE_PARAMETER =
  /^(?:async\b)?\s*(?:function\b)?\s*\*?\s*[\w$]*\s*\(?\s*[\w$]*\s*\)?\s*(?:=>|\{)/;

/** Whether a function may look at a second argument; in doubt it may. */
function takesSecond(body: Method["body"]): boolean {
  if (body.length > 1) return true;
  const source = Function.prototype.toString.call(body);
  return !ONE_PARAMETER.test(source) || /\b(?:arguments|eval)\b/.test(source);
}

/** Reading an attribute is a call without arguments here: `receive` has no attributes. */
function toCallMessage(method: string, args: unknown[]): CallMessage {
  return method === READ_ATTRIBUTE ? callMessage(`${args[0]}`, []) : callMessage(method, args);
}

function unfoldCall(envelope: Envelope): void {
  const message = envelope.payload;
  if (!isCallMessage(message)) {
    throw new PulsingRuntimeError(
      "Cannot handle the message: Unknown message type, an actor class takes method calls only",
      { kind: "invalid-message" },
    );
  }
  const { __call__: method, args } = message;
  envelope.method = typeof method === "string" ? method : "";
  envelope.payload = Array.isArray(args) ? args : [];
}

function notFound(name: string): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot call method "${name}": Not found: ${name}`, {
    kind: "method-not-found",
    method: name,
  });
}
