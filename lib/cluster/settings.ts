/**
 * Settings of membership and gossip, with memberlist's meanings.
 *
 * @module
 */

import { checkOverrides } from "../limits.ts";

/** How the nodes of a cluster keep each other informed. */
export interface ClusterSettings {
  /** Time between two rounds of gossip, in milliseconds. Lower spreads news faster. */
  readonly gossipIntervalMs: number;
  /** Members told in one round. */
  readonly gossipFanout: number;
  /** News is told `retransmitMultiplier * ceil(log10(members + 1))` times, then dropped. */
  readonly retransmitMultiplier: number;
  /** Time between two full exchanges with one member, in milliseconds; finds what gossip missed. */
  readonly pushPullIntervalMs: number;
  /** How long a member whose link was lost has time to come back, in milliseconds. */
  readonly suspicionTimeoutMs: number;
  /**
   * Time between two dials of a seed's address at which no member is known, in milliseconds.
   *
   * It is how a partition heals and how seeds that come late are found.
   */
  readonly seedProbeIntervalMs: number;
  /** How long a dead or left member, or a stopped actor's name, is remembered, in milliseconds. */
  readonly deadMemberRetentionMs: number;
}

/** The defaults, for a local network. */
export const DEFAULT_CLUSTER_SETTINGS: ClusterSettings = Object.freeze({
  gossipIntervalMs: 200,
  gossipFanout: 3,
  retransmitMultiplier: 4,
  pushPullIntervalMs: 10_000,
  suspicionTimeoutMs: 2_000,
  seedProbeIntervalMs: 5_000,
  deadMemberRetentionMs: 300_000,
});

/**
 * Fills the settings a user left out with the defaults.
 *
 * @param overrides The settings to change.
 * @throws {RangeError} When a value is not a positive integer.
 * @throws {TypeError} When a name is not a setting.
 */
export function resolveClusterSettings(overrides: Partial<ClusterSettings> = {}): ClusterSettings {
  checkOverrides("gossip setting", overrides, DEFAULT_CLUSTER_SETTINGS);
  return Object.freeze({ ...DEFAULT_CLUSTER_SETTINGS, ...overrides });
}
