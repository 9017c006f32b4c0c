/**
 * What an actor's cell needs from the node it runs on, and how a cell is made.
 *
 * @module
 */

import type { ActorPath, NodeId } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { ActorCell } from "./actor_cell.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** The node a cell runs on. */
export interface CellNode {
  readonly nodeId: NodeId;
  /** `host:port` under which others reach the node; `undefined` when it does not listen. */
  readonly address: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly dispatcher: Dispatcher;
  /** The actor system, for the user's context. */
  readonly system: unknown;
  /** Copies a message when the system isolates its actors; absent: messages go by reference. */
  readonly clone?: (message: unknown) => unknown;
  /** Forgets the actor: its name is free from now on. */
  release(cell: ActorCell): void;
}

/** How a cell is made. */
export interface CellOptions {
  readonly path: ActorPath | undefined;
  /** The class name, when the actor is an instance of a registered class. */
  readonly className: string | undefined;
  /** Absent: the node's limit. */
  readonly mailboxCapacity: number | undefined;
}
