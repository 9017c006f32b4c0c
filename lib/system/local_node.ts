/**
 * The actors of one node: who is there, by name and by id.
 *
 * @module
 */

import { ActorCell } from "../actor/actor_cell.ts";
import type { CellNode, NodeCounters } from "../actor/cell_node.ts";
import type { ActorBody } from "../actor/actor_body.ts";
import { withCallOptions } from "../actor/call_options.ts";
import { currentEnvelope } from "../actor/context.ts";
import { DeadLetters } from "../actor/dead_letters.ts";
import type { Terminated } from "../actor/death_watch.ts";
import { Dispatcher } from "../actor/dispatcher.ts";
import { type Interceptor, Interceptors } from "../actor/interceptors.ts";
import type { Metadata } from "../actor/metadata.ts";
import type { SpawnCellOptions } from "../actor/spawn_options.ts";
import { actorStopped } from "../actor/stopped_target.ts";
import { type ActorId, type ActorPath, type NodeId, SYSTEM_ACTOR_PATH } from "../address.ts";
import type { Clock } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";
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
  onNamed(cell: ActorCell, metadata: Metadata): void;
  /** A named actor is gone. */
  onReleased(cell: ActorCell): void;
  /** An actor of which other nodes are not told has come or gone, or the node closes. */
  onLocalChange(): void;
  /** Starts an actor as the child of another one. */
  spawnChild: CellNode["spawnChild"];
  /** Makes the actor that tells others about the node. */
  systemActor(): ActorBody;
}

/** The actors of one node. */
export class LocalNode implements CellNode {
  readonly nodeId: NodeId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly random: Random;
  readonly dispatcher: Dispatcher;
  readonly system: unknown;
  readonly deadLetters: DeadLetters;
  readonly counters: NodeCounters = { messages: 0, spawned: 0, ended: 0, restarts: 0 };
  readonly spawnChild: CellNode["spawnChild"];
  readonly clone?: (message: unknown) => unknown;
  address: string | undefined = undefined;
  interceptors: Interceptors | undefined = undefined;
  readonly #options: LocalNodeOptions;
  readonly #byPath = new Map<ActorPath, ActorCell>();
  readonly #private = new Set<ActorCell>();
  /** In the order in which they were spawned. */
  readonly #byId = new Map<ActorId, ActorCell>();
  /** How the last actors ended that did not just stop, the oldest first. */
  readonly #ends = new Map<ActorId, Terminated>();
  #isClosed = false;
  #roughTime: number | undefined = undefined;

  constructor(options: LocalNodeOptions) {
    this.#options = options;
    this.nodeId = options.nodeId;
    this.clock = options.clock;
    this.logger = options.logger;
    this.limits = options.limits;
    this.random = options.random;
    this.system = options.system;
    this.deadLetters = new DeadLetters(options.limits.deadLetters);
    this.spawnChild = options.spawnChild;
    if (options.clone !== undefined) this.clone = options.clone;
    this.dispatcher = new Dispatcher(options.clock, options.limits, options.logger);
  }

  /** Not read at each spawn: reading the clock is a tenth of what a spawn costs on Deno. */
  get roughTime(): number {
    if (this.#roughTime === undefined) {
      this.#roughTime = Math.floor(this.clock.now());
      this.clock.defer(() => this.#roughTime = undefined);
    }
    return this.#roughTime;
  }

  /** Whether its actors are being stopped, or are. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How many actors there are. */
  get size(): number {
    return this.#byId.size;
  }

  cellWithId(actorId: ActorId): ActorCell | undefined {
    return this.#byId.get(actorId) ?? this.#systemActor(actorId);
  }

  /** All actors, in the order in which they were spawned. */
  cells(): IterableIterator<ActorCell> {
    return this.#byId.values();
  }

  /** Puts something around every call; the result takes it away again. */
  intercept(interceptor: Interceptor): Disposable {
    const interceptors = this.interceptors ??= new Interceptors();
    const remove = interceptors.add(interceptor);
    return {
      [Symbol.dispose]: () => {
        remove();
        if (interceptors.isEmpty && this.interceptors === interceptors) {
          this.interceptors = undefined;
        }
      },
    };
  }

  ended(notice: Terminated): void {
    if (notice.reason === "stopped") return; // what is said of those that nobody remembers
    this.#ends.set(notice.id, notice);
    if (this.#ends.size <= this.limits.rememberedEnds) return;
    for (const oldest of this.#ends.keys()) return void this.#ends.delete(oldest);
  }

  /** How an actor ended that is not there any more, as far as it is remembered. */
  endOf(id: ActorId): Terminated {
    return this.#ends.get(id) ?? { id, nodeId: this.nodeId, reason: "stopped" };
  }

  /** Finds a named actor. */
  cellAt(path: ActorPath): ActorCell | undefined {
    return this.#byPath.get(path);
  }

  /** Finds a running named actor of which other nodes are not told. */
  privateCellAt(path: ActorPath): ActorCell | undefined {
    if (this.#private.size === 0) return undefined;
    const cell = this.#byPath.get(path);
    return cell !== undefined && isServed(cell) && this.#private.has(cell) ? cell : undefined;
  }

  /**
   * Makes an actor and starts it.
   *
   * @param makeBody Runs the user's constructor, at each restart again; only called once the name
   * is ours.
   * @returns The actor, after its `onStart`.
   * @throws {PulsingRuntimeError} kind `"actor-exists"`: the name is taken on this node; kind
   * `"actor-stopped"`: the parent is gone.
   * @throws {PulsingActorError} What the constructor or `onStart` threw.
   */
  spawn(makeBody: () => ActorBody, options: SpawnCellOptions): ActorCell | Promise<ActorCell> {
    const { path, parent } = options;
    if (this.#isClosed) throw shutDown();
    if (parent !== undefined && !parent.life.canHaveChildren) {
      throw actorStopped(parent.label, this.nodeId);
    }
    if (path !== undefined && this.#byPath.has(path)) throw alreadyExists(path, this.nodeId);
    return this.#start(randomId(this.random), makeBody, options);
  }

  #start(
    actorId: ActorId,
    makeBody: () => ActorBody,
    options: SpawnCellOptions,
  ): ActorCell | Promise<ActorCell> {
    const { path } = options;
    const cell = new ActorCell(this, actorId, makeBody, options);
    this.counters.spawned++;
    this.#byId.set(actorId, cell);
    if (path !== undefined) this.#byPath.set(path, cell);
    if (path !== undefined && !options.isPublic) this.#private.add(cell);
    options.parent?.life.addChild(cell);
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
    if (signal?.aborted) {
      started.catch(() => {}); // it was aborted by the start itself, whose end nobody waits for
      cell.abandonStart();
      throw signal.reason;
    }
    const start = () => ({ reply: started, cancel: () => cell.abandonStart() });
    const operation = `spawn ${cell.label}`;
    const wait = { clock: this.clock, options: limits, operation, from: currentEnvelope() };
    await withCallOptions(wait, start);
    return await this.#announce(cell);
  }

  release(cell: ActorCell): void {
    if (this.#byId.delete(cell.actorId)) this.counters.ended++;
    if (cell.path === undefined || this.#byPath.get(cell.path) !== cell) return;
    this.#byPath.delete(cell.path);
    if (this.#private.delete(cell)) this.#options.onLocalChange();
    else this.#options.onReleased(cell);
  }

  /** Stops all actors, the youngest first, and takes no new ones. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.onLocalChange();
    await Promise.all([...this.#byId.values()].reverse().map((cell) => cell.stop("shutdown")));
    this.deadLetters.close();
  }

  /** The system actor has the id of its node; it is there once somebody looks for it. */
  #systemActor(actorId: ActorId): ActorCell | undefined {
    if (actorId !== this.nodeId || this.#isClosed) return undefined;
    const options = { ...SYSTEM_ACTOR, path: SYSTEM_ACTOR_PATH };
    const started = this.#start(actorId, this.#options.systemActor, options);
    return started instanceof Promise ? undefined : started; // it has no onStart
  }

  #announce(cell: ActorCell): ActorCell | Promise<ActorCell> {
    if (cell.path === undefined || !isServed(cell)) return cell;
    if (this.#private.has(cell)) {
      this.#options.onLocalChange();
      return cell;
    }
    try {
      const metadata = cell.metadata();
      if (metadata instanceof Promise) return this.#announceLater(cell, metadata);
      this.#options.onNamed(cell, metadata);
    } catch (error) {
      cell.abandonStart(); // it would keep its name without anybody knowing of it
      throw error;
    }
    return cell;
  }

  async #announceLater(cell: ActorCell, metadata: Promise<Metadata>): Promise<ActorCell> {
    try {
      const known = await metadata;
      if (isServed(cell)) this.#options.onNamed(cell, known);
    } catch (error) {
      cell.abandonStart();
      throw error;
    }
    return cell;
  }
}

const SYSTEM_ACTOR: SpawnCellOptions = Object.freeze({
  path: undefined,
  className: "SystemActor",
  mailboxCapacity: undefined,
  mailboxOverflow: "wait",
  supervision: undefined,
  isPublic: false,
});

/** Whether messages to an actor are handled, now or after its restart. */
function isServed({ state }: ActorCell): boolean {
  return state === "running" || state === "restarting";
}

/** Whoever spawns it may be on another node: it says on which one the name is taken. */
function alreadyExists(path: ActorPath, nodeId: NodeId): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot spawn actor "${path}": it already exists on node ${nodeId}, stop it first or choose ` +
      "another name",
    { kind: "actor-exists", actor: path, nodeId },
  );
}

function shutDown(): PulsingRuntimeError {
  return new PulsingRuntimeError("Cannot spawn actor: the system is shut down", {
    kind: "shutdown",
  });
}
