/** The history of one run of a scenario, to compare it with another run of the same seed. */

import assert from "node:assert/strict";
import { type History, simulate } from "../../lib/testing/mod.ts";
import { runTrial } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { Trial } from "./trial.ts";

/** Runs one seed of a scenario; what happened up to its end, as text. */
export async function historyOf(name: string, seed: number): Promise<string> {
  const scenario = SCENARIOS.find((candidate) => candidate.name === name);
  assert.ok(scenario !== undefined, `there is no scenario "${name}"`);
  let history: History | undefined;
  await simulate({ seeds: 1, first: seed, name }, async (_, run) => {
    const trial = new Trial(run, name);
    await runTrial(scenario, trial);
    history = trial.cluster.history;
  });
  assert.ok(history !== undefined);
  return history.text();
}
