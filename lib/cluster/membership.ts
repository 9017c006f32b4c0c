/**
 * Who is in the cluster: a pure table of members, fed with rumours, verdicts and links.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { Random } from "../random.ts";
import { toldAddress } from "../remote/peer_address.ts";
import { isReachable, type Member, type MemberNews, supersedes } from "./member.ts";
import { ProbeRing } from "./probe_ring.ts";
import { Suspicion, suspicionBounds, type SuspicionSettings } from "./suspicion.ts";

/** What a table is made of. */
export interface MembershipOptions {
  readonly self: Member;
  /** From how many members on further ones are ignored. */
  readonly maxMembers: number;
  readonly settings: SuspicionSettings;
  readonly random: Random;
}

/** The members one node knows, itself included. Time is a parameter of every change. */
export class Membership {
  /** The other members that have not gone. */
  readonly ring: ProbeRing;
  readonly #maxMembers: number;
  readonly #settings: SuspicionSettings;
  readonly #members = new Map<NodeId, Member>();
  readonly #suspicions = new Map<NodeId, Suspicion>();
  /** When a member was found dead or left. */
  readonly #goneSince = new Map<NodeId, number>();
  /** Members of which nothing was heard since this node stood still for long. */
  readonly #stale = new Set<NodeId>();
  #self: Member;
  #ignored = 0;
  #returns = 0;
  #revision = 0;
  #all: readonly Member[] | undefined = undefined;

  constructor({ self, maxMembers, settings, random }: MembershipOptions) {
    this.#self = self;
    this.#maxMembers = maxMembers;
    this.#settings = settings;
    this.ring = new ProbeRing(random);
    this.#members.set(self.nodeId, self);
  }

  /** This node. */
  get self(): Member {
    return this.#self;
  }

  /** All members, this node included; the same list until something changes. */
  get all(): readonly Member[] {
    return this.#all ??= [...this.#members.values()];
  }

  /** Rises with every change. */
  get revision(): number {
    return this.#revision;
  }

  /** How often somebody came back from the dead, this node in the eyes of others included. */
  get returns(): number {
    return this.#returns;
  }

  get(nodeId: NodeId): Member | undefined {
    return this.#members.get(nodeId);
  }

  /** Members that are dead, the longest dead first; those that left are not among them. */
  dead(): readonly Member[] {
    const dead: Member[] = [];
    for (const nodeId of this.#goneSince.keys()) {
      const member = this.#members.get(nodeId);
      if (member?.status === "dead") dead.push(member);
    }
    return dead;
  }

  /** When the next suspicion ends; `Infinity` without one. */
  get nextEnd(): number {
    let next = Infinity;
    for (const { isOver, endsAt } of this.#suspicions.values()) {
      if (!isOver && endsAt < next) next = endsAt;
    }
    return next;
  }

  /**
   * Weighs a rumour.
   *
   * @returns What is to be told on: the rumour when it was news, our refutation when it was a
   * false one about ourselves; `undefined` when nothing changed.
   */
  hear(rumour: MemberNews, now: number): MemberNews | undefined {
    if (rumour.nodeId === this.#self.nodeId) return this.#hearOfSelf(rumour);
    const belief = this.#members.get(rumour.nodeId);
    if (belief === undefined) {
      // Who was never known needs no tombstone.
      if (!isReachable(rumour)) return undefined;
      if (this.#members.size >= this.#maxMembers) return void this.#ignored++;
    } else if (!supersedes(rumour, belief)) return this.#confirm(rumour, belief);
    const addr = belief === undefined ? rumour.addr : toldAddress(rumour.addr, belief.addr);
    const news = addr === rumour.addr ? rumour : { ...rumour, addr };
    this.#set(news, now);
    return news;
  }

  /**
   * Takes what a member that was met again remembers: what it calls dead is suspected only.
   *
   * It may have been cut off from those that it calls dead; they are here to refute it.
   */
  hearRemembered(rumour: MemberNews, by: NodeId, now: number): MemberNews | undefined {
    const isDoubtful = rumour.status === "dead" && isReachable(this.#members.get(rumour.nodeId));
    return this.hear(isDoubtful ? { ...rumour, status: "suspect", by } : rumour, now);
  }

  /** Suspects a member that this node, and those it asked, could not reach. */
  suspect(nodeId: NodeId, now: number): MemberNews | undefined {
    const belief = this.#members.get(nodeId);
    if (!isReachable(belief) || belief === undefined) return undefined;
    return this.hear({ ...belief, status: "suspect", by: this.#self.nodeId }, now);
  }

  /**
   * Doubts all others: this node stood still for so long that those who died meanwhile may be
   * forgotten. Who is there refutes it; nobody is told of the others until then.
   */
  doubtAll(now: number): void {
    for (const member of this.#members.values()) {
      if (member.nodeId === this.#self.nodeId || !isReachable(member)) continue;
      this.#set({ ...member, status: "suspect", by: this.#self.nodeId }, now);
      this.#stale.add(member.nodeId);
    }
  }

  /** Whether the others may be told what this node believes of a member. */
  isFresh(nodeId: NodeId): boolean {
    return !this.#stale.has(nodeId);
  }

  /** The suspects whose time to refute is over, each told once. */
  takeOverdue(now: number): readonly NodeId[] {
    const overdue: NodeId[] = [];
    for (const [nodeId, suspicion] of this.#suspicions) {
      if (suspicion.isOver || suspicion.endsAt > now) continue;
      suspicion.isOver = true;
      overdue.push(nodeId);
    }
    return overdue;
  }

  /** A suspect whose time is over has answered after all: it is given its time again. */
  spare(nodeId: NodeId, now: number): void {
    this.#suspicions.get(nodeId)?.restart(now);
  }

  /** Declares a suspect dead; `undefined` when it is none any more, or has its time anew. */
  bury(nodeId: NodeId, now: number): Member | undefined {
    const belief = this.#members.get(nodeId);
    if (belief === undefined || this.#suspicions.get(nodeId)?.isOver !== true) return undefined;
    return this.#change(belief, "dead", now);
  }

  /**
   * Takes a node met at an address as the end of those that were there before it.
   *
   * Only for direct contact: two rumours about one address do not say which node is the newer.
   *
   * @returns Members that are dead now; one that is not can refute it.
   */
  replace(newcomer: Member, now: number): readonly Member[] {
    const isServing = this.#members.get(newcomer.nodeId)?.status === "alive";
    if (newcomer.addr === "" || !isServing) return [];
    const replaced: Member[] = [];
    for (const old of this.#members.values()) {
      const isOther = old.nodeId !== newcomer.nodeId && old.nodeId !== this.#self.nodeId;
      if (old.addr === newcomer.addr && isOther && isReachable(old)) replaced.push(old);
    }
    return replaced.map((old) => this.#change(old, "dead", now));
  }

  /** Leaves: this node is gone for the others. */
  leave(): Member {
    return this.#setSelf({ ...this.#self, status: "left" });
  }

  /** Listens at another address from now on. */
  readdress(addr: string): Member {
    return this.#setSelf({ ...this.#self, addr, incarnation: this.#self.incarnation + 1 });
  }

  /** Forgets members that have been gone for a time. */
  forget(now: number, retentionMs: number): void {
    for (const [nodeId, since] of this.#goneSince) {
      if (now - since < retentionMs) return; // in the order of their times
      this.#goneSince.delete(nodeId);
      this.#members.delete(nodeId);
      this.#touch();
    }
  }

  /** How often news of a member was ignored for want of room since this was asked last. */
  takeIgnored(): number {
    const ignored = this.#ignored;
    this.#ignored = 0;
    return ignored;
  }

  #hearOfSelf(rumour: Member): Member | undefined {
    const isFalse = rumour.status !== "alive" && this.#self.status === "alive";
    if (!isFalse || rumour.incarnation < this.#self.incarnation) return undefined;
    if (rumour.status === "dead") this.#returns++;
    return this.#setSelf({ ...this.#self, incarnation: rumour.incarnation + 1 });
  }

  /** The same suspicion by another member makes its time shorter, and is told on while it does. */
  #confirm(rumour: MemberNews, belief: Member): MemberNews | undefined {
    const { status, incarnation, by } = rumour;
    if (status !== "suspect" || belief.status !== "suspect" || by === undefined) return undefined;
    if (incarnation !== belief.incarnation) return undefined;
    return this.#suspicions.get(rumour.nodeId)?.confirm(by) ? rumour : undefined;
  }

  #change(member: Member, status: Member["status"], now: number): Member {
    const changed = { ...member, status };
    this.#set(changed, now);
    return changed;
  }

  #touch(): void {
    this.#revision++;
    this.#all = undefined;
  }

  #setSelf(self: Member): Member {
    this.#touch();
    this.#self = self;
    this.#members.set(self.nodeId, self);
    return self;
  }

  #set({ by, ...member }: MemberNews, now: number): void {
    this.#touch();
    const { nodeId, status } = member;
    const wasGone = this.#goneSince.delete(nodeId);
    this.#suspicions.delete(nodeId);
    this.#stale.delete(nodeId);
    this.#members.set(nodeId, member);
    if (isReachable(member)) {
      this.ring.add(nodeId);
      if (wasGone) this.#returns++;
    } else {
      this.ring.remove(nodeId);
      this.#goneSince.set(nodeId, now);
    }
    if (status !== "suspect") return;
    const bounds = suspicionBounds(this.ring.size + 1, this.#settings);
    this.#suspicions.set(nodeId, new Suspicion(bounds, by ?? nodeId, now));
  }
}
