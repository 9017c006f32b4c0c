import assert from "node:assert/strict";
import { History, simulate, type TestCluster } from "../../../lib/testing/mod.ts";
import { test } from "../../harness.ts";

test("simulate runs each seed once, in order, up to the first that fails", async () => {
  const seen: number[] = [];
  await simulate({ seeds: 3 }, (seed) => void seen.push(seed));
  await simulate({ seeds: 2, first: 40 }, (_, run) => void seen.push(run.seed));
  assert.deepEqual(seen, [1, 2, 3, 40, 41]);
  const failing = simulate({ seeds: 9 }, (seed) => {
    seen.push(seed);
    assert.ok(seed < 2, "too high");
  });
  await assert.rejects(failing);
  assert.deepEqual(seen.slice(5), [1, 2]);
});

test("simulate: a failure has the seed, the cause, the end of the history and the replay", async () => {
  const cause = new Error("it broke");
  const replay = (seed: number) => `deno task sim --seed ${seed}`;
  const failing = simulate({ seeds: 5, first: 3, name: "storm", replay }, async (seed, run) => {
    await using cluster = await run.start(2, { delay: { minMs: 1, maxMs: 1 } });
    assert.equal(cluster.seed, seed);
    cluster.loss(0.5, 0, 1);
    if (seed === 4) throw cause;
  });
  const error: Error = await failing.then(() => assert.fail("it did not fail"), (error) => error);
  assert.equal(error.cause, cause);
  const lines = error.message.split("\n");
  assert.equal(lines[0], "Cannot simulate storm: seed 4 failed: it broke");
  assert.ok(lines.some((line) => line.endsWith("note loss 0.5 0 -> 1")), error.message);
  assert.equal(lines.at(-1), "run it again with deno task sim --seed 4");
});

test("simulate shows the history it is given, and without one only how to run it again", async () => {
  const history = new History(() => 5);
  history.add({ kind: "note", text: "mine" });
  const shown = simulate({ seeds: 1 }, (_, run) => {
    run.show(history);
    throw "a text";
  });
  await assert.rejects(shown, {
    message: "Cannot simulate the scenario: seed 1 failed: a text\nthe last of what happened:\n" +
      "5.000 note mine\n\nrun it again with simulate({ first: 1, seeds: 1 }, …)",
  });
  const bare = simulate({ seeds: 1 }, () => Promise.reject(new Error("no")));
  await assert.rejects(bare, (error: Error) => error.message.split("\n").length === 2);
});

test("simulate shows what happened before the failure, not the disposal of the cluster", async () => {
  const failing = simulate({ seeds: 1 }, async (_, run) => {
    await using cluster = await run.start(20);
    await cluster.advance(1_000);
    cluster.kill(3);
    throw new Error("deliberate");
  });
  const { message }: Error = await failing.then(() => assert.fail("no failure"), (error) => error);
  assert.match(message, /node-3 [0-9a-f]+ killed\n\nrun it again/);
  assert.doesNotMatch(message, /stopped|left|disposed/);
  assert.equal(message.split("\n").length, 1 + 1 + 40 + 1 + 1);
});

test("simulate refuses seeds that are no count and options that it does not know", async () => {
  let runs = 0;
  const body = () => void runs++;
  for (const seeds of [0, -1, NaN, 1.5]) {
    await assert.rejects(simulate({ seeds }, body), RangeError);
    await assert.rejects(simulate({ seeds: 1, first: seeds - 1 }, body), RangeError);
  }
  for (const seeds of [undefined, "2", null]) {
    await assert.rejects(simulate({ seeds: seeds as never }, body), TypeError);
  }
  const misspelt = { seeds: 1, fist: 3 };
  await assert.rejects(simulate(misspelt, body), /Cannot set option "fist"/);
  assert.equal(runs, 0);
});

test("simulate disposes of clusters that the scenario has left", async () => {
  const left: TestCluster[] = [];
  await simulate({ seeds: 2 }, async (_, run) => void left.push(await run.start(1)));
  const failing = simulate({ seeds: 1 }, async (_, run) => {
    left.push(await run.start(1));
    throw new Error("no");
  });
  await assert.rejects(failing);
  assert.deepEqual(left.map((cluster) => cluster.at(0).state), ["stopped", "stopped", "stopped"]);
});
