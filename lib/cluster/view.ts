/**
 * What one node believes of its cluster, whichever way it came to know: members, names and loads.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { Limits } from "../limits.ts";
import type { Random } from "../random.ts";
import { AntiEntropy } from "./anti_entropy.ts";
import { type ClusterMessage, type News, NO_NEWS, type Rumour } from "./gossip.ts";
import { Loads } from "./loads.ts";
import { isReachable, type Member } from "./member.ts";
import { Membership } from "./membership.ts";
import type { Ignored, Send } from "./naming.ts";
import type { RegistryEntry } from "./owned_names.ts";
import { type Registration, Registry } from "./registry.ts";
import type { ClusterSettings } from "./settings.ts";

/** What a view is made of. */
export interface ViewOptions {
  readonly self: Member;
  readonly limits: Limits;
  readonly settings: ClusterSettings;
  readonly random: Random;
  /** The time at which it begins. */
  readonly now: number;
}

/** The tables of one node and what is asked of them; how news travels is up to who extends it. */
export abstract class View {
  readonly membership: Membership;
  readonly registry: Registry;
  readonly loads: Loads;
  readonly antiEntropy: AntiEntropy;
  /** Owners of entries that the last sweep did not know as members. */
  #strangers: ReadonlySet<NodeId> = new Set();
  #sends: Send[] = [];
  #gone: Member[] = [];
  #ignored: Ignored | undefined = undefined;

  constructor({ self, limits, settings, random }: ViewOptions) {
    const { maxMembers, maxRegistryEntries } = limits;
    this.membership = new Membership({ self, maxMembers, settings, random });
    this.registry = new Registry(self.nodeId, maxRegistryEntries);
    this.loads = new Loads(self.nodeId);
    this.antiEntropy = new AntiEntropy(this.membership, this.registry, this.loads);
  }

  /** Keeps a piece of news for the others. */
  abstract tell(rumour: Rumour): void;

  get self(): Member {
    return this.membership.self;
  }

  get members(): readonly Member[] {
    return this.membership.all;
  }

  get revision(): number {
    return this.membership.revision + this.registry.revision;
  }

  member(nodeId: NodeId): Member | undefined {
    return this.membership.get(nodeId);
  }

  instances(path: ActorPath): readonly RegistryEntry[] {
    return this.registry.at(path).filter(({ nodeId }) => isReachable(this.member(nodeId)))
      .sort((one, other) => one.nodeId < other.nodeId ? -1 : 1);
  }

  entries(): readonly RegistryEntry[] {
    const entries: RegistryEntry[] = [];
    for (const owner of this.registry.owners()) {
      if (!isReachable(this.member(owner))) continue;
      for (const entry of this.registry.of(owner)?.entries() ?? []) {
        if (entry.state === "live") entries.push(entry);
      }
    }
    return entries;
  }

  actorsOf(nodeId: NodeId): number | undefined {
    return this.loads.get(nodeId)?.actors;
  }

  register(registration: Registration): void {
    this.tell({ kind: "entry", entry: this.registry.register(registration) });
  }

  unregister(path: ActorPath, actorId: ActorId): void {
    const entry = this.registry.unregister(path, actorId);
    if (entry !== undefined) this.tell({ kind: "entry", entry });
  }

  measure(actors: number): void {
    const load = this.loads.measure(actors);
    if (load !== undefined) this.tell({ kind: "load", load });
  }

  readdress(addr: string): void {
    this.tell({ kind: "member", member: this.membership.readdress(addr) });
  }

  leave(): ClusterMessage {
    return { kind: "gossip", members: [this.membership.leave()] };
  }

  takeSends(): readonly Send[] {
    if (this.#sends.length === 0) return NOTHING;
    const sends = this.#sends;
    this.#sends = [];
    return sends;
  }

  takeGone(): readonly Member[] {
    return this.#gone.length === 0 ? NOBODY : this.#gone.splice(0);
  }

  takeIgnored(): Ignored | undefined {
    const ignored = this.#ignored;
    this.#ignored = undefined;
    return ignored;
  }

  /** Sends a message at the end of the event. */
  send(send: Send): void {
    this.#sends.push(send);
  }

  /**
   * What this node has said last of its load, for those who were not there or have forgotten it.
   *
   * No hash of a comparison tells that it is not known there.
   */
  get ownLoad(): News {
    const load = this.loads.get(this.self.nodeId);
    return load === undefined ? NO_NEWS : { loads: [load] };
  }

  /** Takes note that a member is dead or has left. */
  gone(member: Member): void {
    this.loads.forget(member.nodeId);
    this.#gone.push(member);
  }

  /** Forgets members after their time, and entries whose owner stays unknown for two sweeps. */
  sweep(now: number, retentionMs: number): void {
    this.membership.forget(now, retentionMs);
    const strangers = new Set<NodeId>();
    for (const owner of this.registry.owners()) {
      if (this.member(owner) !== undefined) continue;
      // Its member may be on the way still: news brings the two in any order.
      if (this.#strangers.has(owner)) this.registry.purge(owner);
      else strangers.add(owner);
    }
    this.#strangers = strangers;
    const [members, entries] = [this.membership.takeIgnored(), this.registry.takeIgnored()];
    if (members + entries > 0) this.#ignored = { members, entries };
  }
}

const NOTHING: readonly Send[] = Object.freeze([]);
const NOBODY: readonly Member[] = Object.freeze([]);
