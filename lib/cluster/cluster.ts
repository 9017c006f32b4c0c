/**
 * The cluster part of one node: what its links and its actors tell it, and what it is asked.
 *
 * @module
 */

import type { ActorCell } from "../actor/actor_cell.ts";
import type { Metadata } from "../actor/metadata.ts";
import type { CellNode } from "../actor/cell_node.ts";
import type { ActorId, ActorPath, NodeId } from "../address.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { Random } from "../random.ts";
import type { Association } from "../remote/association.ts";
import type { Introduction, NodeRole, Rejection } from "../remote/handshake.ts";
import type { Links } from "../remote/links.ts";
import type { RemoteActor } from "../remote/remote_ref.ts";
import type { NodeStanding } from "../remote/remote_watches.ts";
import { Changes } from "./changes.ts";
import { ClusterState } from "./cluster_state.ts";
import { HeadLink } from "./head_link.ts";
import { HeadState } from "./head_state.ts";
import { Joining } from "./joining.ts";
import { isReachable, type Member } from "./member.ts";
import type { Naming } from "./naming.ts";
import { NamingDriver } from "./naming_driver.ts";
import type { RegistryEntry } from "./owned_names.ts";
import { judgePeer } from "./peer_judgement.ts";
import { Policies } from "./policies.ts";
import type { ClusterSettings } from "./settings.ts";
import { WorkerState } from "./worker_state.ts";

/** What the cluster part is made of. */
export interface ClusterOptions {
  readonly node: CellNode;
  readonly links: Links;
  readonly random: Random;
  readonly settings: ClusterSettings;
  /** What it is in a cluster with a head; without a role it finds the others by gossip. */
  readonly role?: NodeRole;
  /** How many actors this node has, which the others are told. */
  actors(): number;
  /** A member is dead or has left. */
  onGone(nodeId: NodeId): void;
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

/** A name and the actors that have it. */
export interface NamedActors {
  readonly path: ActorPath;
  readonly instances: readonly NamedInstance[];
}

/** One named actor, with what a call and a subscriber need of it. */
export interface LocatedActor extends RemoteActor {
  readonly metadata: Readonly<Record<string, string>>;
}

/** One node's view of its cluster, kept current over its links. */
export class Cluster {
  /** What it is in a cluster with a head. */
  readonly role: NodeRole | undefined;
  readonly #node: CellNode;
  readonly #links: Links;
  readonly #settings: ClusterSettings;
  readonly #random: Random;
  readonly #policies = new Policies();
  readonly #changes: Changes;
  readonly #joining: Joining;
  readonly #ended = new AbortController();
  readonly #driver: NamingDriver<Naming>;
  #named: { readonly revision: number; readonly list: readonly NamedActors[] } | undefined;
  #localChanges = 0;
  /** Where a second node of one id was refused last, which is logged once. */
  #lastTaken: string | undefined = undefined;

  constructor({ node, links, random, settings, role, actors, onGone }: ClusterOptions) {
    this.role = role;
    this.#node = node;
    this.#links = links;
    this.#random = random;
    this.#settings = settings;
    const changes = this.#changes = new Changes(node.clock);
    this.#joining = new Joining({
      node,
      links,
      random,
      changes,
      signal: this.#ended.signal,
      probeIntervalMs: settings.seedProbeIntervalMs,
      isKnown: (address) => this.#isKnown(address),
    });
    const onChange = () => changes.changed();
    const onTick = () => {
      this.#policies.prune((path) => this.#naming.instances(path).length === 0);
    };
    const driven = { node, links, actors, onGone, onChange, onTick };
    this.#driver = new NamingDriver(this.#newNaming(), driven);
  }

  /** This node's SWIM incarnation. */
  get incarnation(): number {
    return this.#naming.self.incarnation;
  }

  /** Another number whenever members or names have changed. */
  get revision(): number {
    return this.#naming.revision + this.#localChanges;
  }

  /** Calls at each change of members or names until what it returns is called. */
  onChange(wake: () => void): () => void {
    return this.#changes.listen(wake);
  }

  /** Takes note of a change that only this node sees, as of names that others are not told. */
  changedLocally(): void {
    this.#localChanges++;
    this.#changes.changed();
  }

  /** All known members, this node included. */
  members(): readonly Member[] {
    return this.#naming.members;
  }

  /** All known names; the same list until something changes. */
  allNamedActors(): readonly NamedActors[] {
    if (this.#named?.revision !== this.#naming.revision) {
      this.#named = { revision: this.#naming.revision, list: this.#listNames() };
    }
    return this.#named.list;
  }

  #listNames(): readonly NamedActors[] {
    const byPath = new Map<ActorPath, NamedInstance[]>();
    for (const { path, nodeId, actorId, className, metadata = {} } of this.#naming.entries()) {
      const instances = byPath.get(path) ?? [];
      instances.push({ nodeId, actorId, metadata, ...(className !== undefined && { className }) });
      byPath.set(path, instances);
    }
    return [...byPath].map(([path, instances]) => ({ path, instances }));
  }

  /** The node's address is known now: begins to keep the others informed. */
  start(): void {
    this.#named = undefined;
    this.#driver.start(this.#newNaming());
  }

  /** Enters a named actor of this node. */
  register(cell: ActorCell, metadata: Metadata): void {
    if (cell.path === undefined) return;
    const { path, actorId, className } = cell;
    const registration = {
      path,
      actorId,
      ...(className !== undefined && { className }),
      ...(Object.keys(metadata).length > 0 && { metadata }),
    };
    this.#driver.act((naming) => naming.register(registration));
  }

  /** Marks a named actor of this node as stopped. */
  unregister(cell: ActorCell): void {
    const { path, actorId } = cell;
    if (path !== undefined) this.#driver.act((naming) => naming.unregister(path, actorId));
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
      await this.#changes.next(remainingMs, signal);
    }
  }

  /** The actors of a name on members that can be reached, in the order of their nodes. */
  instances(path: ActorPath): readonly LocatedActor[] {
    return this.#naming.instances(path).map((entry) => this.#located(entry));
  }

  /** The members that have not gone, this node included. */
  reachable(): readonly Member[] {
    return this.#naming.members.filter((member) => isReachable(member));
  }

  /** Whether a member is believed to be alive, and not only not yet dead. */
  isAlive(nodeId: NodeId): boolean {
    return this.#naming.member(nodeId)?.status === "alive";
  }

  /** How many actors another node has, as far as it has said; fewer than 4 are not worth saying. */
  actorsOf(nodeId: NodeId): number {
    return this.#naming.actorsOf(nodeId) ?? 0;
  }

  /** Where a member listens, as far as is known. */
  addressOf(nodeId: NodeId): string | undefined {
    return this.#naming.member(nodeId)?.addr || undefined; // empty when it does not listen
  }

  /** What is believed of another node. */
  standing(nodeId: NodeId): NodeStanding {
    const member = this.#naming.member(nodeId);
    if (member === undefined) return "unknown";
    return isReachable(member) ? "member" : "gone";
  }

  /** Whether to refuse a node that introduces itself, for what is believed of it. */
  judge(theirs: Introduction): Rejection | undefined {
    const member = this.#naming.member(theirs.nodeId);
    const rejection = judgePeer(member, theirs);
    if (rejection?.reason === "taken" && this.#lastTaken !== theirs.address) {
      const { nodeId, address } = theirs;
      this.#lastTaken = address; // it tries again and again
      this.#node.logger.warn("two nodes have one id", { nodeId, addr: member?.addr, address });
    }
    return rejection;
  }

  /** Another node has declared an incarnation of this one dead: a higher one refutes it. */
  accused(incarnation: number): void {
    this.#driver.act((naming, now) => naming.accused(incarnation, now));
  }

  /** This node can be dialled at another address than it has said. */
  readdress(address: string): void {
    this.#driver.act((naming) => naming.readdress(address));
  }

  /** Finds a named actor by its id. */
  instanceWithId(actorId: ActorId): RemoteActor | undefined {
    const entry = this.#naming.entries().find((candidate) => candidate.actorId === actorId);
    return entry === undefined ? undefined : this.#located(entry);
  }

  /**
   * Joins through the seeds; one that is linked is enough, the others become known through it.
   *
   * @param seeds `host:port` each; this node itself does not count.
   * @param timeoutMs How long to try; 0 returns at once and keeps trying.
   * @throws {PulsingRuntimeError} kind `"join-failed"`, naming each seed and its error.
   */
  join(seeds: readonly string[], timeoutMs: number): Promise<void> {
    return this.#joining.join(seeds, timeoutMs);
  }

  /**
   * Joins as a worker of the head at an address, and comes back to it whenever it was lost.
   *
   * @param headAddr `host:port`; a name is looked up at each try.
   * @param timeoutMs How long to wait for its first answer; 0 returns at once and keeps trying.
   * @throws {PulsingRuntimeError} kind `"join-failed"`, naming the head's error.
   */
  follow(headAddr: string, timeoutMs: number): Promise<void> {
    return new HeadLink({
      node: this.#node,
      links: this.#links,
      random: this.#random,
      changes: this.#changes,
      signal: this.#ended.signal,
      headAddr,
      isAlive: (nodeId) => this.isAlive(nodeId),
      onHead: (link) => this.#follow(link),
    }).keep(timeoutMs);
  }

  /** A link is up. */
  linkUp(link: Association): void {
    const peer = memberOf(link);
    if (peer !== undefined) {
      this.#driver.act((naming, now) => naming.linkUp(peer, link.isDialler, now));
    }
    this.#changes.changed(); // who joins waits for links, also to members that were known
  }

  /** A link has ended. */
  linkDown(link: Association, error: Error): void {
    this.#links.down(link);
    const isReplaced = this.#links.get(link.nodeId) !== undefined;
    if (isReplaced || this.#ended.signal.aborted) return;
    this.#node.logger.debug("link ended", { nodeId: link.nodeId, error });
    this.#driver.act((naming, now) => naming.linkLost(link.nodeId, now));
    this.#changes.changed(); // also when the member was suspect before
  }

  /** Takes news from another node. */
  receive(link: Association, message: unknown): void {
    this.#driver.act((naming, now) => naming.receive(link.nodeId, message, now));
  }

  /** Tells every member that this node leaves, and stops. */
  leave(): void {
    this.#ended.abort(
      new PulsingRuntimeError("Cannot go on: the system is shut down", {
        kind: "shutdown",
      }),
    );
    this.#driver.stop();
  }

  get #naming(): Naming {
    return this.#driver.naming;
  }

  #follow(link: Association): void {
    const head = memberOf(link);
    if (head === undefined) return;
    this.#driver.act((naming, now) => {
      if (naming instanceof WorkerState) naming.follow(head, now);
    });
  }

  #newNaming(): Naming {
    const { nodeId, limits, clock, address = "" } = this.#node;
    const self = { nodeId, addr: address, status: "alive", incarnation: 0 } as const;
    const [settings, random, now] = [this.#settings, this.#random, clock.now()];
    const options = { self, limits, settings, random, now };
    switch (this.role) {
      case "head":
        return new HeadState(options);
      case "worker":
        return new WorkerState(options);
      case undefined:
        return new ClusterState(options);
    }
  }

  /** Whether there is a link to who listens at an address, or a member that has not gone. */
  #isKnown(address: string): boolean {
    return this.#links.at(address) !== undefined ||
      this.reachable().some((member) => member.addr === address);
  }

  #choose(path: ActorPath, nodeId: NodeId | undefined): RemoteActor | undefined {
    const instances = this.#naming.instances(path)
      .filter((entry) => nodeId === undefined || entry.nodeId === nodeId);
    const chosen = this.#policies.choose(path, instances);
    return chosen === undefined ? undefined : this.#located(chosen);
  }

  #located({ path, actorId, nodeId, className, metadata = NONE }: RegistryEntry): LocatedActor {
    return { path, actorId, nodeId, className, metadata, address: this.addressOf(nodeId) };
  }
}

const NONE: Metadata = Object.freeze({});

/** Who is at the other end of a link; one that does not listen is no member. */
function memberOf({ peer: { nodeId, address, incarnation } }: Association): Member | undefined {
  if (address === undefined) return undefined;
  return { nodeId, addr: address, status: "alive", incarnation };
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
