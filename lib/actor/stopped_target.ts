/**
 * An actor of this node that is gone.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { ActorOperations, ActorTarget } from "./actor_ref.ts";
import type { CallOptions } from "./call_options.ts";
import type { Terminated, Watcher } from "./death_watch.ts";
import { type OnRefused, refused } from "./envelope.ts";
import { notTold } from "./told.ts";

/** Where a reference leads whose actor has stopped: every message fails at once. */
export class StoppedTarget implements ActorTarget {
  readonly path: ActorPath | undefined;
  readonly actorId: ActorId;
  readonly nodeId: NodeId;
  readonly address: string | undefined;
  readonly className: string | undefined;
  readonly #end: Terminated;

  /**
   * @param known What the reference said of the actor.
   * @param end How it ended.
   */
  constructor(known: Omit<ActorTarget, keyof ActorOperations>, end: Terminated) {
    this.path = known.path;
    this.actorId = known.actorId;
    this.nodeId = known.nodeId;
    this.address = known.address;
    this.className = known.className;
    this.#end = end;
  }

  ask(
    _method: string | undefined,
    _payload: unknown,
    _options?: CallOptions,
    onRefused?: OnRefused,
  ): Promise<unknown> {
    return refused(this.#error(), onRefused);
  }

  tell(): Promise<void> {
    return notTold(this.#error());
  }

  watch(watcher: Watcher): void {
    queueMicrotask(() => watcher.terminated(this.#end));
  }

  unwatch(): void {}

  #error(): PulsingRuntimeError {
    return actorStopped(this.path ?? this.actorId, this.nodeId, this.#end.error);
  }
}

/**
 * The error for a message to an actor that is gone: it was not handled.
 *
 * @param actor Its path or id.
 * @param nodeId The node it ran on.
 * @param cause What the actor failed with, if it did.
 */
export function actorStopped(actor: string, nodeId: NodeId, cause?: Error): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot reach actor "${actor}": it is stopped`, {
    kind: "actor-stopped",
    retryable: true,
    actor,
    nodeId,
    ...(cause !== undefined && { cause }),
  });
}

/** What became of an actor while it worked on a call. */
export type Interruption = "was stopped" | "was killed" | "failed in another call";

/**
 * The error for a call that its actor was working on when it ended or failed.
 *
 * @param actor Its path or id.
 * @param nodeId The node it ran on.
 * @param why What became of the actor.
 * @param cause What the actor failed with, if it did.
 */
export function callInterrupted(
  actor: string,
  nodeId: NodeId,
  why: Interruption,
  cause?: Error,
): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot finish the call to actor "${actor}": it ${why} while it worked on it`,
    {
      kind: "call-interrupted",
      retryable: true,
      actor,
      nodeId,
      ...(cause !== undefined && { cause }),
    },
  );
}
