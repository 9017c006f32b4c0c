/**
 * An actor of this node that is gone.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { ActorTarget } from "./actor_ref.ts";

/** Where a reference leads whose actor has stopped: every message fails at once. */
export class StoppedTarget implements ActorTarget {
  readonly path: ActorPath | undefined;
  readonly actorId: ActorId;
  readonly nodeId: NodeId;
  readonly address: string | undefined;
  readonly className: string | undefined;

  /**
   * @param known What the reference said of the actor.
   */
  constructor(known: Omit<ActorTarget, "ask" | "tell">) {
    this.path = known.path;
    this.actorId = known.actorId;
    this.nodeId = known.nodeId;
    this.address = known.address;
    this.className = known.className;
  }

  ask(): Promise<unknown> {
    return Promise.reject(actorStopped(this.path ?? this.actorId, this.nodeId));
  }

  tell(): Promise<void> {
    return Promise.reject(actorStopped(this.path ?? this.actorId, this.nodeId));
  }
}

/**
 * The error for a message to an actor that is gone.
 *
 * @param actor Its path or id.
 * @param nodeId The node it ran on.
 */
export function actorStopped(actor: string, nodeId: NodeId): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot reach actor "${actor}": it is stopped`, {
    kind: "actor-stopped",
    retryable: true,
    actor,
    nodeId,
  });
}
