/**
 * Who is in the cluster: a pure table of members.
 *
 * Probing and suspicion by probes will feed it with the same rumours that lost links feed it with
 * now.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import { type Member, type MemberStatus, supersedes } from "./member.ts";

/** The members one node knows, itself included. Time is a parameter of every change. */
export class Membership {
  readonly #maxMembers: number;
  readonly #members = new Map<NodeId, Member>();
  /** When the present status of a member that is not alive was taken on. */
  readonly #since = new Map<NodeId, number>();
  #self: Member;
  #ignored = 0;

  constructor(self: Member, maxMembers: number) {
    this.#self = self;
    this.#maxMembers = maxMembers;
    this.#members.set(self.nodeId, self);
  }

  /** This node. */
  get self(): Member {
    return this.#self;
  }

  /** All members, this node included. */
  get all(): readonly Member[] {
    return [...this.#members.values()];
  }

  get(nodeId: NodeId): Member | undefined {
    return this.#members.get(nodeId);
  }

  /** Whether no other member is known, not even one that has gone. */
  get isAlone(): boolean {
    return this.#members.size === 1;
  }

  /** The other members that have not gone. */
  others(): readonly Member[] {
    return this.all.filter((member) =>
      member.nodeId !== this.#self.nodeId &&
      (member.status === "alive" || member.status === "suspect")
    );
  }

  /**
   * Weighs a rumour.
   *
   * @returns What is to be told on: the rumour when it was news, our refutation when it was a
   * false one about ourselves; `undefined` when nothing changed.
   */
  hear(rumour: Member, now: number): Member | undefined {
    if (rumour.nodeId === this.#self.nodeId) return this.#hearOfSelf(rumour);
    const belief = this.#members.get(rumour.nodeId);
    if (belief === undefined) {
      // Who was never known needs no tombstone.
      if (rumour.status === "dead" || rumour.status === "left") return undefined;
      if (this.#members.size >= this.#maxMembers) return void this.#ignored++;
    } else if (!supersedes(rumour, belief)) return undefined;
    this.#set(rumour, now);
    return rumour;
  }

  /** Takes a lost link as a reason to suspect the member. */
  suspect(nodeId: NodeId, now: number): Member | undefined {
    const belief = this.#members.get(nodeId);
    if (belief?.status !== "alive") return undefined;
    return this.#change(belief, "suspect", now);
  }

  /**
   * Takes a new link as evidence: its handshake carried the member's own incarnation.
   *
   * A suspicion that the member has not refuted itself is taken back here, not told on: the others
   * hear of it through the member's refutation.
   */
  meet(member: Member, now: number): Member | undefined {
    const belief = this.#members.get(member.nodeId);
    if (belief?.status !== "suspect" || member.incarnation < belief.incarnation) {
      return this.hear(member, now);
    }
    this.#set({ ...belief, status: "alive" }, now);
    return undefined;
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
    return this.others()
      .filter(({ nodeId, addr }) => addr === newcomer.addr && nodeId !== newcomer.nodeId)
      .map((old) => this.#change(old, "dead", now));
  }

  /** Gives this node another address; the higher incarnation makes the others believe it. */
  readdress(addr: string): Member {
    this.#self = { ...this.#self, addr, incarnation: this.#self.incarnation + 1 };
    this.#members.set(this.#self.nodeId, this.#self);
    return this.#self;
  }

  /** Leaves: this node is gone for the others. */
  leave(): Member {
    this.#self = { ...this.#self, status: "left" };
    this.#members.set(this.#self.nodeId, this.#self);
    return this.#self;
  }

  /**
   * Lets time pass.
   *
   * @returns Members whose suspicion has become certainty.
   */
  tick(now: number, suspicionTimeoutMs: number, retentionMs: number): readonly Member[] {
    const dead: Member[] = [];
    for (const [nodeId, since] of [...this.#since]) {
      const member = this.#members.get(nodeId);
      if (member?.status === "suspect") {
        if (now - since >= suspicionTimeoutMs) dead.push(this.#change(member, "dead", now));
      } else if (now - since >= retentionMs) {
        this.#members.delete(nodeId);
        this.#since.delete(nodeId);
      }
    }
    return dead;
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
    this.#self = { ...this.#self, incarnation: rumour.incarnation + 1 };
    this.#members.set(this.#self.nodeId, this.#self);
    return this.#self;
  }

  #change(member: Member, status: MemberStatus, now: number): Member {
    const changed = { ...member, status };
    this.#set(changed, now);
    return changed;
  }

  #set(member: Member, now: number): void {
    this.#members.set(member.nodeId, member);
    if (member.status === "alive") this.#since.delete(member.nodeId);
    else this.#since.set(member.nodeId, now);
  }
}
