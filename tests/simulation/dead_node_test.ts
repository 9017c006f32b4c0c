/** A node that is gone stays gone for those who have found it out. */

import assert from "node:assert/strict";
import type { NodeId } from "../../lib/address.ts";
import { isGone } from "../../lib/cluster/member.ts";
import { CLUSTER_PRESETS } from "../../lib/cluster/settings.ts";
import { test } from "../harness.ts";
import { Model, type ModelNode } from "./model.ts";

const STEP_MS = 50;
const AFTER_MS = 120_000;

/** Fails when a node is served again by one that has called it dead. */
function watch(
  model: Model,
  dead: ModelNode,
): { readonly found: ReadonlySet<NodeId>; look(): void } {
  const found = new Set<NodeId>();
  model.onBelief = (observer, subject) => {
    if (subject !== dead.nodeId) return;
    assert.ok(!found.has(observer.nodeId), `found dead again at ${model.now} ms`);
    found.add(observer.nodeId);
  };
  const look = () => {
    for (const { state, nodeId } of model.running) {
      if (!found.has(nodeId)) continue;
      // In the end it is forgotten, which is not before its retention is over.
      assert.ok(isGone(state.member(dead.nodeId)), `back at ${model.now} ms`);
    }
  };
  return { found, look };
}

// The original's fault: a node seen within 30 s went from dead to alive and back every 1.5 s.
for (const how of ["process", "machine"] as const) {
  for (const loss of [0, 0.1]) {
    const losing = loss > 0 ? `, ${loss * 100} % of messages lost` : "";
    test(`a dead node does not flap between alive and dead: a ${how} ends${losing}`, () => {
      for (let seed = 1; seed <= 12; seed++) {
        const size = 3 + seed % 6;
        const model = new Model({ size, seed, loss, settings: CLUSTER_PRESETS.local });
        model.advance(2_000);
        const dead = model.at(seed % size);
        const { found, look } = watch(model, dead);
        model.kill(dead, how);
        for (const end = model.now + AFTER_MS; model.now < end;) {
          model.advance(STEP_MS);
          look();
        }
        assert.equal(found.size, size - 1, `seed ${seed}: everybody found it`);
      }
    });
  }
}
