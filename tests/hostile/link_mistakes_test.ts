/** What a linked peer, or a slip of ours, once did to a link: each with the name of the mistake. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { encodeValue } from "../../lib/wire/codec.ts";
import { FrameKind } from "../../lib/wire/frame.ts";
import { eventually, test } from "../harness.ts";
import { BareNode, recordingLogger } from "../leak/bare_node.ts";
import { fields, rawFrame, RawPeer } from "./raw_peer.ts";

class Victim {
  static waiting = 0;
  static echoed = 0;
  echo(v: unknown) {
    Victim.echoed++;
    return v;
  }
  take(_s: unknown) {
    return 1;
  }
  async wait() {
    const { signal } = pul.context();
    Victim.waiting++;
    await new Promise<void>((r) => signal.addEventListener("abort", () => r()));
    Victim.waiting--;
  }
  failWithStream(): never {
    throw new pul.PulsingBusinessError(
      1,
      "no",
      (async function* () {
        yield 1;
      })(),
    );
  }
}

async function arena(limits: Partial<pul.Limits> = {}) {
  Victim.waiting = 0;
  Victim.echoed = 0;
  const logger = recordingLogger();
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const options = { clock: pul.systemClock, transport, limits, logger };
  const node = new BareNode(options);
  const address = await node.listen();
  const cell = await node.spawn(Victim, "actors/victim");
  const client = new BareNode({ clock: pul.systemClock, transport });
  const peer = await RawPeer.link(transport, address, "leak");
  const link = node.links.get(peer.nodeId)!;
  const sync = async () => {
    const n = peer.ofKind(FrameKind.pong).length;
    peer.send(rawFrame(FrameKind.ping, new Uint8Array(0)));
    await eventually(() => peer.isEnded || peer.ofKind(FrameKind.pong).length > n);
  };
  return {
    node,
    cell,
    client,
    peer,
    link,
    sync,
    logger,
    address,
    id: cell.actorId,
    async [Symbol.asyncDispose]() {
      await peer.end();
      await client[Symbol.asyncDispose]();
      await node[Symbol.asyncDispose]();
    },
  };
}
const streamBody = (id: number) => {
  const b = new Uint8Array(10);
  b.set([0xd7, 11]);
  new DataView(b.buffer).setFloat64(2, id);
  return b;
};
const list = (b: Uint8Array) => Uint8Array.of(0x91, ...b);
const call = (id: string, method: string, body: Uint8Array = new Uint8Array(0)) =>
  Uint8Array.of(1, ...fields(id, method, body));

test("a failure that cannot be read is the caller's error all the same", async () => {
  await using at = await arena();
  let settled = false;
  at.link.ask({ target: "x", method: "m", payload: [] }).then(() => {}, () => settled = true);
  await eventually(() => at.peer.ofKind(FrameKind.ask).length === 1);
  const callId = at.peer.ofKind(FrameKind.ask)[0]!.payload[0]!;
  at.peer.send(rawFrame(FrameKind.failure, Uint8Array.of(callId, 0xc1)));
  await at.sync();
  await eventually(() => settled, { timeoutMs: 500, what: "the caller's error" });
});

test("a call id that is in use is a breach, no call is forgotten", async () => {
  await using at = await arena();
  const ask = rawFrame(FrameKind.ask, Uint8Array.of(1, ...call(at.id, "wait")));
  at.peer.send(Uint8Array.of(...ask, ...ask));
  await at.sync();
  await at.peer.end();
  await eventually(() => Victim.waiting === 0, { timeoutMs: 500, what: "no call waiting" });
});

test("a stream id of the reader's own half is a breach, its own stream ends", async () => {
  await using at = await arena();
  let closed = false;
  const items = (async function* () {
    try {
      for (let i = 0;; i++) yield i;
    } finally {
      closed = true;
    }
  })();
  at.link.ask({ target: "x", method: "m", payload: [items] }).catch(() => {});
  await eventually(() => at.peer.ofKind(FrameKind.item).length > 0);
  const streamId = at.peer.ofKind(FrameKind.item)[0]!.payload[0]!;
  at.peer.send(rawFrame(FrameKind.reply, fields(99, streamBody(streamId))));
  await at.sync();
  await at.peer.end();
  await eventually(() => closed, { timeoutMs: 500, what: "the producer's finally" });
});

test("a call with id 0 is a breach", async () => {
  await using at = await arena();
  at.peer.send(rawFrame(FrameKind.ask, fields(0, call(at.id, "echo"))));
  await at.sync();
  assert.ok(at.peer.isEnded, "call id 0 was taken as a tell");
});

test("calls behind a large message that never comes are bounded", async () => {
  await using at = await arena({ maxPendingCalls: 10, mailboxCapacity: 4, mailboxWaiters: 4 });
  const head = Uint8Array.of(FrameKind.tell, ...call(at.id, "echo"));
  at.peer.send(rawFrame(FrameKind.bulk, fields(1, 1, 100, head)));
  for (let n = 0; n < 2_000; n++) {
    at.peer.send(rawFrame(FrameKind.ask, fields(2 * n + 1, call(at.id, "echo", encodeValue([1])))));
  }
  await at.sync();
  assert.ok(at.peer.isEnded || at.link.pendingCount <= 20, `${at.link.pendingCount} held`);
});

test("items behind a large item are bounded by the window", async () => {
  await using at = await arena({ streamWindowItems: 8 });
  at.peer.send(rawFrame(FrameKind.ask, fields(1, call(at.id, "take", list(streamBody(3))))));
  at.peer.send(rawFrame(FrameKind.bulk, fields(1, 1, 100, Uint8Array.of(FrameKind.item, 3, 0))));
  for (let n = 1; n < 2_000; n++) {
    at.peer.send(rawFrame(FrameKind.item, fields(3, n, encodeValue(n))));
  }
  await at.sync();
  assert.ok(at.peer.isEnded, "2 000 items were held with a window of 8");
});

test("a large message with id 0 is a breach", async () => {
  await using at = await arena();
  at.peer.send(
    rawFrame(
      FrameKind.bulk,
      fields(0, 1, 1, Uint8Array.of(FrameKind.tell, ...call(at.id, "echo"))),
    ),
  );
  at.peer.send(rawFrame(FrameKind.chunk, Uint8Array.of(0, 0x90)));
  at.peer.send(rawFrame(FrameKind.ask, Uint8Array.of(1, ...call(at.id, "echo"))));
  await at.sync();
  assert.ok(at.peer.isEnded || at.link.pendingCount === 0, "the lane is stuck for ever");
});

test("a stream argument of a call to a stopped actor is stopped", async () => {
  await using at = await arena();
  const worker = at.client.refTo(at.cell).asType(Victim);
  await worker.echo(1);
  await at.cell.stop();
  let closed = false;
  const items = (async function* () {
    try {
      for (let i = 0;; i++) yield i;
    } finally {
      closed = true;
    }
  })();
  await assert.rejects(worker.take(items), /stopped/);
  await eventually(() => closed && at.client.pendingCount === 0, {
    timeoutMs: 500,
    what: "the producer's end",
  });
});

test("a stream in an error's details is left out", async () => {
  await using at = await arena();
  const worker = at.client.refTo(at.cell).asType(Victim);
  await assert.rejects(worker.failWithStream());
  await eventually(() => at.client.pendingCount === 0, {
    timeoutMs: 500,
    what: "no stream at the caller",
  });
  await eventually(() => at.link.pendingCount === 0 && at.node.pendingCount === 0, {
    timeoutMs: 500,
    what: "no stream at the callee",
  });
});

test("an entry of the highest version does not make our own name unreadable", async () => {
  await using at = await arena();
  const entry = {
    nodeId: at.node.node.nodeId,
    path: "actors/victim",
    actorId: "0".repeat(32),
    version: Number.MAX_SAFE_INTEGER,
    state: "live",
  };
  at.peer.send(
    rawFrame(FrameKind.control, encodeValue({ kind: "gossip", members: [], entries: [entry] })),
  );
  await at.sync();
  const worker = await (async () => {
    await at.client.links.dial(at.address);
    return await at.client.cluster.resolve("actors/victim", { timeoutMs: 1_000 });
  })();
  assert.equal(worker.actorId, at.id);
});

test("heads of announced messages are bounded", async () => {
  await using at = await arena({ outboxCapacityBytes: 100_000 });
  const head = new Uint8Array(60_000);
  head[0] = FrameKind.reply;
  for (let n = 1; n <= 200; n++) at.peer.send(rawFrame(FrameKind.bulk, fields(n, 1, 1, head)));
  await at.sync();
  assert.ok(at.peer.isEnded, "12 MB of heads are held");
});

test("an empty chunk does not stand for a whole segment", async () => {
  await using at = await arena();
  const body = encodeValue(["abc"]);
  at.peer.send(
    rawFrame(
      FrameKind.bulk,
      fields(1, 1, body.length, Uint8Array.of(FrameKind.ask, 1, ...call(at.id, "echo"))),
    ),
  );
  at.peer.send(rawFrame(FrameKind.chunk, Uint8Array.of(1)));
  await at.sync();
  assert.equal(
    at.peer.ofKind(FrameKind.reply).length + at.peer.ofKind(FrameKind.failure).length,
    0,
  );
});

test("streams in a tell that reaches nobody are stopped", async () => {
  await using at = await arena();
  at.peer.send(rawFrame(FrameKind.tell, call("nobody", "take", list(streamBody(3)))));
  await at.sync();
  assert.equal(at.link.pendingCount, 0);
});

test("a second hello is a breach", async () => {
  await using at = await arena();
  at.peer.send(rawFrame(FrameKind.hello, new Uint8Array(0)));
  await at.sync();
  assert.ok(at.peer.isEnded, "it is answered as an unknown kind");
});

test("a stream in a control message is stopped", async () => {
  await using at = await arena();
  at.peer.send(rawFrame(FrameKind.control, streamBody(5)));
  await at.sync();
  assert.ok(at.peer.isEnded || at.link.pendingCount === 0, "one stream for ever");
});

test("a peer that does not read its answers is not read either", async () => {
  await using at = await arena({ outboxCapacityBytes: 100_000, outboxHighWaterBytes: 50_000 });
  at.peer.pause();
  const body = encodeValue(["x".repeat(1_000)]);
  for (let n = 0; n < 2_000; n++) {
    at.peer.send(rawFrame(FrameKind.ask, fields(2 * n + 1, call(at.id, "echo", body))));
    if (n % 20 === 0) await new Promise<void>((resolve) => pul.systemClock.defer(resolve));
  }
  for (let turn = 0; turn < 100; turn++) {
    await new Promise<void>((resolve) => pul.systemClock.defer(resolve));
  }
  assert.ok(Victim.echoed < 300, `${Victim.echoed} answers were made`);
  at.peer.resume();
  await eventually(() => at.peer.ofKind(FrameKind.reply).length === 2_000, { timeoutMs: 5_000 });
});
