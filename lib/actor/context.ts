/**
 * What code inside an actor knows about itself and about the call it handles.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import { AsyncScope } from "../async_scope.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { ActorCell } from "./actor_cell.ts";
import type { Receiver } from "./actor.ts";
import { ActorRef, type ActorTarget } from "./actor_ref.ts";
import { formatTraceparent } from "./call_chain.ts";
import { type DelayedCalls, delayedCalls } from "./delayed.ts";
import type { CallHeaders, Envelope } from "./envelope.ts";
import { type ActorClass, type ActorProxy, refOfProxy } from "./proxy.ts";
import type { ClassSpawnOptions, SpawnOptions } from "./spawn_options.ts";

/**
 * The actor and the call that the running code belongs to.
 *
 * @typeParam System The type of `system`.
 */
export interface CellContext<System = unknown> {
  /** A reference to the actor itself, to hand to others. */
  readonly self: ActorRef;
  /** The actor's id. */
  readonly id: ActorId;
  /** The actor's path; absent for an anonymous actor. */
  readonly path: ActorPath | undefined;
  /** The node the actor runs on. */
  readonly nodeId: NodeId;
  /** The system the actor runs in. */
  readonly system: System;
  /** Aborts when the caller gives up, when its deadline passes, or when the actor is stopped. */
  readonly signal: AbortSignal;
  /** Milliseconds left until the caller's deadline; `undefined` when it set none. */
  readonly deadlineMs: number | undefined;
  /** The actor that sent the message; `undefined` when no actor did. */
  readonly caller: ActorRef | undefined;
  /**
   * Calls of the actor to itself that are told later: `context().delayed(500).refresh()`.
   *
   * @param delayMs How much later, in milliseconds.
   * @returns A proxy whose calls give a timer, to be cancelled; see {@link DelayedCalls}.
   */
  // deno-lint-ignore no-explicit-any -- any name is a method when the class is not said
  delayed<T = any>(delayMs: number): DelayedCalls<T>;
  /** The W3C `traceparent` of the message, to pass on to what is called by other means. */
  readonly traceparent: string;
  /** Texts that came with the call. */
  readonly headers: CallHeaders;
  /**
   * Starts an actor that takes its messages itself, as a child: it stops when this one stops or is
   * restarted. When it fails for good and this one does not watch it, that is a failure of this one
   * too, which restarts it under `"on-failure"` and `"always"` and is logged under `"never"`.
   *
   * @param actor Any object with `receive`; a function that makes one when it is to be restarted.
   * @param options Name, mailbox, supervision.
   */
  spawn(actor: Receiver | (() => Receiver), options?: SpawnOptions): Promise<ActorRef>;
  /**
   * Starts an actor of a class as a child.
   *
   * @param cls A class, declared with `remote` or not.
   * @param options Arguments, name, mailbox, supervision.
   */
  spawn<C extends ActorClass>(
    cls: C,
    options?: ClassSpawnOptions<ConstructorParameters<C>>,
  ): Promise<ActorProxy<InstanceType<C>>>;
  /**
   * Has `onTerminated` called when an actor is gone, on whatever node; at once when it is already.
   *
   * Watching twice is watching once. A restart of this actor ends its watches.
   *
   * @param actor A reference or a proxy.
   * @throws {PulsingRuntimeError} kind `"limit-exceeded"`: above `limits.watches`.
   */
  watch(actor: ActorRef | object): void;
  /** Undoes {@link CellContext.watch}. */
  unwatch(actor: ActorRef | object): void;
  /** Stops the actor after the current message; does not wait for the end. */
  stop(): void;
}

const scope = new AsyncScope<Envelope>();
let current: Envelope | undefined;

/** The context of the code that runs now. */
export function currentContext(): CellContext {
  const envelope = currentEnvelope();
  if (envelope?.cell === undefined) {
    throw new PulsingRuntimeError(
      "Cannot get the actor context: the running code was not called by an actor's method",
      { kind: "unsupported" },
    );
  }
  return contextOf(envelope.cell, envelope);
}

/** The message that the running code handles, if any. */
export function currentEnvelope(): Envelope | undefined {
  return current ?? scope.get();
}

/**
 * Makes a message the current one for code that ends in this turn; pair with {@link leaveTurn}.
 *
 * A plain variable instead of an {@link AsyncScope}: entering the scope costs 430 ns on Deno, more
 * than the rest of a local ask (`bench/local_bench.ts`).
 *
 * @returns What {@link leaveTurn} needs.
 */
export function enterTurn(envelope: Envelope): Envelope | undefined {
  const previous = current;
  current = envelope;
  return previous;
}

/** Ends what {@link enterTurn} began. */
export function leaveTurn(previous: Envelope | undefined): void {
  current = previous;
}

/** Makes code that runs later count as part of the message that is handled now. */
export function bindTurn<A extends unknown[], R>(body: (...args: A) => R): (...args: A) => R {
  const envelope = current; // the async scope follows a callback by itself
  if (envelope === undefined) return body;
  return (...args) => {
    const previous = enterTurn(envelope);
    try {
      return body(...args);
    } finally {
      leaveTurn(previous);
    }
  };
}

/** Runs code that may go on after an `await`. */
export function runAcrossTurns<R>(envelope: Envelope, body: (envelope: Envelope) => R): R {
  const previous = current;
  current = undefined;
  try {
    return scope.run(envelope, () => body(envelope));
  } finally {
    current = previous;
  }
}

/** Runs code that belongs to no message: what it starts does not inherit the current one. */
export function outsideCalls(body: () => void): void {
  scope.runOutside(body);
}

/** The context of one message, or of the actor's own life when there is none. */
export function contextOf(cell: ActorCell, envelope: Envelope = cell.lifeEnvelope): CellContext {
  return new MessageContext(cell, envelope);
}

class MessageContext implements CellContext {
  readonly #cell: ActorCell;
  readonly #envelope: Envelope;

  constructor(cell: ActorCell, envelope: Envelope) {
    this.#cell = cell;
    this.#envelope = envelope;
  }

  get self(): ActorRef {
    return this.#cell.ref;
  }

  get id(): ActorId {
    return this.#cell.actorId;
  }

  get path(): ActorPath | undefined {
    return this.#cell.path;
  }

  get nodeId(): NodeId {
    return this.#cell.nodeId;
  }

  get system(): unknown {
    return this.#cell.node.system;
  }

  get signal(): AbortSignal {
    return this.#envelope.signal;
  }

  get deadlineMs(): number | undefined {
    const { deadline } = this.#envelope;
    return deadline === 0 ? undefined : Math.max(0, deadline - this.#cell.node.clock.now());
  }

  get caller(): ActorRef | undefined {
    return this.#envelope.callerRef;
  }

  delayed<T>(delayMs: number): DelayedCalls<T> {
    this.#checkInstance();
    return delayedCalls<T>((method, args) => this.#cell.tellLater(delayMs, method, args));
  }

  get traceparent(): string {
    return formatTraceparent(this.#envelope.tracePoint(this.#cell.node.random));
  }

  get headers(): CallHeaders {
    return this.#envelope.headers ?? {};
  }

  // The overloads of the interface say what comes back for which actor.
  // deno-lint-ignore no-explicit-any -- a promise of both results satisfies neither overload
  async spawn(actor: unknown, options?: object): Promise<any> {
    this.#checkInstance();
    return await this.#cell.node.spawnChild(this.#cell, actor, options);
  }

  watch(actor: object): void {
    this.#checkInstance();
    const target = targetOf(actor);
    this.#cell.life.watch(target.instance ?? target);
  }

  unwatch(actor: object): void {
    const target = targetOf(actor);
    // What is watched is one actor, which a reference by name may have left since.
    if ("instance" in target) this.#cell.life.unwatchName(target.path);
    else this.#cell.life.unwatch(target);
  }

  stop(): void {
    if (!this.#envelope.isAbandoned) this.#cell.stopItself();
  }

  /** Code of an instance that is over must not act for the one that came after it. */
  #checkInstance(): void {
    if (this.#envelope.isAbandoned) throw this.#envelope.reason;
  }
}

function targetOf(actor: unknown): ActorTarget {
  const isObject = typeof actor === "object" && actor !== null || typeof actor === "function";
  const ref = actor instanceof ActorRef || !isObject ? actor : refOfProxy(actor as object);
  if (ref instanceof ActorRef) return ref.target;
  throw new TypeError(`Cannot watch ${String(actor)}: expected a reference or a proxy`);
}
