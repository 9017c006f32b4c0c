/** Settings of membership and gossip: presets, changes of them and refusals. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  CLUSTER_PRESETS,
  type ClusterPreset,
  type ClusterSettings,
  DEFAULT_CLUSTER_SETTINGS,
  resolveClusterSettings,
} from "../../../lib/cluster/settings.ts";
import { test } from "../../harness.ts";

test("resolveClusterSettings fills in the defaults, which are those of a local network", () => {
  assert.deepEqual(resolveClusterSettings(), CLUSTER_PRESETS.lan);
  assert.deepEqual(resolveClusterSettings({}), DEFAULT_CLUSTER_SETTINGS);
  assert.equal(resolveClusterSettings({ gossipFanout: 5 }).gossipFanout, 5);
});

test("resolveClusterSettings knows presets by name, and changes of them", () => {
  for (const preset of ["local", "lan", "wan"] as const) {
    const settings = CLUSTER_PRESETS[preset];
    assert.deepEqual(resolveClusterSettings(preset), settings);
    assert.deepEqual(resolveClusterSettings({ preset, gossipFanout: 7 }), {
      ...settings,
      gossipFanout: 7,
    });
  }
});

test("the table of ClusterSettings says what the presets are", () => {
  const source = readFileSync(new URL("../../../lib/cluster/settings.ts", import.meta.url), "utf8");
  for (const name of Object.keys(CLUSTER_PRESETS.lan) as (keyof ClusterSettings)[]) {
    const row = [...source.matchAll(/^ \* \| `(\w+)` +\|(.*)\|$/gm)].find(([, of]) => of === name);
    const values = row?.[2]?.split("|").map((text) => Number(text.replaceAll(" ", "")));
    const { local, lan, wan } = CLUSTER_PRESETS;
    assert.deepEqual(values, [local[name], lan[name], wan[name]], name);
  }
});

test("each preset is in order: it is slower than the one before it", () => {
  const { local, lan, wan } = CLUSTER_PRESETS;
  for (const [faster, slower] of [[local, lan], [lan, wan]] as const) {
    for (const name of Object.keys(local) as (keyof ClusterSettings)[]) {
      assert.ok(faster[name] <= slower[name], name);
    }
    assert.ok(faster.probeIntervalMs < slower.probeIntervalMs);
  }
});

test("resolveClusterSettings refuses unknown names and values that are not positive integers", () => {
  for (const gossipFanout of [0, -1, 1.5, NaN, Infinity]) {
    assert.throws(() => resolveClusterSettings({ gossipFanout }), RangeError);
  }
  for (const unknown of [{ toString: 1 }, { suspicionTimeoutMs: 1 }]) {
    assert.throws(() => resolveClusterSettings(unknown as Partial<ClusterSettings>), TypeError);
  }
  for (const preset of ["moon", "toString"] as unknown as ClusterPreset[]) {
    assert.throws(() => resolveClusterSettings(preset), /gossip preset "\w+": expected "local"/);
    assert.throws(() => resolveClusterSettings({ preset }), TypeError);
  }
});

test("resolveClusterSettings refuses a probe that waits longer than its interval", () => {
  assert.throws(() => resolveClusterSettings({ probeTimeoutMs: 1_000 }), RangeError);
  assert.throws(() => resolveClusterSettings({ preset: "local", probeIntervalMs: 100 }), {
    message: /"probeIntervalMs" to "100": it must be above "probeTimeoutMs", which is 100 in/,
  });
  assert.ok(resolveClusterSettings({ probeTimeoutMs: 999 }));
});

// { probeIntervalMs: 200 } was told that its probeTimeoutMs of 500 is wrong, which nobody had set.
test("resolveClusterSettings blames what was set, and says what is of the preset", () => {
  assert.throws(() => resolveClusterSettings({ probeIntervalMs: 200 }), {
    message: 'Cannot set gossip setting "probeIntervalMs" to "200": it must be above ' +
      '"probeTimeoutMs", which is 500 in the preset "lan", set both',
  });
  assert.throws(() => resolveClusterSettings({ probeTimeoutMs: 2_000 }), {
    message: 'Cannot set gossip setting "probeTimeoutMs" to "2000": it must be below ' +
      '"probeIntervalMs", which is 1000 in the preset "lan"',
  });
});

test("resolveClusterSettings lists what it knows when it does not know a setting", () => {
  const unknown: object = { probeInterval: 1 };
  assert.throws(() => resolveClusterSettings(unknown), /"probeInterval": .*probeIntervalMs, probe/);
});

test("resolveClusterSettings takes undefined for absent, and nothing that is no record", () => {
  const absent = { gossipFanout: undefined } as unknown as Partial<ClusterSettings>;
  assert.deepEqual(resolveClusterSettings(absent), CLUSTER_PRESETS.lan);
  for (const options of [5, [], null, true] as unknown as ClusterPreset[]) {
    assert.throws(() => resolveClusterSettings(options), /^TypeError: Cannot set option "gossip"/);
  }
});
