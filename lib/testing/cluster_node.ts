/**
 * One node of a cluster under test.
 *
 * @module
 */

import type { ActorSystem } from "../system/actor_system.ts";
import type { NodeState } from "./history.ts";

/**
 * One node of a {@link TestCluster}: a system that can be held up, ended and started again.
 *
 * @example Restarts a node
 * ```ts
 * import { TestCluster } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * await using cluster = await TestCluster.start(2);
 * const node = cluster.at(1);
 * const { nodeId } = node.system;
 * node.kill();
 * assert.equal(node.state, "killed");
 * await node.restart();
 * assert.equal(node.address, "node-1:7000");
 * assert.notEqual(node.system.nodeId, nodeId);
 * ```
 */
export interface ClusterNode {
  /** Its number in the cluster, from 0 on. */
  readonly index: number;
  /** What it is called in the history: another name after each restart. */
  readonly name: string;
  /** `host:port`, the same after a restart. */
  readonly address: string;
  /** Where it is in its life. */
  readonly state: NodeState;
  /**
   * Its system; the last one it had when it has ended. Reading it throws before it has joined.
   *
   * A system that is shut down directly ends the node as {@link ClusterNode.stop} does. That of a
   * killed node does nothing any more: what needs its time or its network never comes.
   */
  readonly system: ActorSystem;
  /**
   * Ends it as `kill -9` ends a process: no code of it runs again, and what it has written arrives,
   * followed by the news that its connections are reset.
   *
   * What waits for promises of the test's own goes on when the test settles them.
   */
  kill(): void;
  /**
   * Shuts it down, letting as much time pass as that takes; does nothing when it has ended.
   *
   * @throws {PulsingRuntimeError} kind `"unsupported"`: it is frozen.
   */
  stop(): Promise<void>;
  /**
   * Stops its event loop, as `SIGSTOP` or a long computation does; time goes on.
   *
   * Its timers, its deferred turns and what arrives wait for the thaw. Its kernel goes on: it takes
   * connections and bytes.
   *
   * @param ms For how long, in milliseconds; until {@link ClusterNode.thaw} when absent.
   * @throws {PulsingRuntimeError} kind `"unsupported"`: it does not run.
   */
  freeze(ms?: number): void;
  /**
   * Lets its event loop go on: overdue timers first, then what has arrived, each in its order.
   * Does nothing when it is not frozen.
   */
  thaw(): void;
  /**
   * Starts a new system under its address, which joins through the others; one that runs is
   * stopped before.
   *
   * @throws {PulsingRuntimeError} kind `"unsupported"`: it is frozen.
   */
  restart(): Promise<void>;
}
