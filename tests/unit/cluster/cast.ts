/** The members, entries and states that the tests of the cluster's parts speak of. */

import { ClusterState } from "../../../lib/cluster/cluster_state.ts";
import type { ClusterMessage } from "../../../lib/cluster/gossip.ts";
import type { Member, MemberStatus } from "../../../lib/cluster/member.ts";
import type { RegistryEntry } from "../../../lib/cluster/owned_names.ts";
import {
  type ClusterSettings,
  DEFAULT_CLUSTER_SETTINGS as SETTINGS,
} from "../../../lib/cluster/settings.ts";
import { type Limits, resolveLimits } from "../../../lib/limits.ts";
import { seededRandom } from "../../../lib/random.ts";

/** An id of a number: like random ones, ids differ in their first digits. */
export const id = (n: number): string => n.toString(16).padStart(8, "0").repeat(4);

/** The number of an id. */
export const numberOf = (nodeId: string): number => parseInt(nodeId.slice(0, 8), 16);

/** A member of a number, which listens at an address of its own. */
export function member(n: number, status: MemberStatus = "alive", incarnation = 0): Member {
  return { nodeId: id(n), addr: `127.0.0.1:${7_000 + n}`, status, incarnation };
}

/** An entry of an owner; each of its versions says one thing. */
export function entry(
  owner: number,
  version: number,
  state: "live" | "stopped" = "live",
  path = `actors/a${version}`,
): RegistryEntry {
  return { path, actorId: id(1_000 * owner + version), nodeId: id(owner), version, state };
}

/** What a state differs in from the defaults. */
export interface StateOptions {
  readonly limits?: Partial<Limits>;
  readonly settings?: Partial<ClusterSettings>;
  readonly seed?: number;
}

/** The state of a member that begins at time 0 and is healthy. */
export function stateOf(n: number, options: StateOptions = {}): ClusterState {
  const { limits, settings, seed = n } = options;
  return new ClusterState({
    self: member(n),
    limits: resolveLimits(limits),
    settings: { ...SETTINGS, ...settings },
    random: seededRandom(seed),
    now: 0,
  });
}

/** The messages of a kind among those that a state wants to send. */
export function sent<K extends ClusterMessage["kind"]>(
  state: ClusterState,
  kind: K,
): Extract<ClusterMessage, { kind: K }>[] {
  const messages = state.takeSends().map(({ message }) => message);
  // Those of that kind, as just looked.
  return messages.filter((one) => one.kind === kind) as Extract<ClusterMessage, { kind: K }>[];
}

/** Hands over what states send each other until nothing is left; how many messages that took. */
export function settle(states: readonly ClusterState[], now: number, most = 1_000): number {
  let count = 0;
  for (let isBusy = true; isBusy;) {
    isBusy = false;
    for (const from of states) {
      for (const { to, message } of from.takeSends()) {
        if (++count > most) throw new Error(`Cannot settle: more than ${most} messages`);
        isBusy = true;
        states.find(({ self }) => self.nodeId === to)?.receive(from.self.nodeId, message, now);
      }
    }
  }
  return count;
}
