/** Who is in the cluster: transitions of one member's status, and what is kept how long. */

import assert from "node:assert/strict";
import type { MemberNews } from "../../../lib/cluster/member.ts";
import { Membership } from "../../../lib/cluster/membership.ts";
import { DEFAULT_CLUSTER_SETTINGS as SETTINGS } from "../../../lib/cluster/settings.ts";
import { seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";
import { id, member } from "./cast.ts";

/** A table of node 1 that knows members 2 to `size`. */
function tableOf(size = 2, maxMembers = 100): Membership {
  const table = new Membership({
    self: member(1),
    maxMembers,
    settings: SETTINGS,
    random: seededRandom(1),
  });
  for (let n = 2; n <= size; n++) table.hear(member(n), 0);
  return table;
}

const accusation = (n: number, by: number, incarnation = 0): MemberNews => (
  { ...member(n, "suspect", incarnation), by: id(by) }
);

test("suspect member refutes with a higher incarnation", () => {
  const table = tableOf();
  assert.deepEqual(table.suspect(id(2), 0), accusation(2, 1));
  assert.equal(table.get(id(2))?.status, "suspect");
  assert.equal(table.hear(member(2), 1), undefined, "the same one is no refutation");
  assert.deepEqual(table.hear(member(2, "alive", 1), 1), member(2, "alive", 1));
  assert.equal(table.get(id(2))?.status, "alive");
  assert.equal(table.nextEnd, Infinity);
});

test("a refutation that names no host leaves the address by which the member was met", () => {
  const table = tableOf();
  table.suspect(id(2), 0);
  const everywhere = { ...member(2, "alive", 1), addr: "0.0.0.0:7002" };
  assert.deepEqual(table.hear(everywhere, 1), member(2, "alive", 1), "it is told on so, too");
  assert.deepEqual(table.get(id(2)), member(2, "alive", 1));
  const moved = { ...member(2, "alive", 2), addr: "10.0.0.2:7002" };
  assert.deepEqual(table.hear(moved, 2), moved);
  assert.equal(table.hear({ ...everywhere, incarnation: 3 }, 3)?.addr, moved.addr);
  const stranger = { ...everywhere, nodeId: id(3) };
  assert.deepEqual(table.hear(stranger, 4), stranger, "nothing better is known");
});

test("suspect member is dead when its time is over and not before", () => {
  const table = tableOf();
  table.suspect(id(2), 100);
  assert.equal(table.nextEnd, 4_100);
  assert.deepEqual(table.takeOverdue(4_099), []);
  assert.deepEqual(table.takeOverdue(4_100), [id(2)]);
  assert.deepEqual(table.takeOverdue(9_999), [], "told once");
  assert.deepEqual(table.bury(id(2), 4_100), member(2, "dead"));
  assert.deepEqual(table.dead(), [member(2, "dead")]);
  assert.equal(table.ring.size, 0, "it has no turn any more");
});

test("suspect member that is given its time again is overdue again", () => {
  const table = tableOf();
  table.suspect(id(2), 0);
  table.takeOverdue(4_000);
  table.spare(id(2), 4_500);
  assert.equal(table.nextEnd, 8_500);
  assert.deepEqual(table.takeOverdue(8_500), [id(2)]);
});

test("a member that refuted is not buried, nor one that is suspect anew", () => {
  const table = tableOf();
  table.suspect(id(2), 0);
  table.takeOverdue(4_000);
  table.hear(member(2, "alive", 1), 4_100);
  assert.equal(table.bury(id(2), 4_200), undefined);
  table.suspect(id(2), 4_300);
  assert.equal(table.bury(id(2), 4_400), undefined, "it has all of its new time");
  assert.equal(table.get(id(2))?.status, "suspect");
});

test("a dead member is never alive again without a higher incarnation", () => {
  const table = tableOf();
  table.hear(member(2, "dead", 3), 0);
  for (const status of ["alive", "suspect", "dead"] as const) {
    for (const incarnation of [0, 3]) {
      assert.equal(table.hear(member(2, status, incarnation), 1), undefined);
    }
  }
  assert.equal(table.suspect(id(2), 1), undefined);
  assert.equal(table.get(id(2))?.status, "dead");
  assert.equal(table.returns, 0);
  table.hear(member(2, "alive", 4), 2);
  assert.equal(table.get(id(2))?.status, "alive");
  assert.deepEqual([table.returns, table.ring.size], [1, 1]);
});

test("left is final: neither suspect nor dead nor alive at its incarnation", () => {
  const table = tableOf();
  table.hear(member(2, "left"), 1);
  for (const status of ["alive", "suspect", "dead", "left"] as const) {
    assert.equal(table.hear(member(2, status), 2), undefined);
  }
  assert.equal(table.suspect(id(2), 2), undefined);
  assert.equal(table.get(id(2))?.status, "left");
  assert.deepEqual(table.dead(), [], "nobody looks whether it is back");
});

test("a false rumour about this node is refuted with a higher incarnation", () => {
  const table = tableOf();
  for (const status of ["suspect", "dead", "left"] as const) {
    const before = table.self.incarnation;
    assert.deepEqual(table.hear(member(1, status, before), 0), member(1, "alive", before + 1));
  }
  assert.equal(table.hear(member(1, "suspect", 0), 0), undefined, "an old one is refuted already");
  assert.deepEqual(table.hear(member(1, "dead", 40), 0), member(1, "alive", 41));
});

test("a node that left does not refute that", () => {
  const table = tableOf();
  assert.deepEqual(table.leave(), member(1, "left"));
  assert.equal(table.hear(member(1, "left"), 0), undefined);
  assert.equal(table.hear(member(1, "dead"), 0), undefined);
  assert.equal(table.self.status, "left");
});

test("confirmations by others shorten the suspicion, each accuser's once", () => {
  const table = tableOf(6);
  table.suspect(id(2), 0);
  assert.equal(table.nextEnd, 24_000);
  assert.equal(table.hear(accusation(2, 1), 1), undefined, "our own");
  assert.equal(table.hear(accusation(2, 9, 1), 1)?.incarnation, 1, "of a later incarnation: anew");
  assert.equal(table.nextEnd, 24_001);
  assert.deepEqual(table.hear(accusation(2, 3, 1), 2), accusation(2, 3, 1), "told on");
  assert.ok(table.nextEnd < 24_001 && table.nextEnd > 4_001);
  assert.equal(table.hear(accusation(2, 3, 1), 2), undefined);
  assert.equal(table.hear(member(2, "suspect", 1), 2), undefined, "by nobody");
  table.hear(accusation(2, 4, 1), 3);
  assert.equal(table.nextEnd, 4_001);
  assert.equal(table.hear(accusation(2, 5, 1), 3), undefined, "no more are awaited");
});

test("what a member that was met again calls dead is suspected only", () => {
  const table = tableOf(3);
  assert.deepEqual(table.hearRemembered(member(2, "dead"), id(3), 0), accusation(2, 3));
  assert.equal(table.get(id(2))?.status, "suspect");
  table.hear(member(2, "dead"), 1);
  assert.equal(table.hearRemembered(member(2, "dead", 1), id(3), 2)?.status, "dead", "known dead");
  assert.equal(table.hearRemembered(member(3, "left"), id(2), 2)?.status, "left", "it said so");
  assert.equal(table.hearRemembered(member(1, "dead"), id(3), 2)?.incarnation, 1, "refuted");
});

test("address reclaimed by a new node: the older one is dead, unless it refutes", () => {
  const table = tableOf(3);
  const newcomer = { ...member(4), addr: member(2).addr };
  assert.deepEqual(table.replace(newcomer, 0), [], "only when it is known to be alive");
  table.hear(newcomer, 0);
  assert.deepEqual(table.replace(newcomer, 0), [member(2, "dead")]);
  assert.equal(table.get(id(3))?.status, "alive");
  assert.equal(table.hear(member(2, "alive", 1), 1)?.status, "alive");
});

test("a dead node that is met again does not replace its successor", () => {
  const table = tableOf();
  const newcomer = { ...member(4), addr: member(2).addr };
  table.hear(newcomer, 0);
  table.replace(newcomer, 0);
  assert.deepEqual(table.replace(member(2), 1), []);
  assert.equal(table.get(id(4))?.status, "alive");
});

test("nodes without an address do not replace each other, nor does any replace this one", () => {
  const table = tableOf(1);
  for (const n of [2, 3]) {
    table.hear({ ...member(n), addr: "" }, 0);
    assert.deepEqual(table.replace({ ...member(n), addr: "" }, 0), []);
  }
  table.hear({ ...member(4), addr: member(1).addr }, 0);
  assert.deepEqual(table.replace({ ...member(4), addr: member(1).addr }, 0), []);
});

test("members above the limit are ignored and counted, strangers that are gone are not kept", () => {
  const table = tableOf(2, 2);
  assert.equal(table.hear(member(3), 0), undefined);
  assert.equal(table.hear(member(9, "dead"), 0), undefined);
  assert.equal(table.hear(member(9, "left"), 0), undefined);
  assert.deepEqual(table.all, [member(1), member(2)]);
  assert.deepEqual([table.takeIgnored(), table.takeIgnored()], [1, 0]);
  assert.ok(table.hear(member(2, "suspect"), 0), "who is known stays known");
});

test("members that are gone are forgotten after their time, and not before", () => {
  const table = tableOf(4);
  table.hear(member(2, "dead"), 0);
  table.hear(member(3, "left"), 50);
  table.forget(99, 100);
  assert.equal(table.all.length, 4);
  table.forget(100, 100);
  assert.deepEqual([table.get(id(2)), table.get(id(3))?.status], [undefined, "left"]);
  table.forget(1_000, 100);
  assert.deepEqual(table.all.map(({ nodeId }) => nodeId), [id(1), id(4)]);
});

test("a new address is told with a higher incarnation", () => {
  const table = tableOf();
  assert.deepEqual(table.readdress("10.0.0.1:7"), {
    ...member(1, "alive", 1),
    addr: "10.0.0.1:7",
  });
});

test("revision rises with every change and with nothing else", () => {
  const table = tableOf();
  const before = table.revision;
  table.hear(member(2), 0);
  table.takeOverdue(0);
  assert.equal(table.revision, before);
  table.suspect(id(2), 0);
  assert.notEqual(table.revision, before);
});
