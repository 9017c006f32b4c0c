/** Who may be linked, for what is believed of it. */

import assert from "node:assert/strict";
import type { Member } from "../../../lib/cluster/member.ts";
import { judgePeer } from "../../../lib/cluster/peer_judgement.ts";
import { type Introduction, PROTOCOL } from "../../../lib/remote/handshake.ts";
import { test } from "../../harness.ts";
import { id, member } from "./cast.ts";

function introduction(incarnation: number, changes: Partial<Introduction> = {}): Introduction {
  return {
    protocol: PROTOCOL,
    cluster: "c",
    nodeId: id(2),
    incarnation,
    address: member(2).addr,
    features: [],
    window: { items: 1, bytes: 1 },
    isOnlyLink: false,
    ...changes,
  };
}

const elsewhere = { address: "10.0.0.9:7002" };

const CASES: readonly [string, Member | undefined, Introduction, string | undefined][] = [
  ["a stranger is welcome", undefined, introduction(0), undefined],
  ["a member is welcome", member(2), introduction(0), undefined],
  ["the dead incarnation is not", member(2, "dead", 3), introduction(3), "dead"],
  ["one that has left is not", member(2, "left", 3), introduction(3), "dead"],
  ["a higher incarnation refutes", member(2, "dead", 3), introduction(4), undefined],
  ["a second node of one id is refused", member(2), introduction(0, elsewhere), "taken"],
  ["one that moved is not", member(2), introduction(1, elsewhere), undefined],
  [
    "one on every interface, which is seen at another host, is not",
    member(2),
    introduction(0, { ...elsewhere, isLocated: true }),
    undefined,
  ],
];

for (const [name, belief, theirs, reason] of CASES) {
  test(`judgement of a peer: ${name}`, () => {
    assert.equal(judgePeer(belief, theirs)?.reason, reason);
  });
}
