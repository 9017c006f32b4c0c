/**
 * The actors of one node: who is there, by name and by id.
 *
 * @module
 */

import { ActorCell } from "../actor/actor_cell.ts";
import type { CellNode, CellOptions } from "../actor/cell_node.ts";
import type { ActorBody } from "../actor/actor_body.ts";
import { withCallOptions } from "../actor/call_options.ts";
import { Dispatcher } from "../actor/dispatcher.ts";
import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { Clock } from "../clock.ts";
import { asActorError, PulsingRuntimeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import { type Random, randomId } from "../random.ts";

/** What the table of actors needs. */
export interface LocalNodeOptions {
  readonly nodeId: NodeId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly random: Random;
  readonly system: unknown;
  /** Copies messages between actors of this node. */
  readonly clone?: (message: unknown) => unknown;
  /** A named actor is there. */
  onNamed(cell: ActorCell): void;
  /** A named actor is gone. */
  onReleased(cell: ActorCell): void;
}

/** How an actor is made and started. */
export interface SpawnCellOptions extends CellOptions {
  /** Whether other nodes are told of a named actor. */
  readonly isPublic: boolean;
  /** How long its start may take; absent for any time. */
  readonly timeoutMs?: number | undefined;
  /** Ends its start. */
  readonly signal?: AbortSignal | undefined;
}

/** The actors of one node. */
export class LocalNode implements CellNode {
  readonly nodeId: NodeId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly dispatcher: Dispatcher;
  readonly system: unknown;
  readonly clone?: (message: unknown) => unknown;
  address: string | undefined = undefined;
  readonly #options: LocalNodeOptions;
  readonly #byPath = new Map<ActorPath, ActorCell>();
  readonly #private = new Set<ActorCell>();
  /** In the order in which they were spawned. */
  readonly #byId = new Map<ActorId, ActorCell>();
  #isClosed = false;

  constructor(options: LocalNodeOptions) {
    this.#options = options;
    this.nodeId = options.nodeId;
    this.clock = options.clock;
    this.logger = options.logger;
    this.limits = options.limits;
    this.system = options.system;
    if (options.clone !== undefined) this.clone = options.clone;
    this.dispatcher = new Dispatcher(options.clock, options.limits, options.logger);
  }

  /** How many actors there are. */
  get size(): number {
    return this.#byId.size;
  }

  cellWithId(actorId: ActorId): ActorCell | undefined {
    return this.#byId.get(actorId);
  }

  /** Finds a named actor. */
  cellAt(path: ActorPath): ActorCell | undefined {
    return this.#byPath.get(path);
  }

  /** Finds a running named actor of which other nodes are not told. */
  privateCellAt(path: ActorPath): ActorCell | undefined {
    if (this.#private.size === 0) return undefined;
    const cell = this.#byPath.get(path);
    return cell?.state === "running" && this.#private.has(cell) ? cell : undefined;
  }

  /**
   * Makes an actor and starts it.
   *
   * @param makeBody Runs the user's constructor; only called once the name is ours.
   * @returns The actor, after its `onStart`.
   * @throws {PulsingRuntimeError} kind `"actor-exists"`: the name is taken on this node.
   * @throws {PulsingActorError} What the constructor or `onStart` threw.
   */
  spawn(makeBody: () => ActorBody, options: SpawnCellOptions): ActorCell | Promise<ActorCell> {
    const { path } = options;
    if (this.#isClosed) throw shutDown();
    if (path !== undefined && this.#byPath.has(path)) throw alreadyExists(path);
    let body: ActorBody;
    try {
      body = makeBody();
    } catch (error) {
      throw asActorError(error, path);
    }
    const actorId = randomId(this.#options.random);
    const cell = new ActorCell(this, actorId, body, options);
    this.#byId.set(actorId, cell);
    if (path !== undefined) this.#byPath.set(path, cell);
    if (path !== undefined && !options.isPublic) this.#private.add(cell);
    const started = cell.start();
    if (cell.state === "running") return this.#announce(cell);
    return this.#whenStarted(cell, started, options);
  }

  async #whenStarted(
    cell: ActorCell,
    started: Promise<void>,
    { timeoutMs, signal }: SpawnCellOptions,
  ): Promise<ActorCell> {
    const limits = {
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(signal !== undefined && { signal }),
    };
    const start = () => ({ reply: started, cancel: () => cell.abandonStart() });
    await withCallOptions(this.clock, limits, `spawn ${cell.label}`, start);
    return this.#announce(cell);
  }

  release(cell: ActorCell): void {
    this.#byId.delete(cell.actorId);
    if (cell.path === undefined || this.#byPath.get(cell.path) !== cell) return;
    this.#byPath.delete(cell.path);
    if (!this.#private.delete(cell)) this.#options.onReleased(cell);
  }

  /** Stops all actors, the youngest first, and takes no new ones. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#byId.values()].reverse().map((cell) => cell.stop()));
  }

  #announce(cell: ActorCell): ActorCell {
    if (cell.path === undefined || cell.state !== "running") return cell;
    if (this.#private.has(cell)) return cell;
    try {
      this.#options.onNamed(cell);
    } catch (error) {
      cell.requestStop(); // it would keep its name without anybody knowing of it
      throw error;
    }
    return cell;
  }
}

function alreadyExists(path: ActorPath): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot spawn actor "${path}": it already exists on this node, stop it first or choose ` +
      "another name",
    { kind: "actor-exists", actor: path },
  );
}

function shutDown(): PulsingRuntimeError {
  return new PulsingRuntimeError("Cannot spawn actor: the system is shut down", {
    kind: "shutdown",
  });
}
