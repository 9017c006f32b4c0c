/** Settings of membership and gossip: defaults and refusals. */

import assert from "node:assert/strict";
import {
  type ClusterSettings,
  DEFAULT_CLUSTER_SETTINGS,
  resolveClusterSettings,
} from "../../../lib/cluster/settings.ts";
import { test } from "../../harness.ts";

test("resolveClusterSettings fills in the defaults", () => {
  assert.deepEqual(resolveClusterSettings(), DEFAULT_CLUSTER_SETTINGS);
  assert.equal(resolveClusterSettings({ gossipFanout: 5 }).gossipFanout, 5);
});

test("resolveClusterSettings refuses unknown names and values that are not positive integers", () => {
  for (const gossipFanout of [0, -1, 1.5, NaN, Infinity]) {
    assert.throws(() => resolveClusterSettings({ gossipFanout }), RangeError);
  }
  const unknown = { toString: 1 } as unknown as Partial<ClusterSettings>;
  assert.throws(() => resolveClusterSettings(unknown), TypeError);
});
