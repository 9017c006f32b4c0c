/** Who was declared dead speaks again only after it has refuted that. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import type { MemberStatus } from "../../lib/cluster/member.ts";
import { isRejected } from "../../lib/remote/handshake.ts";
import { test } from "../harness.ts";
import type { BareNode } from "../leak/bare_node.ts";
import { ManualNodes } from "./manual_nodes.ts";

class Subject {
  echo(value: unknown): unknown {
    return value;
  }
}

/** Two nodes that have met; the first one calls an actor of the second one. */
async function met() {
  const nodes = await ManualNodes.listening(2);
  const [dialler, listener] = [nodes.at(0), nodes.at(1)];
  let hellos = 0;
  const { judge } = listener.host;
  listener.host.judge = (theirs) => {
    hellos++;
    return judge(theirs);
  };
  const subject = dialler.refTo(await nodes.now(listener.spawn(Subject))).asType(Subject);
  assert.equal(await nodes.now(subject.echo(1)), 1);
  /** Lets the listener believe that the dialler is gone, and the dialler find its link ended. */
  const declare = async (status: MemberStatus, incarnation = 0) => {
    const { nodeId } = dialler.node;
    const [link] = listener.links.all;
    assert.ok(link);
    hellos = 0;
    const member = { nodeId, addr: dialler.node.address, status, incarnation };
    listener.cluster.receive(link, { kind: "gossip", members: [member], entries: [] });
    listener.links.cut(nodeId, new Error("declared dead"));
    await nodes.clock.advance(pul.DEFAULT_LIMITS.reconnectMinMs);
  };
  const dispose = () => nodes[Symbol.asyncDispose]();
  const beliefIn = (node: BareNode) => {
    const { nodeId } = node.node;
    const member = listener.cluster.members().find((one) => one.nodeId === nodeId);
    return member === undefined ? undefined : [member.status, member.incarnation];
  };
  const tell = { dialler, listener, subject, declare, beliefIn, hellos: () => hellos };
  return { nodes, ...tell, [Symbol.asyncDispose]: dispose };
}

for (const incarnation of [0, 41]) {
  test(`a dead incarnation (${incarnation}) is refused, refutes and is linked with a higher one`, async () => {
    await using at = await met();
    const { nodes, dialler, listener, subject, declare, beliefIn, hellos } = at;
    await declare("dead", incarnation);
    assert.equal(await nodes.now(subject.echo(2)), 2);
    assert.equal(hellos(), 2, "refused, then linked");
    assert.equal(dialler.cluster.incarnation, incarnation + 1);
    assert.equal(listener.links.get(dialler.node.nodeId)?.peer.incarnation, incarnation + 1);
    assert.deepEqual(beliefIn(dialler), ["alive", incarnation + 1]);
  });
}

test("a dead incarnation below that of the dialler is nobody's any more", async () => {
  await using at = await met();
  const { nodes, dialler, subject, declare } = at;
  dialler.cluster.accused(7);
  await declare("dead", 7);
  assert.equal(await nodes.now(subject.echo(2)), 2);
  assert.equal(dialler.cluster.incarnation, 8);
  dialler.cluster.accused(7);
  assert.equal(dialler.cluster.incarnation, 8, "it is refuted already");
});

test("a second refusal as dead is an error that may be tried again, and no third dial", async () => {
  await using nodes = await ManualNodes.listening(2);
  const [dialler, listener] = [nodes.at(0), nodes.at(1)];
  let accusations = 0;
  listener.host.judge = ({ incarnation }) => {
    accusations++;
    return { reason: "dead", message: "whatever it says", incarnation };
  };
  const { nodeId, address } = listener.node;
  const error = await nodes.failure(Promise.resolve(dialler.links.open(nodeId, address)));
  assert.ok(isRejected(error, "dead") && error.kind === "handshake-failed", String(error));
  assert.ok(error.retryable);
  assert.deepEqual([accusations, dialler.cluster.incarnation], [2, 1]);
});

test("a node that has left is refused once, and does not refute", async () => {
  await using at = await met();
  const { nodes, dialler, declare, hellos, beliefIn } = at;
  dialler.cluster.leave();
  await declare("left");
  const opening = dialler.links.open(at.listener.node.nodeId, at.listener.node.address);
  const error = await nodes.failure(Promise.resolve(opening));
  assert.ok(isRejected(error, "dead"), String(error));
  assert.match(error.message, /has left the cluster/);
  assert.deepEqual([hellos(), dialler.cluster.incarnation], [1, 0]);
  assert.deepEqual(beliefIn(dialler), ["left", 0]);
});
