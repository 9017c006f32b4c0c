/** One of the twelve: a service under a name that all share, and one under its own. */

import { joinTestCluster } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";
import { QUICK_GOSSIP } from "./quick_gossip.ts";

/** The settings of all nodes; quick, so that the test need not wait for what they decide. */
export const GOSSIP: pul.ClusterSettings = { ...QUICK_GOSSIP, pushPullIntervalMs: 500 };

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
