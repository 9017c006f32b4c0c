/** Which of two statements about a member is believed, and what is read from the wire. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  isGone,
  isReachable,
  MAX_INCARNATION,
  type Member,
  readMember,
  supersedes,
} from "../../../lib/cluster/member.ts";
import { test } from "../../harness.ts";
import { id, member } from "./cast.ts";

test("supersedes: the higher incarnation wins, then the worse status", () => {
  const order: [Member, Member][] = [
    [member(2, "suspect"), member(2, "alive")],
    [member(2, "dead"), member(2, "suspect")],
    [member(2, "left"), member(2, "dead")],
    [member(2, "alive", 1), member(2, "dead", 0)],
    [member(2, "alive", 1), member(2, "left", 0)],
  ];
  for (const [winner, loser] of order) {
    assert.equal(supersedes(winner, loser), true);
    assert.equal(supersedes(loser, winner), false);
    assert.equal(supersedes(winner, winner), false);
  }
});

test("isReachable and isGone divide the members that are known", () => {
  for (const status of ["alive", "suspect"] as const) {
    assert.deepEqual([isReachable(member(1, status)), isGone(member(1, status))], [true, false]);
  }
  for (const status of ["dead", "left"] as const) {
    assert.deepEqual([isReachable(member(1, status)), isGone(member(1, status))], [false, true]);
  }
  assert.deepEqual([isReachable(undefined), isGone(undefined)], [false, false]);
});

test("readMember checks field by field and skips what it does not know", () => {
  assert.deepEqual(readMember({ ...member(1), later: true }), member(1));
  assert.deepEqual(readMember({ ...member(1), addr: "" }), { ...member(1), addr: "" });
  const bad = [
    null,
    1,
    {},
    { ...member(1), nodeId: "x" },
    { ...member(1), addr: 7 },
    { ...member(1), addr: "no port" },
    { ...member(1), status: "toString" },
    { ...member(1), incarnation: -1 },
    { ...member(1), incarnation: 1.5 },
  ];
  for (const one of bad) assert.equal(readMember(one), undefined, JSON.stringify(one));
});

test("readMember keeps the accuser of a suspect only, and only when it is an id", () => {
  assert.deepEqual(readMember({ ...member(2, "suspect"), by: id(3) }), {
    ...member(2, "suspect"),
    by: id(3),
  });
  assert.deepEqual(readMember({ ...member(2, "suspect"), by: "x" }), member(2, "suspect"));
  assert.deepEqual(readMember({ ...member(2, "dead"), by: id(3) }), member(2, "dead"));
});

test("readMember takes an accusation below the highest incarnation only", () => {
  for (const status of ["suspect", "dead", "left"] as const) {
    assert.ok(readMember(member(1, status, MAX_INCARNATION - 1)));
    assert.equal(readMember(member(1, status, MAX_INCARNATION)), undefined);
  }
  assert.ok(readMember(member(1, "alive", MAX_INCARNATION)), "a refutation of the last one");
  assert.equal(readMember(member(1, "alive", MAX_INCARNATION + 1)), undefined);
});

test("readMember never throws (property)", () => {
  fc.assert(fc.property(fc.anything(), (value) => void readMember(value)));
});
