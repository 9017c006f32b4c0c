/**
 * A whole cluster in one process, in a time and on a network that the test controls.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import type * as pul from "../mod.ts";
import { atMostOnce, simulate, TestCluster, TestProbe } from "../lib/testing/mod.ts";

await using cluster = await TestCluster.start(3, { seed: 7 });
const [one, two] = cluster.systems as [pul.ActorSystem, pul.ActorSystem];

// A probe says what it got; its waits let the time of the cluster pass.
const probe = await TestProbe.spawn(one, { name: "probe" });
probe.reply((message: unknown) => `heard ${message}`);
const ref = await cluster.run(two.resolve("probe", { timeoutMs: 5_000 }));
const answer = ref.ask("hello");
console.log("the probe got:", (await probe.expect("hello")).message);
console.log("the answer:", await cluster.run(answer));

// A cut is silence: the call is handled, its answer waits for the cut to heal.
cluster.cut(0, 1);
const late = await cluster.run(ref.ask("anyone?", { timeoutMs: 500 }).catch(String));
console.log("across a cut:", late);
cluster.heal();

// A frozen node is late, and knows it.
cluster.freeze(0, 2_000);
const frozenAt = cluster.now();
console.log("after the thaw:", await cluster.run(ref.ask("awake?")));
console.log("it was away:", Math.floor((cluster.now() - frozenAt) / 1_000), "s");

// A killed node fails the calls that wait for it.
probe.reply(() => new Promise(() => {}));
const lost = ref.ask("never").catch((error: pul.PulsingError) => error.kind);
await cluster.advance(100);
cluster.kill(0);
console.log("a killed node:", await cluster.run(lost));

// The same over many seeds, with everything that goes wrong drawn from the seed.
let calls = 0;
await simulate({ seeds: 20, name: "lossy calls" }, async (_seed, run) => {
  await using cluster = await run.start(2);
  const { history, systems: [here, there] } = cluster;
  const receive = (call: unknown) => {
    history.add({ kind: "handled", call: String(call), from: "there", to: "here" });
  };
  await here?.spawn({ receive }, { name: "target" });
  cluster.loss(0.2);
  const target = await cluster.run(there!.resolve("target", { timeoutMs: 10_000 }));
  for (let n = 0; n < 10; n++) {
    await cluster.run(history.call(`call-${n}`, "there", "here", () => target.ask(`call-${n}`)));
  }
  const violations = atMostOnce(history.entries);
  if (violations.length > 0) throw new Error(violations.join("\n"));
  calls += history.entries.filter(({ kind }) => kind === "answered").length;
});
console.log("calls under loss:", calls);
