/** One of the twelve: a service under a name that all share, and one under its own. */

import { resolveClusterSettings } from "../../lib/cluster/settings.ts";
import { joinTestCluster } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";

/**
 * The settings of all nodes: those of one machine, which twelve processes on few cores keep busy.
 *
 * Quicker probes would take a process that waits for its turn for a dead one.
 */
export const GOSSIP: pul.ClusterSettings = resolveClusterSettings({
  preset: "local",
  pushPullIntervalMs: 500,
});

/** What every node serves. */
export class Service {
  /** Answers with its node, after as long as a lookup in a database takes. */
  async work(): Promise<string> {
    const { nodeId } = pul.context();
    await new Promise((resolve) => setTimeout(resolve, 1));
    return nodeId;
  }
}

if (import.meta.main) {
  const system = await joinTestCluster({ gossip: GOSSIP });
  await system.spawnClass(Service, { name: "service" });
  await system.spawnClass(Service, { name: `service-of-${system.nodeId}` });
}
