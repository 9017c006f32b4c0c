/** Two nodes that dial each other at once under names that neither knows as the other's. */

import assert from "node:assert/strict";
import { parseHostPort } from "../../lib/address.ts";
import { keyFence } from "../../lib/remote/passphrase.ts";
import { test } from "../harness.ts";
import { type ManualNode, ManualNodes, type ManualNodesOptions } from "./manual_nodes.ts";

/** Dials another node by a name that is not its address. */
function dialByName(near: ManualNode, far: ManualNode) {
  const { port } = parseHostPort(far.node.address!);
  return near.links.dial(`alias:${port}`);
}

const FENCES = { "": {}, ", with a passphrase": { fence: keyFence(new Uint8Array(32)) } };

/** Two nodes, the one with the smaller id first. */
async function twoNodes(
  options: ManualNodesOptions,
): Promise<[ManualNodes, ManualNode, ManualNode]> {
  const all = await ManualNodes.listening(2, options);
  all.network.name("alias", ["127.0.0.1"]);
  const [small, large] = all.nodes.toSorted((a, b) => a.node.nodeId < b.node.nodeId ? -1 : 1);
  return [all, small!, large!];
}

for (const [how, options] of Object.entries(FENCES)) {
  test(`crossing dials by alias: the dial of the smaller id stays, for both${how}`, async () => {
    const [all, small, large] = await twoNodes(options);
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
    const dialled = await all.now(Promise.all(dials));
    if (how === "") assert.ok(dialled.every(({ isOpen }) => isOpen), "a dial gave a replaced link");
    for (const [node, isDialler] of [[small, true], [large, false]] as const) {
      assert.deepEqual(node.links.all.map((link) => [link.isDialler, link.isOpen]), [[
        isDialler,
        true,
      ]]);
    }
  });

  test(`a dial by alias to a node that is linked already gives that link, and none is replaced${how}`, async () => {
    const [all, ...nodes] = await twoNodes(options);
    await using _ = all;
    const link = await all.now(nodes[0].links.dial(nodes[1].node.address!));
    for (const [near, far] of [nodes, nodes.toReversed()] as const) {
      const dialled = await all.now(dialByName(near!, far!));
      assert.equal(dialled, near!.links.get(far!.node.nodeId));
    }
    assert.ok(link.isOpen);
  });

  test(`two dials to one node by two names at once give one link, and none is replaced${how}`, async () => {
    const [all, ...nodes] = await twoNodes(options);
    await using _ = all;
    for (const [near, far] of [nodes, nodes.toReversed()] as const) {
      const dials = [near!.links.dial(far!.node.address!), dialByName(near!, far!)];
      const [one, other] = await all.now(Promise.all(dials));
      assert.equal(one, other);
      assert.ok(one!.isOpen);
      assert.deepEqual(near!.links.all, [one]);
      far!.links.cut(near!.node.nodeId, new Error("on purpose"));
      await all.clock.settle();
    }
  });

  for (const order of ["the smaller", "the larger"]) {
    test(`proofs that cross: the dial of the smaller id stays, ${order} one's proof comes first${how}`, async () => {
      const [all, small, large] = await twoNodes(options);
      await using _ = all;
      const nodes = order === "the smaller" ? [large, small] : [small, large];
      for (const node of nodes) node.freeze();
      const dials = [dialByName(small, large), dialByName(large, small)];
      await all.clock.settle();
      for (let step = 0; step < 4; step++) {
        for (const node of nodes) {
          node.thaw();
          node.freeze();
        }
        await all.clock.settle();
      }
      for (const node of nodes) node.thaw();
      await all.now(Promise.all(dials));
      const links = [small, large].map((node) => node.links.all);
      assert.deepEqual(links.map((own) => own.map((link) => link.isDialler)), [[true], [false]]);
    });
  }
}
