/**
 * The actors of a name as they come and go.
 *
 * @module
 */

import type { ActorRef } from "../actor/actor_ref.ts";
import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { LocatedActor } from "../cluster/cluster.ts";
import { checkNames } from "../option_names.ts";

/** One actor of a name: what `ActorSystem.subscribe` tells of it. */
export interface ActorInstance {
  /** The node it lives on. */
  readonly nodeId: NodeId;
  /** Its id, which restarts keep. */
  readonly actorId: ActorId;
  /** Its name. */
  readonly path: ActorPath;
  /** The registered name of its class, when it has one. */
  readonly className?: string;
  /** What its `metadata()` gave when it came; nothing for one of which other nodes are not told. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Leads to this one actor, and to no other one of its name when it is gone. */
  readonly ref: ActorRef;
}

/**
 * An actor of a name has come or gone.
 *
 * @example Keep a set current
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * await using system = await pul.actorSystem();
 * await system.spawn({ receive: () => "done" }, { name: "worker" });
 * const workers = new Set<pul.ActorInstance>();
 * for await (const { kind, instance } of system.subscribe("worker")) {
 *   if (kind === "up") {
 *     workers.add(instance);
 *     assert.equal(await instance.ref.ask("work"), "done");
 *     await system.stop("worker");
 *   } else {
 *     assert.ok(workers.delete(instance));
 *     break;
 *   }
 * }
 * assert.equal(workers.size, 0);
 * ```
 */
export interface InstanceEvent {
  /** Whether it is there now. */
  readonly kind: "up" | "down";
  /** The actor; with `"down"` the very object that came with its `"up"`. */
  readonly instance: ActorInstance;
}

/** How actors of a name are followed. */
export interface SubscribeOptions {
  /** Ends the iteration, which throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Where a subscription looks, and who wakes it. */
export interface InstanceSource {
  /** Another number whenever other actors may have a name than before. */
  readonly revision: number;
  /** Whether nothing is to be told any more. */
  readonly isOver: boolean;
  /** The actors that have a name now. */
  instances(path: ActorPath): readonly LocatedActor[];
  /** A reference to one actor. */
  refTo(actor: LocatedActor): ActorRef;
  /** Calls at each change until what it returns is called. */
  onChange(wake: () => void): () => void;
}

/** Actors that are identified by their ids. */
interface Identified {
  readonly actorId: ActorId;
}

/**
 * What has to be told to somebody who has seen some actors, so that he knows those that are there.
 *
 * @returns Those that have gone, in the order in which they were seen, and those that have come.
 */
export function difference<S extends Identified, F extends Identified>(
  seen: ReadonlyMap<ActorId, S>,
  there: readonly F[],
): { readonly gone: readonly S[]; readonly come: readonly F[] } {
  const now = new Map(there.map((actor) => [actor.actorId, actor]));
  return {
    gone: [...seen.values()].filter(({ actorId }) => !now.has(actorId)),
    come: [...now.values()].filter(({ actorId }) => !seen.has(actorId)),
  };
}

/**
 * Follows the actors of a name; each iteration is a subscription of its own.
 *
 * @throws {TypeError} An option is unknown, or no signal.
 */
export function subscribe(
  source: InstanceSource,
  path: ActorPath,
  options: SubscribeOptions,
): AsyncIterable<InstanceEvent> {
  checkNames("subscribe", options, OPTION_NAMES);
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`Cannot subscribe to "${path}": "signal" is no AbortSignal`);
  }
  return { [Symbol.asyncIterator]: () => new InstanceReader(source, path, signal) };
}

/**
 * One reader. It keeps what it has told, and computes what comes next when it is asked: a slow
 * reader costs no more than a fast one, and only one that waits is known to the source.
 */
class InstanceReader implements AsyncIterator<InstanceEvent, undefined> {
  readonly #source: InstanceSource;
  readonly #path: ActorPath;
  readonly #signal: AbortSignal | undefined;
  readonly #told = new Map<ActorId, ActorInstance>();
  readonly #events = this.#read();
  #hasLeft = false;
  #wake = () => {};

  constructor(source: InstanceSource, path: ActorPath, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#path = path;
    this.#signal = signal;
  }

  next(): Promise<IteratorResult<InstanceEvent, undefined>> {
    return this.#events.next();
  }

  return(): Promise<IteratorResult<InstanceEvent, undefined>> {
    this.#hasLeft = true;
    this.#wake(); // a read that waits ends, too
    return this.#events.return(undefined);
  }

  async *#read(): AsyncGenerator<InstanceEvent, undefined> {
    while (!this.#isOver) {
      const { revision } = this.#source;
      yield* this.#news(revision);
      if (!this.#isOver && this.#source.revision === revision) await this.#change();
    }
  }

  /** What is to be told as of a revision; stops when that is outdated while somebody reads. */
  *#news(revision: number): Generator<InstanceEvent, void> {
    const { gone, come } = difference(this.#told, this.#source.instances(this.#path));
    for (const instance of gone) {
      this.#told.delete(instance.actorId);
      yield { kind: "down", instance };
      if (this.#isOver || this.#source.revision !== revision) return;
    }
    for (const actor of come) {
      const instance = this.#instanceOf(actor);
      this.#told.set(instance.actorId, instance);
      yield { kind: "up", instance };
      if (this.#isOver || this.#source.revision !== revision) return;
    }
  }

  /** @throws The signal's reason. */
  get #isOver(): boolean {
    if (this.#hasLeft || this.#source.isOver) return true;
    this.#signal?.throwIfAborted();
    return false;
  }

  #instanceOf(actor: LocatedActor): ActorInstance {
    const { nodeId, actorId, className, metadata } = actor;
    const instance = {
      nodeId,
      actorId,
      path: this.#path,
      ...(className !== undefined && { className }),
      metadata,
      ref: this.#source.refTo(actor),
    };
    return Object.freeze(instance);
  }

  /** Waits until something has changed, the signal aborts or the reader leaves. */
  async #change(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = this.#wake = () => resolve();
    const forget = this.#source.onChange(wake);
    this.#signal?.addEventListener("abort", wake, { once: true });
    try {
      await promise;
    } finally {
      forget();
      this.#signal?.removeEventListener("abort", wake);
    }
  }
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof SubscribeOptions>(["signal"]);
