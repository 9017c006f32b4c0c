/** Whose turn it is: each member once per round, however members come and go. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ProbeRing } from "../../../lib/cluster/probe_ring.ts";
import { seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";
import { id, numberOf } from "./cast.ts";

function ringOf(size: number, seed = 1): ProbeRing {
  const ring = new ProbeRing(seededRandom(seed));
  for (let n = 1; n <= size; n++) ring.add(id(n));
  return ring;
}

test("ProbeRing is empty without members", () => {
  const ring = ringOf(0);
  assert.deepEqual([ring.turn(), ring.size, ring.some(3)], [undefined, 0, []]);
});

test("ProbeRing gives each member one turn a round, in an order that changes", () => {
  const ring = ringOf(8);
  const rounds = Array.from({ length: 5 }, () => Array.from({ length: 8 }, () => ring.turn()));
  for (const round of rounds) assert.equal(new Set(round).size, 8);
  assert.ok(new Set(rounds.map((round) => round.join())).size > 1);
});

// memberlist #350: with two other members one was probed twice in a row and the other one never.
for (const size of [2, 3, 4]) {
  test(`ProbeRing of ${size} members: nobody waits longer than two rounds`, () => {
    for (let seed = 1; seed <= 200; seed++) {
      const ring = ringOf(size, seed);
      const lastTurn = new Map<string, number>();
      for (let turn = 0; turn < 20 * size; turn++) {
        const nodeId = ring.turn()!;
        const waited = turn - (lastTurn.get(nodeId) ?? -1);
        assert.ok(waited < 2 * size, `seed ${seed}: ${waited} turns`);
        lastTurn.set(nodeId, turn);
      }
      assert.equal(lastTurn.size, size);
    }
  });
}

test("ProbeRing: each member that is there for a round has one turn in it, whoever comes and goes (property)", () => {
  const events = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant({ kind: "turn", n: 0 } as const) },
      fc.record({ kind: fc.constantFrom("add", "remove"), n: fc.integer({ min: 1, max: 6 }) }),
    ),
    { maxLength: 200 },
  );
  fc.assert(fc.property(events, fc.integer(), (list, seed) => {
    const ring = new ProbeRing(seededRandom(seed));
    const members = new Set<string>();
    let waiting = new Set<string>(); // for a turn in this round
    for (const { kind, n } of list) {
      if (kind === "add" && !members.has(id(n))) {
        members.add(id(n));
        waiting.add(id(n));
        ring.add(id(n));
      } else if (kind === "remove") {
        for (const set of [members, waiting]) set.delete(id(n));
        ring.remove(id(n));
      } else if (kind === "turn") {
        if (waiting.size === 0) waiting = new Set(members);
        const nodeId = ring.turn();
        if (nodeId === undefined) assert.equal(members.size, 0);
        else assert.ok(waiting.delete(nodeId), "it had its turn in this round, or has gone");
      }
      assert.equal(ring.size, members.size);
    }
  }));
});

test("ProbeRing.some gives distinct members without the excluded one, as many as there are (property)", () => {
  const sizes = fc.integer({ min: 0, max: 12 });
  fc.assert(fc.property(sizes, sizes, sizes, fc.integer(), (size, count, except, seed) => {
    const ring = ringOf(size, seed);
    const chosen = ring.some(count, id(except));
    const available = size - (except >= 1 && except <= size ? 1 : 0);
    assert.equal(chosen.length, Math.min(count, available));
    assert.equal(new Set(chosen).size, chosen.length);
    assert.ok(!chosen.includes(id(except)));
    assert.ok(chosen.every((nodeId) => numberOf(nodeId) <= size));
  }));
});

test("ProbeRing.some leaves nobody out for long", () => {
  const ring = ringOf(20);
  const chosen = new Set(Array.from({ length: 200 }, () => ring.some(3)).flat());
  assert.equal(chosen.size, 20);
});

test("ProbeRing: a newcomer has its turn in the round that it comes in, at any place", () => {
  const places = new Set<number>();
  for (let seed = 1; seed <= 50; seed++) {
    const ring = ringOf(4, seed);
    ring.turn();
    ring.add(id(9));
    const rest = Array.from({ length: 4 }, () => ring.turn());
    assert.ok(rest.includes(id(9)));
    places.add(rest.indexOf(id(9)));
  }
  assert.deepEqual([...places].sort(), [0, 1, 2, 3]);
});
