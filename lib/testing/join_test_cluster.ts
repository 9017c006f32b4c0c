/**
 * How a script becomes a node of the test that started it.
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";
import { ActorSystem } from "../system/actor_system.ts";
import type { InitOptions } from "../system/options.ts";

/** Options of a node of a test: all but those that the cluster decides. */
export type TestNodeOptions = Omit<
  InitOptions,
  "addr" | "advertise" | "cluster" | "joinTimeoutMs" | "seeds"
>;

/**
 * Makes this process a node of the `ProcessCluster` that started it.
 *
 * Begin the script with it. The test goes on once all its nodes have joined, so names that the
 * script spawns afterwards are resolved with a `timeoutMs`. On SIGTERM, which is what
 * `ProcessCluster.stop` sends, the system is shut down and the process ends with code 0; it also
 * ends when the test's process does.
 *
 * @param options As for `actorSystem`, without what the cluster decides.
 * @returns The system, joined; it is shut down at the end of the process.
 * @throws {PulsingRuntimeError} kind `"unsupported"`: no `ProcessCluster` started this script, or
 * it has joined before; kind `"join-failed"`: the test's node did not answer.
 *
 * @example A script of a cluster, here started by hand
 * ```ts
 * import { joinTestCluster } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * const joining = joinTestCluster();
 * await assert.rejects(joining, /start it with ProcessCluster.start/);
 * ```
 */
export async function joinTestCluster(options: TestNodeOptions = {}): Promise<ActorSystem> {
  const { onAskedToEnd, takeTicket, tellParent } = await import("./parent_process.ts");
  const ticket = takeTicket();
  if (ticket === undefined) throw nobodyStartedIt();
  const { tcp } = await import("../../transports/tcp.ts");
  const { addr, cluster, joinTimeoutMs, seeds } = ticket;
  const starting = ActorSystem.start({ ...options, addr, cluster, joinTimeoutMs, seeds }, tcp);
  onAskedToEnd(async () => await (await starting).shutdown());
  const system = await starting;
  tellParent({ nodeId: system.nodeId, addr: system.addr ?? addr });
  return system;
}

function nobodyStartedIt(): PulsingRuntimeError {
  return new PulsingRuntimeError(
    "Cannot join a test cluster: no ProcessCluster started this script, or it has joined before; " +
      "start it with ProcessCluster.start({ script, runtimes }) from a test",
    { kind: "unsupported" },
  );
}
