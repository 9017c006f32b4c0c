/** Which links are looked after, when one is given up, and how one is cut. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import type { ActorCell } from "../../lib/actor/actor_cell.ts";
import { encodeIntroduction, type Introduction } from "../../lib/remote/handshake.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { FrameKind, MAGIC } from "../../lib/wire/frame.ts";
import { test } from "../harness.ts";
import { BareNode } from "../leak/bare_node.ts";
import { RecordingConnection } from "../vectors/recording_connection.ts";
import { ManualNodes } from "./manual_nodes.ts";

const { linkIdleMs, linkTimeoutMs } = pul.DEFAULT_LIMITS;
const HOUR = 3_600_000;

class Subject {
  echo(value: unknown): unknown {
    return value;
  }
  wait(): Promise<never> {
    return new Promise(() => {});
  }
  async *count(): AsyncGenerator<number> {
    for (let n = 0;; n++) yield await Promise.resolve(n);
  }
}

/** A node and links that others, behind which is nothing, have dialled. */
function hub() {
  const clock = new ManualClock();
  const node = new BareNode({ clock, transport: pul.memory(new pul.MemoryNetwork(clock)) });
  const dial = (n: number, address: string | undefined) => {
    const connection = new RecordingConnection();
    const nodeId = n.toString(16).padStart(32, "0");
    const hello: Introduction = { ...node.host.introduce(), nodeId, address };
    const body = encodeIntroduction(hello);
    node.links.accept(connection);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, body.length + 1);
    connection.receive(Uint8Array.of(...MAGIC, ...length, FrameKind.hello, ...body));
    connection.take();
    return connection;
  };
  const dispose = async () => {
    const ended = node[Symbol.asyncDispose]();
    await clock.advance(2 * pul.DEFAULT_LIMITS.shutdownTimeoutMs);
    await ended;
    assert.equal(clock.pendingTimers, 0);
  };
  return { clock, node, dial, [Symbol.asyncDispose]: dispose };
}

test("a thousand idle links to members set no timer of their own and send nothing in an hour", async () => {
  await using at = hub();
  const { clock, node, dial } = at;
  assert.equal(clock.pendingTimers, 0, "without links there is nothing to look at");
  const connections = Array.from({ length: 1_000 }, (_, n) => dial(n, `10.0.0.1:${n + 1}`));
  await clock.settle();
  assert.deepEqual([node.links.all.length, clock.pendingTimers], [1_000, 1]);
  await clock.advance(HOUR);
  assert.deepEqual([node.links.all.length, clock.pendingTimers], [1_000, 1]);
  assert.ok(connections.every((connection) => connection.take().length === 0));
});

test("a link to a node that is no member is asked for signs of life and given up", async () => {
  await using at = hub();
  const { clock, node, dial } = at;
  const [member, stranger] = [dial(1, "10.0.0.1:1"), dial(2, undefined)];
  await clock.advance(linkTimeoutMs);
  assert.ok(stranger.take().toHex().startsWith(`00000001${byte(FrameKind.ping)}`));
  assert.equal(node.links.all.length, 2);
  await clock.advance(linkIdleMs);
  assert.deepEqual([stranger.isEnded, member.isEnded, node.links.all.length], [true, false, 1]);
});

test("a link with a large message that is on its way is looked after", async () => {
  await using at = hub();
  const { clock, node, dial } = at;
  const connection = dial(1, "10.0.0.1:1");
  const announced = Uint8Array.of(1, 1, ...varint(100_000), FrameKind.tell, 0, 0, 0);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, announced.length + 1);
  connection.receive(Uint8Array.of(...length, FrameKind.bulk, ...announced));
  await clock.advance(linkTimeoutMs + linkIdleMs);
  assert.deepEqual([connection.isEnded, node.links.all.length], [true, 0]);
});

function byte(kind: number): string {
  return kind.toString(16).padStart(2, "0");
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [value & 0x7f | 0x80, ...varint(value >> 7)];
}

/** Keeps what membership sends away: here links alone are looked at. */
const NO_PROBES = { probeIntervalMs: 24 * HOUR, pushPullIntervalMs: 24 * HOUR };

/** Two nodes that know each other as members, the second one with an actor. */
async function pair() {
  const nodes = await ManualNodes.listening(2, { gossip: NO_PROBES });
  const [near, far] = [nodes.at(0), nodes.at(1)];
  const cell: ActorCell = await nodes.now(far.spawn(Subject));
  const subject = near.refTo(cell).asType(Subject);
  assert.equal(await nodes.now(subject.echo(1)), 1);
  assert.equal(near.cluster.standing(far.node.nodeId), "member");
  const dispose = () => nodes[Symbol.asyncDispose]();
  return { nodes, near, far, subject, clock: nodes.clock, [Symbol.asyncDispose]: dispose };
}

test("a link that was idle for an hour is not given up at once when a call starts", async () => {
  await using at = await pair();
  const { nodes, near, far, clock, subject } = at;
  const [link] = near.links.all;
  await clock.advance(HOUR + 1);
  far.freeze();
  const call = subject.echo("late");
  await clock.advance(linkTimeoutMs - 1);
  assert.ok(await nodes.isPending(call));
  far.thaw();
  assert.equal(await nodes.now(call), "late");
  assert.deepEqual(near.links.all, [link]);
});

test("a call on a half-open link to a live member fails with node-lost after linkTimeoutMs", async () => {
  await using at = await pair();
  const { nodes, far, clock, subject } = at;
  await clock.advance(HOUR + 1);
  far.freeze();
  const call = subject.wait();
  call.catch(() => {});
  await clock.advance(linkTimeoutMs);
  assert.ok(await nodes.isPending(call));
  await clock.advance(linkIdleMs);
  const error = await nodes.failure(call);
  assert.ok(pul.isPulsingError(error, "node-lost") && error.retryable, String(error));
});

test("an answer that takes hours keeps its link, over which both sides tell that they live", async () => {
  await using at = await pair();
  const { nodes, near, clock, subject } = at;
  const call = subject.wait();
  call.catch(() => {});
  await clock.advance(HOUR);
  assert.ok(await nodes.isPending(call));
  assert.equal(near.links.all.length, 1);
});

test("cut fails pending calls and streams at once and counts as a lost link", async () => {
  await using at = await pair();
  const { nodes, near, far, clock, subject } = at;
  const calls = Array.from({ length: 3 }, () => subject.wait());
  const items = (await nodes.now(subject.count()))[Symbol.asyncIterator]();
  assert.deepEqual(await nodes.now(items.next()), { done: false, value: 0 });
  const drained = (async () => {
    while (!(await items.next()).done);
  })();
  for (const pending of [...calls, drained]) pending.catch(() => {});
  const dead = new Error("declared dead");
  const links = [near, far].map((node) => node.links.all[0]);
  near.links.cut(far.node.nodeId, dead);
  for (const pending of [...calls, drained]) {
    const error = await nodes.failure(pending);
    assert.ok(pul.isPulsingError(error, "node-lost") && error.retryable, String(error));
    assert.equal(error.cause, dead);
  }
  await clock.advance(1_000); // both sides dial, and one gives way
  // Membership has dialled the member at once, to see whether it is there.
  for (const node of [near, far]) {
    assert.deepEqual([node.links.all.length, node.pendingCount], [1, 0]);
    assert.ok(!links.includes(node.links.all[0]));
  }
  assert.equal(await nodes.now(subject.echo(2)), 2);
});

// "Cannot use link to node X: Cannot use link to node X: it was declared dead"
test("the error of a link that was cut says once that it cannot be used", async () => {
  await using at = await pair();
  const { nodes, near, far, subject } = at;
  const call = subject.wait();
  call.catch(() => {});
  const { nodeId } = far.node;
  const text = `Cannot use link to node ${nodeId}: it was declared dead`;
  near.links.cut(nodeId, new pul.PulsingRuntimeError(text, { kind: "node-lost" }));
  const error = await nodes.failure(call);
  assert.equal((error as Error).message, text);
});
