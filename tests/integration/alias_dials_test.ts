/** Two nodes that dial each other at once under names that neither knows as the other's. */

import assert from "node:assert/strict";
import { parseHostPort } from "../../lib/address.ts";
import { test } from "../harness.ts";
import { type ManualNode, ManualNodes } from "./manual_nodes.ts";

/** Dials another node by a name that is not its address. */
function dialByName(near: ManualNode, far: ManualNode) {
  const { port } = parseHostPort(far.node.address!);
  return near.links.dial(`alias:${port}`);
}

/** Two nodes, the one with the smaller id first. */
async function twoNodes(): Promise<[ManualNodes, ManualNode, ManualNode]> {
  const all = await ManualNodes.listening(2);
  all.network.name("alias", ["127.0.0.1"]);
  const [small, large] = all.nodes.toSorted((a, b) => a.node.nodeId < b.node.nodeId ? -1 : 1);
  return [all, small!, large!];
}

test("crossing dials by alias: the dial of the smaller id stays, for both", async () => {
  const [all, small, large] = await twoNodes();
  await using _ = all;
  for (const node of [small, large]) node.freeze();
  const dials = [dialByName(small, large), dialByName(large, small)];
  await all.clock.settle();
  small.thaw(); // hears the other's hello
  small.freeze();
  await all.clock.settle();
  large.thaw(); // hears the hello of the smaller one, then the welcome
  await all.clock.settle();
  small.thaw(); // hears the welcome
  await all.clock.settle();
  const [ofSmall, ofLarge] = await all.now(Promise.all(dials));
  assert.deepEqual([ofSmall!.isDialler, ofLarge!.isDialler], [true, false]);
  assert.deepEqual([ofSmall!.isOpen, ofLarge!.isOpen], [true, true]);
  for (const node of [small, large]) assert.equal(node.links.all.length, 1);
});

test("a dial by alias to a node that is linked already gives that link, and none is replaced", async () => {
  const [all, ...nodes] = await twoNodes();
  await using _ = all;
  const link = await all.now(nodes[0].links.dial(nodes[1].node.address!));
  for (const [near, far] of [nodes, nodes.toReversed()] as const) {
    const dialled = await all.now(dialByName(near!, far!));
    assert.equal(dialled, near!.links.get(far!.node.nodeId));
  }
  assert.ok(link.isOpen);
});
