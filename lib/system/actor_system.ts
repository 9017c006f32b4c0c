/**
 * The actors and services of one process: one node of a cluster.
 *
 * @module
 */

import type { CellContext } from "../actor/context.ts";
import type { Receiver } from "../actor/actor.ts";
import { ClassBody } from "../actor/actor_body.ts";
import type { ActorCell } from "../actor/actor_cell.ts";
import type { ActorRef } from "../actor/actor_ref.ts";
import type { DeadLetters } from "../actor/dead_letters.ts";
import type { Interceptor } from "../actor/interceptors.ts";
import { type ActorClass, type ActorProxy, typedProxy } from "../actor/proxy.ts";
import { methodsOf } from "../actor/methods.ts";
import { definitionOf } from "../actor/remote_class.ts";
import type { ClassSpawnOptions, SpawnOptions } from "../actor/spawn_options.ts";
import { type ActorId, isId, lookupPath, type NodeId, pathOfName } from "../address.ts";
import { Cluster } from "../cluster/cluster.ts";
import type { Member } from "../cluster/member.ts";
import { PulsingRuntimeError } from "../errors.ts";
import { checkNames } from "../option_names.ts";
import { randomId } from "../random.ts";
import { type Fence, makeFence } from "../remote/fence.ts";
import { Links } from "../remote/links.ts";
import { RemoteWatches } from "../remote/remote_watches.ts";
import type { Listener, Transport } from "../transport.ts";
import { ResolveBuilder, SpawnBuilder, SystemBuilder } from "./builders.ts";
import { answerHttp } from "./http_endpoints.ts";
import { LocalNode } from "./local_node.ts";
import { nodeLinksHost } from "./node_links.ts";
import { type InitOptions, isOpenToOthers, resolveOptions, type SystemOptions } from "./options.ts";
import { defaultTransport } from "./default_transport.ts";
import { Placement } from "./placement.ts";
import { RefTable } from "./ref_table.ts";
import { RemoteSide } from "./remote_side.ts";
import { Resolver } from "./resolver.ts";
import { Spawning } from "./spawning.ts";
import { observe, SystemActor } from "./system_actor.ts";
import { checkResolveOptions, type ResolveOptions } from "./resolve_options.ts";
import { type InstanceEvent, subscribe, type SubscribeOptions } from "./subscription.ts";

/** The actor and the call that the running code belongs to. */
export type ActorContext = CellContext<ActorSystem>;

/** How an object is mounted. */
export interface MountOptions {
  /** Makes it resolvable; without `/` it becomes `actors/<name>`. */
  readonly name: string;
  /**
   * Whether it can be resolved on every node, or only on its own.
   *
   * @default true
   */
  readonly public?: boolean;
}

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
  readonly #spawning: Spawning;
  readonly #cluster: Cluster;
  readonly #watches: RemoteWatches;
  readonly #resolver: Resolver;
  readonly #placement: Placement;
  readonly #onShutdown: () => void;
  readonly #mounted = new WeakSet<ActorCell>();
  #listener: Listener | undefined = undefined;
  #shutdown: Promise<void> | undefined = undefined;

  /** Use {@link actorSystem}: a system made here listens only once it was started. */
  constructor(
    options: SystemOptions,
    transport: Transport,
    onShutdown: () => void,
    fence: Fence | undefined,
  ) {
    this.#options = options;
    this.#onShutdown = onShutdown;
    const { clock, logger, limits, random } = options;
    const nodeId = this.nodeId = randomId(random);
    const node = this.#node = new LocalNode({
      nodeId,
      clock,
      logger,
      limits,
      random,
      system: this,
      onNamed: (cell, metadata) => this.#cluster.register(cell, metadata),
      onReleased: (cell) => this.#cluster.unregister(cell),
      onLocalChange: () => this.#cluster.changedLocally(),
      spawnChild: (parent, actor, options) => this.#spawning.child(parent, actor, options),
      systemActor,
      ...(options.isolate === "clone" && { clone: (message) => this.#refs.copy(message) }),
    });
    const spawning = this.#spawning = new Spawning(node);
    const observed = observe(node, spawning, () => this.members());
    function systemActor() {
      return new ClassBody(new SystemActor(observed), methodsOf(SystemActor), false);
    }
    const watches = this.#watches = new RemoteWatches({
      links: () => this.#links,
      standing: (nodeId) => this.#cluster.standing(nodeId),
    });
    const refs = this.#refs = new RefTable(node, new RemoteSide(node, watches, () => this.#links));
    const links = this.#links = new Links(nodeLinksHost({
      node,
      refs,
      watches,
      transport,
      clusterName: options.cluster,
      fence,
      cluster: () => this.#cluster,
    }));
    const onGone = (nodeId: NodeId) => watches.nodeGone(nodeId);
    const { gossip: settings, role } = options;
    const actors = () => node.size;
    const named = role === undefined ? {} : { role };
    this.#cluster = new Cluster({ node, links, random, settings, actors, onGone, ...named });
    this.#resolver = new Resolver(node, refs, this.#cluster);
    this.#placement = new Placement(node, this.#resolver, this.#cluster);
  }

  /** Options of a system, one after the other. */
  static builder(): SystemBuilder<ActorSystem> {
    return new SystemBuilder((options) => ActorSystem.start(options, defaultTransport));
  }

  /**
   * Makes a system; {@link actorSystem} is the public way.
   *
   * @param options What the user said.
   * @param transport Used when the options name none.
   * @param onShutdown Called once when the system begins to shut down.
   * @param signal Ends the joining: the promise rejects, and nothing of the system is left.
   */
  static async start(
    options: InitOptions,
    transport: () => Transport,
    onShutdown: () => void = () => {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<ActorSystem> {
    const resolved = resolveOptions(options);
    const chosen = resolved.transport ?? transport();
    const { passphrase, cluster } = resolved;
    const fence = passphrase === undefined ? undefined : await makeFence(passphrase, cluster);
    const system = new ActorSystem(resolved, chosen, onShutdown, fence);
    try {
      await system.#open(chosen);
      await system.#join(signal);
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

  /** The messages of this node that reached no actor. */
  get deadLetters(): DeadLetters {
    return this.#node.deadLetters;
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
   * @param actor Any object with `receive`; a function that makes one when it is to be restarted.
   * @param options Name, mailbox, supervision.
   * @returns A reference, after the actor's `onStart`; when the actor is restarted on failure, after
   * the first attempt.
   * @throws {PulsingRuntimeError} kind `"actor-exists"`: the name is taken on this node.
   * @throws {PulsingActorError} What `onStart` threw.
   */
  async spawn(
    actor: Receiver | (() => Receiver),
    options: SpawnOptions = NO_OPTIONS,
  ): Promise<ActorRef> {
    return (await this.#spawning.receiver(actor, options)).ref;
  }

  /**
   * Starts an actor under a name; see {@link ActorSystem.spawn}.
   *
   * @param name Without `/` it becomes `actors/<name>`.
   * @param actor Any object with `receive`; a function that makes one when it is to be restarted.
   * @param options Mailbox, supervision.
   */
  spawnNamed(
    name: string,
    actor: Receiver | (() => Receiver),
    options: SpawnOptions = NO_OPTIONS,
  ): Promise<ActorRef> {
    return this.spawn(actor, { ...options, name });
  }

  /**
   * Starts an actor under a name that can be made anew at a restart.
   *
   * @param name Without `/` it becomes `actors/<name>`.
   * @param factory Makes the actor.
   * @param options Mailbox, supervision.
   */
  spawnNamedFactory(
    name: string,
    factory: () => Receiver,
    options: SpawnOptions = NO_OPTIONS,
  ): Promise<ActorRef> {
    return this.spawn(factory, { ...options, name });
  }

  /** Options of a new actor, one after the other. */
  spawning(): SpawnBuilder {
    return new SpawnBuilder((actor, options) => this.spawn(actor, options));
  }

  /**
   * Makes an existing object an actor, at once: usable in a constructor.
   *
   * The object may be used directly as well; nothing keeps the two apart. It is not restarted.
   *
   * @param instance Its public methods, or its `receive`, become the messages.
   * @param options The name, and whether other nodes find it.
   * @throws {PulsingRuntimeError} kind `"actor-exists"`: the name is taken on this node.
   */
  mount(instance: object, options: MountOptions): void {
    checkNames("mount", options, MOUNT_NAMES);
    const started = this.#spawning.instance(instance, options);
    const cell = this.#cellOf(options.name);
    if (cell !== undefined) this.#mounted.add(cell);
    if (!(started instanceof Promise)) return;
    started.catch((error) => this.#options.logger.error("a mounted actor failed", { error }));
  }

  /**
   * Stops a mounted actor, without waiting for it; does nothing when none was mounted as that.
   *
   * @param name The name it was mounted with.
   */
  unmount(name: string): void {
    const cell = this.#cellOf(name);
    if (cell === undefined || !this.#mounted.has(cell)) return;
    cell.stop().catch((error) => this.#options.logger.error("unmount failed", { error }));
  }

  /**
   * Starts an actor of a class.
   *
   * @param cls A class, declared with `remote` or not.
   * @param options Arguments, name, mailbox, supervision, placement.
   * @returns A typed proxy, after the actor's `onStart`; when the actor is restarted on failure,
   * after the first attempt.
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
    const { placement } = options;
    if (placement !== undefined && placement !== "local") {
      const ref = await this.#placement.spawn(cls, options);
      if (ref !== undefined) return ref.asType(cls);
    }
    const definition = definitionOf(cls);
    const started = this.#spawning.ofClass(definition, options);
    const cell = started instanceof Promise ? await started : started;
    return typedProxy(cell.ref, cls, definition.methods);
  }

  /**
   * Finds an actor by name, on this node or another one.
   *
   * With several instances each call of `resolve` picks the next one in turn. The reference stays
   * with it until it is gone, then with the one that has the name: messages that no actor has
   * handled move on, a call that may have been handled fails with a retryable error.
   *
   * @param name A name or path; without `/` it means `actors/<name>`.
   * @param options Node, wait and signal.
   * @throws {PulsingRuntimeError} kind `"actor-not-found"`: nothing of that name appeared in time;
   * kind `"shutdown"`: the system is shut down.
   */
  async resolve(name: string, options: ResolveOptions = {}): Promise<ActorRef> {
    checkResolveOptions(options);
    this.#checkRunning();
    return await this.#resolver.resolve(name, options);
  }

  /**
   * Follows the actors of a name, on all nodes, as this one learns of them.
   *
   * Those that are there come first, as `"up"`; see {@link InstanceEvent} for a loop. Applying the
   * events in their order always leads to the current set. For each actor `"up"` and `"down"` take
   * turns; a restart is neither, a name that is spawned anew is `"down"` and `"up"`. A slow reader
   * gets the difference to what it saw last, so what is kept for it is bounded by the number of
   * actors of the name. An actor of which other nodes are not told is seen on its own node only,
   * where it hides the others of its name, as in {@link ActorSystem.resolve}.
   *
   * @param name A name or path; without `/` it means `actors/<name>`. `system/core` stands for the
   * nodes themselves.
   * @param options Ends it.
   * @returns Each iteration begins anew. It holds nothing of the system but while it waits, and
   * ends when the loop is left or the system shuts down.
   * @throws {PulsingRuntimeError} kind `"shutdown"`: the system is shut down.
   * @throws The iteration: the signal's reason when that aborts.
   */
  subscribe(name: string, options: SubscribeOptions = NO_OPTIONS): AsyncIterable<InstanceEvent> {
    this.#checkRunning();
    return subscribe(this.#resolver, lookupPath(name), options);
  }

  /** How a name is resolved, one thing after the other. */
  resolving(): ResolveBuilder {
    this.#checkRunning();
    return new ResolveBuilder(this.#resolver);
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
    const cell = this.#cellOf(name);
    const stopped = cell?.stop();
    if (cell?.state !== "stopped") await stopped; // one turn less for an actor that is idle
  }

  /**
   * Ends an actor of this node now: the call it works on fails, no hook runs.
   *
   * For an actor that hangs: `stop` waits for it. Does nothing when there is none of that name.
   *
   * @param name A name, a path, or the id of an anonymous actor.
   */
  kill(name: string): void {
    this.#cellOf(name)?.kill();
  }

  /**
   * Puts something around every call that this node sends or handles.
   *
   * @param interceptor What stands around each call.
   * @returns Takes it away again when it is disposed.
   *
   * @example Measure and refuse
   * ```ts
   * import * as pul from "@pulsing/core";
   * import assert from "node:assert/strict";
   *
   * await using system = await pul.actorSystem();
   * const seen: string[] = [];
   * using _ = system.use(async (call, next) => {
   *   seen.push(`${call.direction} ${call.method}`);
   *   if (call.method === "secret") throw new pul.PulsingBusinessError(403, "not for you");
   *   return await next();
   * });
   * class Vault {
   *   open() {
   *     return "opened";
   *   }
   *   secret() {}
   * }
   * const vault = await system.spawnClass(Vault);
   * assert.equal(await vault.open(), "opened");
   * await assert.rejects(vault.secret(), /not for you/);
   * assert.deepEqual(seen, ["outgoing open", "incoming open", "outgoing secret"]);
   * ```
   */
  use(interceptor: Interceptor): Disposable {
    return this.#node.intercept(interceptor);
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

  /** The actor of a name or id; the system actor, whose id is the node's, is not the user's. */
  #cellOf(name: string): ActorCell | undefined {
    const byId = name === this.nodeId ? undefined : this.#node.cellWithId(name);
    return byId ?? this.#node.cellAt(pathOfName(name));
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
    const { addr, advertise, limits } = this.#options;
    if (addr === undefined) return;
    this.#listener = await transport.listen({
      address: addr,
      accept: (connection) => this.#links.accept(connection),
      http: (request) => answerHttp(request, this.#health()),
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
    });
    const bound = this.#listener.address;
    this.#node.address = advertise ?? bound;
    if (isOpenToOthers(bound)) this.#warnOfOthers(bound);
    this.#cluster.start();
  }

  #warnOfOthers(address: string): void {
    const { logger, passphrase } = this.#options;
    const warning = passphrase === undefined
      ? "listening without authentication: every host that reaches it can call actors"
      : "listening authenticated, not encrypted: who is on the way can read and change everything";
    logger.warn(warning, { address });
  }

  async #join(signal: AbortSignal): Promise<void> {
    const { seeds, headAddr, joinTimeoutMs } = this.#options;
    if (seeds.length === 0 && headAddr === undefined) return;
    signal.throwIfAborted();
    const end = () => void this.shutdown();
    signal.addEventListener("abort", end);
    try {
      if (headAddr === undefined) await this.#cluster.join(seeds, joinTimeoutMs);
      else await this.#cluster.follow(headAddr, joinTimeoutMs);
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  #health(): Record<string, unknown> {
    const members = this.members().filter((member) => member.status === "alive").length;
    return { status: "ok", nodeId: this.nodeId, addr: this.addr, actors: this.#node.size, members };
  }

  async #close(): Promise<void> {
    await this.#node.close();
    this.#cluster.leave();
    this.#watches.close();
    const quiet = this.#links.close();
    await this.#listener?.close();
    await quiet;
  }
}

const MOUNT_NAMES: ReadonlySet<string> = new Set<keyof MountOptions>(["name", "public"]);
const NO_OPTIONS: SpawnOptions = Object.freeze({});
