/**
 * The actor that every node has for others to look at it: `system/core`.
 *
 * @module
 */

import type { ActorCell } from "../actor/actor_cell.ts";
import type { CellState } from "../actor/actor_life.ts";
import type { ActorRef } from "../actor/actor_ref.ts";
import type { ClassSpawnOptions } from "../actor/spawn_options.ts";
import { definedNames, definitionNamed } from "../actor/remote_class.ts";
import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { Member } from "../cluster/member.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { LocalNode } from "./local_node.ts";
import type { Spawning } from "./spawning.ts";

/** One actor as its node lists it. */
export interface ActorStatus {
  /** The actor's id. */
  readonly actorId: ActorId;
  /** Its path; absent for an anonymous actor. */
  readonly path?: ActorPath;
  /** The registered name of its class, when it has one. */
  readonly className?: string;
  /** Where it is in its life. */
  readonly state: CellState;
  /** Messages that wait, those of waiting senders included. */
  readonly mailboxDepth: number;
  /** Restarts so far. */
  readonly restarts: number;
  /** Milliseconds since it was spawned. */
  readonly ageMs: number;
}

/** What a node has counted since it began. */
export interface NodeMetrics {
  /** Actors there are now. */
  readonly actors: number;
  /** Messages that actors took from their mailboxes. */
  readonly messagesTotal: number;
  /** Actors that were spawned. */
  readonly actorsCreated: number;
  /** Actors that ended, whatever the reason. */
  readonly actorsStopped: number;
  /** New instances in the place of ones that failed. */
  readonly restarts: number;
  /** Messages that reached no actor. */
  readonly deadLetters: number;
  /** Milliseconds since the node began. */
  readonly uptimeMs: number;
}

/** What another node asks for when it spawns an actor here. */
export interface SpawnRequest {
  /** The registered name of the class. */
  readonly className: string;
  /** What was given to `spawn`, without functions and signals. */
  readonly options: ClassSpawnOptions<readonly unknown[]>;
}

/** The node that a system actor tells about. */
export interface ObservedNode {
  /** The node's id. */
  readonly nodeId: NodeId;
  /** `host:port`; `undefined` when it does not listen. */
  readonly address: string | undefined;
  /** Milliseconds since 1970, for people. */
  wallTimeMs(): number;
  /** What it has counted. */
  metrics(): NodeMetrics;
  /** Its actors, the oldest first. */
  actors(): readonly ActorStatus[];
  /** The nodes it knows, itself included. */
  members(): readonly Member[];
  /** Spawns an actor on it. */
  spawn(request: SpawnRequest): Promise<ActorRef>;
}

/**
 * Answers about its node, and spawns actors for others.
 *
 * @example Ask a node how it is
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * await using system = await pul.actorSystem();
 * const ref = await system.resolve("system/core", { nodeId: system.nodeId });
 * const core = ref.asType(pul.SystemActor);
 * assert.equal((await core.ping()).nodeId, system.nodeId);
 * assert.equal((await core.health()).status, "healthy");
 * assert.ok((await core.metrics()).messagesTotal >= 2);
 * ```
 */
export class SystemActor {
  readonly #node: ObservedNode;

  /**
   * Made by the system.
   *
   * @param node What it looks at.
   */
  constructor(node: ObservedNode) {
    this.#node = node;
  }

  /** Answers; `wallTimeMs` is for people and never compared between machines. */
  ping(): { readonly nodeId: NodeId; readonly wallTimeMs: number } {
    return { nodeId: this.#node.nodeId, wallTimeMs: this.#node.wallTimeMs() };
  }

  /** Whether the node works, which it does when it answers. */
  health(): { readonly status: "healthy"; readonly actors: number; readonly uptimeMs: number } {
    const { actors, uptimeMs } = this.#node.metrics();
    return { status: "healthy", actors, uptimeMs };
  }

  /** Who the node is, and which classes others can spawn there. */
  nodeInfo(): {
    readonly nodeId: NodeId;
    readonly addr?: string;
    readonly uptimeMs: number;
    readonly classes: readonly string[];
  } {
    const { nodeId, address: addr } = this.#node;
    const { uptimeMs } = this.#node.metrics();
    return { nodeId, uptimeMs, classes: definedNames(), ...(addr !== undefined && { addr }) };
  }

  /** What the node has counted. */
  metrics(): NodeMetrics {
    return this.#node.metrics();
  }

  /** The node's actors, the oldest first. */
  actors(): readonly ActorStatus[] {
    return this.#node.actors();
  }

  /** The nodes that this one knows, itself included, with the status it believes them to have. */
  members(): readonly Member[] {
    return this.#node.members();
  }

  /**
   * Spawns an actor on the node.
   *
   * @param request The class and the options of `spawn`.
   * @throws {PulsingRuntimeError} kind `"class-not-registered"`.
   * @throws {PulsingActorError} What the constructor or `onStart` threw.
   */
  async spawn(request: SpawnRequest): Promise<ActorRef> {
    return await this.#node.spawn(request);
  }
}

/** A node as its system actor sees it. */
export function observe(
  node: LocalNode,
  spawning: Spawning,
  members: () => readonly Member[],
): ObservedNode {
  const { nodeId, clock } = node;
  const startedAt = clock.now();
  return {
    nodeId,
    get address() {
      return node.address;
    },
    wallTimeMs: () => clock.wallTime(),
    metrics: () => ({
      actors: node.size,
      messagesTotal: node.counters.messages,
      actorsCreated: node.counters.spawned,
      actorsStopped: node.counters.ended,
      restarts: node.counters.restarts,
      deadLetters: node.deadLetters.count,
      uptimeMs: clock.now() - startedAt,
    }),
    actors: () => [...node.cells()].map((cell) => statusOf(cell, clock.now())),
    members,
    async spawn(request) {
      const { className, options = {} } = request ?? {}; // another node may send anything
      if (typeof className !== "string" || typeof options !== "object" || options === null) {
        throw new TypeError(
          "Cannot spawn actor: the request names no class, or its options are none",
        );
      }
      const definition = definitionNamed(className);
      if (definition === undefined) throw notRegistered(className, nodeId);
      return (await spawning.ofClass(definition, options)).ref;
    },
  };
}

function statusOf(cell: ActorCell, now: number): ActorStatus {
  const { actorId, path, className, state, mailboxLength, restartCount, spawnedAt } = cell;
  return {
    actorId,
    state,
    mailboxDepth: mailboxLength,
    restarts: restartCount,
    ageMs: now - spawnedAt,
    ...(path !== undefined && { path }),
    ...(className !== undefined && { className }),
  };
}

function notRegistered(className: string, nodeId: NodeId): PulsingRuntimeError {
  const known = definedNames();
  const there = known.length === 0 ? "no class is" : `registered are ${known.join(", ")}`;
  return new PulsingRuntimeError(
    `Cannot spawn class "${className}" on node ${nodeId}: it is not registered there, ${there}; ` +
      "import the module that calls remote() on that node too",
    { kind: "class-not-registered", nodeId },
  );
}
