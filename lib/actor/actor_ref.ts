/**
 * The capability to send to one actor.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { CallOptions } from "./call_options.ts";
import type { Watcher } from "./death_watch.ts";
import type { OnRefused } from "./envelope.ts";
import { type ActorClass, type ActorProxy, type AnyProxy, anyProxy, typedProxy } from "./proxy.ts";
import { methodsOf } from "./methods.ts";

/** What can be done with an actor over every distance. */
export interface ActorOperations {
  /**
   * Sends and waits for the answer.
   *
   * @param method A method, `payload` being its arguments; `undefined` for a message to `receive`.
   * @param onRefused What to do instead of failing when surely no actor handled the message.
   */
  ask(
    method: string | undefined,
    payload: unknown,
    options?: CallOptions,
    onRefused?: OnRefused,
  ): Promise<unknown>;
  /** Sends; resolves when the mailbox (or the link) took the message. */
  tell(method: string | undefined, payload: unknown, options?: CallOptions): Promise<void>;
  /** Tells a watcher of the actor's end, once. */
  watch(watcher: Watcher): void;
  /** Undoes {@link ActorOperations.watch}. */
  unwatch(watcher: Watcher): void;
}

/** Where a reference leads: an actor of this node, or the link to another node. */
export interface ActorTarget extends ActorOperations {
  /** The actor's path; `undefined` for an anonymous actor. */
  readonly path: ActorPath | undefined;
  /** The actor's id. */
  readonly actorId: ActorId;
  /** The node the actor runs on. */
  readonly nodeId: NodeId;
  /** `host:port` of the node; `undefined` when it does not listen. */
  readonly address: string | undefined;
  /** The registered name of the actor's class, when it has one. */
  readonly className: string | undefined;
  /** The one actor it leads to now, when that may change. */
  readonly instance?: ActorTarget;
}

/**
 * A reference to one actor; can be an argument, a result or a stream item, at any depth.
 *
 * Order: what one sender sends to one actor arrives in the order in which it was sent. Delivery:
 * at most once; after an error the message may or may not have been handled, unless the error
 * says that it was not sent.
 *
 * @example Tell, then ask
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * let sum = 0;
 * await using system = await pul.actorSystem();
 * const adder = await system.spawn({ receive: (n: unknown) => sum += Number(n) });
 * await adder.tell(1);
 * assert.equal(await adder.ask(2), 3);
 * ```
 */
export class ActorRef {
  readonly #target: ActorTarget;

  /**
   * Makes a reference; references come from `spawn`, `resolve` and messages.
   *
   * @param target Where the reference leads.
   */
  constructor(target: ActorTarget) {
    this.#target = target;
  }

  /** The actor's id. */
  get actorId(): ActorId {
    return this.#target.actorId;
  }

  /** The actor's path; `undefined` for an anonymous actor. */
  get path(): ActorPath | undefined {
    return this.#target.path;
  }

  /** The node the actor runs on. */
  get nodeId(): NodeId {
    return this.#target.nodeId;
  }

  /** Where the reference leads; for code that extends the runtime. */
  get target(): ActorTarget {
    return this.#target;
  }

  /**
   * Sends a message and waits for the answer.
   *
   * @param message Any value; to another node it must be encodable.
   * @param options Deadline and abort signal.
   * @returns What the actor returned; a generator's items as a `ReplyStream`.
   * @throws {PulsingActorError} What the actor threw.
   * @throws {PulsingRuntimeError} The actor is gone (`"actor-stopped"`, `"actor-not-found"`), its
   * node is (`"node-unreachable"`: nothing was sent; `"node-lost"`: it may have been handled), or
   * the message cannot be sent (`"not-encodable"`, `"mailbox-full"`, `"limit-exceeded"`).
   */
  ask(message: unknown, options?: CallOptions): Promise<unknown> {
    return this.#target.ask(undefined, message, options);
  }

  /**
   * Sends a message; nobody hears of the answer or of an error in the actor.
   *
   * @param message Any value; to another node it must be encodable.
   * @param options Headers and trace; a tell has no deadline.
   * @returns When the mailbox took it, for another node when the link took it. A rejection that
   * nobody looks at is not reported as unhandled.
   * @throws {PulsingRuntimeError} As for {@link ActorRef.ask}, as far as it is known by then.
   */
  tell(message: unknown, options?: CallOptions): Promise<void> {
    return this.#target.tell(undefined, message, options);
  }

  /** The actor as a proxy that takes any method name. */
  asAny(): AnyProxy {
    return anyProxy(this);
  }

  /**
   * The actor as a proxy with the methods of a class; nothing is checked on the other side.
   *
   * @param cls The class the actor is an instance of.
   */
  asType<C extends ActorClass>(cls: C): ActorProxy<InstanceType<C>> {
    return typedProxy(this, cls, methodsOf(cls));
  }

  /**
   * The actor's address for people: `actor:///path@node` or `actor://id`, and `actor:///path` when
   * the reference follows the name.
   */
  toString(): string {
    if ("instance" in this.#target) return `actor:///${this.path}`;
    return this.path === undefined
      ? `actor://${this.actorId}`
      : `actor:///${this.path}@${this.nodeId}`;
  }
}
