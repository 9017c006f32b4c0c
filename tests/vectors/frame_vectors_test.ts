/** The bytes of every frame kind are frozen; a change is a change of the protocol. */

import assert from "node:assert/strict";
import { formatTraceparent, parseTraceparent } from "../../lib/actor/call_chain.ts";
import {
  PulsingBusinessError,
  PulsingRuntimeError,
  PulsingTimeoutError,
} from "../../lib/errors.ts";
import { type Limits, resolveLimits } from "../../lib/limits.ts";
import { BulkSender } from "../../lib/remote/bulk.ts";
import { type CallHead, readCallHead } from "../../lib/remote/call_head.ts";
import { FrameWriter } from "../../lib/remote/frame_writer.ts";
import type { OutgoingCall } from "../../lib/remote/outgoing_call.ts";
import { HeadReader } from "../../lib/remote/head_reader.ts";
import { ReceivedNames, SentNames } from "../../lib/remote/names.ts";
import { Outbox } from "../../lib/remote/outbox.ts";
import type { StreamLink } from "../../lib/remote/remote_stream.ts";
import { SlabPool } from "../../lib/remote/slab_pool.ts";
import { StreamTable } from "../../lib/remote/stream_table.ts";
import { type CodecHooks, Decoder, type RefRecord } from "../../lib/wire/codec.ts";
import { FrameKind, FrameReader, type FrameSink } from "../../lib/wire/frame.ts";
import { fromErrorRecord } from "../../lib/wire/wire_error.ts";
import { test } from "../harness.ts";
import vectors from "./frames.json" with { type: "json" };
import { RecordingConnection } from "./recording_connection.ts";

const GOLDEN: Readonly<Record<string, string>> = vectors;

const ACTOR = "00112233445566778899aabbccddeeff";
const NODE = "ffeeddccbbaa99887766554433221100";
const CALLER = `${ACTOR} ${NODE} 127.0.0.1:7946 actors/caller`;
const MAX = Number.MAX_SAFE_INTEGER;
const CALL: OutgoingCall = {
  target: ACTOR,
  method: undefined,
  payload: undefined,
  remainingMs: 0,
  caller: undefined,
  trace: undefined,
  waiting: [],
  headers: undefined,
};
const REF: RefRecord = { form: "ref", actorId: ACTOR, nodeId: NODE };
const PROXY: RefRecord = {
  ...REF,
  form: "proxy",
  path: "actors/a",
  address: "h:1",
  className: "A",
};

/** Stands for a live object where the codec asks its hooks. */
class Live {
  readonly detached: RefRecord | number;
  constructor(detached: RefRecord | number) {
    this.detached = detached;
  }
}

const hooks: CodecHooks = {
  detach(value) {
    if (!(value instanceof Live)) return undefined;
    const { detached } = value;
    if (typeof detached === "number") return { kind: "stream", id: detached };
    return { kind: "ref", record: detached };
  },
  // Fields that are absent arrive as undefined.
  attachRef: (record) => new Live(JSON.parse(JSON.stringify(record))),
  attachStream: (id) => new Live(id),
};

/** One side of a link that writes into a list. */
function side(overrides: Partial<Limits> = {}) {
  const limits = resolveLimits(overrides);
  const connection = new RecordingConnection();
  const outbox = new Outbox(connection, () => bulk.pump());
  const bulk: BulkSender = new BulkSender(outbox, new SlabPool(limits), limits);
  const names = new SentNames(limits, outbox);
  const link = { limits, isCongested: false, whenRoom() {}, forget() {} } as unknown as StreamLink;
  const ids = { next: () => 1, isPeers: () => true };
  const streams = new StreamTable(link, { items: 1, bytes: 1 }, ids);
  const writer = new FrameWriter({
    outbox,
    names,
    bulk,
    streams,
    hooks,
    limits,
  });
  const take = () => {
    outbox.flush();
    bulk.pump();
    return connection.take();
  };
  return { writer, take, limits };
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads frames by the grammar of PROTOCOL.md. */
class Reader {
  readonly #limits = resolveLimits();
  readonly #names = new ReceivedNames(this.#limits);
  readonly #decoder = new Decoder(this.#limits, hooks);

  read(bytes: Uint8Array): Fields[] {
    const found: Fields[] = [];
    const onFrame = (kind: number, run: Uint8Array, start: number, end: number) => {
      const head = new HeadReader();
      head.reset(run, start, end);
      found.push({ kind: nameOf(kind), ...this.#fields(kind, head) });
    };
    readerOf(onFrame).push(bytes);
    return found;
  }

  #fields(kind: number, head: HeadReader): Fields {
    switch (kind) {
      case FrameKind.unknown:
        return { of: head.varint() };
      case FrameKind.intern:
        return this.#intern(head);
      case FrameKind.ask:
        return { callId: head.varint(), ...this.#call(head) };
      case FrameKind.tell:
        return this.#call(head);
      case FrameKind.reply:
        return { callId: head.varint(), body: this.#body(head) };
      case FrameKind.failure:
      case FrameKind.refusal:
      case FrameKind.cancel:
        return { callId: head.varint(), error: this.#body(head) };
      case FrameKind.item:
        return { streamId: head.varint(), sequence: head.varint(), body: this.#body(head) };
      case FrameKind.end:
        return { streamId: head.varint(), sequence: head.varint() };
      case FrameKind.fault:
        return { streamId: head.varint(), sequence: head.varint(), error: this.#body(head) };
      case FrameKind.credit:
        return { streamId: head.varint(), items: head.varint(), bytes: head.varint() };
      case FrameKind.stop:
        return { streamId: head.varint() };
      case FrameKind.control:
        return { body: this.#body(head) };
      case FrameKind.watch:
      case FrameKind.unwatch:
      case FrameKind.unwatched:
        return { target: this.#names.read(head) };
      case FrameKind.terminated:
        return { target: this.#names.read(head), reason: head.byte(), error: this.#body(head) };
      default:
        return this.#bulkFields(kind, head);
    }
  }

  #bulkFields(kind: number, head: HeadReader): Fields {
    if (kind === FrameKind.chunk) return { id: head.varint(), bytes: head.rest().toHex() };
    if (kind === FrameKind.drop) return { id: head.varint() };
    if (kind !== FrameKind.bulk) return {};
    const id = head.varint();
    const lengths = Array.from({ length: head.varint() }, () => head.varint());
    return { id, lengths, of: nameOf(head.byte()), head: head.rest().toHex() };
  }

  #intern(head: HeadReader): Fields {
    const number = new HeadReader();
    number.reset(head.bytes, head.position, head.end);
    this.#names.learn(head);
    return { number: number.varint(), name: new TextDecoder().decode(number.rest()) };
  }

  #call(head: HeadReader): Fields {
    const { target, method, remainingMs, caller, trace, waiting, headers }: CallHead = readCallHead(
      head,
      this.#names,
    );
    return {
      target,
      ...(method !== undefined && { method }),
      ...(remainingMs > 0 && { remainingMs }),
      ...(caller !== undefined && { caller }),
      ...(trace !== undefined && { trace: formatTraceparent(trace) }),
      ...(waiting.length > 0 && { waiting }),
      ...(headers !== undefined && { headers: { ...headers } }),
      body: this.#body(head),
    };
  }

  #body(head: HeadReader): unknown {
    if (head.isAtEnd) return undefined;
    return this.#decoder.decode(head.bytes, head.position, head.end);
  }
}

/** A reader whose sink also takes chunks in parts, of which none is waited for here. */
function readerOf(onFrame: FrameSink["onFrame"]): FrameReader {
  const sink = { onFrame, onChunkPart() {} };
  return new FrameReader(sink, 1_000_000);
}

function nameOf(kind: number): string | undefined {
  return Object.entries(FrameKind).find(([, number]) => number === kind)?.[0];
}

interface Vector {
  readonly limits?: Partial<Limits>;
  write(writer: FrameWriter): void;
  readonly fields: readonly Fields[];
}

const bare = (kind: "ping" | "pong" | "goodbye"): Vector => ({
  write: (writer) => writer.bare(FrameKind[kind]),
  fields: [{ kind }],
});

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const IN_FULL: Partial<Limits> = { maxInternedNameBytes: 1 };
const CHUNKED: Partial<Limits> = { chunkThresholdBytes: 8, chunkBytes: 8 };
const LATE = { type: "PulsingTimeoutError", kind: "timeout", operation: "work", durationMs: 5 };

const VECTORS: Readonly<Record<string, Vector>> = {
  ping: bare("ping"),
  pong: bare("pong"),
  goodbye: bare("goodbye"),
  "unknown, of the highest kind": {
    write: (writer) => writer.unknown(0xff),
    fields: [{ kind: "unknown", of: 0xff }],
  },
  "tell, defining a name and using it": {
    write(writer) {
      writer.tell({ ...CALL, payload: 1 });
      writer.tell({ ...CALL, payload: 2 });
    },
    fields: [
      { kind: "intern", number: 1, name: ACTOR },
      { kind: "tell", target: ACTOR, body: 1 },
      { kind: "tell", target: ACTOR, body: 2 },
    ],
  },
  "tell, nothing in the body": {
    limits: IN_FULL,
    write: (writer) => void writer.tell(CALL),
    fields: [{ kind: "tell", target: ACTOR, body: undefined }],
  },
  "ask, all fields, names interned": {
    write: (writer) =>
      void writer.ask(1, {
        ...CALL,
        method: "grüße",
        payload: [1],
        remainingMs: 1.2,
        caller: CALLER,
      }),
    fields: [
      { kind: "intern", number: 1, name: ACTOR },
      { kind: "intern", number: 2, name: "grüße" },
      { kind: "intern", number: 3, name: CALLER },
      {
        kind: "ask",
        callId: 1,
        target: ACTOR,
        method: "grüße",
        remainingMs: 2,
        caller: CALLER,
        body: [1],
      },
    ],
  },
  "ask, names in full, call id above 2^31": {
    limits: IN_FULL,
    write: (writer) =>
      void writer.ask(2 ** 31 + 1, { ...CALL, method: "grüße", remainingMs: 2 ** 31 }),
    fields: [{
      kind: "ask",
      callId: 2 ** 31 + 1,
      target: ACTOR,
      method: "grüße",
      remainingMs: 2 ** 31,
      body: undefined,
    }],
  },
  "ask, the highest call id, an empty name": {
    limits: IN_FULL,
    write: (writer) => void writer.ask(MAX, { ...CALL, target: "", payload: null }),
    fields: [
      { kind: "intern", number: 1, name: "" },
      { kind: "ask", callId: MAX, target: "", body: null },
    ],
  },
  "ask, with its chain, those that wait and headers": {
    limits: IN_FULL,
    write: (writer) =>
      void writer.ask(1, {
        ...CALL,
        trace: parseTraceparent(TRACE),
        waiting: [
          { actorId: ACTOR, label: "actors/a", serial: 7 },
          { actorId: ACTOR, label: ACTOR, serial: 300 },
        ],
        headers: { tenant: "grün", empty: "" },
      }),
    fields: [{
      kind: "ask",
      callId: 1,
      target: ACTOR,
      trace: TRACE,
      waiting: [
        { actorId: ACTOR, label: "actors/a", serial: 7 },
        { actorId: ACTOR, label: ACTOR, serial: 300 },
      ],
      headers: { tenant: "grün", empty: "" },
      body: undefined,
    }],
  },
  "reply, nothing": {
    write: (writer) => void writer.reply(2, undefined),
    fields: [{ kind: "reply", callId: 2, body: undefined }],
  },
  "reply, a reference and a proxy": {
    write: (writer) => void writer.reply(127, [new Live(REF), new Live(PROXY)]),
    fields: [{ kind: "reply", callId: 127, body: [new Live(REF), new Live(PROXY)] }],
  },
  "reply, a stream": {
    write: (writer) => void writer.reply(128, new Live(2 ** 40)),
    fields: [{ kind: "reply", callId: 128, body: new Live(2 ** 40) }],
  },
  "failure, an error of the family": {
    write: (writer) => writer.failure(3, new PulsingBusinessError(404, "no such user", { id: 7 })),
    fields: [{
      kind: "failure",
      callId: 3,
      error: {
        name: "PulsingBusinessError",
        message: "no such user",
        type: "PulsingBusinessError",
        kind: "business",
        retryable: false,
        code: 404,
        details: { id: 7 },
      },
    }],
  },
  "failure, another error with its cause and no text": {
    write: (writer) => writer.failure(3, new TypeError("", { cause: "why" })),
    fields: [{
      kind: "failure",
      callId: 3,
      error: { name: "TypeError", message: "", cause: "why" },
    }],
  },
  "refusal, of an actor that is gone": {
    write: (writer) => writer.refusal(3, new RangeError("gone")),
    fields: [{ kind: "refusal", callId: 3, error: { name: "RangeError", message: "gone" } }],
  },
  cancel: {
    write: (writer) => writer.cancel(2 ** 32, new PulsingTimeoutError("work", 5)),
    fields: [{
      kind: "cancel",
      callId: 2 ** 32,
      error: {
        name: "PulsingTimeoutError",
        message: new PulsingTimeoutError("work", 5).message,
        retryable: new PulsingTimeoutError("work", 5).retryable,
        ...LATE,
      },
    }],
  },
  "item, the first": {
    write: (writer) => void writer.item(4, 0, "a"),
    fields: [{ kind: "item", streamId: 4, sequence: 0, body: "a" }],
  },
  "item, nothing, numbers at their end": {
    write: (writer) => void writer.item(MAX, MAX, undefined),
    fields: [{ kind: "item", streamId: MAX, sequence: MAX, body: undefined }],
  },
  "end, of an empty stream": {
    write: (writer) => writer.endStream(5, 0),
    fields: [{ kind: "end", streamId: 5, sequence: 0 }],
  },
  "fault, after two items": {
    write: (writer) => writer.failStream(5, 2, new RangeError("too far")),
    fields: [{
      kind: "fault",
      streamId: 5,
      sequence: 2,
      error: { name: "RangeError", message: "too far" },
    }],
  },
  "credit, bytes at their end": {
    write: (writer) => writer.credit(5, { items: 512, bytes: MAX }),
    fields: [{ kind: "credit", streamId: 5, items: 512, bytes: MAX }],
  },
  stop: {
    write: (writer) => writer.stopStream(16_384),
    fields: [{ kind: "stop", streamId: 16_384 }],
  },
  "bulk, a body in two chunks": {
    limits: CHUNKED,
    write: (writer) => void writer.reply(9, "0123456789"),
    fields: [
      { kind: "bulk", id: 1, lengths: [11], of: "reply", head: "09" },
      { kind: "chunk", id: 1, bytes: "aa30313233343536" },
      { kind: "chunk", id: 1, bytes: "373839" },
    ],
  },
  "bulk, a buffer beside the body": {
    limits: CHUNKED,
    write: (writer) => void writer.item(4, 1, Float32Array.of(1, 2)),
    fields: [
      { kind: "bulk", id: 1, lengths: [12, 8], of: "item", head: "0401" },
      { kind: "chunk", id: 1, bytes: "c7090c0900000000" },
      { kind: "chunk", id: 1, bytes: "00000008" },
      { kind: "chunk", id: 1, bytes: "0000803f00000040" },
    ],
  },
  "drop, before the first chunk": {
    limits: CHUNKED,
    write: (writer) => writer.reply(9, "0123456789").transfer?.drop(),
    fields: [
      { kind: "bulk", id: 1, lengths: [11], of: "reply", head: "09" },
      { kind: "drop", id: 1 },
    ],
  },
  control: {
    write: (writer) => writer.control({ kind: "gossip", members: [], entries: [] }),
    fields: [{ kind: "control", body: { kind: "gossip", members: [], entries: [] } }],
  },
  watch: {
    limits: IN_FULL,
    write: (writer) => writer.watch(ACTOR),
    fields: [{ kind: "watch", target: ACTOR }],
  },
  unwatch: {
    limits: IN_FULL,
    write: (writer) => writer.unwatch(ACTOR),
    fields: [{ kind: "unwatch", target: ACTOR }],
  },
  "terminated, killed": {
    limits: IN_FULL,
    write: (writer) => writer.terminated({ id: ACTOR, nodeId: NODE, reason: "killed" }),
    fields: [{ kind: "terminated", target: ACTOR, reason: 2, error: undefined }],
  },
  "terminated, failed with an error": {
    limits: IN_FULL,
    write: (writer) =>
      writer.terminated({ id: ACTOR, nodeId: NODE, reason: "failed", error: new RangeError("x") }),
    fields: [{
      kind: "terminated",
      target: ACTOR,
      reason: 1,
      error: { name: "RangeError", message: "x" },
    }],
  },
  unwatched: {
    limits: IN_FULL,
    write: (writer) => writer.unwatched(ACTOR),
    fields: [{ kind: "unwatched", target: ACTOR }],
  },
};

test("frame vectors stand for every kind behind the handshake", () => {
  assert.deepEqual(Object.keys(GOLDEN), Object.keys(VECTORS));
  const kinds = new Set(Object.values(VECTORS).flatMap(({ fields }) => fields.map((f) => f.kind)));
  const behind = Object.keys(FrameKind).filter((name) =>
    !["hello", "welcome", "reject", "confirm"].includes(name)
  );
  assert.deepEqual([...kinds].sort(), behind.sort());
});

for (const [name, { limits, write, fields }] of Object.entries(VECTORS)) {
  test(`FrameWriter and FrameReader keep the frozen bytes of ${name}`, () => {
    const { writer, take } = side(limits);
    write(writer);
    assert.equal(take().toHex(), GOLDEN[name]);
    assert.deepEqual(new Reader().read(Uint8Array.fromHex(GOLDEN[name] ?? "")), fields);
  });
}

test("FrameReader finds the frames of all vectors in one run, cut into single bytes", () => {
  const run = Uint8Array.fromHex(Object.values(GOLDEN).join(""));
  const kinds: (string | undefined)[] = [];
  const reader = readerOf((kind) => kinds.push(nameOf(kind)));
  for (const byte of run) reader.push(Uint8Array.of(byte));
  const expected = Object.values(VECTORS).flatMap(({ fields }) => fields.map((f) => f.kind));
  assert.deepEqual(kinds, expected);
});

test("frame vectors cut short anywhere never read as more frames than were whole", () => {
  for (const hex of Object.values(GOLDEN)) {
    const bytes = Uint8Array.fromHex(hex);
    const whole = new Reader().read(bytes).length;
    for (let length = 0; length < bytes.length; length++) {
      assert.ok(new Reader().read(bytes.slice(0, length)).length < whole);
    }
  }
});

test("error records are rebuilt by class, and unknown fields and classes are skipped", () => {
  const late = fromErrorRecord({ ...LATE, name: "x", message: "y", tomorrow: { is: "new" } });
  assert.ok(late instanceof PulsingTimeoutError && !("tomorrow" in late));
  assert.deepEqual([late.operation, late.durationMs], ["work", 5]);
  const strange = fromErrorRecord({ type: "PulsingNewError", name: "Mine", message: "text" });
  assert.equal(strange.message, "text");
  const kind = fromErrorRecord({
    type: "PulsingRuntimeError",
    message: "m",
    kind: "not-yet-known",
  });
  assert.ok(kind instanceof PulsingRuntimeError && (kind.kind as string) === "not-yet-known");
});
