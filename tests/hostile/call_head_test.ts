/** Malformed heads of calls and frames of watches: the link is cut, or goes on; nothing crashes. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { checkCallOptions } from "../../lib/actor/call_options.ts";
import { CallFlag, readCallHead, writeCallHead } from "../../lib/remote/call_head.ts";
import { MAX_HEADER_LENGTH, MAX_WAITING_ACTORS } from "../../lib/limits.ts";
import { HeadReader } from "../../lib/remote/head_reader.ts";
import { ReceivedNames, type SentNames } from "../../lib/remote/names.ts";
import { ByteWriter } from "../../lib/wire/byte_writer.ts";
import { encodeValue } from "../../lib/wire/codec.ts";
import { FrameKind } from "../../lib/wire/frame.ts";
import { eventually, test } from "../harness.ts";
import { BareNode, recordingLogger } from "../leak/bare_node.ts";
import { fields, rawFrame, RawPeer } from "./raw_peer.ts";

const LIMITS: Partial<pul.Limits> = { watches: 3 };
const TRACE = new Uint8Array(25).fill(7);

class Echo {
  echo(value: unknown): unknown {
    const { headers, traceparent, deadlineMs, caller } = pul.context();
    return {
      value,
      headers: Object.entries(headers),
      traceparent,
      deadlineMs,
      caller: caller?.actorId,
    };
  }
}

async function arena(clock: pul.Clock = pul.systemClock) {
  const logger = recordingLogger();
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const node = new BareNode({ clock, transport, limits: LIMITS, logger });
  const address = await node.listen();
  const cell = await node.spawn(Echo, "actors/echo");
  const peer = await RawPeer.link(transport, address, "leak");
  const link = node.links.get(peer.nodeId)!;
  const dispose = async () => {
    await peer.end();
    await node[Symbol.asyncDispose]();
    assert.equal(link.pendingCount, 0);
  };
  return { node, cell, peer, link, logger, [Symbol.asyncDispose]: dispose };
}

type Field = number | string | Uint8Array;

/** An ask of `echo` with these flags and the fields they stand for. */
function ask(actorId: string, flags: number, more: readonly Field[]): Uint8Array {
  const head = fields(1, Uint8Array.of(flags | CallFlag.method), actorId, "echo", ...more);
  return rawFrame(FrameKind.ask, head);
}

/** A text with its length, as it stands in a header. */
function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return fields(bytes.length, bytes);
}

const ONE = encodeValue([1]);
const { deadline, caller, trace, waiting, headers } = CallFlag;

/** What a peer may say. */
const FINE: Readonly<Record<string, readonly [flags: number, more: readonly Field[]]>> = {
  "no optional field": [0, [ONE]],
  "flags that this version does not know": [64 | 128, [ONE]],
  "a deadline of 0": [deadline, [0, ONE]],
  "a deadline of 2^53": [deadline, [Number.MAX_SAFE_INTEGER, ONE]],
  "a caller that is no address": [caller, ["nonsense", ONE]],
  "an empty caller": [caller, ["", ONE]],
  "a caller of odd parts": [caller, ["a b c d e f g", ONE]],
  "a trace of zeros": [trace, [new Uint8Array(25), ONE]],
  "any trace": [trace, [TRACE, ONE]],
  "nobody waiting": [waiting, [0, ONE]],
  "as many waiting as may be": [waiting, [
    MAX_WAITING_ACTORS,
    ...someWaiting(MAX_WAITING_ACTORS),
    ONE,
  ]],
  "a waiting actor without id or name": [waiting, [1, " ", 1, ONE]],
  "no headers": [headers, [0, ONE]],
  "64 headers": [headers, [64, ...Array.from({ length: 128 }, (_, n) => text(`${n}`)), ONE]],
  "the same header twice": [headers, [2, text("a"), text("1"), text("a"), text("2"), ONE]],
  "a header __proto__": [headers, [1, text("__proto__"), text("polluted"), ONE]],
  "a header that is no UTF-8": [headers, [1, fields(2, Uint8Array.of(0xff, 0xc0)), text("x"), ONE]],
  "everything": [
    deadline | caller | trace | waiting | headers,
    [60_000, "a b", TRACE, 1, "x", 1, 1, text("a"), text("b"), ONE],
  ],
};

function someWaiting(count: number): Field[] {
  return Array.from({ length: count }, (_, n) => [`${n} actors/${n}`, n]).flat();
}

/** What breaks the protocol, and how the error tells. */
const BREACHES: Readonly<Record<string, readonly [number, readonly Field[], RegExp]>> = {
  "a truncated deadline": [deadline, [Uint8Array.of(0x80)], /truncated/],
  "a deadline above 2^53": [deadline, [new Uint8Array(9).fill(0xff)], /out of range/],
  "a caller that was never interned": [caller, [9], /number 9: it was never interned/],
  "a caller longer than the frame": [caller, [0, 100], /truncated/],
  "a truncated trace": [trace, [TRACE.subarray(1)], /truncated/],
  "no trace": [trace, [], /truncated/],
  "too many waiting": [
    waiting,
    [MAX_WAITING_ACTORS + 1, ...someWaiting(MAX_WAITING_ACTORS + 1), ONE],
    /65 parts where 64/,
  ],
  "2^53 waiting": [waiting, [Number.MAX_SAFE_INTEGER], /parts where 64/],
  "fewer waiting than said": [waiting, [2, "a", 1], /truncated/],
  "a waiting actor without its serial": [waiting, [1, "a"], /truncated/],
  "too many headers": [headers, [65], /65 parts where 64/],
  "2^53 headers": [headers, [Number.MAX_SAFE_INTEGER], /parts where 64/],
  "fewer headers than said": [headers, [2, text("a"), text("b")], /truncated/],
  "a header longer than the frame": [headers, [1, 100_000], /truncated/],
  "headers of one character too many": [
    headers,
    [2, text("k"), text("ä".repeat(MAX_HEADER_LENGTH - 4)), text("kk"), text("vv"), ONE],
    /its headers have more than 65536 characters/,
  ],
  "a header of more bytes than any of that length has": [
    headers,
    [1, text("k"), 3 * MAX_HEADER_LENGTH],
    /its headers have more than 65536 characters/,
  ],
  "a header name that is too long": [
    headers,
    [1, text("k".repeat(MAX_HEADER_LENGTH + 1))],
    /its headers have more than 65536 characters/,
  ],
  "a header without a text": [headers, [1, text("a")], /truncated/],
};

for (const [name, [flags, more]] of Object.entries(FINE)) {
  test(`a call with ${name} is answered`, async () => {
    await using at = await arena();
    at.peer.send(ask(at.cell.actorId, flags, more));
    await eventually(() => at.peer.frames.length > 1, { what: "an answer" });
    assert.equal(at.peer.frames.at(-1)?.kind, FrameKind.reply);
    assert.ok(at.link.isOpen && !at.peer.isEnded);
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });
}

for (const [name, [flags, more, message]] of Object.entries(BREACHES)) {
  for (const kind of ["ask", "tell"] as const) {
    test(`link is cut with a typed error after a head with ${name} (${kind})`, async () => {
      await using at = await arena();
      const head = fields(Uint8Array.of(flags | CallFlag.method), at.cell.actorId, "echo", ...more);
      const tell = rawFrame(FrameKind.tell, head);
      at.peer.send(kind === "ask" ? ask(at.cell.actorId, flags, more) : tell);
      await cut(at, message);
    });
  }
}

async function cut(at: Awaited<ReturnType<typeof arena>>, message: RegExp): Promise<void> {
  await eventually(() => at.peer.isEnded, { what: "the end of the link" });
  const line = at.logger.lines.find(([, words]) =>
    words === "link cut: the peer broke the protocol"
  );
  const reason = line?.[2]?.error;
  assert.ok(pul.isPulsingError(reason, "protocol-violation"), String(reason));
  assert.match(reason.message, message);
  const answer = await at.cell.ref.ask({ __call__: "echo", args: [1] }) as { value: unknown };
  assert.equal(answer.value, 1);
}

test("a head is read as it was written, with every mix of its fields", () => {
  const full = {
    target: "t",
    method: "m",
    remainingMs: 1_500,
    caller: "c n a p",
    trace: { trace: [1, 2 ** 32 - 1, 0, 4], span: [0, 2 ** 31], flags: 255 },
    waiting: [{ actorId: "a", label: "actors/a b", serial: 7 }, {
      actorId: "x",
      label: "x",
      serial: 2 ** 40,
    }],
    headers: { a: "", "ä€𝄞": "𝄞" },
  } as const;
  const none = {
    method: undefined,
    remainingMs: 0,
    caller: undefined,
    trace: undefined,
    waiting: [],
    headers: undefined,
  } as const;
  for (let mix = 0; mix < 64; mix++) {
    const head = {
      ...full,
      ...Object.fromEntries(Object.entries(none).filter((_, index) => (mix & (1 << index)) === 0)),
    };
    const { headers, ...rest } = roundTrip(head);
    assert.deepEqual({ ...rest, headers: headers && { ...headers } }, head);
  }
});

test("headers that a sender may set are those that a receiver takes", () => {
  const of = (length: number) => ({ ...BARE, headers: { k: "€".repeat(length - 1) } });
  const most = of(MAX_HEADER_LENGTH);
  checkCallOptions({ headers: most.headers });
  assert.deepEqual({ ...roundTrip(most).headers }, most.headers);
  const more = of(MAX_HEADER_LENGTH + 1);
  assert.throws(() => checkCallOptions({ headers: more.headers }), RangeError);
  assert.throws(() => roundTrip(more), { kind: "protocol-violation" });
});

test("a head with more time than a number can say is written as if it had 2^53 ms", () => {
  for (const remainingMs of [2 ** 53, 1e20, Number.MAX_VALUE]) {
    const head = { ...BARE, remainingMs };
    assert.equal(roundTrip(head).remainingMs, Number.MAX_SAFE_INTEGER);
  }
});

/** A head without any optional field. */
const BARE = {
  target: "t",
  method: undefined,
  remainingMs: 0,
  caller: undefined,
  trace: undefined,
  waiting: [],
  headers: undefined,
} as const;

/** Names go in full, as beyond the bound of interned ones. */
const IN_FULL: Pick<SentNames, "numberOf" | "write"> = {
  numberOf: () => 0,
  write: () => {},
};

function roundTrip(head: Parameters<typeof writeCallHead>[2]): ReturnType<typeof readCallHead> {
  const writer = new ByteWriter();
  const names = { ...IN_FULL, write: (name: string) => writer.run(fields(name)) };
  writeCallHead(writer, names as unknown as SentNames, head); // of it only these two are used
  const bytes = writer.take();
  const reader = new HeadReader();
  reader.reset(bytes, 0, bytes.length);
  const read = readCallHead(reader, new ReceivedNames(pul.DEFAULT_LIMITS));
  assert.ok(reader.isAtEnd);
  return read;
}

test("heads that are cut off or changed anywhere are read, or refused with a typed error", () => {
  const random = pul.seededRandom(1);
  const whole = fields(
    Uint8Array.of(63),
    ...["target", "method", 1_000, "a b c d", TRACE, 2, "x actors/x", 1, "y", 2],
    ...[1, text("name"), text("value")],
  );
  const outcomes = { read: 0, refused: 0 };
  const attempt = (bytes: Uint8Array) => {
    const reader = new HeadReader();
    reader.reset(bytes, 0, bytes.length);
    try {
      readCallHead(reader, new ReceivedNames(pul.DEFAULT_LIMITS));
      outcomes.read++;
    } catch (error) {
      assert.ok(pul.isPulsingError(error, "protocol-violation"), String(error));
      outcomes.refused++;
    }
  };
  for (let length = 0; length < whole.length; length++) attempt(whole.subarray(0, length));
  assert.deepEqual(outcomes, { read: 0, refused: whole.length });
  for (let n = 0; n < 5_000; n++) {
    const bytes = whole.slice();
    for (let flips = 1 + random.next() % 4; flips > 0; flips--) {
      bytes[random.next() % bytes.length] = random.next() & 0xff;
    }
    attempt(bytes);
  }
  assert.ok(outcomes.read > 500 && outcomes.refused > whole.length + 500, JSON.stringify(outcomes));
});

/** Frames of watches that a peer may send at any time. */
const WATCH_FRAMES: Readonly<Record<string, (actorId: string) => readonly Uint8Array[]>> = {
  "a watch of nobody": () => [rawFrame(FrameKind.watch, fields("nobody"))],
  "an empty watch": () => [rawFrame(FrameKind.watch, fields(""))],
  "watching the same actor again and again": (actorId) =>
    Array.from({ length: 10 }, () => rawFrame(FrameKind.watch, fields(actorId))),
  "watching and unwatching in turns": (actorId) =>
    Array.from(
      { length: 20 },
      (_, n) => rawFrame(n % 2 === 0 ? FrameKind.watch : FrameKind.unwatch, fields(actorId)),
    ),
  "an unwatch of what was never watched": (actorId) => [
    rawFrame(FrameKind.unwatch, fields(actorId)),
    rawFrame(FrameKind.unwatch, fields("nobody")),
  ],
  "the refusal of a watch that was never sent": (actorId) => [
    rawFrame(FrameKind.unwatched, fields("nobody")),
    rawFrame(FrameKind.unwatched, fields(actorId)),
  ],
  "the end of an actor that nobody watches": () => [
    rawFrame(FrameKind.terminated, fields("nobody", Uint8Array.of(0))),
  ],
  "an end for an unknown reason": () => [
    rawFrame(FrameKind.terminated, fields("nobody", Uint8Array.of(255))),
  ],
};

const WATCH_BREACHES: Readonly<Record<string, readonly [readonly Uint8Array[], RegExp]>> = {
  "a watch without a name": [[rawFrame(FrameKind.watch, new Uint8Array(0))], /truncated/],
  "a watch of a name never interned": [
    [rawFrame(FrameKind.watch, fields(5))],
    /never interned/,
  ],
  "an unwatch without a name": [[rawFrame(FrameKind.unwatch, new Uint8Array(0))], /truncated/],
  "the refusal of a watch without a name": [
    [rawFrame(FrameKind.unwatched, new Uint8Array(0))],
    /truncated/,
  ],
  "a truncated name": [[rawFrame(FrameKind.watch, fields(0, 9))], /truncated/],
  "an end without a reason": [[rawFrame(FrameKind.terminated, fields("x"))], /truncated/],
};

for (const [name, frames] of Object.entries(WATCH_FRAMES)) {
  test(`link goes on after ${name}`, async () => {
    await using at = await arena();
    for (const frame of frames(at.cell.actorId)) at.peer.send(frame);
    at.peer.send(ask(at.cell.actorId, 0, [ONE]));
    await eventually(() => at.peer.ofKind(FrameKind.reply).length === 1, { what: "the reply" });
    assert.ok(at.link.isOpen && !at.peer.isEnded);
  });
}

for (const [name, [frames, message]] of Object.entries(WATCH_BREACHES)) {
  test(`link is cut with a typed error after ${name}`, async () => {
    await using at = await arena();
    for (const frame of frames) at.peer.send(frame);
    await cut(at, message);
  });
}

test("an end with an error that cannot be read harms nobody but its link", async () => {
  await using at = await arena();
  const broken = Uint8Array.of(0, 0xc1);
  at.peer.send(rawFrame(FrameKind.terminated, fields("nobody", broken)));
  const isOver = () => at.peer.isEnded;
  at.peer.send(ask(at.cell.actorId, 0, [ONE]));
  await eventually(() => isOver() || at.peer.ofKind(FrameKind.reply).length === 1);
  const answer = await at.cell.ref.ask({ __call__: "echo", args: [1] }) as { value: unknown };
  assert.equal(answer.value, 1);
});

test("a peer that watches more actors than limits.watches is refused, and its link goes on", async () => {
  await using at = await arena();
  const cells = await Promise.all(Array.from({ length: 4 }, () => at.node.spawn(Echo)));
  const [first, , , fourth] = cells;
  assert.ok(first !== undefined && fourth !== undefined);
  const refused = () => at.peer.ofKind(FrameKind.unwatched).length;
  for (const { actorId } of cells) at.peer.send(rawFrame(FrameKind.watch, fields(actorId)));
  at.peer.send(rawFrame(FrameKind.watch, fields(fourth.actorId)));
  await eventually(() => refused() === 2, { what: "both refusals" });
  const warnings = at.logger.lines.filter(([level]) => level === "warn");
  assert.deepEqual(warnings, [[
    "warn",
    "watch refused: the peer watches too many actors",
    { nodeId: at.peer.nodeId, watches: 3 },
  ]]);
  at.peer.send(rawFrame(FrameKind.watch, fields("nobody"))); // takes no room
  await eventually(() => at.peer.ofKind(FrameKind.terminated).length === 1);
  at.peer.send(rawFrame(FrameKind.unwatch, fields(first.actorId)));
  at.peer.send(rawFrame(FrameKind.watch, fields(fourth.actorId)));
  at.peer.send(ask(at.cell.actorId, 0, [ONE]));
  await eventually(() => at.peer.ofKind(FrameKind.reply).length === 1, { what: "the reply" });
  await first.stop();
  await fourth.stop();
  await eventually(() => at.peer.ofKind(FrameKind.terminated).length === 2);
  assert.deepEqual([refused(), at.link.isOpen, at.peer.isEnded], [2, true, false]);
});

test("a tell with a deadline, which no tell has, leaves no timer", async () => {
  let timers = 0;
  const counting: pul.Clock = {
    ...pul.systemClock,
    setTimer(callback, delayMs) {
      timers++;
      const timer = pul.systemClock.setTimer(callback, delayMs);
      return {
        cancel() {
          timers--;
          timer.cancel();
        },
      };
    },
  };
  await using at = await arena(counting);
  const before = timers;
  const flags = Uint8Array.of(deadline | CallFlag.method);
  const head = fields(flags, at.cell.actorId, "echo", 600_000, ONE);
  for (let n = 0; n < 100; n++) at.peer.send(rawFrame(FrameKind.tell, head));
  at.peer.send(ask(at.cell.actorId, 0, [ONE]));
  await eventually(() => at.peer.ofKind(FrameKind.reply).length === 1, { what: "the reply" });
  assert.equal(timers, before);
});
