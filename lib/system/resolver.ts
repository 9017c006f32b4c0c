/**
 * From names to the actors that have them, on this node and on others.
 *
 * @module
 */

import { ActorRef, type ActorTarget } from "../actor/actor_ref.ts";
import {
  type ActorId,
  type ActorPath,
  lookupPath,
  type NodeId,
  SYSTEM_ACTOR_PATH,
} from "../address.ts";
import type { Cluster, LocatedActor, ResolveRequest } from "../cluster/cluster.ts";
import { type Candidate, RandomPolicy, RoundRobinPolicy } from "../cluster/policies.ts";
import type { RemoteActor } from "../remote/remote_ref.ts";
import type { ResolveSteps, Resolving } from "./builders.ts";
import type { LocalNode } from "./local_node.ts";
import { chooseBy, NamedTarget, noInstance } from "./named_target.ts";
import type { RefTable } from "./ref_table.ts";

/** An actor of a name, with what a policy looks at. */
export type Choice = RemoteActor & Candidate;

/** Finds the actors of a name. */
export class Resolver implements Resolving {
  readonly #node: LocalNode;
  readonly #refs: RefTable;
  readonly #cluster: Cluster;
  readonly #inFlight = new Map<ActorId, number>();

  constructor(node: LocalNode, refs: RefTable, cluster: Cluster) {
    this.#node = node;
    this.#refs = refs;
    this.#cluster = cluster;
  }

  /** The actors of a name that can be reached, in the order of their nodes. */
  candidates(path: ActorPath, { nodeId, filterAlive }: ResolveSteps = {}): readonly RemoteActor[] {
    const all = path === SYSTEM_ACTOR_PATH
      ? this.#cluster.reachable().map((member) => this.systemActorOf(member.nodeId))
      : this.#named(path);
    if (nodeId === undefined && filterAlive !== true) return all;
    return all.filter((actor) =>
      (nodeId === undefined || actor.nodeId === nodeId) &&
      (filterAlive !== true || this.#cluster.isAlive(actor.nodeId))
    );
  }

  /** {@link Resolver.candidates} with what a policy looks at. */
  choices(path: ActorPath, steps: ResolveSteps): readonly Choice[] {
    return this.candidates(path, steps).map(({ actorId, nodeId, path, address, className }) => {
      return { actorId, nodeId, path, address, className, inFlight: this.inFlight(actorId) };
    });
  }

  /** Another number whenever other actors may have a name than before. */
  get revision(): number {
    return this.#cluster.revision;
  }

  /** Whether the system shuts down. */
  get isOver(): boolean {
    return this.#node.isClosed;
  }

  /** Calls when other actors may have a name than before, until what it returns is called. */
  onChange(wake: () => void): () => void {
    return this.#cluster.onChange(wake);
  }

  /** {@link Resolver.candidates} with what their nodes tell of them. */
  instances(path: ActorPath): readonly LocatedActor[] {
    const isTold = path !== SYSTEM_ACTOR_PATH && this.#node.privateCellAt(path) === undefined;
    if (isTold) return this.#cluster.instances(path);
    return this.candidates(path).map(({ actorId, nodeId, path, address, className }) => {
      return { actorId, nodeId, path, address, className, metadata: {} };
    });
  }

  /** A reference to one actor. */
  refTo(actor: RemoteActor): ActorRef {
    return this.#refs.refTo(actor);
  }

  /** A reference that was found, or that finds its actors by itself. */
  refByName(path: ActorPath, steps: ResolveSteps, actor?: RemoteActor): ActorRef {
    const choice = actor === undefined ? "each-call" : "once";
    // Not all references of a name that lose their actor go on with the same one.
    const usual = () => actor && new RandomPolicy(this.#node.random);
    const policy = steps.policy ?? usual() ?? new RoundRobinPolicy();
    const naming = { path, steps, policy, choice } as const;
    return new ActorRef(new NamedTarget(this, this.#node.clock, naming, actor));
  }

  async resolve(name: string, steps: ResolveSteps): Promise<ActorRef> {
    const path = lookupPath(name);
    const found = await this.#find(path, steps);
    if (steps.policy === undefined && steps.filterAlive !== true) {
      return this.refByName(path, steps, found);
    }
    const policy = steps.policy ?? new RoundRobinPolicy();
    const chosen = chooseBy(policy, this.choices(path, steps), undefined);
    if (chosen === undefined) throw noInstance(path, steps);
    return this.refByName(path, steps, chosen);
  }

  lazy(name: string, steps: ResolveSteps): ActorRef {
    return this.refByName(lookupPath(name), steps);
  }

  list(name: string, steps: ResolveSteps): readonly ActorRef[] {
    return this.candidates(lookupPath(name), steps).map((actor) => this.#refs.refTo(actor));
  }

  /** Where messages to an actor go. */
  targetOf(actor: RemoteActor): ActorTarget {
    return this.#refs.refTo(actor).target;
  }

  /** The actor that tells about a node. */
  systemActorOf(nodeId: NodeId): RemoteActor {
    const address = this.#cluster.addressOf(nodeId);
    return { actorId: nodeId, nodeId, path: SYSTEM_ACTOR_PATH, address, className: "SystemActor" };
  }

  /** Calls from here that wait for an actor's answer, of those that are counted. */
  inFlight(actorId: ActorId): number {
    return this.#inFlight.get(actorId) ?? 0;
  }

  /** Counts a call until it is answered. */
  count(actorId: ActorId, reply: Promise<unknown>): void {
    this.#inFlight.set(actorId, this.inFlight(actorId) + 1);
    const settled = () => {
      const left = this.inFlight(actorId) - 1;
      if (left > 0) this.#inFlight.set(actorId, left);
      else this.#inFlight.delete(actorId);
    };
    reply.then(settled, settled);
  }

  /** Chooses an actor of a name, each in turn, and waits for one if asked to. */
  async #find(path: ActorPath, request: ResolveRequest): Promise<RemoteActor> {
    const { nodeId = this.#node.nodeId } = request;
    if (path === SYSTEM_ACTOR_PATH) {
      const [actor] = this.candidates(path, { nodeId });
      if (actor !== undefined) return actor;
    }
    const own = nodeId === this.#node.nodeId ? this.#node.privateCellAt(path) : undefined;
    return own ?? await this.#cluster.resolve(path, request);
  }

  #named(path: ActorPath): readonly RemoteActor[] {
    const own = this.#node.privateCellAt(path);
    return own === undefined ? this.#cluster.instances(path) : [own];
  }
}
