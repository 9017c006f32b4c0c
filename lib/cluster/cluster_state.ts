/**
 * Everything one node believes of its cluster, and what it does about it: pure.
 *
 * Events go in (a message, a link, a tick of the clock), messages to be sent come out. No timer,
 * no socket: {@link Cluster} brings those.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { Limits } from "../limits.ts";
import { type Random, shuffled } from "../random.ts";
import { type ClusterMessage, gossipMessage, readMessage, type Rumour, Rumours } from "./gossip.ts";
import { isReachable, type Member } from "./member.ts";
import { Membership } from "./membership.ts";
import { type Registration, Registry, type RegistryEntry } from "./registry.ts";
import type { ClusterSettings } from "./settings.ts";

/** What a state is made of. */
export interface ClusterStateOptions {
  readonly self: Member;
  readonly limits: Limits;
  readonly settings: ClusterSettings;
  readonly random: Random;
}

/** A message for one member. */
export interface Send {
  readonly to: Member;
  readonly message: ClusterMessage;
}

/** How often news was ignored because there was no room for it. */
export interface Ignored {
  readonly members: number;
  readonly entries: number;
}

/** One node's view of its cluster. */
export class ClusterState {
  readonly #limits: Limits;
  readonly #settings: ClusterSettings;
  readonly #random: Random;
  readonly #membership: Membership;
  readonly #registry: Registry;
  readonly #rumours = new Rumours();
  #nextPushPull = 0;
  #nextSweep = 0;
  /** Owners of entries that the last sweep did not know as members. */
  #strangers: ReadonlySet<NodeId> = new Set();
  #ignored: Ignored | undefined = undefined;
  #gone: NodeId[] = [];

  constructor({ self, limits, settings, random }: ClusterStateOptions) {
    this.#limits = limits;
    this.#settings = settings;
    this.#random = random;
    this.#membership = new Membership(self, limits.maxMembers);
    this.#registry = new Registry(self.nodeId, limits.maxRegistryEntries);
  }

  get self(): Member {
    return this.#membership.self;
  }

  get members(): readonly Member[] {
    return this.#membership.all;
  }

  member(nodeId: NodeId): Member | undefined {
    return this.#membership.get(nodeId);
  }

  /** Live entries on members that have not gone, in the order of their nodes. */
  instances(path: ActorPath): readonly RegistryEntry[] {
    return this.#registry.at(path).filter((entry) => this.#isServed(entry))
      .sort((one, other) => one.nodeId < other.nodeId ? -1 : 1);
  }

  /** All live entries on members that have not gone. */
  entries(): readonly RegistryEntry[] {
    return this.#registry.all.filter((entry) => entry.state === "live" && this.#isServed(entry));
  }

  /** This node can be dialled at another address than it has said. */
  readdress(addr: string): void {
    this.#spread(this.#membership.readdress(addr));
  }

  /** Enters a named actor of this node. */
  register(registration: Registration): void {
    this.#tell({ kind: "entry", entry: this.#registry.register(registration) });
  }

  /** Marks a named actor of this node as stopped. */
  unregister(path: ActorPath, actorId: ActorId): void {
    const entry = this.#registry.unregister(path, actorId);
    if (entry === undefined) return;
    // Without others nobody holds the entry; whoever does all the same is contradicted later.
    if (this.#membership.isAlone) this.#registry.forget(entry);
    else this.#tell({ kind: "entry", entry });
  }

  /** Takes a new link as evidence that a member is alive, and that older ones at its address are not. */
  linkUp(member: Member, now: number): void {
    this.#spread(this.#membership.meet(member, now));
    for (const old of this.#membership.replace(member, now)) this.#spread(old);
  }

  /** Takes a lost link as a reason to suspect the member. */
  linkLost(nodeId: NodeId, now: number): void {
    this.#spread(this.#membership.suspect(nodeId, now));
  }

  /**
   * Takes a message of another node.
   *
   * @returns The answer, when one is wanted.
   */
  receive(value: unknown, now: number): ClusterMessage | undefined {
    const message = readMessage(value);
    if (message === undefined) return undefined;
    for (const member of message.members) this.#spread(this.#membership.hear(member, now));
    for (const entry of message.entries) {
      if (isGone(this.#membership.get(entry.nodeId))) continue;
      const news = this.#registry.merge(entry) ? entry : this.#registry.refute(entry);
      if (news !== undefined) this.#tell({ kind: "entry", entry: news });
    }
    return message.kind === "push" ? this.#everything("pull") : undefined;
  }

  /** All this node knows, to be sent to a member it has just met. */
  introduction(): ClusterMessage {
    return this.#everything("push");
  }

  /** Lets time pass; called once per gossip interval. */
  tick(now: number): readonly Send[] {
    const { suspicionTimeoutMs, deadMemberRetentionMs } = this.#settings;
    for (const dead of this.#membership.tick(now, suspicionTimeoutMs, deadMemberRetentionMs)) {
      this.#spread(dead);
    }
    this.#sweep(now);
    const others = shuffled(this.#random, this.#membership.others());
    return [...this.#gossip(others), ...this.#pushPull(others, now)];
  }

  /** What the last sweep found to have been ignored; told once, `undefined` when nothing was. */
  takeIgnored(): Ignored | undefined {
    const ignored = this.#ignored;
    this.#ignored = undefined;
    return ignored;
  }

  /** The members that turned out to be dead or to have left; told once. */
  takeGone(): readonly NodeId[] {
    if (this.#gone.length === 0) return NOBODY;
    return this.#gone.splice(0);
  }

  /** Leaves the cluster; the message is for every member. */
  leave(): ClusterMessage {
    return { kind: "gossip", members: [this.#membership.leave()], entries: [] };
  }

  #gossip(others: readonly Member[]): readonly Send[] {
    if (others.length === 0) this.#rumours.clear();
    if (this.#rumours.isEmpty) return [];
    const { retransmitMultiplier, gossipFanout } = this.#settings;
    const times = retransmitMultiplier * Math.ceil(Math.log10(this.members.length + 1));
    const rumours = this.#rumours.take(times, this.#limits.maxGossipBytes);
    const message = gossipMessage(rumours);
    return others.slice(0, gossipFanout).map((to) => ({ to, message }));
  }

  #pushPull(others: readonly Member[], now: number): readonly Send[] {
    const [to] = others;
    if (to === undefined || now < this.#nextPushPull) return [];
    this.#nextPushPull = now + this.#settings.pushPullIntervalMs;
    return [{ to, message: this.#everything("push") }];
  }

  /** Forgets tombstones after their time, and entries whose owner stays unknown for two sweeps. */
  #sweep(now: number): void {
    if (now < this.#nextSweep) return;
    this.#nextSweep = now + this.#settings.pushPullIntervalMs;
    this.#registry.sweep(now, this.#settings.deadMemberRetentionMs);
    const strangers = new Set<NodeId>();
    for (const owner of this.#registry.owners()) {
      if (this.#membership.get(owner) !== undefined) continue;
      // Its member may be on the way still: gossip brings the two in any order.
      if (this.#strangers.has(owner)) this.#registry.purge(owner);
      else strangers.add(owner);
    }
    this.#strangers = strangers;
    const [members, entries] = [this.#membership.takeIgnored(), this.#registry.takeIgnored()];
    if (members + entries > 0) this.#ignored = { members, entries };
  }

  #everything(kind: "push" | "pull"): ClusterMessage {
    return { kind, members: this.#membership.all, entries: this.#registry.all };
  }

  #spread(member: Member | undefined): void {
    if (member === undefined) return;
    if (isGone(member)) {
      this.#registry.purge(member.nodeId);
      this.#gone.push(member.nodeId);
    }
    this.#tell({ kind: "member", member });
  }

  /** Keeps a piece of news for the others; a member that comes later is told everything. */
  #tell(rumour: Rumour): void {
    if (!this.#membership.isAlone) this.#rumours.add(rumour);
  }

  #isServed({ nodeId }: RegistryEntry): boolean {
    return isReachable(this.#membership.get(nodeId));
  }
}

const NOBODY: readonly NodeId[] = Object.freeze([]);

function isGone(member: Member | undefined): boolean {
  return member?.status === "dead" || member?.status === "left";
}
