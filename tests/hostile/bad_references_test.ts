/** References, callers and members that no node writes: each harms its own message at most. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { readMember } from "../../lib/cluster/member.ts";
import { readCaller } from "../../lib/remote/link_host.ts";
import { ByteWriter } from "../../lib/wire/byte_writer.ts";
import { type CodecHooks, Encoder, encodeValue, type RefRecord } from "../../lib/wire/codec.ts";
import { FrameKind } from "../../lib/wire/frame.ts";
import { eventually, test } from "../harness.ts";
import { BareNode } from "../leak/bare_node.ts";
import { fields, rawFrame, RawPeer } from "./raw_peer.ts";

const ID = "0123456789abcdef".repeat(2);
const GOOD: RefRecord = {
  form: "ref",
  actorId: ID,
  nodeId: "f".repeat(32),
  path: "actors/a",
  address: "127.0.0.1:7000",
};

const BAD_IDS = ["", "nobody", ID.toUpperCase(), ID + "0", ID.slice(1), `${ID}\n`, "../etc"];
const BAD_ADDRESSES = [
  "",
  "nowhere",
  "host:",
  ":7000",
  "host:70000",
  "host:7 0",
  "a b:1",
  "http://host:80/",
  "[::1:80",
  `${"h".repeat(300)}:80`,
];
const BAD_PATHS = [
  "",
  "alone",
  "/actors/a",
  "actors/a/",
  "actors//a",
  "actors/ a",
  "actors/a b",
  "actors/..",
  `actors/${"a".repeat(65)}`,
  Array(60).fill("abcde").join("/"),
  "a/".repeat(100_000),
];

const BAD: readonly RefRecord[] = [
  ...BAD_IDS.map((actorId) => ({ ...GOOD, actorId })),
  ...BAD_IDS.map((nodeId) => ({ ...GOOD, nodeId })),
  ...BAD_ADDRESSES.map((address) => ({ ...GOOD, address })),
  ...BAD_PATHS.map((path) => ({ ...GOOD, path })),
];

class Victim {
  static readonly callers: (string | undefined)[] = [];
  take(value: { nodeId: string }): string {
    return value.nodeId;
  }
  note(): void {
    const { caller } = pul.context();
    Victim.callers.push(caller && `${caller.actorId} ${caller.nodeId} ${caller.path ?? ""}`);
  }
}

async function arena() {
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const node = new BareNode({ clock: pul.systemClock, transport });
  const address = await node.listen();
  const cell = await node.spawn(Victim, "actors/victim");
  const peer = await RawPeer.link(transport, address, "leak");
  let lastCallId = -1;
  /** Sends a call and gives the kind of its answer. */
  const ask = async (body: Uint8Array): Promise<number> => {
    const callId = lastCallId += 2;
    const head = fields(callId, Uint8Array.of(1), cell.actorId, "take", body);
    peer.send(rawFrame(FrameKind.ask, head));
    const answers = () => peer.frames.filter(({ kind }) => ANSWERS.has(kind));
    await eventually(() => answers().length === (callId + 1) / 2, { what: "the answer" });
    return answers().at(-1)?.kind ?? 0;
  };
  const dispose = async () => {
    await peer.end();
    await node[Symbol.asyncDispose]();
  };
  return { node, cell, peer, ask, [Symbol.asyncDispose]: dispose };
}

const ANSWERS: ReadonlySet<number> = new Set([FrameKind.reply, FrameKind.failure]);

/** The body of a call whose one argument is a reference of these fields. */
function bodyWith(record: RefRecord): Uint8Array {
  const hooks: CodecHooks = {
    detach: (value) => value instanceof Reference ? { kind: "ref", record } : undefined,
    attachRef: () => undefined,
    attachStream: () => undefined,
  };
  const writer = new ByteWriter();
  new Encoder(pul.DEFAULT_LIMITS, hooks).encode([new Reference()], writer);
  return writer.take();
}

/** Stands in a message where the reference is to be: plain objects are not asked for theirs. */
class Reference {}

test("RefTable takes references as nodes write them, and no others", async () => {
  await using at = await arena();
  const { refs } = at.node;
  for (const form of ["ref", "proxy"] as const) {
    const { path: _path, address: _address, ...anonymous } = GOOD;
    for (const good of [GOOD, anonymous, { ...GOOD, path: "system/core" }]) {
      assert.ok(refs.attach({ ...good, form }));
    }
    for (const bad of BAD) {
      assert.throws(() => refs.attach({ ...bad, form }), (error) => {
        return pul.isPulsingError(error, "not-decodable") && /^Cannot decode/.test(error.message);
      }, JSON.stringify(bad).slice(0, 200));
    }
  }
});

test("a malformed reference fails its own call, the link goes on", async () => {
  await using at = await arena();
  assert.equal(await at.ask(bodyWith(GOOD)), FrameKind.reply);
  for (const bad of BAD) {
    assert.equal(await at.ask(bodyWith(bad)), FrameKind.failure, JSON.stringify(bad).slice(0, 200));
  }
  assert.equal(await at.ask(bodyWith(GOOD)), FrameKind.reply);
  assert.equal(at.peer.isEnded, false);
});

test("readCaller: a malformed caller is none", () => {
  const caller = ({ actorId, nodeId, address = "", path = "" }: RefRecord) =>
    `${actorId} ${nodeId} ${address} ${path}`;
  assert.deepEqual(readCaller(caller(GOOD)), GOOD);
  const { path: _path, address: _address, ...anonymous } = GOOD;
  assert.deepEqual(readCaller(caller(anonymous)), anonymous);
  // Nothing stands for an absent address or path.
  for (const bad of BAD.filter(({ address, path }) => address !== "" && path !== "")) {
    assert.equal(readCaller(caller(bad)), undefined, JSON.stringify(bad).slice(0, 200));
  }
  for (const text of ["", " ", "    ", ID, `${caller(GOOD)} more`, `${caller(GOOD)} `]) {
    assert.equal(readCaller(text), undefined, text);
  }
});

test("a call with a malformed caller is handled as one that no actor sent", async () => {
  await using at = await arena();
  Victim.callers.length = 0;
  const good = `${ID} ${GOOD.nodeId}  actors/a`;
  for (const caller of ["x", `${ID} nowhere  `, `${ID} ${GOOD.nodeId} nowhere `, good]) {
    const head = fields(Uint8Array.of(1 | 4), at.cell.actorId, "note", caller);
    at.peer.send(rawFrame(FrameKind.tell, head));
  }
  await eventually(() => Victim.callers.length === 4, { what: "all four calls" });
  const known = `${ID} ${GOOD.nodeId} actors/a`;
  assert.deepEqual(Victim.callers, [undefined, undefined, undefined, known]);
});

test("readMember: a member whose address is no host:port is malformed, one without is not", () => {
  const member = { nodeId: ID, addr: "127.0.0.1:7000", status: "alive", incarnation: 0 } as const;
  for (const addr of ["127.0.0.1:7000", "[::1]:7000", "node-1.example:7000", ""]) {
    assert.deepEqual(readMember({ ...member, addr }), { ...member, addr });
  }
  for (const addr of BAD_ADDRESSES.filter((text) => text !== "")) {
    assert.equal(readMember({ ...member, addr }), undefined, addr);
  }
  for (const nodeId of BAD_IDS) assert.equal(readMember({ ...member, nodeId }), undefined, nodeId);
});

test("a malformed member is left out of its news, the others are taken", async () => {
  await using at = await arena();
  const member = (nodeId: string, addr: string) => (
    { nodeId, addr, status: "alive", incarnation: 0 }
  );
  const members = [member("a".repeat(32), "nowhere"), member("b".repeat(32), "127.0.0.1:7001")];
  const news = encodeValue({ kind: "gossip", members, entries: [] });
  at.peer.send(rawFrame(FrameKind.control, news));
  const known = () => at.node.cluster.members().map(({ nodeId }) => nodeId);
  await eventually(() => known().includes("b".repeat(32)), { what: "the well-formed member" });
  assert.ok(!known().includes("a".repeat(32)));
  assert.equal(at.peer.isEnded, false);
});
