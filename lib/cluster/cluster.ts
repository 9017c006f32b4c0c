/**
 * The cluster part of one node: drives {@link ClusterState} with timers and links.
 *
 * Decides nothing: what to send, whom to believe and who is dead is the state's business.
 *
 * @module
 */

import type { ActorCell } from "../actor/actor_cell.ts";
import type { CellNode } from "../actor/cell_node.ts";
import type { ActorId, ActorPath, NodeId } from "../address.ts";
import { sleep, type Timer } from "../clock.ts";
import { asError, PulsingRuntimeError } from "../errors.ts";
import { type Random, shuffled } from "../random.ts";
import type { Association } from "../remote/association.ts";
import type { Links } from "../remote/links.ts";
import type { RemoteActor } from "../remote/remote_ref.ts";
import { ClusterState } from "./cluster_state.ts";
import type { Member } from "./member.ts";
import { type Policy, RoundRobinPolicy } from "./policies.ts";
import type { RegistryEntry } from "./registry.ts";
import type { ClusterSettings } from "./settings.ts";

/** What the cluster part is made of. */
export interface ClusterOptions {
  readonly node: CellNode;
  readonly links: Links;
  readonly random: Random;
  readonly settings: ClusterSettings;
}

/** What to look for, and how long. */
export interface ResolveRequest {
  readonly nodeId?: NodeId;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One actor of a name. */
export interface NamedInstance {
  readonly nodeId: NodeId;
  readonly actorId: ActorId;
  readonly className?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** One node's view of its cluster, kept current over its links. */
export class Cluster {
  readonly #node: CellNode;
  readonly #links: Links;
  readonly #settings: ClusterSettings;
  readonly #random: Random;
  readonly #policies = new Map<ActorPath, Policy>();
  readonly #waiting = new Set<() => void>();
  readonly #ended = new AbortController();
  #state: ClusterState;
  #timer: Timer | undefined = undefined;

  constructor({ node, links, random, settings }: ClusterOptions) {
    this.#node = node;
    this.#links = links;
    this.#random = random;
    this.#settings = settings;
    this.#state = this.#newState();
  }

  /** This node's SWIM incarnation. */
  get incarnation(): number {
    return this.#state.self.incarnation;
  }

  /** All known members, this node included. */
  members(): readonly Member[] {
    return this.#state.members;
  }

  /** All known names. */
  allNamedActors(): readonly { path: ActorPath; instances: readonly NamedInstance[] }[] {
    const byPath = new Map<ActorPath, NamedInstance[]>();
    for (const { path, nodeId, actorId, className, metadata = {} } of this.#state.entries()) {
      const instances = byPath.get(path) ?? [];
      instances.push({ nodeId, actorId, metadata, ...(className !== undefined && { className }) });
      byPath.set(path, instances);
    }
    return [...byPath].map(([path, instances]) => ({ path, instances }));
  }

  /** The node's address is known now: begins to keep the others informed. */
  start(): void {
    this.#state = this.#newState();
    this.#schedule();
  }

  /** Enters a named actor of this node. */
  register(cell: ActorCell): void {
    if (cell.path === undefined) return;
    const { path, actorId, className } = cell;
    const metadata = cell.metadata();
    this.#state.register({
      path,
      actorId,
      ...(className !== undefined && { className }),
      ...(Object.keys(metadata).length > 0 && { metadata }),
    });
    this.#changed();
  }

  /** Marks a named actor of this node as stopped. */
  unregister(cell: ActorCell): void {
    if (cell.path !== undefined) this.#state.unregister(cell.path, cell.actorId);
  }

  /**
   * Finds an actor by name, waiting for it if asked to.
   *
   * @throws {PulsingRuntimeError} kind `"actor-not-found"`.
   */
  async resolve(path: ActorPath, request: ResolveRequest = {}): Promise<RemoteActor> {
    const { timeoutMs = 0, signal } = request;
    const deadline = this.#node.clock.now() + timeoutMs;
    for (;;) {
      signal?.throwIfAborted();
      const found = this.#choose(path, request.nodeId);
      if (found !== undefined) return found;
      const remainingMs = deadline - this.#node.clock.now();
      if (remainingMs <= 0 || this.#ended.signal.aborted) throw notFound(path, request);
      await this.#nextChange(remainingMs, signal);
    }
  }

  /** Finds a named actor by its id. */
  instanceWithId(actorId: ActorId): RemoteActor | undefined {
    const entry = this.#state.entries().find((candidate) => candidate.actorId === actorId);
    return entry === undefined ? undefined : this.#located(entry);
  }

  /**
   * Joins through the seeds; one that answers is enough, the others become known through it.
   *
   * @param seeds `host:port` each.
   * @param timeoutMs How long to try; 0 returns at once and keeps trying.
   * @throws {PulsingRuntimeError} kind `"join-failed"`, naming each seed and its error.
   */
  async join(seeds: readonly string[], timeoutMs: number): Promise<void> {
    if (timeoutMs === 0) {
      this.#keepJoining(seeds, Infinity).catch((error) =>
        this.#node.logger.debug("joining was ended", { error })
      );
      return;
    }
    await this.#keepJoining(seeds, this.#node.clock.now() + timeoutMs);
  }

  /** A link is up. */
  linkUp(link: Association): void {
    const { nodeId, address, incarnation } = link.peer;
    if (address !== undefined) {
      const member = { nodeId, addr: address, status: "alive", incarnation } as const;
      this.#state.linkUp(member, this.#node.clock.now());
    }
    if (link.isDialler) link.control(this.#state.introduction());
    this.#changed();
  }

  /** A link has ended. */
  linkDown(link: Association, error: Error): void {
    this.#links.down(link);
    if (this.#ended.signal.aborted) return;
    this.#node.logger.debug("link ended", { nodeId: link.nodeId, error });
    this.#state.linkLost(link.nodeId, this.#node.clock.now());
    this.#reconnect(link.nodeId);
    this.#changed();
  }

  /** Takes news from another node. */
  receive(link: Association, message: unknown): void {
    const answer = this.#state.receive(message, this.#node.clock.now());
    if (answer !== undefined) link.control(answer);
    this.#changed();
  }

  /** Tells every member that this node leaves, and stops. */
  leave(): void {
    this.#ended.abort(
      new PulsingRuntimeError("Cannot go on: the system is shut down", {
        kind: "shutdown",
      }),
    );
    this.#timer?.cancel();
    const message = this.#state.leave();
    for (const link of this.#links.all) link.control(message);
    this.#changed();
  }

  #newState(): ClusterState {
    const { nodeId, limits, address = "" } = this.#node;
    const self = { nodeId, addr: address, status: "alive", incarnation: 0 } as const;
    return new ClusterState({ self, limits, settings: this.#settings, random: this.#random });
  }

  #schedule(): void {
    this.#timer = this.#node.clock.setTimer(() => {
      this.#schedule();
      this.#tick();
    }, this.#settings.gossipIntervalMs);
  }

  #tick(): void {
    for (const { to, message } of this.#state.tick(this.#node.clock.now())) {
      const link = this.#links.open(to.nodeId, to.addr);
      if (!(link instanceof Promise)) link.control(message);
      else link.then((open) => open.control(message), () => this.#unreachable(to));
    }
    this.#changed();
  }

  /** Looks whether a member whose link was lost is still there. */
  #reconnect(nodeId: NodeId): void {
    const member = this.#state.member(nodeId);
    if (member?.status !== "suspect") return;
    const link = this.#links.open(nodeId, member.addr);
    if (!(link instanceof Promise)) return;
    link.catch(async () => {
      await sleep(this.#node.clock, this.#settings.gossipIntervalMs, this.#ended.signal);
      this.#reconnect(nodeId);
    }).catch(() => {}); // the node is shut down
  }

  #unreachable(member: Member): void {
    if (this.#ended.signal.aborted) return;
    this.#state.linkLost(member.nodeId, this.#node.clock.now());
    this.#changed();
  }

  async #keepJoining(seeds: readonly string[], deadline: number): Promise<void> {
    const { clock, limits } = this.#node;
    for (let delayMs = limits.reconnectMinMs;; delayMs *= 2) {
      const failures = await this.#tryEach(shuffled(this.#random, seeds), deadline);
      if (failures === undefined) return;
      const waitMs = Math.min(delayMs, limits.reconnectMaxMs);
      if (clock.now() + waitMs >= deadline) throw joinFailed(failures);
      await sleep(clock, waitMs, this.#ended.signal);
    }
  }

  async #tryEach(
    seeds: readonly string[],
    deadline: number,
  ): Promise<ReadonlyMap<string, Error> | undefined> {
    const failures = new Map<string, Error>();
    for (const seed of seeds) {
      const timeout = new AbortController();
      const remainingMs = deadline - this.#node.clock.now();
      const timer = remainingMs === Infinity ? undefined : this.#node.clock.setTimer(
        () => timeout.abort(noAnswer(seed)),
        Math.max(0, remainingMs),
      );
      try {
        await this.#links.dial(seed, AbortSignal.any([timeout.signal, this.#ended.signal]));
        return undefined;
      } catch (error) {
        failures.set(seed, asError(error));
      } finally {
        timer?.cancel();
      }
    }
    return failures;
  }

  #choose(path: ActorPath, nodeId: NodeId | undefined): RemoteActor | undefined {
    const instances = this.#state.instances(path)
      .filter((entry) => nodeId === undefined || entry.nodeId === nodeId);
    if (instances.length === 0) return undefined;
    let policy = this.#policies.get(path);
    if (policy === undefined) {
      policy = new RoundRobinPolicy();
      // Names come and go; only those with a choice to make are remembered.
      if (instances.length > 1) this.#policies.set(path, policy);
    }
    const chosen = policy.choose(instances);
    return chosen === undefined ? undefined : this.#located(chosen);
  }

  #located({ path, actorId, nodeId, className }: RegistryEntry): RemoteActor {
    const address = this.#state.member(nodeId)?.addr;
    return { path, actorId, nodeId, className, address: address === "" ? undefined : address };
  }

  #nextChange(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = () => {
        this.#waiting.delete(finish);
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        finish();
        reject(signal?.reason);
      };
      const timer = this.#node.clock.setTimer(finish, timeoutMs);
      this.#waiting.add(finish);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  #changed(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

function notFound(path: ActorPath, { timeoutMs = 0, nodeId }: ResolveRequest): PulsingRuntimeError {
  const where = nodeId === undefined ? "in the cluster" : `on node ${nodeId}`;
  const waited = timeoutMs > 0 ? ` after ${timeoutMs} ms` : ", pass timeoutMs to wait for it";
  return new PulsingRuntimeError(`Cannot resolve "${path}": not found ${where}${waited}`, {
    kind: "actor-not-found",
    retryable: true,
    actor: path,
    ...(nodeId !== undefined && { nodeId }),
  });
}

function noAnswer(seed: string): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot join through ${seed}: it did not answer in time`, {
    kind: "node-unreachable",
    retryable: true,
    address: seed,
  });
}

function joinFailed(failures: ReadonlyMap<string, Error>): PulsingRuntimeError {
  const reasons = [...failures].map(([seed, error]) => `${seed} (${error.message})`).join(", ");
  return new PulsingRuntimeError(`Cannot join the cluster: no seed answered: ${reasons}`, {
    kind: "join-failed",
    retryable: true,
    cause: new AggregateError(failures.values(), "all seeds failed"),
  });
}
