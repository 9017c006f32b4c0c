import assert from "node:assert/strict";
import process from "node:process";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { test } from "../harness.ts";
import { otherRuntime, startScript } from "../other_runtime.ts";
import { Belongings } from "./belongings.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { historyOf } from "./repeated.ts";
import { replayCommand, runScenario, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

const SEEDS = 4;

/** Of what takes a second or more for each seed; `.ci/run` has seeds of these too. */
const LONG_SHARE = 0.02;

const runner = fileURLToPath(new URL("./run.ts", import.meta.url));
const script = new URL("./simulation_script.ts", import.meta.url);

for (const scenario of SCENARIOS) {
  if (scenario.share !== undefined && scenario.share <= LONG_SHARE) continue;
  test(`simulation, ${scenario.name}: ${scenario.promise}`, async () => {
    await runScenario(scenario, { first: 1, seeds: SEEDS });
  });
}

test("the scenarios have names of their own, and promise something", () => {
  const names = SCENARIOS.map(({ name }) => name);
  assert.ok(names.length >= 25, `${names.length} scenarios`);
  assert.deepEqual([...new Set(names)], names);
  for (const { name, promise } of SCENARIOS) assert.ok(name !== "" && promise !== "");
});

const REPEATED = ["black hole", "kills and retries", "join during a partition", "rolling upgrade"];

test(`two runs of one seed are the same, on ${otherRuntime} too, byte for byte`, async () => {
  for (const seed of [3, 8]) {
    await using child = await startScript(otherRuntime, script, [String(seed), ...REPEATED]);
    const there = JSON.parse(child.line) as string[]; // one for each name
    for (const [index, name] of REPEATED.entries()) {
      const here = await historyOf(name, seed);
      const what = `${name}, seed ${seed}`;
      assert.deepEqual((await historyOf(name, seed)).split("\n"), here.split("\n"), what);
      assert.deepEqual(there[index]?.split("\n"), here.split("\n"), `${what} on ${otherRuntime}`);
    }
  }
});

const BROKEN: Scenario = {
  name: "two nodes that are cut",
  promise: "nothing",
  run: async (trial) => {
    const cluster = await trial.start(2);
    cluster.cut(0, 1);
    await trial.wait(30_000);
    assert.notEqual(trial.seed, 18, "it was seed 18");
  },
};

test("a seed that fails is told with the end of its history and the command that repeats it", async () => {
  const seen: number[] = [];
  const failing = runScenario(BROKEN, { first: 17, seeds: 9 }, (seed) => void seen.push(seed));
  const error: Error = await failing.then(() => assert.fail("it held"), (error) => error);
  assert.deepEqual(seen, [17, 18]);
  const lines = error.message.split("\n");
  assert.equal(lines[0], "Cannot simulate two nodes that are cut: seed 18 failed: it was seed 18");
  assert.ok(lines.some((line) => / node-0 sees node-1:7000 \w+ dead 0$/.test(line)), error.message);
  const command = 'deno task sim --scenario "two nodes that are cut" --first 18 --seeds 1';
  assert.equal(lines.at(-1), `run it again with ${command}`);
  assert.equal(replayCommand(BROKEN.name, 18), command);
});

test("a scenario with a share of the seeds is run once at least", async () => {
  const seen: number[] = [];
  const scenario = { ...BROKEN, share: 0.1, run: async () => {} };
  const onSeed = (seed: number) => void seen.push(seed);
  assert.deepEqual(await runScenario(scenario, { first: 5, seeds: 3 }, onSeed), {
    seeds: 1,
    virtualMs: 0,
  });
  assert.equal((await runScenario(scenario, { first: 5, seeds: 30 }, onSeed)).seeds, 3);
  assert.deepEqual(seen, [5, 5, 6, 7]);
});

test("timers that a node keeps are seen at its end", async () => {
  const belongings = new Belongings();
  const manual = new ManualClock();
  const clock = belongings.clock(manual);
  const [first, second] = [clock.setTimer(() => {}, 5), clock.setTimer(() => {}, 10)];
  assert.deepEqual(belongings.left(), ["2 timers"]);
  second.cancel();
  second.cancel();
  await manual.advance(5);
  first.cancel();
  assert.deepEqual(belongings.left(), []);
});

/** Runs the runner; what it printed, in vain or not. */
function run(...args: readonly string[]): Promise<{ code: number; text: string }> {
  const flags = otherRuntime === "bun" ? ["run", "-A"] : ["run"];
  return promisify(execFile)(process.execPath, [...flags, runner, ...args]).then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, text: stderr }),
  );
}

test("the runner prints a table and ends with 0, or tells its usage and ends with 2", async () => {
  const held = await run("--seeds", "2", "--first", "7", "--scenario", "black hole");
  assert.equal(held.code, 0, held.text);
  assert.match(held.text, /^black hole +2 +\d+\.\d +\d+\.\d$/m);
  assert.match(held.text, /\nall scenarios held\n$/);
  assert.match((await run("--list")).text, /^swizzle-clog: /m);
  for (const wrong of [["--seeds", "0"], ["--scenario", "none"], ["--sedes", "1"]]) {
    const { code, text } = await run(...wrong);
    assert.equal(code, 2);
    assert.match(text, /^[^\n]+\nSee --help for all options\n$/);
  }
  assert.match((await run("-h")).text, /--seeds N/);
});

test("the runner takes a line of its list for a name, and suggests names that are close", async () => {
  const scenario = SCENARIOS.find(({ name }) => name === "black hole")!;
  const line = `${scenario.name}: ${scenario.promise}`;
  const held = await run("--seeds", "1", "--scenario", line);
  assert.equal(held.code, 0, held.text);
  const { code, text } = await run("--scenario", "black holes");
  assert.equal(code, 2);
  assert.match(text, /^Cannot find scenario "black holes": did you mean "black hole"/);
});
