/** What a node is reckoned to carry, and which one is chosen. */

import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  begin,
  type BegunActors,
  isCounted,
  leastLoaded,
  type Place,
  reckon,
} from "../../../lib/system/node_load.ts";
import { seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

test("reckon: what was heard, and what was begun since", () => {
  assert.equal(reckon(7, undefined, 0), 7);
  let begun = begin(undefined, 7, 100);
  begun = begin(begun, 7, 200);
  assert.deepEqual(begun, { heard: 7, since: 100, count: 2 });
  assert.equal(reckon(7, begun, 300), 9);
});

test("reckon: a new statement of the node includes what was begun before", () => {
  const begun: BegunActors = { heard: 0, since: 0, count: 5 };
  assert.equal(reckon(5, begun, 1), 5);
  assert.deepEqual(begin(begun, 5, 1), { heard: 5, since: 1, count: 1 });
});

test("reckon: the statement of a node that is silent for long stands", () => {
  const begun: BegunActors = { heard: 3, since: 0, count: 5 };
  assert.equal(reckon(3, begun, 9_999), 8);
  assert.equal(reckon(3, begun, 10_000), 3);
  assert.ok(!isCounted(begun, 3, 10_000));
  assert.deepEqual(begin(begun, 3, 10_000), { heard: 3, since: 10_000, count: 1 });
});

test("leastLoaded: none of none; one that is alive before a suspect; the fewest actors", () => {
  const random = seededRandom(1);
  const place = (nodeId: string, isAlive: boolean, actors: number) => ({ nodeId, isAlive, actors });
  assert.equal(leastLoaded([], random), undefined);
  const suspect = place("suspect", false, 0);
  const busy = place("busy", true, 9);
  const idle = place("idle", true, 2);
  assert.equal(leastLoaded([suspect], random), suspect);
  assert.equal(leastLoaded([suspect, busy], random), busy);
  assert.equal(leastLoaded([busy, idle, suspect], random), idle);
});

test("leastLoaded: every one of equal places is chosen as often", () => {
  const random = seededRandom(1);
  const places = Array.from({ length: 4 }, (_, n) => ({
    nodeId: `${n}`,
    isAlive: true,
    actors: 1,
  }));
  const chosen = new Map<string, number>();
  for (let n = 0; n < 4_000; n++) {
    const { nodeId } = leastLoaded(places, random)!;
    chosen.set(nodeId, (chosen.get(nodeId) ?? 0) + 1);
  }
  for (const { nodeId } of places) {
    const times = chosen.get(nodeId) ?? 0;
    assert.ok(times > 850 && times < 1_150, `${nodeId}: ${times}`);
  }
});

test("a burst levels what the nodes have said: none ends above another by more than one", () => {
  fc.assert(fc.property(
    fc.array(fc.nat(20), { minLength: 1, maxLength: 8 }),
    fc.nat(100),
    fc.integer(),
    (heard, burst, seed) => {
      const random = seededRandom(seed);
      const begun = new Map<string, BegunActors>();
      const places = (): Place[] =>
        heard.map((actors, index) => {
          const nodeId = `${index}`;
          return { nodeId, isAlive: true, actors: reckon(actors, begun.get(nodeId), 0) };
        });
      for (let n = 0; n < burst; n++) {
        const { nodeId } = leastLoaded(places(), random)!;
        begun.set(nodeId, begin(begun.get(nodeId), heard[Number(nodeId)]!, 0));
      }
      const used = places().filter(({ nodeId }) => begun.has(nodeId));
      const least = Math.min(...places().map(({ actors }) => actors));
      assert.ok(used.every(({ actors }) => actors <= least + 1));
      assert.equal([...begun.values()].reduce((sum, { count }) => sum + count, 0), burst);
    },
  ));
});
