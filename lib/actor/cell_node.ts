/**
 * What an actor's cell needs from the node it runs on, and how a cell is made.
 *
 * @module
 */

import type { ActorPath, NodeId } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { Random } from "../random.ts";
import type { ActorCell } from "./actor_cell.ts";
import type { DeadLetters } from "./dead_letters.ts";
import type { Terminated } from "./death_watch.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Interceptors } from "./interceptors.ts";
import type { MailboxOverflow } from "./mailbox.ts";
import type { Supervision } from "./supervision.ts";

/** What a node has counted since it began. */
export interface NodeCounters {
  /** Messages that actors took from their mailboxes. */
  messages: number;
  /** Actors that were spawned. */
  spawned: number;
  /** Actors that ended, whatever the reason. */
  ended: number;
  /** New instances in the place of ones that failed. */
  restarts: number;
}

/** The node a cell runs on. */
export interface CellNode {
  readonly nodeId: NodeId;
  /** `host:port` under which others reach the node; `undefined` when it does not listen. */
  readonly address: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly random: Random;
  readonly dispatcher: Dispatcher;
  readonly counters: NodeCounters;
  readonly deadLetters: DeadLetters;
  /** What stands around every call; `undefined` while nothing does. */
  readonly interceptors: Interceptors | undefined;
  /** The time in whole milliseconds, read once in a turn of the event loop. */
  readonly roughTime: number;
  /** The actor system, for the user's context. */
  readonly system: unknown;
  /** Copies a message when the system isolates its actors; absent: messages go by reference. */
  readonly clone?: (message: unknown) => unknown;
  /** Forgets the actor: its name is free from now on. */
  release(cell: ActorCell): void;
  /** Remembers how an actor ended, for those who ask later. */
  ended(notice: Terminated): void;
  /** Starts an actor as the child of another one. */
  spawnChild(parent: ActorCell, actor: unknown, options: object | undefined): Promise<unknown>;
}

/** How a cell is made. */
export interface CellOptions {
  readonly path: ActorPath | undefined;
  /** The class name, when the actor is an instance of a registered class. */
  readonly className: string | undefined;
  /** Absent: the node's limit. */
  readonly mailboxCapacity: number | undefined;
  /** What a full mailbox does. */
  readonly mailboxOverflow: MailboxOverflow;
  /** How the actor is restarted; absent: never. */
  readonly supervision: Supervision | undefined;
  /** The actor that started it. */
  readonly parent?: ActorCell | undefined;
}
