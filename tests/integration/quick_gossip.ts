/** Settings of gossip for tests on real clocks: what they wait for comes soon. */

import { type ClusterSettings, resolveClusterSettings } from "../../lib/cluster/settings.ts";

/**
 * A member of two that is silent is dead after about 250 ms, with three times 50 to refute.
 *
 * A machine that runs tests may stand still for longer than a node of a cluster should.
 */
export const QUICK_GOSSIP: ClusterSettings = resolveClusterSettings({
  preset: "local",
  probeIntervalMs: 50,
  probeTimeoutMs: 20,
  lastProbeMs: 20,
  stallThresholdMs: 1_000,
  gossipIntervalMs: 50,
});
