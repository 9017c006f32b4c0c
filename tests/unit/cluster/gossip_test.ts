/** Messages of news: how what is too long for one is cut into parts. */

import assert from "node:assert/strict";
import { type ClusterMessage, partsOf } from "../../../lib/cluster/gossip.ts";
import type { Member } from "../../../lib/cluster/member.ts";
import type { RegistryEntry } from "../../../lib/cluster/registry.ts";
import { encodeValue } from "../../../lib/wire/codec.ts";
import { test } from "../../harness.ts";

const id = (n: number) => n.toString(16).padStart(32, "0");

function everything(kind: ClusterMessage["kind"], members: number, entries: number) {
  const member = (n: number): Member => (
    { nodeId: id(n), addr: `10.0.0.${n}:7000`, status: "alive", incarnation: 0 }
  );
  const entry = (n: number): RegistryEntry => ({
    path: `actors/worker-with-a-rather-long-name-${n}`,
    actorId: id(n),
    nodeId: id(1),
    version: n + 1,
    state: "live",
    className: "Worker",
  });
  return {
    kind,
    members: Array.from({ length: members }, (_, n) => member(n)),
    entries: Array.from({ length: entries }, (_, n) => entry(n)),
  };
}

test("partsOf keeps 10 000 names within the size of a message, complete and in order", () => {
  const message = everything("push", 100, 10_000);
  const parts = partsOf(message, 65_536);
  assert.ok(parts.length > 20, `${parts.length} parts`);
  for (const part of parts) assert.ok(encodeValue(part).length <= 65_536);
  assert.deepEqual(parts.flatMap((part) => part.members), message.members);
  assert.deepEqual(parts.flatMap((part) => part.entries), message.entries);
});

test("partsOf asks for the answer with the last part only", () => {
  for (const kind of ["push", "pull", "gossip"] as const) {
    const kinds = partsOf(everything(kind, 3, 1_000), 65_536).map((part) => part.kind);
    assert.equal(kinds.at(-1), kind);
    assert.ok(kinds.length > 1 && kinds.slice(0, -1).every((one) => one === "gossip"));
  }
});

test("partsOf leaves a short message whole, an empty one too", () => {
  for (const message of [everything("push", 1, 3), everything("pull", 0, 0)]) {
    assert.deepEqual(partsOf(message, 65_536), [message]);
  }
});

test("partsOf sends news that is longer than a part alone", () => {
  const sizes = partsOf(everything("gossip", 0, 3), 1).map((part) => part.entries.length);
  assert.deepEqual(sizes, [1, 1, 1]);
});
