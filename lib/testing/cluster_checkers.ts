/**
 * What must hold of the members and names that nodes see.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import { type HistoryEntry, lineOf } from "./history.ts";

type MemberEntry = Extract<HistoryEntry, { readonly kind: "member" }>;
type NameEntry = Extract<HistoryEntry, { readonly kind: "name" }>;
type NodeEntry = Extract<HistoryEntry, { readonly kind: "node" }>;

/** What one node sees at the end of a history. */
interface View {
  readonly node: NodeEntry;
  readonly members: Map<NodeId, MemberEntry>;
  readonly names: Map<string, NameEntry>;
}

/**
 * At the end all running nodes see the same members alive and the same names, and of the nodes
 * themselves those that run and none that has ended.
 *
 * Frozen nodes see nothing, so they are not asked, and others may believe of them what they like.
 *
 * @param history What happened; {@link TestCluster.history} records it.
 *
 * @example Two nodes that do not see the same names
 * ```ts
 * import { convergence, TestCluster } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * await using cluster = await TestCluster.start(2);
 * assert.deepEqual(convergence(cluster.history.entries), []);
 * cluster.cut(0, 1);
 * await cluster.at(0).system.spawn({ receive: () => {} }, { name: "news" });
 * assert.equal(convergence(cluster.history.entries).length, 1);
 * ```
 */
export function convergence(history: readonly HistoryEntry[]): readonly string[] {
  const views = viewsOf(history);
  const running = views.filter(({ node }) => node.state === "running");
  const [first, ...others] = running;
  if (first === undefined) return [];
  const violations: string[] = [];
  for (const other of others) {
    violations.push(
      ...differences(first, other, "members", aliveOf),
      ...differences(first, other, "names", namesOf),
    );
  }
  for (const view of running) violations.push(...mistakes(view, views));
  return violations;
}

/**
 * What has ended does not come back.
 *
 * Who is dead or has left is never believed to be alive or suspect again, but with a higher
 * incarnation, or by one who has forgotten it when it lives after all. A name's actor that its own
 * node has stopped does not reappear where the stop was known: where it was gone while its node was
 * believed to be there. A name that was only hidden, because its node was believed dead, may be
 * seen again until the news of the stop arrives.
 *
 * @param history What happened; {@link TestCluster.history} records it.
 *
 * @example A member that came back from the dead
 * ```ts
 * import { type HistoryEntry, noResurrection } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * const about = { kind: "member", node: "node-0", nodeId: "aa", addr: "node-1:7000" } as const;
 * const dead: HistoryEntry = { ...about, atMs: 1, status: "dead", incarnation: 3 };
 * const back: HistoryEntry = { ...about, atMs: 2, status: "alive", incarnation: 3 };
 * assert.equal(noResurrection([dead, back]).length, 1);
 * assert.deepEqual(noResurrection([dead, { ...back, incarnation: 4 }]), []);
 * ```
 */
export function noResurrection(history: readonly HistoryEntry[]): readonly string[] {
  const violations: string[] = [];
  const seen: Seen = {
    members: new Map(),
    buried: new Map(),
    gone: new Map(),
    stopped: new Set(),
    owners: new Map(),
    living: new Set(),
  };
  for (const entry of history) {
    const before = endBefore(entry, seen);
    if (before !== undefined) violations.push(described("came back", before, entry));
  }
  return violations;
}

/** What a history has shown so far. */
interface Seen {
  /** The last that each node believes of each member. */
  readonly members: Map<string, MemberEntry>;
  /** The last end that each node has heard of each member. */
  readonly buried: Map<string, MemberEntry>;
  /** The actors of names whose stop each node knows. */
  readonly gone: Map<string, NameEntry>;
  /** The actors of names that their own nodes have stopped. */
  readonly stopped: Set<string>;
  /** The ids of the nodes by their names. */
  readonly owners: Map<string, NodeId>;
  /** Nodes that have not ended. */
  readonly living: Set<NodeId>;
}

/** Takes the next entry; gives the end that what it tells of cannot have come back from. */
function endBefore(entry: HistoryEntry, seen: Seen): HistoryEntry | undefined {
  if (entry.kind === "member") return memberBefore(entry, seen);
  if (entry.kind === "name") return nameBefore(entry, seen);
  if (entry.kind !== "node") return undefined;
  seen.owners.set(entry.node, entry.nodeId);
  if (entry.state === "running" || entry.state === "frozen") seen.living.add(entry.nodeId);
  else seen.living.delete(entry.nodeId);
  return undefined;
}

function memberBefore(
  entry: MemberEntry,
  { members, buried, living }: Seen,
): MemberEntry | undefined {
  const key = `${entry.node} ${entry.nodeId}`;
  members.set(key, entry);
  if (isEnd(entry)) return void buried.set(key, entry);
  if (entry.status === "forgotten") {
    // Nobody knows any more that it has to come with a higher incarnation.
    if (living.has(entry.nodeId)) buried.delete(key);
    return undefined;
  }
  const before = buried.get(key);
  return before !== undefined && entry.incarnation <= before.incarnation ? before : undefined;
}

function nameBefore(
  entry: NameEntry,
  { members, gone, stopped, owners }: Seen,
): NameEntry | undefined {
  const key = `${entry.node} ${entry.actorId}`;
  if (entry.state === "up") return stopped.has(entry.actorId) ? gone.get(key) : undefined;
  if (entry.nodeId === owners.get(entry.node)) stopped.add(entry.actorId);
  const member = members.get(`${entry.node} ${entry.nodeId}`);
  const isHidden = member !== undefined && (isEnd(member) || member.status === "forgotten");
  if (!isHidden) gone.set(key, entry);
  return undefined;
}

function isEnd({ status }: MemberEntry): boolean {
  return status === "dead" || status === "left";
}

function viewsOf(history: readonly HistoryEntry[]): readonly View[] {
  const views = new Map<string, View>();
  for (const entry of history) {
    if (entry.kind === "node") {
      const { members, names } = views.get(entry.node) ?? { members: new Map(), names: new Map() };
      views.set(entry.node, { node: entry, members, names });
    } else if (entry.kind === "member") {
      views.get(entry.node)?.members.set(entry.nodeId, entry);
    } else if (entry.kind === "name") {
      views.get(entry.node)?.names.set(`${entry.path} ${entry.actorId}`, entry);
    }
  }
  return [...views.values()];
}

function aliveOf({ members }: View): Map<string, HistoryEntry> {
  const alive = [...members].filter(([, { status }]) => status === "alive");
  return new Map(alive);
}

function namesOf({ names }: View): Map<string, HistoryEntry> {
  return new Map([...names].filter(([, { state }]) => state === "up"));
}

function differences(
  one: View,
  other: View,
  what: string,
  part: (view: View) => Map<string, HistoryEntry>,
): readonly string[] {
  const [here, there] = [part(one), part(other)];
  const onlyHere = [...here].filter(([key]) => !there.has(key)).map(([, entry]) => entry);
  const onlyThere = [...there].filter(([key]) => !here.has(key)).map(([, entry]) => entry);
  if (onlyHere.length + onlyThere.length === 0) return [];
  const text = `${one.node.node} and ${other.node.node} see different ${what}`;
  return [described(text, ...onlyHere, ...onlyThere)];
}

/** What a node believes of the others that is not so. */
function mistakes({ node, members }: View, views: readonly View[]): readonly string[] {
  const violations: string[] = [];
  for (const { node: other } of views) {
    const belief = members.get(other.nodeId);
    const isAlive = belief?.status === "alive";
    if (other.state === "frozen" || isAlive === (other.state === "running")) continue;
    const what = isAlive ? "sees a node that has ended" : "does not see a running node";
    violations.push(described(`${node.node} ${what}`, ...(belief ? [belief] : []), other));
  }
  return violations;
}

function described(what: string, ...entries: readonly HistoryEntry[]): string {
  return [what, ...entries.map((entry) => `  ${lineOf(entry)}`)].join("\n");
}
