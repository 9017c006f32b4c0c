/** The bytes of the handshake are frozen; a change is a change of the protocol. */

import assert from "node:assert/strict";
import { isPulsingError } from "../../lib/errors.ts";
import type { Association } from "../../lib/remote/association.ts";
import type { Fence } from "../../lib/remote/fence.ts";
import {
  decodeIntroduction,
  decodeRejection,
  encodeIntroduction,
  encodeRejection,
  type Introduction,
  isRejected,
  type Rejection,
  WRONG_PASSPHRASE,
} from "../../lib/remote/handshake.ts";
import { openLink } from "../../lib/remote/link_opening.ts";
import { deriveKey, keyFence } from "../../lib/remote/passphrase.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { encodeValue } from "../../lib/wire/codec.ts";
import { FrameKind, MAGIC } from "../../lib/wire/frame.ts";
import { memory, MemoryNetwork } from "../../transports/memory.ts";
import { test } from "../harness.ts";
import { BareNode } from "../leak/bare_node.ts";
import vectors from "./handshake.json" with { type: "json" };
import { RecordingConnection } from "./recording_connection.ts";

const GOLDEN: Readonly<Record<string, string>> = vectors;

const SILENT: Introduction = {
  protocol: { oldest: 1, newest: 1 },
  cluster: "pulsing",
  nodeId: "00112233445566778899aabbccddeeff",
  incarnation: 0,
  address: undefined,
  features: [],
  window: { items: 1, bytes: 1 },
  isOnlyLink: false,
};
const FULL: Introduction = {
  protocol: { oldest: 1, newest: 1_000 },
  cluster: "pulsing",
  nodeId: "ffeeddccbbaa99887766554433221100",
  incarnation: Number.MAX_SAFE_INTEGER,
  address: "127.0.0.1:7946",
  features: ["of", "tomorrow"],
  window: { items: 1_024, bytes: 2 ** 31 },
  isOnlyLink: true,
};

const INTRODUCTIONS: Readonly<Record<string, Introduction>> = {
  "hello, of a node that does not listen": SILENT,
  "hello, of the only link, all fields": FULL,
  "hello, of a worker": { ...SILENT, role: "worker" },
  "welcome, of a node that does not listen": SILENT,
  "welcome, all fields": FULL,
  "welcome, to a dialler that is seen": { ...SILENT, seenAs: "10.0.0.2" },
};

const REJECTIONS: Readonly<Record<string, Rejection>> = {
  "reject, protocol": { reason: "protocol", message: "versions" },
  "reject, cluster": { reason: "cluster", message: "grün" },
  "reject, passphrase": WRONG_PASSPHRASE,
  "reject, self": { reason: "self", message: "one node" },
  "reject, duplicate": { reason: "duplicate", message: "both dialled" },
  "reject, duplicate, who refuses": {
    reason: "duplicate",
    message: "both dialled",
    nodeId: "00112233445566778899aabbccddeeff",
  },
  "reject, busy": { reason: "busy", message: "too many links" },
  "reject, shutdown": { reason: "shutdown", message: "" },
  "reject, dead": { reason: "dead", message: "declared dead", incarnation: 7 },
};

/** Of a node with a passphrase: the key, and what both sides have drawn. */
const KEY = Uint8Array.from({ length: 32 }, (_, index) => index);
const DIALLER = { ...FULL, nonce: new Uint8Array(32).fill(0xd1) };
const LISTENER = { ...SILENT, nonce: new Uint8Array(32).fill(0x15) };
const DEAD: Rejection = { reason: "dead", message: "declared dead", incarnation: 7 };
const FENCED = [
  "with a passphrase: hello",
  "with a passphrase: welcome and confirm",
  "with a passphrase: confirm of the dialler",
  "with a passphrase: reject as dead and confirm",
];

/** One end of a connection, with nothing behind it. */
function end(
  isDialler: boolean,
  introduction: Introduction,
  rejection?: Rejection,
  remoteAddress?: string,
  fence?: Fence,
) {
  const connection = new RecordingConnection(remoteAddress);
  const clock = new ManualClock();
  const { host } = new BareNode({ clock, transport: memory(new MemoryNetwork(clock)), fence });
  const link = openLink({
    host,
    connection,
    isDialler,
    introduction,
    signal: new AbortController().signal,
    refuse: () => rejection,
    giveWay: () => undefined,
    onUp: () => {},
    onEnded: () => {},
  });
  const outcome = link.catch((error: unknown) => error);
  return { connection, clock, outcome, take: () => connection.take().toHex() };
}

function other(introduction: Introduction): Introduction {
  return { ...introduction, nodeId: "0".repeat(32) };
}

function frame(kind: number, body: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, body.length + 1);
  return Uint8Array.of(...length, kind, ...body);
}

test("handshake vectors stand for every message and every reason", () => {
  assert.deepEqual(Object.keys(GOLDEN), [
    ...Object.keys(INTRODUCTIONS),
    ...Object.keys(REJECTIONS),
    ...FENCED,
  ]);
});

for (const [name, introduction] of Object.entries(INTRODUCTIONS)) {
  const isHello = name.startsWith("hello");
  test(`openLink keeps the frozen bytes of ${name}`, () => {
    const { seenAs, ...said } = introduction;
    const writing = end(isHello, said, undefined, seenAs && `${seenAs}:41234`);
    if (!isHello) {
      const hello = frame(FrameKind.hello, encodeIntroduction(other(introduction)));
      writing.connection.receive(Uint8Array.of(...MAGIC, ...hello));
    }
    assert.equal(writing.take(), GOLDEN[name]);
    writing.connection.abort();
  });

  test(`openLink reads ${name}`, async () => {
    const reading = end(!isHello, other(introduction));
    reading.connection.receive(Uint8Array.fromHex(GOLDEN[name] ?? ""));
    const link = await reading.outcome as Association;
    assert.deepEqual(link.peer, introduction);
    link.close();
    assert.equal(reading.clock.pendingTimers, 0);
  });
}

for (const [name, rejection] of Object.entries(REJECTIONS)) {
  test(`openLink keeps the frozen bytes of ${name}`, async () => {
    const writing = end(false, SILENT, rejection);
    const hello = frame(FrameKind.hello, encodeIntroduction(FULL));
    writing.connection.receive(Uint8Array.of(...MAGIC, ...hello));
    assert.equal(writing.take(), GOLDEN[name]);
    assert.ok(isPulsingError(await writing.outcome, "handshake-failed"));
    assert.ok(writing.connection.isEnded);
  });

  test(`openLink reads ${name}`, async () => {
    const reading = end(true, FULL);
    reading.connection.receive(Uint8Array.fromHex(GOLDEN[name] ?? ""));
    const error = await reading.outcome;
    assert.ok(isRejected(error, rejection.reason) && error.kind === "handshake-failed");
    assert.equal(error.incarnation, rejection.incarnation);
    assert.ok(error.message.endsWith(`: ${rejection.message}`), error.message);
    assert.equal(error.nodeId, rejection.nodeId);
    assert.deepEqual([reading.connection.isEnded, reading.clock.pendingTimers], [true, 0]);
  });
}

/** One end of a connection between two nodes of {@link KEY}. */
function fenced(isDialler: boolean, rejection?: Rejection) {
  const introduction = isDialler ? DIALLER : LISTENER;
  const side = end(isDialler, introduction, rejection, undefined, keyFence(KEY));
  const receive = (hex = "") => side.connection.receive(Uint8Array.fromHex(hex));
  return { ...side, receive };
}

test("openLink keeps the frozen bytes with a passphrase, and reads them", async () => {
  const [hello, welcome, confirm] = FENCED.map((name) => GOLDEN[name]);
  const [dialler, listener] = [fenced(true), fenced(false)];
  assert.equal(dialler.take(), hello);
  listener.receive(hello);
  assert.equal(listener.take(), welcome);
  dialler.receive(welcome);
  assert.equal(dialler.take(), confirm);
  listener.receive(confirm);
  for (const [side, peer] of [[dialler, LISTENER], [listener, DIALLER]] as const) {
    const link = await side.outcome as Association;
    assert.deepEqual(link.peer, peer);
    link.close();
    assert.equal(side.clock.pendingTimers, 0);
  }
});

test("openLink keeps the frozen bytes of a proven rejection, and reads them", async () => {
  const [hello, , , rejected] = FENCED.map((name) => GOLDEN[name]);
  const [dialler, listener] = [fenced(true), fenced(false, DEAD)];
  listener.receive(hello);
  assert.equal(listener.take(), rejected);
  dialler.receive(rejected);
  const error = await dialler.outcome;
  assert.ok(isRejected(error, "dead") && error.incarnation === 7, String(error));
});

test("the key of a passphrase is frozen", () => {
  const key = deriveKey("correct horse battery staple", "pulsing");
  assert.equal(key.toHex(), "0cde70b5c503735cbf7d48db8c293cc3fa28acfa6610f7c3e07a35ea3274ba51");
});

test("handshake skips fields that it does not know", () => {
  const introduction = encodeValue({
    tomorrow: [1],
    ...FULL,
    protocol: { ...FULL.protocol, x: 1 },
  });
  const { protocol, ...rest } = decodeIntroduction(introduction);
  assert.deepEqual([protocol.oldest, protocol.newest], [1, 1_000]);
  assert.deepEqual({ ...rest, protocol: FULL.protocol }, FULL);
  const rejection = encodeValue({ message: "later", reason: "moon", retryAfter: 5 });
  assert.deepEqual(decodeRejection(rejection), { reason: "moon", message: "later" });
  assert.equal(encodeRejection({ reason: "busy", message: "later" }).length > 0, true);
});

test("handshake refuses every field that is missing or malformed", () => {
  const broken: Readonly<Record<string, readonly unknown[]>> = {
    protocol: [undefined, 1, { oldest: 2, newest: 1 }, { oldest: -1, newest: 1 }, { oldest: 1 }],
    cluster: [undefined, 7],
    nodeId: [undefined, "", "A".repeat(32), "0".repeat(31)],
    incarnation: [undefined, -1, 1.5, 2 ** 53, "0"],
    address: [7, "x".repeat(257)],
    features: [undefined, "a", [1], ["x".repeat(257)]],
    seenAs: [7, "x".repeat(257)],
    nonce: [7, null, "x".repeat(32), new Uint8Array(0), new Uint8Array(31), new Uint8Array(33)],
    window: [undefined, { items: 0, bytes: 1 }, { items: 1, bytes: 0 }, { items: 1 }],
  };
  for (const [field, values] of Object.entries(broken)) {
    for (const value of values) {
      const bytes = encodeValue({ ...FULL, [field]: value });
      assert.throws(
        () => decodeIntroduction(bytes),
        (error) => isPulsingError(error, "handshake-failed"),
        `${field}: ${JSON.stringify(value)}`,
      );
    }
  }
});

test("a rejection of the dead refuses an incarnation that is missing or malformed", () => {
  for (const incarnation of [undefined, -1, 1.5, 2 ** 53, "0"]) {
    const bytes = encodeValue({ reason: "dead", message: "declared dead", incarnation });
    assert.throws(
      () => decodeRejection(bytes),
      (error) => isPulsingError(error, "handshake-failed"),
      String(incarnation),
    );
  }
});

test("openLink ends a connection whose first frame is no part of the handshake", async () => {
  for (const kind of [FrameKind.ping, FrameKind.welcome, FrameKind.reject, FrameKind.ask, 0x7f]) {
    const listener = end(false, SILENT);
    listener.connection.receive(Uint8Array.of(...MAGIC, ...frame(kind, new Uint8Array(0))));
    assert.ok(isPulsingError(await listener.outcome, "handshake-failed"), `kind ${kind}`);
    assert.deepEqual([listener.connection.isEnded, listener.take()], [true, ""]);
  }
});

async function opened() {
  const listener = end(false, SILENT);
  listener.connection.receive(Uint8Array.fromHex(GOLDEN["hello, of the only link, all fields"]!));
  const link = await listener.outcome as Association;
  listener.take();
  const say = async (bytes: Uint8Array) => {
    listener.connection.receive(bytes);
    await listener.clock.settle();
    return listener.take();
  };
  return { ...listener, link, say };
}

test("a frame of an unknown kind is answered with its kind and the link goes on", async () => {
  const known: readonly number[] = Object.values(FrameKind);
  const { link, say } = await opened();
  for (let kind = 0; kind < 256; kind++) {
    if (known.includes(kind)) continue;
    const answer = await say(frame(kind, Uint8Array.of(1, 2, 3)));
    const number = kind < 128 ? [kind] : [kind & 0x7f | 0x80, kind >> 7];
    assert.equal(answer, frame(FrameKind.unknown, Uint8Array.from(number)).toHex());
  }
  assert.equal(await say(frame(FrameKind.ping, new Uint8Array(0))), "0000000105");
  assert.ok(link.isOpen);
  link.close();
});

test("a frame that tells of an unknown kind is not answered", async () => {
  const { link, say } = await opened();
  assert.equal(await say(frame(FrameKind.unknown, Uint8Array.of(0x7f))), "");
  assert.ok(link.isOpen);
  link.close();
});
