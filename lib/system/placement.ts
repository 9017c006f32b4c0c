/**
 * Where a new actor goes.
 *
 * @module
 */

import { ActorRef } from "../actor/actor_ref.ts";
import type { CallOptions } from "../actor/call_options.ts";
import type { OnRefused } from "../actor/envelope.ts";
import type { ActorClass } from "../actor/proxy.ts";
import { definitionOf } from "../actor/remote_class.ts";
import { cellOptionsOf, checkPlacement } from "../actor/spawn_options.ts";
import type { NodeId } from "../address.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { isPulsingError, type PulsingError, PulsingRuntimeError } from "../errors.ts";
import type { LocalNode } from "./local_node.ts";
import { isElsewhere } from "./named_target.ts";
import { begin, type BegunActors, isCounted, leastLoaded, reckon } from "./node_load.ts";
import type { Resolver } from "./resolver.ts";
import type { AnyClassSpawnOptions } from "./spawning.ts";
import type { SpawnRequest } from "./system_actor.ts";

/** Nodes that an error names. */
const SHOWN_NODES = 8;

/** Places actors on other nodes. */
export class Placement {
  readonly #node: LocalNode;
  readonly #resolver: Resolver;
  readonly #cluster: Cluster;
  readonly #begun = new Map<NodeId, BegunActors>();

  constructor(node: LocalNode, resolver: Resolver, cluster: Cluster) {
    this.#node = node;
    this.#resolver = resolver;
    this.#cluster = cluster;
  }

  /**
   * Spawns an actor of a class on the node that its options name, or on the one with the least
   * load. A node that turns out to be gone before it has run anything is not that one, nor is one
   * that does not know the class.
   *
   * @returns `undefined` when it belongs on this node.
   * @throws {PulsingRuntimeError} kind `"node-not-found"`: the node is no member that can be
   * reached; kind `"node-lost"`, retryable: it was lost meanwhile, and may have run the actor;
   * kind `"class-not-registered"`: the node does not know the class, or none that was asked does.
   */
  async spawn(cls: ActorClass, options: AnyClassSpawnOptions): Promise<ActorRef | undefined> {
    const { placement = "local", signal, timeoutMs } = options;
    if (placement === "local" || placement === this.#node.nodeId) return undefined;
    checkPlacement(placement);
    const request = requestOf(cls, options);
    const wait = {
      ...(signal !== undefined && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    if (placement === "remote") return await this.#spawnOnLeastLoaded(request, wait);
    const isReachable = this.#cluster.standing(placement) === "member";
    if (!isReachable) throw nodeNotFound(placement);
    return await this.#ask(placement, request, wait);
  }

  async #spawnOnLeastLoaded(
    request: SpawnRequest,
    { timeoutMs = Infinity, ...wait }: CallOptions,
  ): Promise<ActorRef | undefined> {
    const { clock, logger } = this.#node;
    const deadline = clock.now() + timeoutMs;
    const tried = new Set<NodeId>([this.#node.nodeId]);
    const ignorant = new Map<NodeId, PulsingError>();
    for (let nodeId = this.#next(tried); nodeId !== undefined; nodeId = this.#next(tried)) {
      tried.add(nodeId);
      let refusal: unknown;
      const onRefused = (error: Error) => Promise.reject(refusal = error);
      try {
        const left = { ...wait, timeoutMs: Math.max(0, deadline - clock.now()) };
        return await this.#ask(nodeId, request, left, onRefused);
      } catch (error) {
        if (clock.now() >= deadline) throw error;
        // The same kind of error may come from the actor's own start: only a refusal ran nothing.
        if (error === refusal && isElsewhere(error)) {
          logger.debug("a node that was chosen for an actor is gone", { nodeId, error });
        } else if (isUnknownClass(error, nodeId)) ignorant.set(nodeId, error);
        else throw error;
      }
    }
    if (ignorant.size > 0) throw unknownClass(request.className, ignorant);
    logger.warn("no other node to spawn on: the actor is spawned here");
    return undefined;
  }

  /** The node with the least load of those that were not tried. */
  #next(tried: ReadonlySet<NodeId>): NodeId | undefined {
    const now = this.#node.clock.now();
    const places = this.#cluster.reachable().filter(({ nodeId }) => !tried.has(nodeId))
      .map(({ nodeId, status }) => ({
        nodeId,
        isAlive: status === "alive",
        actors: reckon(this.#cluster.actorsOf(nodeId), this.#begun.get(nodeId), now),
      }));
    return leastLoaded(places, this.#node.random)?.nodeId;
  }

  async #ask(
    nodeId: NodeId,
    request: SpawnRequest,
    wait: CallOptions,
    onRefused?: OnRefused,
  ): Promise<ActorRef> {
    this.#begin(nodeId);
    const core = this.#resolver.targetOf(this.#resolver.systemActorOf(nodeId));
    const ref = await core.ask("spawn", [request], wait, onRefused);
    if (ref instanceof ActorRef) return ref;
    throw new PulsingRuntimeError(
      `Cannot spawn class "${request.className}": node ${nodeId} gave no actor`,
      { kind: "spawn-failed", nodeId },
    );
  }

  /** Counts an actor at once, also one that fails: who fails fast must not attract all others. */
  #begin(nodeId: NodeId): void {
    const now = this.#node.clock.now();
    for (const [other, begun] of this.#begun) {
      if (!isCounted(begun, this.#cluster.actorsOf(other), now)) this.#begun.delete(other);
    }
    const heard = this.#cluster.actorsOf(nodeId);
    this.#begun.set(nodeId, begin(this.#begun.get(nodeId), heard, now));
  }
}

/**
 * What another node is asked for.
 *
 * @throws {TypeError} An option is wrong, or does not travel.
 * @throws {RangeError} A number is out of range, or the name does not follow the grammar.
 */
function requestOf(cls: ActorClass, options: AnyClassSpawnOptions): SpawnRequest {
  const definition = definitionOf(cls);
  cellOptionsOf(options, definition);
  const { placement: _, signal: _signal, timeoutMs: _timeoutMs, restartOn, ...rest } = options;
  if (restartOn === undefined) return { className: definition.name, options: rest };
  throw new TypeError(
    'Cannot spawn actor on another node with "restartOn": a function does not travel, set it ' +
      "with remote()",
  );
}

/** Whether a node has run nothing, since it does not know the class; it says so of itself. */
function isUnknownClass(error: unknown, nodeId: NodeId): error is PulsingError {
  return isPulsingError(error, "class-not-registered") && error.nodeId === nodeId;
}

/** What the only node says, or all that were asked. */
function unknownClass(
  className: string,
  errors: ReadonlyMap<NodeId, PulsingError>,
): PulsingError {
  const [only, ...others] = errors.values();
  if (only !== undefined && others.length === 0) return only;
  const nodes = [...errors.keys()];
  const shown = nodes.slice(0, SHOWN_NODES).join(", ");
  const more = nodes.length > SHOWN_NODES ? ` and ${nodes.length - SHOWN_NODES} more` : "";
  return new PulsingRuntimeError(
    `Cannot spawn class "${className}" on another node: it is registered on none of ${shown}` +
      `${more}; import the module that calls remote() there too`,
    {
      kind: "class-not-registered",
      cause: new AggregateError(errors.values(), "no node knows the class"),
    },
  );
}

function nodeNotFound(nodeId: NodeId): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot spawn on node "${nodeId}": it is no member that can be reached`,
    { kind: "node-not-found", retryable: true, nodeId },
  );
}
