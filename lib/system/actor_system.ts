/**
 * The actors and services of one process: one node of a cluster.
 *
 * @module
 */

import type { CellContext } from "../actor/context.ts";
import { isReceiver, type Receiver } from "../actor/actor.ts";
import { ClassBody, ReceiverBody } from "../actor/actor_body.ts";
import type { ActorRef } from "../actor/actor_ref.ts";
import { type ActorClass, type ActorProxy, typedProxy } from "../actor/proxy.ts";
import { definitionOf } from "../actor/remote_class.ts";
import { type ActorId, isId, lookupPath, type NodeId, pathOfName } from "../address.ts";
import { Cluster } from "../cluster/cluster.ts";
import type { Member } from "../cluster/member.ts";
import { PulsingRuntimeError } from "../errors.ts";
import { randomId } from "../random.ts";
import { Links } from "../remote/links.ts";
import type { Listener, Transport } from "../transport.ts";
import { answerHttp } from "./http_endpoints.ts";
import { LocalNode } from "./local_node.ts";
import { nodeLinksHost } from "./node_links.ts";
import { type InitOptions, isOpenToOthers, resolveOptions, type SystemOptions } from "./options.ts";
import { RefTable } from "./ref_table.ts";
import {
  cellOptionsOf,
  checkResolveOptions,
  type ClassSpawnOptions,
  type ResolveOptions,
  type SpawnOptions,
} from "./spawn_options.ts";

/** The actor and the call that the running code belongs to. */
export type ActorContext = CellContext<ActorSystem>;

/** A name and where it lives. */
export interface NamedActor {
  /** The actor's path. */
  readonly path: string;
  /** One entry per node that has an actor of this name. */
  readonly instances: readonly {
    readonly nodeId: NodeId;
    readonly actorId: ActorId;
    readonly className?: string;
    readonly metadata: Readonly<Record<string, string>>;
  }[];
}

/**
 * One node: its actors, its links to other nodes, and its view of the cluster.
 *
 * Several systems may live in one process; they share nothing.
 *
 * @example Two systems in one process
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * await using one = await pul.actorSystem({ addr: "127.0.0.1:0" });
 * await using two = await pul.actorSystem({ addr: "127.0.0.1:0", seeds: [one.addr!] });
 * await one.spawn({ receive: (text: unknown) => `heard ${text}` }, { name: "ear" });
 * const ear = await two.resolve("ear", { timeoutMs: 5_000 });
 * assert.equal(await ear.ask("hello"), "heard hello");
 * ```
 */
export class ActorSystem implements AsyncDisposable {
  /** Identity of this node; a new one each time a system is made. */
  readonly nodeId: NodeId;
  readonly #options: SystemOptions;
  readonly #node: LocalNode;
  readonly #links: Links;
  readonly #refs: RefTable;
  readonly #cluster: Cluster;
  readonly #onShutdown: () => void;
  #listener: Listener | undefined = undefined;
  #shutdown: Promise<void> | undefined = undefined;

  /** Use {@link actorSystem}: a system made here listens only once it was started. */
  constructor(options: SystemOptions, transport: Transport, onShutdown: () => void) {
    this.#options = options;
    this.#onShutdown = onShutdown;
    const { clock, logger, limits, random } = options;
    const nodeId = this.nodeId = randomId(random);
    this.#node = new LocalNode({
      nodeId,
      clock,
      logger,
      limits,
      random,
      system: this,
      onNamed: (cell) => this.#cluster.register(cell),
      onReleased: (cell) => this.#cluster.unregister(cell),
      ...(options.isolate === "clone" && { clone: (message) => this.#refs.copy(message) }),
    });
    const refs = this.#refs = new RefTable(this.#node, () => this.#links);
    const links = this.#links = new Links(nodeLinksHost({
      node: this.#node,
      refs,
      transport,
      clusterName: options.cluster,
      cluster: () => this.#cluster,
    }));
    this.#cluster = new Cluster({ node: this.#node, links, random, settings: options.gossip });
  }

  /**
   * Makes a system; {@link actorSystem} is the public way.
   *
   * @param options What the user said.
   * @param transport Used when the options name none.
   * @param onShutdown Called once when the system begins to shut down.
   */
  static async start(
    options: InitOptions,
    transport: () => Transport,
    onShutdown: () => void = () => {},
  ): Promise<ActorSystem> {
    const resolved = resolveOptions(options);
    const chosen = resolved.transport ?? transport();
    const system = new ActorSystem(resolved, chosen, onShutdown);
    try {
      await system.#open(chosen);
    } catch (error) {
      await system.shutdown();
      throw error;
    }
    return system;
  }

  /** `host:port` under which other nodes reach this one; `undefined` when standalone. */
  get addr(): string | undefined {
    return this.#node.address;
  }

  /** The nodes this one knows, itself included, with the status it believes them to have. */
  members(): readonly Member[] {
    return this.#cluster.members();
  }

  /** All names known on this node and where they live. */
  allNamedActors(): readonly NamedActor[] {
    return this.#cluster.allNamedActors();
  }

  /**
   * Starts an actor that takes its messages itself.
   *
   * @param actor Any object with `receive`.
   * @param options Name and mailbox.
   * @returns A reference, after the actor's `onStart`.
   * @throws {PulsingRuntimeError} kind `"actor-exists"`: the name is taken on this node.
   * @throws {PulsingActorError} What `onStart` threw.
   */
  async spawn(actor: Receiver, options: SpawnOptions = NO_OPTIONS): Promise<ActorRef> {
    if (!isReceiver(actor)) {
      throw new TypeError("Cannot spawn actor: the object has no receive method");
    }
    const cellOptions = cellOptionsOf(options, undefined, options.mailboxCapacity);
    const cell = await this.#node.spawn(() => new ReceiverBody(actor), cellOptions);
    return cell.ref;
  }

  /**
   * Starts an actor of a class.
   *
   * @param cls A class, declared with `remote` or not.
   * @param options Arguments, name and mailbox.
   * @returns A typed proxy, after the actor's `onStart`.
   * @throws {PulsingRuntimeError} kind `"actor-exists"`: the name is taken on this node; the
   * constructor has not run then.
   * @throws {PulsingActorError} What the constructor or `onStart` threw.
   */
  async spawnClass<C extends ActorClass>(
    cls: C,
    options: ClassSpawnOptions<ConstructorParameters<C>> = NO_OPTIONS,
  ): Promise<ActorProxy<InstanceType<C>>> {
    if (typeof cls !== "function") {
      throw new TypeError(`Cannot spawn actor of "${String(cls)}": expected a class`);
    }
    const definition = definitionOf(cls);
    const { args = NO_ARGUMENTS, concurrency = definition.concurrency } = options;
    const makeBody = () => {
      const instance = construct(definition.cls, args);
      return new ClassBody(instance, definition.methods, concurrency === "sequential");
    };
    const mailboxCapacity = options.mailboxCapacity ?? definition.mailboxCapacity;
    const cellOptions = cellOptionsOf(options, definition.name, mailboxCapacity);
    const started = this.#node.spawn(makeBody, cellOptions);
    const cell = started instanceof Promise ? await started : started;
    return typedProxy(cell.ref, cls, definition.methods);
  }

  /**
   * Finds an actor by name, on this node or another one.
   *
   * With several instances each call picks the next one in turn; the reference then stays with
   * the instance that was picked.
   *
   * @param name A name or path; without `/` it means `actors/<name>`.
   * @param options Node, wait and signal.
   * @throws {PulsingRuntimeError} kind `"actor-not-found"`: nothing of that name appeared in time;
   * kind `"shutdown"`: the system is shut down.
   */
  async resolve(name: string, options: ResolveOptions = {}): Promise<ActorRef> {
    checkResolveOptions(options);
    this.#checkRunning();
    const path = lookupPath(name);
    const own = options.nodeId === undefined || options.nodeId === this.nodeId
      ? this.#node.privateCellAt(path)
      : undefined;
    return own?.ref ?? this.#refs.refTo(await this.#cluster.resolve(path, options));
  }

  /**
   * Makes a reference of an actor id that was stored as text.
   *
   * @param actorId 32 hex digits.
   * @throws {PulsingRuntimeError} kind `"actor-not-found"`: no actor of this node and no named
   * actor of another one has the id.
   */
  async refer(actorId: ActorId): Promise<ActorRef> {
    if (!isId(actorId)) {
      throw new TypeError(`Cannot refer to "${actorId}": it is not 32 hex digits`);
    }
    this.#checkRunning();
    const cell = this.#node.cellWithId(actorId);
    if (cell !== undefined) return cell.ref;
    const instance = this.#cluster.instanceWithId(actorId);
    if (instance !== undefined) return await Promise.resolve(this.#refs.refTo(instance));
    throw new PulsingRuntimeError(`Cannot refer to actor "${actorId}": it was not found`, {
      kind: "actor-not-found",
      actor: actorId,
    });
  }

  /**
   * Stops an actor of this node; does nothing when there is none of that name.
   *
   * The message it works on may finish, queued ones fail, `onStop` runs, the name becomes free.
   *
   * @param name A name, a path, or the id of an anonymous actor.
   * @returns When the actor is gone.
   */
  async stop(name: string): Promise<void> {
    const cell = this.#node.cellWithId(name) ?? this.#node.cellAt(pathOfName(name));
    const stopped = cell?.stop();
    if (cell?.state !== "stopped") await stopped; // one turn less for an actor that is idle
  }

  /**
   * Ends the system: actors stop, the others are told, links and the port close. Idempotent.
   *
   * @returns When nothing of the system is left.
   */
  shutdown(): Promise<void> {
    if (this.#shutdown === undefined) {
      this.#shutdown = this.#close();
      this.#onShutdown();
    }
    return this.#shutdown;
  }

  /** Shuts the system down. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #checkRunning(): void {
    if (this.#shutdown === undefined) return;
    const { nodeId } = this;
    throw new PulsingRuntimeError(`Cannot use system ${nodeId}: it is shut down`, {
      kind: "shutdown",
      nodeId,
    });
  }

  async #open(transport: Transport): Promise<void> {
    const { addr, advertise, seeds, joinTimeoutMs, limits, logger } = this.#options;
    if (addr === undefined) return;
    this.#listener = await transport.listen({
      address: addr,
      accept: (connection) => this.#links.accept(connection),
      http: (request) => answerHttp(request, this.#health()),
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
    });
    const bound = this.#listener.address;
    this.#node.address = advertise ?? bound;
    if (isOpenToOthers(bound)) {
      logger.warn("listening without authentication: every host that reaches it can call actors", {
        address: bound,
      });
    }
    this.#cluster.start();
    if (seeds.length > 0) await this.#cluster.join(seeds, joinTimeoutMs);
  }

  #health(): Record<string, unknown> {
    const members = this.members().filter((member) => member.status === "alive").length;
    return { status: "ok", nodeId: this.nodeId, addr: this.addr, actors: this.#node.size, members };
  }

  async #close(): Promise<void> {
    await this.#node.close();
    this.#cluster.leave();
    const quiet = this.#links.close();
    await this.#listener?.close();
    await quiet;
  }
}

/** Without arguments by `new`: it makes the spawn row of `bench/local_bench.ts` faster on Bun. */
function construct(cls: ActorClass, args: readonly unknown[]): object {
  if (args.length > 0) return Reflect.construct(cls, args);
  return new (cls as new () => object)(); // an abstract class throws either way
}

const NO_OPTIONS: SpawnOptions = Object.freeze({});
const NO_ARGUMENTS: readonly unknown[] = Object.freeze([]);
