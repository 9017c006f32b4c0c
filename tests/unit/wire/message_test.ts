/** Messages that name their type: what is in them, and how they cross. */

import assert from "node:assert/strict";
import { isPulsingError } from "../../../lib/errors.ts";
import { DEFAULT_LIMITS, resolveLimits } from "../../../lib/limits.ts";
import { ByteWriter } from "../../../lib/wire/byte_writer.ts";
import { Decoder, decodeValue, Encoder, encodeValue } from "../../../lib/wire/codec.ts";
import { Message, type MessageStream } from "../../../lib/wire/message.ts";
import { writtenStream } from "../../../lib/actor/stream_writer.ts";
import { test } from "../../harness.ts";
import { sourceFiles } from "../../source_file.ts";

const isKind = (kind: Parameters<typeof isPulsingError>[1]) => (error: unknown) =>
  isPulsingError(error, kind);

const streamMessage = () =>
  new Message("S", { form: "stream", body: writtenStream<unknown>("there").stream });

test("Message.single keeps the bytes it was given", () => {
  const bytes = Uint8Array.of(1, 2);
  const message = Message.single("TypeV1", bytes);
  assert.equal(message.type, "TypeV1");
  assert.equal(message.payload, bytes);
  assert.equal(message.isStream, false);
});

test("Message.pack keeps the value and encodes it when the payload is read", () => {
  const value = { n: 1, when: new Date(5) };
  const message = Message.pack("Ping", value);
  assert.equal(message.unpack(), value);
  assert.deepEqual(message.payload, encodeValue(value));
  assert.equal(message.payload, message.payload);
});

test("unpack decodes bytes that were encoded elsewhere, and refuses others", () => {
  const bytes = Message.pack("Ping", [1, new Map([["a", 1n]])]).payload;
  assert.deepEqual(Message.single("Ping", bytes).unpack(), [1, new Map([["a", 1n]])]);
  const foreign = Message.single("Foreign", Uint8Array.of(0xc1, 1));
  assert.throws(() => foreign.unpack(), isKind("not-decodable"));
  assert.throws(() => Message.empty().unpack(), isKind("not-decodable"));
});

test("payload of a value that cannot be encoded is refused", () => {
  const message = Message.pack("Bad", { run: () => {} });
  assert.throws(() => message.payload, isKind("not-encodable"));
});

test("fromJson and toJson keep what JSON keeps", () => {
  const message = Message.fromJson("Event", { text: "grüße", list: [1, null] });
  assert.deepEqual(message.toJson(), { text: "grüße", list: [1, null] });
  assert.equal(new TextDecoder().decode(message.payload), '{"text":"grüße","list":[1,null]}');
});

test("fromJson and toJson refuse what is no JSON", () => {
  assert.throws(() => Message.fromJson("Event", () => {}), /has no JSON form/);
  assert.throws(() => Message.fromJson("Event", undefined), TypeError);
  assert.throws(() => Message.fromJson("Event", 1n), TypeError);
  for (const bytes of [[], [0xff], [0x7b]]) {
    const message = Message.single("Event", Uint8Array.from(bytes));
    assert.throws(() => message.toJson(), isKind("not-decodable"));
  }
});

test("Message.empty has no type and no bytes", () => {
  const { type, payload, isStream } = Message.empty();
  assert.deepEqual({ type, payload, isStream }, {
    type: "",
    payload: new Uint8Array(0),
    isStream: false,
  });
});

test("Message refuses a type that is no text and a payload that is no Uint8Array", () => {
  assert.throws(() => Message.pack(7 as unknown as string, 1), TypeError);
  assert.throws(() => Message.single("T", [1] as unknown as Uint8Array), /no Uint8Array/);
});

test("a stream message has no payload, and others have no stream", () => {
  const message = streamMessage();
  assert.equal(message.isStream, true);
  assert.throws(() => message.payload, TypeError);
  assert.throws(() => message.unpack(), TypeError);
  assert.throws(() => message.toJson(), TypeError);
  assert.throws(() => Message.empty().stream(), TypeError);
});

test("the stream of a message can be taken once", () => {
  const message = streamMessage();
  message.stream();
  assert.throws(() => message.stream(), /Cannot read stream of message "S": it was taken already/);
  assert.throws(() => message.take(), isKind("stream-closed"));
});

test("a message crosses at any depth, and met twice stays one", () => {
  const inner = Message.pack("Inner", { n: 1 });
  const copy = decodeValue(encodeValue([inner, { inner }, Message.single("B", Uint8Array.of(1))]));
  const [one, record, bytes] = copy as [Message, { inner: Message }, Message];
  assert.equal(one, record.inner);
  assert.deepEqual(one.unpack(), { n: 1 });
  assert.deepEqual(bytes.payload, Uint8Array.of(1));
});

test("a packed message in a packed message crosses", () => {
  const outer = decodeValue(encodeValue(Message.pack("Outer", Message.pack("Inner", 7))));
  assert.ok(outer instanceof Message);
  const inner = outer.unpack();
  assert.ok(inner instanceof Message);
  assert.equal(inner.unpack(), 7);
});

test("the bytes of a message travel beside the body when they are large", () => {
  const limits = resolveLimits({ chunkThresholdBytes: 1_024 });
  const bytes = new Uint8Array(2_000).fill(7);
  const writer = new ByteWriter();
  const buffers = new Encoder(limits).encode(Message.single("Big", bytes), writer, "apart");
  assert.equal(buffers[0]?.length, 2_000);
  const body = writer.take();
  const message = new Decoder(limits).decode(body, 0, body.length, buffers) as Message;
  assert.deepEqual(message.payload, bytes);
});

test("a value that cannot be encoded names its place in the message", () => {
  assert.throws(() => encodeValue(Message.pack("T", { run: () => {} })), /a function at value/);
});

test("a stream message is refused where streams cannot be opened", () => {
  assert.throws(() => encodeValue(streamMessage()), isKind("not-encodable"));
});

const MALFORMED: Readonly<Record<string, readonly unknown[]>> = {
  "no fields": [],
  "a type that is no text": [7, "value", 1],
  "an unknown form": ["T", "fax", 1],
  "a form that is no text": ["T", 0, 1],
  "bytes that are a list": ["T", "bytes", [1, 2]],
  "bytes that are another view": ["T", "bytes", new Int8Array(2)],
  "a stream that is a number": ["T", "stream", 3],
  "a stream that is a record": ["T", "stream", { cancel: 1 }],
  "a stream that is missing": ["T", "stream"],
};

for (const [what, fields] of Object.entries(MALFORMED)) {
  test(`decoder refuses a message with ${what}`, () => {
    const list = encodeValue(fields);
    const bytes = Uint8Array.from([0xc7, list.length, 13, ...list]);
    assert.throws(() => decodeValue(bytes), isKind("not-decodable"));
  });
}

test("decoder takes fields of a message that it does not know", () => {
  const list = encodeValue(["T", "value", 1, "new"]);
  const message = decodeValue(Uint8Array.from([0xc7, list.length, 13, ...list])) as Message;
  assert.equal(message.unpack(), 1);
});

test("a stream message that cannot be encoded is taken, so that nobody waits for it", async () => {
  const { stream, writer } = writtenStream<number>("there", { bufferSize: 1 });
  const opened: AsyncIterator<unknown>[] = [];
  const hooks = {
    detach(value: object) {
      opened.push((value as MessageStream)[Symbol.asyncIterator]());
      return { kind: "stream" as const, id: 1 };
    },
    attachRef: () => undefined,
    attachStream: () => undefined,
  };
  const value = [new Message("S", { form: "stream", body: stream }), () => {}];
  assert.throws(() => new Encoder(DEFAULT_LIMITS, hooks).encode(value, new ByteWriter()));
  await opened[0]?.return?.(); // as the link does with the streams of such a message
  await assert.rejects(writer.write(1), isKind("stream-closed"));
});

test("a stream message that is handed through keeps its stream, others hold copies", () => {
  const kept: object[] = [];
  const hooks = {
    detach: () => undefined,
    attachRef: () => undefined,
    handThrough: (message: object) => kept.push(message) - 1,
    attachStream: (id: number) => kept[id],
  };
  const upload = streamMessage();
  const value = { packed: Message.pack("P", [1]), upload, again: upload };
  const writer = new ByteWriter();
  new Encoder(DEFAULT_LIMITS, hooks).encode(value, writer);
  const bytes = writer.take();
  const copy = new Decoder(DEFAULT_LIMITS, hooks).decode(bytes, 0, bytes.length) as typeof value;
  assert.deepEqual([copy.upload, copy.again, kept], [upload, upload, [upload]]);
  assert.notEqual(copy.packed, value.packed);
  assert.deepEqual(copy.packed.unpack(), [1]);
  upload.stream(); // not taken before
});

test("no file of lib/wire imports itself through others", () => {
  const imports = new Map(
    sourceFiles("lib/wire").map(({ path, text }) => [path, runTimeImports(path, text)] as const),
  );
  const cycles = [...imports.keys()].filter((path) => reachedFrom(path, imports).has(path));
  assert.ok([...imports.values()].some((paths) => paths.includes("lib/wire/message.ts")));
  assert.deepEqual(cycles, []);
});

/** The files of its own folder that a file imports when it runs. */
function runTimeImports(path: string, text: string): readonly string[] {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const statements = text.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from "\.\/([^"]+)";/gm);
  return [...statements].map(([, name]) => folder + name);
}

function reachedFrom(
  start: string,
  imports: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [...imports.get(start) ?? []];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    open.push(...imports.get(path) ?? []);
  }
  return reached;
}
