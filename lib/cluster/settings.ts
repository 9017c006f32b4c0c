/**
 * Settings of membership and gossip, with memberlist's meanings.
 *
 * @module
 */

import { overridden } from "../limits.ts";

/**
 * How the nodes of a cluster find out about each other.
 *
 * | setting                  | `"local"` | `"lan"` | `"wan"` |
 * | ------------------------ | --------: | ------: | ------: |
 * | `probeIntervalMs`        |       250 |   1 000 |   5 000 |
 * | `probeTimeoutMs`         |       100 |     500 |   3 000 |
 * | `indirectProbes`         |         3 |       3 |       3 |
 * | `suspicionMultiplier`    |         3 |       4 |       6 |
 * | `suspicionMaxMultiplier` |         6 |       6 |       6 |
 * | `lastProbeMs`            |       100 |     500 |   3 000 |
 * | `healthMaxMultiplier`    |         8 |       8 |       8 |
 * | `stallThresholdMs`       |        50 |     100 |     100 |
 * | `gossipIntervalMs`       |        50 |     200 |     500 |
 * | `gossipFanout`           |         3 |       3 |       4 |
 * | `retransmitMultiplier`   |         4 |       4 |       4 |
 * | `pushPullIntervalMs`     |     5 000 |  10 000 |  30 000 |
 * | `seedProbeIntervalMs`    |     2 000 |   5 000 |  15 000 |
 * | `deadProbeIntervalMs`    |     2 000 |   5 000 |  15 000 |
 * | `deadMemberRetentionMs`  |   300 000 | 300 000 | 300 000 |
 * | `missedProbes`           |         3 |       3 |       3 |
 */
export interface ClusterSettings {
  /** Time between two probes of a node, in milliseconds; each probes one other member. */
  readonly probeIntervalMs: number;
  /** How long a probed member has to answer before others are asked to probe it, in milliseconds. */
  readonly probeTimeoutMs: number;
  /** Members that are asked to probe one that did not answer. */
  readonly indirectProbes: number;
  /**
   * A suspect has `suspicionMultiplier * max(1, log10(members)) * probeIntervalMs` to refute, once
   * `suspicionMultiplier - 2` other members have confirmed the suspicion.
   */
  readonly suspicionMultiplier: number;
  /** How many times longer a suspect has that nobody else suspects. */
  readonly suspicionMaxMultiplier: number;
  /** How long a suspect has, at the end of that time, to answer one last probe, in milliseconds. */
  readonly lastProbeMs: number;
  /** How many times slower a node becomes at most that has reason to doubt itself; 1 is never. */
  readonly healthMaxMultiplier: number;
  /**
   * How late a timer of this node may be, in milliseconds; later, the node has stood still, and
   * that time is counted for nobody.
   */
  readonly stallThresholdMs: number;
  /** Time between two rounds of gossip while there is news, in milliseconds. */
  readonly gossipIntervalMs: number;
  /** Members told in one round. */
  readonly gossipFanout: number;
  /** News is told `retransmitMultiplier * ceil(log10(members + 1))` times, then dropped. */
  readonly retransmitMultiplier: number;
  /** Time between two comparisons with one member, in milliseconds; finds what gossip missed. */
  readonly pushPullIntervalMs: number;
  /** Time between two looks at an address of a seed that is no member, in milliseconds. */
  readonly seedProbeIntervalMs: number;
  /** Time between two looks at a member that was declared dead, in milliseconds, for up to 8 nodes. */
  readonly deadProbeIntervalMs: number;
  /** How long a dead or left member is remembered, in milliseconds. */
  readonly deadMemberRetentionMs: number;
  /**
   * With a head: it suspects a worker that it has not heard for so many `probeIntervalMs`, and a
   * worker suspects a silent head as soon. Without one it has no effect.
   */
  readonly missedProbes: number;
}

/** A name for settings that fit together: one machine, a local network, several sites. */
export type ClusterPreset = "local" | "lan" | "wan";

/** What a user says of gossip: a preset, or a preset with changes. */
export type GossipOptions =
  | ClusterPreset
  | (Partial<ClusterSettings> & {
    /**
     * What the other settings are changes of.
     *
     * @default "lan"
     */
    readonly preset?: ClusterPreset;
  });

const LAN: ClusterSettings = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  indirectProbes: 3,
  suspicionMultiplier: 4,
  suspicionMaxMultiplier: 6,
  lastProbeMs: 500,
  healthMaxMultiplier: 8,
  stallThresholdMs: 100,
  gossipIntervalMs: 200,
  gossipFanout: 3,
  retransmitMultiplier: 4,
  pushPullIntervalMs: 10_000,
  seedProbeIntervalMs: 5_000,
  deadProbeIntervalMs: 5_000,
  deadMemberRetentionMs: 300_000,
  missedProbes: 3,
};

/** The settings of each preset. */
export const CLUSTER_PRESETS: Readonly<Record<ClusterPreset, ClusterSettings>> = Object.freeze({
  local: Object.freeze({
    ...LAN,
    probeIntervalMs: 250,
    probeTimeoutMs: 100,
    suspicionMultiplier: 3,
    lastProbeMs: 100,
    stallThresholdMs: 50,
    gossipIntervalMs: 50,
    pushPullIntervalMs: 5_000,
    seedProbeIntervalMs: 2_000,
    deadProbeIntervalMs: 2_000,
  }),
  lan: Object.freeze(LAN),
  wan: Object.freeze({
    ...LAN,
    probeIntervalMs: 5_000,
    probeTimeoutMs: 3_000,
    suspicionMultiplier: 6,
    lastProbeMs: 3_000,
    gossipIntervalMs: 500,
    gossipFanout: 4,
    pushPullIntervalMs: 30_000,
    seedProbeIntervalMs: 15_000,
    deadProbeIntervalMs: 15_000,
  }),
});

/** The defaults. */
export const DEFAULT_CLUSTER_SETTINGS: ClusterSettings = CLUSTER_PRESETS.lan;

/**
 * Fills the settings a user left out with those of the preset.
 *
 * @param options The preset, or the settings to change.
 * @throws {RangeError} When a value is not a positive integer, or a probe's timeout is not below
 * its interval.
 * @throws {TypeError} When it is neither a text nor a record, or a name is not a setting or not a preset.
 */
export function resolveClusterSettings(options: GossipOptions = {}): ClusterSettings {
  if (typeof options !== "string" && !isRecord(options)) {
    throw new TypeError(
      `Cannot set option "gossip" to "${String(options)}": expected "local", "lan", "wan" or an ` +
        "object of settings",
    );
  }
  const { preset = "lan", ...changes } = typeof options === "string"
    ? { preset: options }
    : options;
  if (!Object.hasOwn(CLUSTER_PRESETS, preset)) {
    throw new TypeError(
      `Cannot set gossip preset "${preset}": expected "local", "lan" or "wan"`,
    );
  }
  const settings = Object.freeze(overridden("gossip setting", changes, CLUSTER_PRESETS[preset]));
  checkProbe(settings, changes, preset);
  return settings;
}

/** Blames what the user has said, and not what the preset says. */
function checkProbe(
  { probeIntervalMs, probeTimeoutMs }: ClusterSettings,
  changes: Partial<ClusterSettings>,
  preset: ClusterPreset,
): void {
  if (probeTimeoutMs < probeIntervalMs) return;
  if (changes.probeTimeoutMs === undefined) {
    throw new RangeError(
      `Cannot set gossip setting "probeIntervalMs" to "${probeIntervalMs}": it must be above ` +
        `"probeTimeoutMs", which is ${probeTimeoutMs} in the preset "${preset}", set both`,
    );
  }
  const ofPreset = changes.probeIntervalMs === undefined ? ` in the preset "${preset}"` : "";
  throw new RangeError(
    `Cannot set gossip setting "probeTimeoutMs" to "${probeTimeoutMs}": it must be below ` +
      `"probeIntervalMs", which is ${probeIntervalMs}${ofPreset}`,
  );
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
