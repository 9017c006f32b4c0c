/**
 * The cluster part of one node: drives a {@link Naming} with one timer and the links.
 *
 * Decides nothing: what to send, whom to believe and who is dead is the naming's business.
 *
 * @module
 */

import type { ActorCell } from "../actor/actor_cell.ts";
import type { Metadata } from "../actor/metadata.ts";
import type { CellNode } from "../actor/cell_node.ts";
import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { Timer } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { Random } from "../random.ts";
import type { Association } from "../remote/association.ts";
import type { Introduction, NodeRole, Rejection } from "../remote/handshake.ts";
import type { Links } from "../remote/links.ts";
import type { RemoteActor } from "../remote/remote_ref.ts";
import type { NodeStanding } from "../remote/remote_watches.ts";
import { Changes } from "./changes.ts";
import { ClusterState } from "./cluster_state.ts";
import { type ClusterMessage, partsOf } from "./gossip.ts";
import { HeadLink } from "./head_link.ts";
import { HeadState } from "./head_state.ts";
import { Joining } from "./joining.ts";
import { isReachable, type Member } from "./member.ts";
import type { Naming, Send } from "./naming.ts";
import type { RegistryEntry } from "./owned_names.ts";
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
  readonly #onGone: (nodeId: NodeId) => void;
  readonly #actors: () => number;
  readonly #ended = new AbortController();
  #state: Naming;
  #timer: Timer | undefined = undefined;
  #wakeAt = Infinity;
  #revision = -1;
  #named: { readonly revision: number; readonly list: readonly NamedActors[] } | undefined;
  #localChanges = 0;

  constructor({ node, links, random, settings, role, actors, onGone }: ClusterOptions) {
    this.role = role;
    this.#onGone = onGone;
    this.#actors = actors;
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
    this.#state = this.#newState();
  }

  /** This node's SWIM incarnation. */
  get incarnation(): number {
    return this.#state.self.incarnation;
  }

  /** Another number whenever members or names have changed. */
  get revision(): number {
    return this.#revision + this.#localChanges;
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
    return this.#state.members;
  }

  /** All known names; the same list until something changes. */
  allNamedActors(): readonly NamedActors[] {
    if (this.#named?.revision !== this.#state.revision) {
      this.#named = { revision: this.#state.revision, list: this.#listNames() };
    }
    return this.#named.list;
  }

  #listNames(): readonly NamedActors[] {
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
    this.#named = undefined;
    this.#changed();
  }

  /** Enters a named actor of this node. */
  register(cell: ActorCell, metadata: Metadata): void {
    if (cell.path === undefined) return;
    const { path, actorId, className } = cell;
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
    if (cell.path === undefined) return;
    this.#state.unregister(cell.path, cell.actorId);
    this.#changed();
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
    return this.#state.instances(path).map((entry) => this.#located(entry));
  }

  /** The members that have not gone, this node included. */
  reachable(): readonly Member[] {
    return this.#state.members.filter((member) => isReachable(member));
  }

  /** Whether a member is believed to be alive, and not only not yet dead. */
  isAlive(nodeId: NodeId): boolean {
    return this.#state.member(nodeId)?.status === "alive";
  }

  /** How many actors another node has, as far as it has said; fewer than 4 are not worth saying. */
  actorsOf(nodeId: NodeId): number {
    return this.#state.actorsOf(nodeId) ?? 0;
  }

  /** Where a member listens, as far as is known. */
  addressOf(nodeId: NodeId): string | undefined {
    return this.#state.member(nodeId)?.addr || undefined; // empty when it does not listen
  }

  /** What is believed of another node. */
  standing(nodeId: NodeId): NodeStanding {
    const member = this.#state.member(nodeId);
    if (member === undefined) return "unknown";
    return isReachable(member) ? "member" : "gone";
  }

  /**
   * What has been declared dead, or has left, may not speak again as the same incarnation; nor may
   * a second node speak as a member that lives. A member that has moved has raised its incarnation.
   */
  judge({ nodeId, incarnation: theirs, address }: Introduction): Rejection | undefined {
    const member = this.#state.member(nodeId);
    if (member === undefined || member.incarnation < theirs) return undefined;
    if (isReachable(member)) return this.#judgeAddress(member, address);
    const { status, incarnation } = member;
    const message = status === "left"
      ? `node ${nodeId} has left the cluster`
      : `this node has declared incarnation ${incarnation} of node ${nodeId} dead`;
    return { reason: "dead", message, incarnation };
  }

  /** Another node has declared an incarnation of this one dead: a higher one refutes it. */
  accused(incarnation: number): void {
    this.#state.accused(incarnation, this.#node.clock.now());
    this.#changed();
  }

  /** This node can be dialled at another address than it has said. */
  readdress(address: string): void {
    this.#state.readdress(address);
    this.#changed();
  }

  /** Finds a named actor by its id. */
  instanceWithId(actorId: ActorId): RemoteActor | undefined {
    const entry = this.#state.entries().find((candidate) => candidate.actorId === actorId);
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
    if (peer !== undefined) this.#state.linkUp(peer, link.isDialler, this.#node.clock.now());
    this.#changed();
  }

  /** A link has ended. */
  linkDown(link: Association, error: Error): void {
    this.#links.down(link);
    const isReplaced = this.#links.get(link.nodeId) !== undefined;
    if (isReplaced || this.#ended.signal.aborted) return;
    this.#node.logger.debug("link ended", { nodeId: link.nodeId, error });
    this.#state.linkLost(link.nodeId, this.#node.clock.now());
    this.#changed();
    this.#changes.changed(); // also when the member was suspect before
  }

  /** Takes news from another node. */
  receive(link: Association, message: unknown): void {
    this.#state.receive(link.nodeId, message, this.#node.clock.now());
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
    this.#wakeAt = -Infinity; // nothing wakes it any more
    const message = this.#state.leave();
    for (const link of this.#links.all) this.#send(link, message);
    this.#changed();
  }

  #follow(link: Association): void {
    const head = memberOf(link);
    if (head === undefined || !(this.#state instanceof WorkerState)) return;
    this.#state.follow(head, this.#node.clock.now());
    this.#changed();
  }

  /** After every event: what comes of it for the links, for the watches and for those who wait. */
  #changed(): void {
    for (const send of this.#state.takeSends()) this.#deliver(send);
    for (const { nodeId, status } of this.#state.takeGone()) {
      if (nodeId === this.#node.nodeId) continue;
      this.#onGone(nodeId);
      if (status === "dead") this.#links.cut(nodeId, declaredDead(nodeId));
    }
    if (this.#state.revision !== this.#revision) {
      this.#revision = this.#state.revision;
      this.#changes.changed();
    }
    this.#arm();
  }

  #newState(): Naming {
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

  /** Sets the timer for what is due next; one that is due earlier just finds nothing to do. */
  #arm(): void {
    const wakeAt = this.#state.nextWake();
    if (this.#node.address === undefined || wakeAt >= this.#wakeAt) return;
    this.#timer?.cancel();
    this.#wakeAt = wakeAt;
    // Whole milliseconds: a fraction less than due would find nothing to do, again and again.
    const delayMs = Math.max(0, Math.ceil(wakeAt - this.#node.clock.now()));
    this.#timer = this.#node.clock.setTimer(() => {
      this.#wakeAt = Infinity;
      this.#tick();
    }, delayMs);
  }

  #tick(): void {
    this.#state.measure(this.#actors());
    this.#state.tick(this.#node.clock.now());
    this.#policies.prune((path) => this.#state.instances(path).length === 0);
    const ignored = this.#state.takeIgnored();
    if (ignored !== undefined) {
      const text = "news ignored for want of room: raise maxMembers or maxRegistryEntries";
      this.#node.logger.warn(text, { ...ignored });
    }
    this.#changed();
  }

  /** Sends over the link that is up, or dials; that a node cannot be linked is news as well. */
  #deliver({ to, addr, message }: Send): void {
    const open = this.#links.get(to);
    if (open !== undefined) return this.#send(open, message);
    if (addr === undefined) return;
    const link = this.#links.probe(to, addr === "" ? undefined : addr);
    if (!(link instanceof Promise)) return this.#send(link, message);
    link.then((open) => this.#send(open, message), (error) => this.#unreachable(to, error));
  }

  /** Sends news in messages of the allowed size. What cannot be sent is logged, never thrown. */
  #send(link: Association, message: ClusterMessage): void {
    const { maxGossipBytes, maxMessageBytes } = this.#node.limits;
    // The size of a part is an estimate, a message above its limit would not be sent at all.
    const maxBytes = Math.min(maxGossipBytes, maxMessageBytes / 2);
    for (const part of partsOf(message, maxBytes)) {
      try {
        link.control(part);
      } catch (error) {
        this.#node.logger.warn("news not sent", { nodeId: link.nodeId, error });
      }
    }
  }

  #unreachable(nodeId: NodeId, error: unknown): void {
    if (this.#ended.signal.aborted) return;
    this.#node.logger.debug("a member cannot be linked", { nodeId, error });
    this.#state.unreachable(nodeId, this.#node.clock.now());
    this.#changed();
  }

  /** Whether there is a link to who listens at an address, or a member that has not gone. */
  #isKnown(address: string): boolean {
    return this.#links.at(address) !== undefined ||
      this.reachable().some((member) => member.addr === address);
  }

  /** Two nodes of one id, as of one seed or of one image of a machine, would end each other's links. */
  #judgeAddress({ nodeId, addr }: Member, address: string | undefined): Rejection | undefined {
    if (address === undefined || addr === "" || address === addr) return undefined;
    this.#node.logger.warn("two nodes have one id", { nodeId, addr, address });
    return { reason: "taken", message: `a node of the same id, ${nodeId}, listens at ${addr}` };
  }

  #choose(path: ActorPath, nodeId: NodeId | undefined): RemoteActor | undefined {
    const instances = this.#state.instances(path)
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

function declaredDead(nodeId: NodeId): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot use link to node ${nodeId}: it was declared dead`, {
    kind: "node-lost",
    retryable: true,
    nodeId,
  });
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
