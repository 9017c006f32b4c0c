/** One of the twelve: a service under a name that all share, and one under its own. */

import { joinTestCluster } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";

/** The settings of all nodes: the defaults, as users have them. */
export const GOSSIP: pul.GossipOptions = "lan";

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
