/** Subscriptions that end, in whatever way, leave nothing behind on their node. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { Resolver } from "../../lib/system/resolver.ts";
import { type InstanceSource, subscribe } from "../../lib/system/subscription.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";
import { BareNode } from "./bare_node.ts";
import { CountedSignal } from "./counted_signal.ts";

const PATH = "actors/name";

class Named {}

test("10 000 subscriptions left, aborted and ended leave no listener and no timer", async () => {
  const clock = new ManualClock();
  const node = new BareNode({ clock, transport: pul.memory(new pul.MemoryNetwork(clock)) });
  const resolver = new Resolver(node.node, node.refs, node.cluster);
  let waiting = 0;
  const source: InstanceSource = {
    get revision() {
      return resolver.revision;
    },
    get isOver() {
      return resolver.isOver;
    },
    instances: (path) => resolver.instances(path),
    refTo: (actor) => resolver.refTo(actor),
    onChange(wake) {
      waiting++;
      const forget = resolver.onChange(wake);
      return () => {
        waiting--;
        forget();
      };
    },
  };
  await node.spawn(Named, PATH);
  const counted = new CountedSignal();
  let ended = 0;
  const count = () => void ended++;
  const follow = async (isLeft: boolean) => {
    const { signal } = counted;
    for await (const _ of subscribe(source, PATH, { signal })) if (isLeft) return;
  };
  for (let batch = 0; batch < 9; batch++) {
    for (let n = 0; n < 500; n++) {
      follow(true).then(count, count);
      follow(false).then(count, count);
    }
    await clock.settle();
    assert.deepEqual([waiting, counted.listeners], [500, 500]);
    counted.renew(new Error("enough"));
    await clock.settle();
    assert.deepEqual([waiting, counted.listeners, clock.pendingTimers], [0, 0, 0]);
  }
  for (let n = 0; n < 1_000; n++) follow(false).then(count, count);
  await clock.settle();
  await node[Symbol.asyncDispose]();
  assert.deepEqual([waiting, counted.listeners, clock.pendingTimers], [0, 0, 0]);
  assert.equal(ended, 10_000);
});
