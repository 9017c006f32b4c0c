/**
 * The one-way notice of an actor's end.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";

/** Why an actor is gone. */
export type TerminationReason =
  /** It was stopped, or stopped itself. */
  | "stopped"
  /** It failed and is not restarted, or not any more. */
  | "failed"
  /** It was ended in the middle of its work. */
  | "killed"
  /** Its node is gone; the actor may go on there for a while when only the network is. */
  | "node-lost"
  /** Its node was shut down. */
  | "shutdown";

/** All reasons; the place of each is its number on the wire. */
export const TERMINATION_REASONS: readonly TerminationReason[] = Object.freeze([
  "stopped",
  "failed",
  "killed",
  "node-lost",
  "shutdown",
]);

/** Tells that a watched actor is gone. */
export interface Terminated {
  /** The actor's id. */
  readonly id: ActorId;
  /** Its path; absent for an anonymous actor. */
  readonly path?: ActorPath;
  /** The node it ran on. */
  readonly nodeId: NodeId;
  /** Why it is gone. */
  readonly reason: TerminationReason;
  /** What it failed with, or what led to the loss of its node. */
  readonly error?: Error;
}

/** Who wants to know of an actor's end. */
export interface Watcher {
  /** Tells one watcher from the others: watching twice is watching once. */
  readonly watcherId: string;
  /** Takes the notice; called once for each watched actor, never inside `watch`. */
  terminated(notice: Terminated): void;
}
