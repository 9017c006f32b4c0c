/** Nodes of two versions in one cluster. */

import assert from "node:assert/strict";
import type { InitOptions } from "../../mod.ts";
import { newerVersion } from "./newer_version.ts";
import type { Scenario } from "./scenario.ts";

/** The step from one version to the next one. */
export const UPGRADE_SCENARIOS: readonly Scenario[] = [
  {
    name: "rolling upgrade",
    promise: "nodes that say more than the present version knows work with it in both directions",
    run: async (trial) => {
      const newer = new Set<number>();
      const configure = (options: InitOptions, index: number): InitOptions => {
        const { transport } = options;
        if (!newer.has(index) || transport === undefined) return options;
        return { ...options, transport: newerVersion(transport) };
      };
      const cluster = await trial.start(trial.size(), { configure });
      for (const index of trial.some(trial.indexes, trial.indexes.length)) {
        newer.add(index);
        await cluster.restart(index);
        await trial.spawn(index, `home-${index}`);
        await trial.converge(30_000);
        for (const from of trial.indexes) {
          const to = trial.pick(trial.indexes);
          const { error } = await cluster.run(trial.call(from, `home-${to}`));
          assert.equal(error, undefined, `${from} calls ${to}`);
        }
      }
      trial.assertNobodyDied();
    },
  },
];
