/**
 * A scenario of the simulation, and how one is run over many seeds.
 *
 * @module
 */

import { simulate } from "../../lib/testing/mod.ts";
import { Trial } from "./trial.ts";

/** What may happen to a cluster. */
export interface Scenario {
  readonly name: string;
  /** What it shows, besides what must hold at the end of all scenarios. */
  readonly promise: string;
  /**
   * Of how many of the seeds it is run, from 0 to 1: less than all of them where a run takes long.
   *
   * @default 1
   */
  readonly share?: number;
  /** Lets it happen; what must hold at the end of all scenarios is checked afterwards. */
  run(trial: Trial): Promise<void>;
}

/** Which seeds a scenario is run with. */
export interface Seeds {
  readonly first: number;
  readonly seeds: number;
}

/** What a scenario took. */
export interface Tally {
  readonly seeds: number;
  readonly virtualMs: number;
}

/** The command that runs one seed of a scenario again. */
export function replayCommand(name: string, seed: number): string {
  return `deno task sim --scenario ${JSON.stringify(name)} --first ${seed} --seeds 1`;
}

/** Of how many of so many seeds a scenario is run; one at least. */
export function seedsOf({ share = 1 }: Scenario, seeds: number): number {
  return Math.max(1, Math.round(seeds * share));
}

/**
 * Runs a scenario once for each of its seeds.
 *
 * @param onSeed Called before each one.
 * @throws {Error} At the first that fails: it has the seed, the end of the history and the command
 * that runs it again.
 */
export async function runScenario(
  scenario: Scenario,
  { first, seeds }: Seeds,
  onSeed: (seed: number) => void = () => {},
): Promise<Tally> {
  const { name } = scenario;
  const count = seedsOf(scenario, seeds);
  const replay = (seed: number) => replayCommand(name, seed);
  let virtualMs = 0;
  await simulate({ seeds: count, first, name, replay }, async (seed, run) => {
    onSeed(seed);
    const trial = new Trial(run, name);
    await runTrial(scenario, trial);
    virtualMs += trial.elapsedMs;
  });
  return { seeds: count, virtualMs };
}

/** Runs one seed, to the end and to what must hold there. */
export async function runTrial(scenario: Scenario, trial: Trial): Promise<void> {
  await using _ = trial;
  try {
    await scenario.run(trial);
    await trial.end();
  } catch (error) {
    trial.keep();
    throw error;
  }
}
