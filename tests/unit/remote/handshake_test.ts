/** Who is refused for what it says about itself. */

import assert from "node:assert/strict";
import {
  decodeIntroduction,
  encodeIntroduction,
  type Introduction,
  judge,
  type NodeRole,
} from "../../../lib/remote/handshake.ts";
import { encodeValue } from "../../../lib/wire/codec.ts";
import { test } from "../../harness.ts";

function introductionOf(digit: string, role: NodeRole | undefined): Introduction {
  return {
    protocol: { oldest: 1, newest: 1 },
    cluster: "pulsing",
    nodeId: digit.repeat(32),
    incarnation: 0,
    address: undefined,
    features: [],
    window: { items: 1, bytes: 1 },
    isOnlyLink: false,
    ...(role !== undefined && { role }),
  };
}

test("judge: a head links to workers, they to each other, and those that gossip to none", () => {
  const accepted: readonly (readonly [NodeRole | undefined, NodeRole | undefined, boolean])[] = [
    [undefined, undefined, true],
    ["head", "worker", true],
    ["worker", "worker", true],
    ["head", "head", false],
    ["head", undefined, false],
    ["worker", undefined, false],
  ];
  for (const [one, other, isAccepted] of accepted) {
    for (const [a, b] of [[one, other], [other, one]]) {
      const rejection = judge(introductionOf("a", a), introductionOf("b", b));
      assert.equal(rejection?.reason, isAccepted ? undefined : "cluster", `${a} and ${b}`);
    }
  }
});

test("introduction: a role crosses, one that nobody knows does not", () => {
  for (const role of ["head", "worker", undefined] as const) {
    const introduction = introductionOf("a", role);
    const read = decodeIntroduction(encodeIntroduction(introduction));
    assert.deepEqual(read, { ...introduction, address: undefined });
  }
  const later = { ...introductionOf("a", undefined), role: "deputy" };
  const { address: _, ...rest } = later;
  assert.equal(decodeIntroduction(encodeValue(rest)).role, undefined);
});

// The words are the listener's and the dialler shows them: "this node" was the wrong one.
test("judge: a refusal names the dialling and the listening node, on both sides alike", () => {
  const dialler = { ...introductionOf("a", undefined), cluster: "two" };
  const listener = { ...introductionOf("b", undefined), cluster: "one" };
  assert.equal(
    judge(dialler, listener)?.message,
    'the dialling node is in cluster "two", the listening one in "one"',
  );
  const newer = { ...dialler, protocol: { oldest: 2, newest: 3 } };
  assert.equal(
    judge(newer, listener)?.message,
    "the dialling node speaks versions 2 to 3, the listening one 1 to 1",
  );
});
