/** Dials that are under way: one for each node, and how much may wait for it. */

import assert from "node:assert/strict";
import { isPulsingError } from "../../../lib/errors.ts";
import { resolveLimits } from "../../../lib/limits.ts";
import type { Association } from "../../../lib/remote/association.ts";
import { Dials } from "../../../lib/remote/dials.ts";
import { test } from "../../harness.ts";

const dialsFor = (maxPendingCalls: number) => new Dials(resolveLimits({ maxPendingCalls }));
const link = {} as Association; // nobody looks inside

function places(dials: Dials, nodeId: string): number {
  for (let taken = 0;; taken++) {
    try {
      dials.wait(nodeId);
    } catch (error) {
      assert.ok(isPulsingError(error, "limit-exceeded") && error.retryable, String(error));
      assert.equal(error.nodeId, nodeId);
      return taken;
    }
  }
}

test("Dials: maxPendingCalls messages wait for one dial, the next is refused as retryable", () => {
  const dials = dialsFor(5);
  for (const nodeId of ["a", "b"]) dials.begin(nodeId, () => new Promise(() => {}));
  assert.equal(places(dials, "a"), 5);
  assert.equal(places(dials, "b"), 5, "each node has its own places");
  assert.equal(places(dials, "a"), 0);
});

test("Dials: without a dial nothing waits, and nothing is counted", () => {
  const dials = dialsFor(1);
  for (let n = 0; n < 10; n++) dials.wait("a");
  assert.equal(dials.get("a"), undefined);
});

for (const outcome of ["links", "fails"]) {
  test(`Dials: a dial that ${outcome} frees all places, after those who waited had their turn`, async () => {
    const dials = dialsFor(3);
    const { promise, resolve, reject } = Promise.withResolvers<Association>();
    const opening = dials.begin("a", () => promise);
    assert.equal(dials.get("a"), opening);
    assert.equal(places(dials, "a"), 3);
    let isUnderWay: boolean | undefined;
    const look = () => void (isUnderWay = dials.get("a") !== undefined);
    const looked = opening.then(look, () => {});
    if (outcome === "links") resolve(link);
    else reject(new Error("nobody there"));
    await looked;
    await Promise.resolve();
    assert.equal(isUnderWay, outcome === "links" ? true : undefined);
    assert.equal(dials.get("a"), undefined);
    dials.begin("a", () => new Promise(() => {}));
    assert.equal(places(dials, "a"), 3);
  });
}

test("Dials: a dial that throws at once is a rejection", async () => {
  const opening = dialsFor(1).begin("a", () => {
    throw new RangeError("no such address");
  });
  await assert.rejects(opening, RangeError);
});
