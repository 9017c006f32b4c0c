/** Who does not know the passphrase gets nowhere, whatever it says and whatever it has overheard. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import type { Fence } from "../../lib/remote/fence.ts";
import {
  decodeRejection,
  encodeIntroduction,
  encodeRejection,
  type Introduction,
  isRejected,
} from "../../lib/remote/handshake.ts";
import { keyFence } from "../../lib/remote/passphrase.ts";
import { encodeValue } from "../../lib/wire/codec.ts";
import { FrameKind, MAGIC } from "../../lib/wire/frame.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";
import { BareNode, recordingLogger } from "../leak/bare_node.ts";
import { fields, rawFrame, RawPeer } from "./raw_peer.ts";

const FENCE = keyFence(new Uint8Array(32).fill(1));
const OTHER = keyFence(new Uint8Array(32).fill(2));
const NONCE = new Uint8Array(32).fill(0xd1);
const EMPTY = new Uint8Array(0);
const MAX = Number.MAX_SAFE_INTEGER;

/** A node inside the fence, with one actor that counts its calls. */
async function arena(fence: Fence | null = FENCE) {
  const clock = new ManualClock();
  const network = new pul.MemoryNetwork(clock);
  const transport = pul.memory(network);
  const logger = recordingLogger();
  const node = new BareNode({ clock, transport, logger, fence: fence ?? undefined });
  const address = await node.listen();
  let calls = 0;
  class Victim {
    call() {
      return ++calls;
    }
  }
  const { actorId } = await node.spawn(Victim);
  const ask = rawFrame(
    FrameKind.ask,
    fields(1, Uint8Array.of(1, ...fields(actorId, "call", EMPTY))),
  );
  const dispose = async () => {
    const ended = node[Symbol.asyncDispose]();
    await clock.advance(2 * pul.DEFAULT_LIMITS.shutdownTimeoutMs);
    await ended;
    assert.equal(clock.pendingTimers, 0);
  };
  /** Dials the node, and sends a frame after the other. */
  const dial = async () => {
    const dialling = RawPeer.dial(transport, address);
    await clock.settle();
    const peer = await dialling;
    const say = async (...bytes: readonly Uint8Array[]) => {
      peer.send(Uint8Array.from(bytes.flatMap((part) => [...part])));
      await clock.settle();
    };
    return { peer, say };
  };
  const errors = () => logger.lines.map(([, , known]) => known?.error);
  const at = { clock, transport, node, address, ask, dial, errors, calls: () => calls };
  return { ...at, [Symbol.asyncDispose]: dispose };
}

function helloOf(peer: RawPeer, more: Partial<Introduction> = { nonce: NONCE }): Uint8Array {
  return rawFrame(FrameKind.hello, encodeIntroduction({ ...peer.introduction("leak"), ...more }));
}

/** Says hello; the answer is the welcome of the node. */
async function greeted(at: Awaited<ReturnType<typeof arena>>) {
  const { peer, say } = await at.dial();
  const hello = helloOf(peer);
  await say(MAGIC, hello);
  const [welcome, confirm] = peer.frames;
  assert.deepEqual([welcome?.kind, confirm?.kind], [FrameKind.welcome, FrameKind.confirm]);
  const answer = rawFrame(FrameKind.welcome, welcome!.payload);
  return { peer, say, hello, answer, listenersProof: confirm!.payload };
}

function confirmed(proof: Uint8Array): Uint8Array {
  return rawFrame(FrameKind.confirm, proof);
}

/** The node is still there for those who belong to it. */
async function assertServes(at: Awaited<ReturnType<typeof arena>>) {
  const { peer, say, hello, answer } = await greeted(at);
  const before = at.calls();
  await say(confirmed(FENCE.prove("dialler", { hello, answer })), at.ask);
  assert.deepEqual([peer.ofKind(FrameKind.reply).length, at.calls()], [1, before + 1]);
  await at.clock.settle();
  const ended = peer.end();
  await at.clock.settle();
  await ended;
}

test("a dialler is linked when it has proven the passphrase, and not before", async () => {
  await using at = await arena();
  const { peer, say, hello, answer, listenersProof } = await greeted(at);
  assert.ok(FENCE.isProof(listenersProof, "listener", { hello, answer }));
  assert.deepEqual([at.node.links.all, at.node.cluster.members().length], [[], 1]);
  await say(confirmed(FENCE.prove("dialler", { hello, answer })));
  assert.equal(at.node.links.all[0]?.nodeId, peer.nodeId);
  await say(at.ask);
  assert.equal(at.calls(), 1);
});

const EARLY: Readonly<Record<string, (ask: Uint8Array) => readonly Uint8Array[]>> = {
  "a call": (ask) => [ask],
  "a call and the rest of the handshake": (ask) => [ask, confirmed(new Uint8Array(32))],
  "news of the cluster": () => [
    rawFrame(FrameKind.control, encodeValue({ kind: "gossip", members: [], entries: [] })),
  ],
  "a ping": () => [rawFrame(FrameKind.ping, EMPTY)],
  "a chunk": () => [rawFrame(FrameKind.chunk, new Uint8Array(2_000))],
  "a goodbye": () => [rawFrame(FrameKind.goodbye, EMPTY)],
  "a second hello": () => [rawFrame(FrameKind.hello, encodeValue({}))],
};
for (const [name, frames] of Object.entries(EARLY)) {
  test(`${name} before the confirm ends the connection and reaches nobody`, async () => {
    await using at = await arena();
    const { peer, say } = await greeted(at);
    await say(...frames(at.ask));
    assert.deepEqual([peer.isEnded, peer.frames.length], [true, 2]);
    assert.deepEqual([at.calls(), at.node.links.all], [0, []]);
    await assertServes(at);
  });
}

interface Overheard {
  readonly hello: Uint8Array;
  readonly answer: Uint8Array;
  readonly listenersProof: Uint8Array;
}

const WRONG: Readonly<Record<string, (said: Overheard) => Uint8Array>> = {
  "an empty proof": () => EMPTY,
  "a truncated proof": (said) => FENCE.prove("dialler", said).slice(0, 31),
  "an oversized proof": (said) => Uint8Array.of(...FENCE.prove("dialler", said), 0),
  "the listener's proof sent back": ({ listenersProof }) => listenersProof,
  "the proof of another passphrase": (said) => OTHER.prove("dialler", said),
  "a proof that differs in the last bit": (said) => {
    const proof = FENCE.prove("dialler", said);
    proof[31]! ^= 1;
    return proof;
  },
  "a proof about another hello": ({ hello, answer }) => {
    const changed = hello.slice();
    changed[changed.length - 1]! ^= 1;
    return FENCE.prove("dialler", { hello: changed, answer });
  },
  "a proof about another welcome": ({ hello, answer }) => {
    const changed = answer.slice();
    changed[changed.length - 1]! ^= 1;
    return FENCE.prove("dialler", { hello, answer: changed });
  },
};
for (const [name, proof] of Object.entries(WRONG)) {
  test(`${name} is refused by the listener`, async () => {
    await using at = await arena();
    const { peer, say, ...said } = await greeted(at);
    await say(confirmed(proof(said)), at.ask);
    const rejection = decodeRejection(peer.frames[2]!.payload);
    assert.equal(rejection.reason, "passphrase");
    assert.deepEqual([peer.isEnded, at.calls(), at.node.links.all], [true, 0, []]);
    assert.ok(at.errors().some((error) => isRejected(error, "passphrase")));
    await assertServes(at);
  });
}

test("a replayed handshake is refused: the listener has drawn another number", async () => {
  await using at = await arena();
  const { peer, say, hello, answer } = await greeted(at);
  const confirm = confirmed(FENCE.prove("dialler", { hello, answer }));
  await say(confirm);
  assert.equal(at.node.links.all.length, 1);
  const ended = peer.end();
  await at.clock.settle();
  await ended;
  const again = await at.dial();
  await again.say(MAGIC, hello, confirm, at.ask);
  assert.deepEqual([again.peer.isEnded, at.calls(), at.node.links.all], [true, 0, []]);
});

test("a second confirm is a breach", async () => {
  for (const fence of [FENCE, null]) {
    await using at = await arena(fence);
    const { peer, say } = await at.dial();
    const hello = helloOf(peer, fence === null ? {} : { nonce: NONCE });
    await say(MAGIC, hello);
    const answer = rawFrame(FrameKind.welcome, peer.frames[0]!.payload);
    const confirm = confirmed(FENCE.prove("dialler", { hello, answer }));
    if (fence !== null) await say(confirm);
    assert.equal(at.node.links.all.length, 1);
    await say(confirm, at.ask);
    assert.deepEqual([peer.isEnded, at.calls(), at.node.links.all], [true, 0, []]);
    const lost = at.errors().find((error) => pul.isPulsingError(error, "node-lost"));
    assert.ok(lost instanceof Error && pul.isPulsingError(lost.cause, "protocol-violation"));
  }
});

test("a nonce of the wrong length is no hello", async () => {
  for (const length of [0, 31, 33, 2_000]) {
    await using at = await arena();
    const { peer, say } = await at.dial();
    await say(MAGIC, helloOf(peer, { nonce: new Uint8Array(length) }));
    assert.deepEqual([peer.isEnded, peer.frames], [true, []], `${length} bytes`);
  }
});

test("a confirm before the hello is no handshake", async () => {
  await using at = await arena();
  const { peer, say } = await at.dial();
  await say(MAGIC, confirmed(new Uint8Array(32)));
  assert.deepEqual([peer.isEnded, peer.frames], [true, []]);
});

test("a dialler that never confirms is cut off with the handshake's time", async () => {
  await using at = await arena();
  const { peer } = await greeted(at);
  await at.clock.advance(pul.DEFAULT_LIMITS.handshakeTimeoutMs - 1);
  const before = peer.isEnded;
  await at.clock.advance(1);
  assert.deepEqual([before, peer.isEnded], [false, true]);
});

test("a shutdown while a confirm is awaited ends the connection without a word", async () => {
  const at = await arena();
  const { peer } = await greeted(at);
  await at[Symbol.asyncDispose]();
  assert.deepEqual([peer.isEnded, peer.frames.length], [true, 2]);
});

for (
  const [name, fence, more, message] of [
    ["without a passphrase", FENCE, {}, /listening node wants a passphrase/],
    [
      "with a passphrase that the listener has not",
      null,
      { nonce: NONCE },
      /dialling node wants a passphrase/,
    ],
  ] as const
) {
  test(`a dialler ${name} is refused, both are told`, async () => {
    await using at = await arena(fence);
    const { peer, say } = await at.dial();
    await say(MAGIC, helloOf(peer, more), at.ask);
    const { reason, message: told } = decodeRejection(peer.frames[0]!.payload);
    assert.deepEqual([reason, peer.isEnded, peer.frames.length], ["passphrase", true, 1]);
    assert.match(told, message);
    const error = at.errors().find((known) => isRejected(known, "passphrase"));
    assert.ok(error !== undefined && !error.retryable);
    assert.match(error.message, message);
    assert.equal(at.calls(), 0);
  });
}

/** A node inside the fence that dials somebody who answers by hand. */
async function dialling() {
  const at = await arena();
  const accepted: RawPeer[] = [];
  const listener = await at.transport.listen({
    address: "127.0.0.1:0",
    handshakeTimeoutMs: 1_000,
    accept: (connection) => void accepted.push(RawPeer.accept(connection)),
  });
  const outcome = at.node.links.dial(listener.address).then(() => undefined, (error) => error);
  await at.clock.settle();
  const [peer] = accepted;
  assert.ok(peer);
  const hello = rawFrame(FrameKind.hello, peer.frames[0]!.payload);
  const say = async (...bytes: readonly Uint8Array[]) => {
    peer.send(Uint8Array.from(bytes.flatMap((part) => [...part])));
    await at.clock.settle();
  };
  const welcome = (more: Partial<Introduction> = { nonce: NONCE }) =>
    rawFrame(FrameKind.welcome, encodeIntroduction({ ...peer.introduction("leak"), ...more }));
  const dispose = async () => {
    await listener.close();
    await at[Symbol.asyncDispose]();
  };
  return { ...at, peer, hello, say, welcome, outcome, accepted, [Symbol.asyncDispose]: dispose };
}

test("a listener that proves the passphrase is linked and gets a proof", async () => {
  await using at = await dialling();
  const { peer, hello, say, outcome } = at;
  const answer = at.welcome();
  await say(answer);
  assert.deepEqual([peer.frames.length, at.node.links.all], [1, []], "nothing before its proof");
  await say(confirmed(FENCE.prove("listener", { hello, answer })));
  assert.equal(await outcome, undefined);
  assert.equal(peer.frames[1]?.kind, FrameKind.confirm);
  assert.ok(FENCE.isProof(peer.frames[1]!.payload, "dialler", { hello, answer }));
});

test("a listener with another passphrase is told so, and not linked", async () => {
  await using at = await dialling();
  const { peer, hello, say, outcome } = at;
  const answer = at.welcome();
  await say(answer, confirmed(OTHER.prove("listener", { hello, answer })), at.ask);
  const error = await outcome;
  assert.ok(isRejected(error, "passphrase") && !error.retryable, String(error));
  assert.match(error.message, /^Cannot link to .*: the two nodes have different passphrases$/);
  assert.equal(decodeRejection(peer.frames[1]!.payload).reason, "passphrase");
  assert.deepEqual([peer.isEnded, at.calls(), at.node.links.all], [true, 0, []]);
});

test("a listener without a passphrase, of an older version, is not linked", async () => {
  await using at = await dialling();
  await at.say(at.welcome({}), at.ask);
  const error = await at.outcome;
  assert.ok(isRejected(error, "passphrase"), String(error));
  assert.match(error.message, /the dialling node wants a passphrase, the listening one has none/);
  assert.deepEqual([at.peer.isEnded, at.calls(), at.node.links.all], [true, 0, []]);
});

test("a listener that sends a call in place of its proof is not linked", async () => {
  await using at = await dialling();
  await at.say(at.welcome(), at.ask);
  assert.ok(pul.isPulsingError(await at.outcome, "handshake-failed"));
  assert.deepEqual([at.peer.isEnded, at.calls(), at.node.links.all], [true, 0, []]);
});

test("a dialler's hello sent to the dialler itself earns no proof", async () => {
  await using at = await dialling();
  const mirror = await at.dial();
  await mirror.say(MAGIC, at.hello);
  assert.equal(decodeRejection(mirror.peer.frames[0]!.payload).reason, "self");
  assert.deepEqual([mirror.peer.isEnded, mirror.peer.frames.length], [true, 1]);
});

const DEAD = { reason: "dead", message: "so they say", incarnation: MAX } as const;

test("a rejection as dead without a proof does not raise the incarnation", async () => {
  for (const fence of [undefined, OTHER]) {
    await using at = await dialling();
    const { hello, say, peer, outcome } = at;
    const answer = rawFrame(FrameKind.reject, encodeRejection(DEAD));
    await say(answer);
    if (fence !== undefined) await say(confirmed(fence.prove("listener", { hello, answer })));
    else {
      const ended = peer.end();
      await at.clock.settle();
      await ended;
    }
    const error = await outcome;
    assert.ok(pul.isPulsingError(error) && !isRejected(error, "dead"), String(error));
    assert.deepEqual([at.node.cluster.incarnation, at.accepted.length], [0, 1]);
  }
});

test("a rejection as dead with a proof is refuted at once", async () => {
  await using at = await dialling();
  const { hello, say } = at;
  const answer = rawFrame(FrameKind.reject, encodeRejection({ ...DEAD, incarnation: 4 }));
  await say(answer, confirmed(FENCE.prove("listener", { hello, answer })));
  assert.deepEqual([at.node.cluster.incarnation, at.accepted.length], [5, 2]);
});
