/** Each breach of the protocol by a linked peer has its answer: ignored, answered, or cut, typed. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { encodeValue } from "../../lib/wire/codec.ts";
import { FrameKind } from "../../lib/wire/frame.ts";
import { eventually, test } from "../harness.ts";
import { BareNode, recordingLogger } from "../leak/bare_node.ts";
import { fields, rawFrame, RawPeer } from "./raw_peer.ts";

const LIMITS: Partial<pul.Limits> = {
  maxMessageBytes: 200_000,
  maxInternedNames: 2,
  maxInternedNameBytes: 8,
  streamWindowItems: 8,
  maxStreams: 4,
};
const MAX = Number.MAX_SAFE_INTEGER;

class Holder {
  async hold(_value: unknown): Promise<void> {
    const { signal } = pul.context();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  }
  echo(value: unknown): unknown {
    return value;
  }
}

async function arena() {
  const logger = recordingLogger();
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const node = new BareNode({ clock: pul.systemClock, transport, limits: LIMITS, logger });
  const address = await node.listen();
  const cell = await node.spawn(Holder, "actors/holder");
  const peer = await RawPeer.link(transport, address, "leak");
  const link = node.links.get(peer.nodeId)!;
  const dispose = async () => {
    await peer.end();
    await node[Symbol.asyncDispose]();
    assert.equal(link.pendingCount, 0);
  };
  return { node, cell, peer, link, logger, [Symbol.asyncDispose]: dispose };
}

function call(actorId: string, method: string, body: Uint8Array = NOTHING): Uint8Array {
  return Uint8Array.of(1, ...fields(actorId, method, body));
}

/** A list that holds one stream of the peer. */
function streamArgument(id: number): Uint8Array {
  const bytes = new Uint8Array(11);
  bytes.set([0x91, 0xd7, 11]);
  new DataView(bytes.buffer).setFloat64(3, id);
  return bytes;
}

function hold(actorId: string, callId: number, streamId: number): Uint8Array {
  const body = call(actorId, "hold", streamArgument(streamId));
  return rawFrame(FrameKind.ask, fields(callId, body));
}

function items(streamId: number, sequences: readonly number[]): Uint8Array[] {
  return sequences.map((n) => rawFrame(FrameKind.item, fields(streamId, n, encodeValue(n))));
}

type Frames = (actorId: string) => readonly Uint8Array[];

const NOTHING = new Uint8Array(0);
const TOO_FAR = Array.from({ length: 9 }, (_, n) => n);
const unknownError = encodeValue({ name: "Error", message: "why" });

/** What a peer may say of things that are gone, or never were. */
const HARMLESS: Readonly<Record<string, Frames>> = {
  "a reply to a call never made": () => [rawFrame(FrameKind.reply, fields(2, encodeValue(1)))],
  "a failure of a call never made": () => [rawFrame(FrameKind.failure, fields(MAX, unknownError))],
  "a cancel of an unknown call": () => [rawFrame(FrameKind.cancel, fields(9, unknownError))],
  "an item of an unknown stream": () => items(3, [7]),
  "the end of an unknown stream": () => [rawFrame(FrameKind.end, fields(3, 7))],
  "a fault of an unknown stream": () => [rawFrame(FrameKind.fault, fields(3, 7, unknownError))],
  "credit for an unknown stream": () => [rawFrame(FrameKind.credit, fields(4, MAX, MAX))],
  "a stop of an unknown stream": () => [rawFrame(FrameKind.stop, fields(4))],
  "a drop of an unknown large message": () => [rawFrame(FrameKind.drop, fields(7))],
  "a large message that is never sent": () => [
    rawFrame(FrameKind.bulk, fields(1, 1, 200_000, Uint8Array.of(FrameKind.reply, 2))),
  ],
  "as many items as the window has": (actorId) => [
    hold(actorId, 1, 3),
    ...items(3, TOO_FAR.slice(1).map((n) => n - 1)),
  ],
  "control that is no message": () => [rawFrame(FrameKind.control, encodeValue([1, "x"]))],
};

/** What breaks the protocol, and how the error tells. */
const BREACHES: Readonly<Record<string, readonly [Frames, RegExp]>> = {
  "a length of 0": [() => [new Uint8Array(4)], /frame of 0 bytes/],
  "a length above the limit": [
    () => [Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 1)],
    /frame of 2147483647 bytes/,
  ],
  "a truncated field": [() => [rawFrame(FrameKind.stop, Uint8Array.of(0x80))], /truncated/],
  "a number above 2^53": [
    () => [rawFrame(FrameKind.stop, new Uint8Array(9).fill(0xff))],
    /out of range/,
  ],
  "a name never interned": [
    () => [rawFrame(FrameKind.tell, Uint8Array.of(0, 1))],
    /number 1: it was never interned/,
  ],
  "a name interned out of order": [
    () => [rawFrame(FrameKind.intern, Uint8Array.of(2, 0x61))],
    /out of order/,
  ],
  "more names than the limit": [
    () => [1, 2, 3].map((n) => rawFrame(FrameKind.intern, Uint8Array.of(n, 0x61))),
    /above limits/,
  ],
  "a name above the limit": [
    () => [rawFrame(FrameKind.intern, new Uint8Array(10).fill(1))],
    /above limits/,
  ],
  "an item beyond the credit": [
    (actorId) => [hold(actorId, 1, 3), ...items(3, TOO_FAR)],
    /no credit left/,
  ],
  "an item out of order": [
    (actorId) => [hold(actorId, 1, 3), ...items(3, [0, 2])],
    /item 2 of stream 3: expected item 1/,
  ],
  "an end that misses an item": [
    (actorId) => [hold(actorId, 1, 3), rawFrame(FrameKind.end, fields(3, 1))],
    /expected item 0/,
  ],
  "a chunk of an unknown message": [
    () => [rawFrame(FrameKind.chunk, Uint8Array.of(1, 1))],
    /unknown message/,
  ],
  "a chunk longer than its segment": [
    () => [
      rawFrame(FrameKind.bulk, fields(1, 1, 2, Uint8Array.of(FrameKind.reply, 2))),
      rawFrame(FrameKind.chunk, Uint8Array.of(1, 1)),
      rawFrame(FrameKind.chunk, Uint8Array.of(1, 1, 1)),
    ],
    /chunk too long/,
  ],
  "a large message above the limit": [
    () => [rawFrame(FrameKind.bulk, fields(1, 1, 200_001, Uint8Array.of(FrameKind.reply, 2)))],
    /maxMessageBytes/,
  ],
  "a large message of a number in use": [
    () => {
      const bulk = rawFrame(FrameKind.bulk, fields(1, 1, 2, Uint8Array.of(FrameKind.reply, 2)));
      return [bulk, bulk];
    },
    /id in use/,
  ],
  "a large message without segments": [
    () => [rawFrame(FrameKind.bulk, fields(1, 0, Uint8Array.of(FrameKind.reply, 2)))],
    /segment count/,
  ],
};

for (const [name, frames] of Object.entries(HARMLESS)) {
  test(`link goes on after ${name}`, async () => {
    await using at = await arena();
    for (const frame of frames(at.cell.actorId)) at.peer.send(frame);
    const echo = call(at.cell.actorId, "echo", encodeValue([7]));
    at.peer.send(rawFrame(FrameKind.ask, fields(99, echo)));
    await eventually(() => at.peer.ofKind(FrameKind.reply).length > 0, { what: "the reply" });
    const [reply] = at.peer.ofKind(FrameKind.reply);
    assert.deepEqual([...reply!.payload], [99, 7]);
    assert.ok(at.link.isOpen && !at.peer.isEnded);
  });
}

for (const [name, [frames, message]] of Object.entries(BREACHES)) {
  test(`link is cut with a typed error after ${name}`, async () => {
    await using at = await arena();
    for (const frame of frames(at.cell.actorId)) at.peer.send(frame);
    await eventually(() => at.peer.isEnded, { what: "the end of the link" });
    const line = at.logger.lines.find(([, text]) => text === "link ended");
    const lost = line?.[2]?.error;
    assert.ok(pul.isPulsingError(lost, "node-lost"), String(lost));
    const reason = lost.cause;
    assert.ok(pul.isPulsingError(reason, "protocol-violation"), String(reason));
    assert.match(reason.message, message);
    assert.deepEqual([at.node.links.all, at.link.isOpen], [[], false]);
    assert.equal(await at.cell.ref.ask({ __call__: "echo", args: [1] }), 1);
  });
}

test("a call with more streams than the limit fails alone, its streams are stopped", async () => {
  await using at = await arena();
  const streams = [3, 5, 7, 9, 11].flatMap((id) => [...streamArgument(id).slice(1)]);
  const body = call(at.cell.actorId, "hold", Uint8Array.of(0x91, 0x95, ...streams));
  at.peer.send(rawFrame(FrameKind.ask, fields(1, body)));
  await eventually(() => at.peer.ofKind(FrameKind.failure).length === 1);
  assert.deepEqual([at.peer.ofKind(FrameKind.stop).length, at.link.pendingCount], [4, 0]);
  assert.ok(at.link.isOpen);
});

test("credit far beyond the window lets the producer go on and nothing overflows", async () => {
  await using at = await arena();
  const numbers = (async function* () {
    for (let n = 0; n < 100; n++) yield n;
  })();
  const call = at.link.ask({ target: "somebody", method: "any", payload: [numbers] }).catch((
    error: unknown,
  ) => error);
  await eventually(() => at.peer.ofKind(FrameKind.item).length > 0, { what: "the first item" });
  const streamId = at.peer.ofKind(FrameKind.item)[0]!.payload[0]!;
  for (let n = 0; n < 5; n++) {
    at.peer.send(rawFrame(FrameKind.credit, fields(streamId, MAX, MAX)));
  }
  await eventually(() => at.peer.ofKind(FrameKind.end).length === 1);
  assert.equal(at.peer.ofKind(FrameKind.item).length, 100);
  await at.peer.end();
  assert.ok(pul.isPulsingError(await call, "node-lost"));
});
