/**
 * Where a new actor goes.
 *
 * @module
 */

import { ActorRef } from "../actor/actor_ref.ts";
import type { ActorClass } from "../actor/proxy.ts";
import { definitionOf } from "../actor/remote_class.ts";
import { cellOptionsOf, checkPlacement } from "../actor/spawn_options.ts";
import { type NodeId, SYSTEM_ACTOR_PATH } from "../address.ts";
import { PulsingRuntimeError } from "../errors.ts";
import { shuffled } from "../random.ts";
import type { Resolver } from "./resolver.ts";
import type { LocalNode } from "./local_node.ts";
import type { AnyClassSpawnOptions } from "./spawning.ts";
import type { NodeMetrics } from "./system_actor.ts";

/** Nodes that are asked how much they carry before one of them is chosen. */
const ASKED_NODES = 8;

/** How long a node may take to say how much it carries, in milliseconds. */
const ANSWER_MS = 2_000;

/** Places actors on other nodes. */
export class Placement {
  readonly #node: LocalNode;
  readonly #resolver: Resolver;

  constructor(node: LocalNode, resolver: Resolver) {
    this.#node = node;
    this.#resolver = resolver;
  }

  /**
   * The node for a new actor.
   *
   * @returns `undefined` for this one.
   * @throws {PulsingRuntimeError} kind `"node-not-found"`: it is no member that can be reached.
   */
  async choose({ placement, ...options }: AnyClassSpawnOptions): Promise<NodeId | undefined> {
    if (placement === undefined || placement === "local") return undefined;
    if (placement === this.#node.nodeId) return undefined;
    checkPlacement(placement);
    const others = this.#resolver.candidates(SYSTEM_ACTOR_PATH)
      .map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== this.#node.nodeId);
    if (placement !== "remote") {
      if (others.includes(placement)) return placement;
      throw nodeNotFound(placement);
    }
    return await this.#leastLoaded(others, options);
  }

  /** Spawns an actor of a class on another node. */
  async spawn(nodeId: NodeId, cls: ActorClass, options: AnyClassSpawnOptions): Promise<ActorRef> {
    const { name } = definitionOf(cls);
    cellOptionsOf(options, definitionOf(cls));
    const { placement: _, signal, timeoutMs, restartOn, ...rest } = options;
    if (restartOn !== undefined) {
      throw new TypeError(
        'Cannot spawn actor on another node with "restartOn": a function does not travel, set it ' +
          "with remote()",
      );
    }
    const wait = {
      ...(signal !== undefined && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    const request = { className: name, options: rest };
    const ref = await this.#core(nodeId).ask("spawn", [request], wait);
    if (ref instanceof ActorRef) return ref;
    throw new PulsingRuntimeError(`Cannot spawn class "${name}": node ${nodeId} gave no actor`, {
      kind: "spawn-failed",
      nodeId,
    });
  }

  /** Of some others the one with the fewest actors. */
  async #leastLoaded(
    others: readonly NodeId[],
    { timeoutMs = Infinity, signal }: AnyClassSpawnOptions,
  ): Promise<NodeId | undefined> {
    const wait = {
      timeoutMs: Math.min(timeoutMs, ANSWER_MS),
      ...(signal !== undefined && { signal }),
    };
    const asked = shuffled(this.#node.random, others).slice(0, ASKED_NODES);
    const answers = await Promise.all(asked.map(async (nodeId) => {
      try {
        const metrics = await this.#core(nodeId).ask("metrics", [], wait);
        return { nodeId, actors: (metrics as NodeMetrics).actors }; // as the system actor says
      } catch (error) {
        signal?.throwIfAborted();
        this.#node.logger.warn("a node does not say how much it carries", { nodeId, error });
        return undefined;
      }
    }));
    const loads = answers.filter((answer) => answer !== undefined);
    const [best] = loads.sort((one, other) => one.actors - other.actors);
    if (best === undefined) {
      this.#node.logger.warn("no other node to spawn on: the actor is spawned here");
    }
    return best?.nodeId;
  }

  #core(nodeId: NodeId) {
    return this.#resolver.targetOf(this.#resolver.systemActorOf(nodeId));
  }
}

function nodeNotFound(nodeId: NodeId): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot spawn on node "${nodeId}": it is no member that can be reached`,
    { kind: "node-not-found", retryable: true, nodeId },
  );
}
