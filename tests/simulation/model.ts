/**
 * A cluster of states without systems, links and bytes: what a thousand members need.
 *
 * Messages take a little time and may be lost; a node may be stalled, which holds back its timer
 * and what arrives, or killed. All of it follows from the seed.
 */

import type { NodeId } from "../../lib/address.ts";
import { ClusterState } from "../../lib/cluster/cluster_state.ts";
import type { ClusterMessage } from "../../lib/cluster/gossip.ts";
import { isReachable, type MemberStatus } from "../../lib/cluster/member.ts";
import { type ClusterSettings, DEFAULT_CLUSTER_SETTINGS } from "../../lib/cluster/settings.ts";
import { DEFAULT_LIMITS } from "../../lib/limits.ts";
import { type Random, randomFraction, randomId, seededRandom } from "../../lib/random.ts";

/** What a model is made of. */
export interface ModelOptions {
  readonly size: number;
  readonly seed: number;
  /** @default those of a local network */
  readonly settings?: ClusterSettings;
  /** The share of messages that are lost. */
  readonly loss?: number;
}

/** SWIM with the same timers and without what Lifeguard adds to it. */
export const PLAIN_SWIM: ClusterSettings = {
  ...DEFAULT_CLUSTER_SETTINGS,
  suspicionMaxMultiplier: 1,
  healthMaxMultiplier: 1,
  stallThresholdMs: Infinity,
  lastProbeMs: 0,
};

/** One modelled node. */
export interface ModelNode {
  readonly state: ClusterState;
  readonly nodeId: NodeId;
  isKilled: boolean;
  /** Until when it stands still. */
  stalledUntil: number;
  /** When its timer fires. */
  wakeAt: number;
  /** What it has sent. */
  messages: number;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly node: ModelNode;
  /** Absent for a timer. */
  readonly message?: { readonly from: NodeId; readonly value: ClusterMessage };
  /** A node that could not be linked. */
  readonly unreachable?: NodeId;
}

const [MIN_DELAY_MS, MAX_DELAY_MS] = [0.5, 2];

/** States that talk to each other in virtual time. */
export class Model {
  readonly nodes: readonly ModelNode[];
  now = 0;
  /** Called when a node's belief of another one changes. */
  onBelief: (observer: ModelNode, subject: NodeId, status: MemberStatus) => void = () => {};
  /** Called with each message that is sent. */
  onSend: (message: ClusterMessage) => void = () => {};
  readonly #byId = new Map<NodeId, ModelNode>();
  readonly #random: Random;
  readonly #loss: number;
  readonly #events: Event[] = [];
  readonly #cuts = new Set<string>();
  readonly #vanished = new Set<NodeId>();
  #order = 0;

  constructor({ size, seed, settings = DEFAULT_CLUSTER_SETTINGS, loss = 0 }: ModelOptions) {
    const random = this.#random = seededRandom(seed);
    this.#loss = loss;
    const members = Array.from({ length: size }, (_, n) => ({
      nodeId: randomId(random),
      addr: `node-${n}:7000`,
      status: "alive" as const,
      incarnation: 0,
    }));
    this.nodes = members.map((self, n) => {
      const own = seededRandom(seed * 1_000_003 + n);
      const state = new ClusterState({
        self,
        limits: DEFAULT_LIMITS,
        settings,
        random: own,
        now: 0,
      });
      const { nodeId } = self;
      return { state, nodeId, isKilled: false, stalledUntil: 0, wakeAt: Infinity, messages: 0 };
    });
    for (const node of this.nodes) this.#byId.set(node.nodeId, node);
    // As if all had joined one after the other, which told nobody anything new.
    for (const node of this.nodes) {
      const [first, second] = members;
      const peer = first?.nodeId === node.nodeId ? second : first;
      if (peer === undefined) continue;
      node.state.linkUp(peer, false, 0);
      const others = { kind: "names", members, lists: [], answer: false };
      node.state.receive(peer.nodeId, others, 0);
      this.#after(node);
    }
  }

  /** The node of a number, from 0 on. */
  at(n: number): ModelNode {
    const node = this.nodes[n];
    if (node === undefined) throw new Error(`Cannot find node ${n}: there are fewer`);
    return node;
  }

  /** A node stands still for a time. */
  stall(node: ModelNode, ms: number): void {
    node.stalledUntil = Math.max(node.stalledUntil, this.now + ms);
  }

  /** A node ends; its kernel closes its connections unless the whole machine is gone. */
  kill(node: ModelNode, how: "process" | "machine" = "process"): void {
    node.isKilled = true;
    if (how === "machine") return void this.#vanished.add(node.nodeId);
    for (const other of this.nodes) {
      if (other !== node) this.#push({ node: other, unreachable: node.nodeId });
    }
  }

  /** What the nodes of two groups send each other vanishes. */
  partition(one: readonly ModelNode[], other: readonly ModelNode[]): void {
    for (const a of one) {
      for (const b of other) {
        this.#cuts.add(`${a.nodeId} ${b.nodeId}`).add(`${b.nodeId} ${a.nodeId}`);
      }
    }
  }

  /** Nothing is cut any more. */
  heal(): void {
    this.#cuts.clear();
  }

  /** Does something to a node, and sends what comes of it. */
  act(node: ModelNode, action: (state: ClusterState) => void): void {
    action(node.state);
    this.#after(node);
  }

  /** Lets time pass. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let event = this.#events[0]; event !== undefined && event.at <= end;) {
      this.#pop();
      this.now = Math.max(this.now, event.at);
      this.#run(event);
      event = this.#events[0];
    }
    this.now = end;
  }

  /** Lets time pass until something holds; how long it took, `Infinity` when it never did. */
  until(condition: () => boolean, withinMs: number, stepMs = 50): number {
    const start = this.now;
    while (!condition()) {
      if (this.now - start >= withinMs) return Infinity;
      this.advance(stepMs);
    }
    return this.now - start;
  }

  /** The nodes that run. */
  get running(): readonly ModelNode[] {
    return this.nodes.filter((node) => !node.isKilled);
  }

  /** Whether a node's status is the same in the eyes of all that run. */
  allSee(nodeId: NodeId, status: MemberStatus): boolean {
    return this.running.every(({ state }) => state.member(nodeId)?.status === status);
  }

  #run(event: Event): void {
    const { node, message, unreachable } = event;
    if (node.isKilled) return;
    if (node.stalledUntil > this.now) {
      // A program that goes on finds its timers due first, then what has arrived.
      const at = node.stalledUntil + (message === undefined && !unreachable ? 0 : 0.001);
      return this.#push({ ...event, at });
    }
    if (message !== undefined) node.state.receive(message.from, message.value, this.now);
    else if (unreachable !== undefined) node.state.unreachable(unreachable, this.now);
    else if (event.at < node.wakeAt) return; // it was set anew for later
    else {
      node.wakeAt = Infinity;
      node.state.tick(this.now);
    }
    this.#after(node);
  }

  #after(node: ModelNode): void {
    for (const { to, message } of node.state.takeSends()) this.#send(node, to, message);
    for (const { nodeId, status } of node.state.takeGone()) this.onBelief(node, nodeId, status);
    const wakeAt = node.state.nextWake();
    if (wakeAt >= node.wakeAt) return;
    node.wakeAt = Math.max(wakeAt, this.now);
    this.#push({ node, at: node.wakeAt });
  }

  #send(from: ModelNode, to: NodeId, value: ClusterMessage): void {
    from.messages++;
    this.onSend(value);
    const node = this.#byId.get(to);
    if (node === undefined || this.#cuts.has(`${from.nodeId} ${to}`)) return;
    if (node.isKilled && this.#vanished.has(to)) return;
    if (node.isKilled) return this.#push({ node: from, unreachable: to });
    if (this.#loss > 0 && randomFraction(this.#random) < this.#loss) return;
    this.#push({ node, message: { from: from.nodeId, value } });
  }

  #push({ at, ...event }: Omit<Event, "order" | "at"> & { readonly at?: number }): void {
    const delay = MIN_DELAY_MS + randomFraction(this.#random) * (MAX_DELAY_MS - MIN_DELAY_MS);
    const entry: Event = { ...event, at: at ?? this.now + delay, order: this.#order++ };
    const events = this.#events;
    let place = events.length;
    events.push(entry);
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      const above = events[parent] as Event; // it is within the heap
      if (!isBefore(entry, above)) break;
      events[place] = above;
      place = parent;
    }
    events[place] = entry;
  }

  #pop(): void {
    const events = this.#events;
    const last = events.pop();
    if (last === undefined || events.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= events.length) break;
      const [left, right] = [events[child] as Event, events[child + 1]];
      if (right !== undefined && isBefore(right, left)) child++;
      const below = events[child] as Event; // it is within the heap
      if (!isBefore(below, last)) break;
      events[place] = below;
      place = child;
    }
    events[place] = last;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at === other.at ? one.order < other.order : one.at < other.at;
}

/** How many nodes one believes to be there, itself included. */
export function reachableCount({ state }: ModelNode): number {
  return state.members.filter(isReachable).length;
}
