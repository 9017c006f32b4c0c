/** Whatever a linked peer sends, the node lives on: the link continues or is cut, typed. */

import assert from "node:assert/strict";
import fc from "fast-check";
import * as pul from "../../mod.ts";
import type { Association } from "../../lib/remote/association.ts";
import { encodeValue } from "../../lib/wire/codec.ts";
import { FrameKind } from "../../lib/wire/frame.ts";
import { eventually, test } from "../harness.ts";
import { BareNode, recordingLogger } from "../leak/bare_node.ts";
import { fields, rawFrame, RawPeer } from "./raw_peer.ts";

const LIMITS: Partial<pul.Limits> = {
  maxPendingCalls: 40,
  maxStreams: 20,
  maxMessageBytes: 200_000,
  maxInternedNames: 30,
  maxBulkTransfers: 2,
  streamWindowItems: 8,
  chunkThresholdBytes: 4_096,
  chunkBytes: 4_096,
};

/** What may end a link: an error that says which rule was broken. */
const BREACHES: readonly pul.ErrorKind[] = [
  "protocol-violation",
  "not-decodable",
  "limit-exceeded",
];

class Victim {
  started = 0;
  ended = 0;
  echo(value: unknown): unknown {
    return value;
  }
  async wait(): Promise<void> {
    const { signal } = pul.context();
    this.started++;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve());
    });
    this.ended++;
  }
  async take(items: AsyncIterable<unknown>): Promise<number> {
    let count = 0;
    for await (const _item of items) count++;
    return count;
  }
  async *count(n: number): AsyncGenerator<number> {
    this.started++;
    try {
      for (let i = 0; i < n; i++) yield i;
    } finally {
      this.ended++;
    }
  }
  fail(): never {
    throw new pul.PulsingBusinessError(1, "no");
  }
  counts(): [number, number] {
    return [this.started, this.ended];
  }
}

const MAX = Number.MAX_SAFE_INTEGER;

/** Ids of streams of the peer, far from those that the node draws. */
const streamOfPeer = fc.nat(6).map((n) => 1_001 + 2 * n);

/** Ids of calls that the peer has waiting in the node. */
const WAITING = [91, 93, 95];

const id = fc.oneof(
  { weight: 8, arbitrary: fc.nat(13) },
  { weight: 3, arbitrary: streamOfPeer },
  fc.constantFrom(...WAITING),
  fc.constantFrom(2 ** 31 - 1, 2 ** 31 + 1, 2 ** 53 - 2, MAX),
  fc.maxSafeNat(),
);

/** A stream that the peer produces: extension 11. */
const streamBody = id.map((number) => {
  const bytes = new Uint8Array(10);
  bytes.set([0xd7, 11]);
  new DataView(bytes.buffer).setFloat64(2, number);
  return bytes;
});

const error = fc.oneof(
  fc.constantFrom({ name: "Error", message: "m" }, { type: "PulsingTimeoutError", operation: 1 }),
  fc.anything({ maxDepth: 2, withBigInt: true, withDate: true }),
).map(encodeOrNothing);

const listOf = (item: fc.Arbitrary<Uint8Array>) =>
  item.map((bytes) => Uint8Array.of(0x91, ...bytes));

const body = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.anything({ maxDepth: 3 }).map(encodeOrNothing),
  fc.array(fc.anything({ maxDepth: 1 }), { maxLength: 3 }).map(encodeOrNothing),
  streamBody,
  listOf(streamBody),
  fc.uint8Array({ maxLength: 30 }),
);

function encodeOrNothing(value: unknown): Uint8Array {
  try {
    return encodeValue(value);
  } catch {
    return new Uint8Array(0); // symbols, functions
  }
}

function callOf(actorId: string, ...more: string[]): fc.Arbitrary<Uint8Array> {
  const target = fc.oneof({ weight: 5, arbitrary: fc.constant(actorId) }, fc.string());
  const method = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom(...more, "echo", "take", "count", "fail", "nothing"),
    },
    fc.constantFrom("constructor", "__proto__", "onStop", "then", "", "toString"),
    id,
  );
  const caller = fc.oneof(
    fc.constantFrom("", "a", "a b", `${actorId} ${actorId} 127.0.0.1:1 actors/x`),
    id,
  );
  return fc.oneof(
    { weight: 6, arbitrary: fc.tuple(target, method, body).map(([t, m, b]) => flags(1, t, m, b)) },
    fc.tuple(target, method, id, caller, body).map(([t, m, ms, c, b]) => flags(7, t, m, ms, c, b)),
    fc.tuple(target, body).map(([t, b]) => flags(0, t, b)),
    fc.tuple(fc.nat(255), id, body).map(([f, t, b]) => flags(f, t, b)),
  );
}

function flags(bits: number, ...rest: (number | string | Uint8Array)[]): Uint8Array {
  return Uint8Array.of(bits, ...fields(...rest));
}

/** One frame that is in order by itself, with ids that need not be. */
function frameOf(actorId: string): fc.Arbitrary<Uint8Array> {
  const call = callOf(actorId);
  const number = fc.oneof(fc.nat(20), id);
  const askId = id;
  const numbers = (kind: number, count: number) =>
    fc.array(number, { minLength: count, maxLength: count })
      .map((values) => rawFrame(kind, fields(...values)));
  const withBody = (kind: number, count: number, tail: fc.Arbitrary<Uint8Array>) =>
    fc.tuple(fc.array(number, { minLength: count, maxLength: count }), tail)
      .map(([values, bytes]) => rawFrame(kind, fields(...values, bytes)));
  const heads = fc.oneof(
    fc.tuple(askId, call).map(([callId, c]) => [FrameKind.ask, ...fields(callId, c)]),
    call.map((c) => [FrameKind.tell, ...c]),
    fc.tuple(id, id).map(([stream, sequence]) => [FrameKind.item, ...fields(stream, sequence)]),
    id.map((callId) => [FrameKind.reply, ...fields(callId)]),
    fc.constant([FrameKind.control]),
    fc.uint8Array({ minLength: 1, maxLength: 8 }).map((bytes) => [...bytes]),
  );
  const lengths = fc.array(
    fc.oneof({ weight: 4, arbitrary: fc.nat(40) }, fc.constantFrom(200_000, 2 ** 32, MAX)),
    { maxLength: 3 },
  );
  const bulk = fc.tuple(number, lengths, heads).map(([bulkId, sizes, head]) =>
    rawFrame(
      FrameKind.bulk,
      fields(bulkId, sizes.length, ...sizes, Uint8Array.from(head)),
    )
  );
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(askId, callOf(actorId, "wait")).map(([n, c]) =>
        rawFrame(FrameKind.ask, fields(n, c))
      ),
    },
    { weight: 2, arbitrary: call.map((bytes) => rawFrame(FrameKind.tell, bytes)) },
    { weight: 2, arbitrary: withBody(FrameKind.reply, 1, body) },
    withBody(FrameKind.failure, 1, error),
    { weight: 2, arbitrary: withBody(FrameKind.cancel, 1, error) },
    { weight: 3, arbitrary: withBody(FrameKind.item, 2, body) },
    numbers(FrameKind.end, 2),
    withBody(FrameKind.fault, 2, error),
    { weight: 3, arbitrary: numbers(FrameKind.credit, 3) },
    numbers(FrameKind.stop, 1),
    withBody(FrameKind.intern, 1, fc.uint8Array({ maxLength: 20 })),
    { weight: 2, arbitrary: bulk },
    { weight: 2, arbitrary: withBody(FrameKind.chunk, 1, fc.uint8Array({ maxLength: 40 })) },
    numbers(FrameKind.drop, 1),
    withBody(FrameKind.control, 0, body),
    fc.constantFrom(...[1, 2, 3, 4, 5, 7, 0x7f, 0xff].map((k) => rawFrame(k, Uint8Array.of(4)))),
  );
}

type Damage = readonly ["none" | "cut" | "flip" | "twice" | "length", number];

const damage: fc.Arbitrary<Damage> = fc.tuple(
  fc.oneof(
    { weight: 12, arbitrary: fc.constant("none" as const) },
    fc.constantFrom("cut" as const, "flip" as const, "twice" as const, "length" as const),
  ),
  fc.nat(10_000),
);

function damaged(frame: Uint8Array, [what, where]: Damage): Uint8Array {
  const payload = frame.slice(5);
  switch (what) {
    case "none":
      return frame;
    case "cut":
      return rawFrame(frame[4]!, payload.slice(0, where % (payload.length + 1)));
    case "flip":
      if (payload.length > 0) payload[where % payload.length]! ^= 1 << (where % 8);
      return rawFrame(frame[4]!, payload);
    case "twice":
      return Uint8Array.of(...frame, ...frame);
    case "length": {
      const copy = frame.slice();
      new DataView(copy.buffer).setUint32(0, where % 3 === 0 ? 0xffff_ffff : where);
      return copy;
    }
  }
}

async function arena() {
  const logger = recordingLogger();
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const options = { clock: pul.systemClock, transport, limits: LIMITS };
  const node = new BareNode({ ...options, logger });
  const friend = new BareNode(options);
  const address = await node.listen();
  await friend.listen();
  const victim = await node.spawn(Victim, "actors/victim");
  const local = await node.spawn(Victim);
  const there = await friend.spawn(Victim, "actors/friend");
  return { node, friend, logger, transport, address, victim, local, there };
}

type Arena = Awaited<ReturnType<typeof arena>>;

/** Calls and streams of the node to the peer: what replies and credits may hit. */
function askPeer(link: Association) {
  const state = { settled: 0, opened: 0, closed: 0 };
  for (let n = 0; n < 3; n++) {
    const items = (async function* () {
      state.opened++;
      try {
        for (let i = 0; i < 20; i++) yield i;
      } finally {
        state.closed++;
      }
    })();
    const done = (value?: unknown) => {
      state.settled++;
      if (value instanceof pul.ReplyStream) void value.cancel();
    };
    link.ask({ target: "anybody", method: "any", payload: [items] }).then(done, done);
  }
  return state;
}

async function checkOthers({ node, friend, victim, local, there }: Arena): Promise<void> {
  assert.equal(await local.ref.ask({ __call__: "echo", args: [1] }), 1);
  assert.equal(await friend.refTo(victim).ask({ __call__: "echo", args: [2] }), 2);
  assert.equal(await node.refTo(there).ask({ __call__: "echo", args: [3] }), 3);
}

/** Waits until the node answers a ping or has cut the link. */
async function continuesOrEnds(peer: RawPeer): Promise<void> {
  const ping = rawFrame(FrameKind.ping, new Uint8Array(0));
  const hasAnswered = () => peer.isEnded || peer.ofKind(FrameKind.pong).length > 0;
  peer.send(ping);
  for (let turn = 0; turn < 4; turn++) {
    await new Promise<void>((resolve) => pul.systemClock.defer(resolve));
  }
  // A frame whose declared length was not there yet is filled up.
  if (!hasAnswered()) peer.send(Uint8Array.from({ length: 100_000 }, (_, i) => ping[i % 5]!));
  await eventually(hasAnswered, { what: "a pong or the end of the link" });
}

/** Sends frames over a new link and checks what must hold then. */
async function attack(at: Arena, pieces: readonly Uint8Array[]): Promise<void> {
  const { node, logger, transport, address } = at;
  logger.lines.length = 0;
  const peer = await RawPeer.link(transport, address, "leak");
  const link = node.links.get(peer.nodeId)!;
  const calls = askPeer(link);
  const wait = fields(at.victim.actorId, "wait");
  for (const callId of WAITING) {
    peer.send(rawFrame(FrameKind.ask, Uint8Array.of(callId, 1, ...wait)));
  }
  for (const piece of pieces) peer.send(piece);
  await continuesOrEnds(peer);
  assert.ok(link.pendingCount <= 2 * 40 + 2 * 20, `${link.pendingCount} pending`);
  await checkOthers(at);
  await peer.end();
  await eventually(() => !node.links.all.includes(link), { what: "the end of the link" });
  const ended = logger.lines.find(([, line, f]) =>
    line === "link ended" && f?.nodeId === peer.nodeId
  );
  const reason = ended?.[2]?.error;
  assert.ok(pul.isPulsingError(reason), String(reason));
  assert.ok(reason.kind === "node-lost" || BREACHES.includes(reason.kind), String(reason));
  await eventually(() => link.pendingCount === 0, { what: "nothing pending" });
  await eventually(() => calls.settled === 3, { what: "all calls to the peer settled" });
  await eventually(() => calls.opened === calls.closed, { what: "all streams to the peer closed" });
  await eventually(async () => {
    const [started, over] = await at.victim.ref.ask({ __call__: "counts", args: [] }) as number[];
    return started === over;
  }, { what: "all calls of the peer ended" });
}

async function fuzz(frames: (actorId: string) => fc.Arbitrary<Uint8Array[]>, numRuns: number) {
  await using disposables = new AsyncDisposableStack();
  const at = await arena();
  disposables.use(at.node);
  disposables.use(at.friend);
  await fc.assert(
    fc.asyncProperty(frames(at.victim.actorId), (pieces) => attack(at, pieces)),
    { numRuns, endOnFailure: true },
  );
  await eventually(() => at.node.pendingCount + at.friend.pendingCount === 0);
}

test("node outlives valid frames with ids that are not (property)", async () => {
  await fuzz((actorId) => fc.array(frameOf(actorId), { maxLength: 40 }), 300);
});

test("node outlives frames cut short, flipped, repeated, of a wrong length (property)", async () => {
  await fuzz((actorId) => {
    const piece = fc.tuple(frameOf(actorId), damage).map(([frame, how]) => damaged(frame, how));
    return fc.array(piece, { maxLength: 40 });
  }, 300);
});

test("node outlives random payloads of every kind (property)", async () => {
  const known = fc.constantFrom(...Object.values(FrameKind));
  const kind = fc.oneof(known, fc.nat(255));
  await fuzz(() => {
    const piece = fc.tuple(kind, fc.uint8Array({ maxLength: 30 }))
      .map(([number, payload]) => rawFrame(number, payload));
    return fc.array(piece, { maxLength: 20 });
  }, 300);
});

test("node outlives random bytes behind the handshake (property)", async () => {
  await fuzz(() => fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 4 }), 100);
});

test("system shuts down while peers flood it with hostile frames", async () => {
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const options = { addr: "127.0.0.1:0", transport, limits: LIMITS, logger: pul.silentLogger };
  await fc.assert(
    fc.asyncProperty(
      fc.array(frameOf("0".repeat(32)), { minLength: 5, maxLength: 30 }),
      async (pieces) => {
        const system = await pul.actorSystem(options);
        const victim = await system.spawnClass(Victim, { name: "victim" });
        const peers = await Promise.all(
          [1, 2, 3].map(() => RawPeer.link(transport, system.addr!, "pulsing")),
        );
        for (const peer of peers) for (const piece of pieces) peer.send(piece);
        assert.equal(await victim.echo(1), 1);
        await system.shutdown();
        await eventually(() => peers.every((peer) => peer.isEnded));
      },
    ),
    { numRuns: 30, endOnFailure: true },
  );
});
