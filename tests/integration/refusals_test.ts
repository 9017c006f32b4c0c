/** What the logs of both sides say of a node that is refused for good, and how often. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { Town } from "./town.ts";

interface Line {
  readonly text: string;
  readonly fields: pul.LogFields;
}

/** A logger that keeps its warnings. */
function recorder(): { readonly logger: pul.Logger; readonly warnings: Line[] } {
  const warnings: Line[] = [];
  const warn = (text: string, fields: pul.LogFields = {}) => void warnings.push({ text, fields });
  return { warnings, logger: { ...pul.silentLogger, warn } };
}

const REFUSALS: readonly (readonly [string, pul.InitOptions, pul.InitOptions])[] = [
  ["cluster", { cluster: "one" }, { cluster: "two" }],
  ["cluster", { isHeadNode: true }, {}],
  ["passphrase", { passphrase: "one" }, {}],
];

// With joinTimeoutMs 0 nobody was told that the node is in the wrong cluster.
test("a seed that refuses for good is one warning of the joiner, and one a minute of the seed", async () => {
  for (const [reason, ofSeed, ofJoiner] of REFUSALS) {
    await using town = new Town(1);
    const [seed, joiner] = [recorder(), recorder()];
    const { logger } = joiner;
    town.start("a:1", { ...ofSeed, logger: seed.logger });
    await town.clock.settle();
    town.start("b:1", { ...ofJoiner, seeds: ["a:1"], joinTimeoutMs: 0, logger });
    await town.clock.advance(119_000);
    assert.ok(town.dialledBy("b:1").length > 5);
    const told = joiner.warnings.filter(({ text }) => text === "seed refuses this node");
    assert.deepEqual(told.map(({ fields }) => [fields.seed, fields.reason]), [["a:1", reason]]);
    const refused = seed.warnings.filter(({ text }) => text === "incoming link refused");
    assert.deepEqual(
      refused.map(({ fields }) => [fields.reason, fields.kind]),
      Array(2).fill([reason, "handshake-failed"]),
    );
    assert.ok(refused.every(({ fields }) => typeof fields.address === "string"));
  }
});

test("a seed that refuses once this node has joined is one warning of its seed probing", async () => {
  await using town = new Town(1);
  const { logger, warnings } = recorder();
  town.start("a:1", {});
  await town.clock.settle();
  town.start("b:1", { seeds: ["a:1", "c:1"], logger });
  await town.clock.settle();
  town.start("c:1", { cluster: "other" });
  await town.clock.advance(60_000);
  assert.ok(town.dialledBy("b:1").filter((address) => address === "c:1").length > 5);
  const told = warnings.filter(({ text }) => text === "seed refuses this node");
  assert.deepEqual(told.map(({ fields }) => [fields.seed, fields.reason]), [["c:1", "cluster"]]);
});

test("a head that refuses a worker for good is one warning of the worker", async () => {
  await using town = new Town(1);
  const { logger, warnings } = recorder();
  town.start("a:1", { isHeadNode: true, cluster: "other" });
  await town.clock.settle();
  town.start("b:1", { headAddr: "a:1", joinTimeoutMs: 0, logger });
  await town.clock.advance(60_000);
  const told = warnings.filter(({ text }) => text === "seed refuses this node");
  assert.deepEqual(told.map(({ fields }) => [fields.seed, fields.reason]), [["a:1", "cluster"]]);
});
