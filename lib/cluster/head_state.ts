/**
 * The head of a cluster: it knows all members and names, and tells its workers.
 *
 * ```text
 * worker                          head                      other workers
 *    │ ── sync, with itself ──────► │ ── gossip: a member ────► │
 *    │ ◄── summary ──────────────── │
 *    │ ── names ──────────────────► │ ── gossip: its names ───► │
 *    │ ── probe, with itself ─────► │      every probeIntervalMs
 *    │ ◄── ack ──────────────────── │
 * ```
 *
 * What a worker says of itself is true; of others it is believed only that it could not reach them,
 * which they are there to refute. So a head that starts anew learns everything from its workers,
 * and nothing that one of them remembers wrongly.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import { type ClusterMessage, newsOf, readMessage, type Rumour } from "./gossip.ts";
import { isGone, isReachable, type Member, type MemberNews } from "./member.ts";
import type { Naming, Send } from "./naming.ts";
import { OwnTime } from "./own_time.ts";
import type { ClusterSettings } from "./settings.ts";
import { View, type ViewOptions } from "./view.ts";

/** The view of a head: alive as long as it runs. */
export class HeadState extends View implements Naming {
  readonly #settings: ClusterSettings;
  readonly #time: OwnTime;
  /** When each worker was heard last. */
  readonly #heardAt = new Map<NodeId, number>();
  #news: Rumour[] = [];
  /** Whose message brought the news. */
  #source: NodeId | undefined = undefined;
  #nextLookAt: number;
  #nextSweepAt: number;

  constructor(options: ViewOptions) {
    // Nobody else can confirm a suspicion of the head.
    super({ ...options, settings: { ...options.settings, suspicionMaxMultiplier: 1 } });
    const { settings, now } = options;
    this.#settings = settings;
    this.#time = new OwnTime(settings.stallThresholdMs);
    this.#nextLookAt = now + settings.probeIntervalMs;
    this.#nextSweepAt = now + settings.pushPullIntervalMs;
  }

  override tell(rumour: Rumour): void {
    if (this.membership.ring.size > 0) this.#news.push(rumour);
  }

  linkUp(peer: Member, _isDialler: boolean, at: number): void {
    const now = this.#now(at);
    this.#changed(this.membership.hear(peer, now));
    for (const old of this.membership.replace(peer, now)) this.#changed(old);
    this.#heard(peer.nodeId, now);
  }

  /** The worker has as long as a suspect to come back; it is looked for meanwhile. */
  linkLost(nodeId: NodeId, at: number): void {
    const now = this.#now(at);
    if (this.member(nodeId)?.status !== "alive") return;
    const suspect = this.membership.suspect(nodeId, now);
    this.#changed(suspect);
    if (suspect === undefined || suspect.addr === "") return;
    const message = { kind: "gossip", members: [suspect] } as const;
    this.send({ to: nodeId, addr: suspect.addr, message });
  }

  unreachable(nodeId: NodeId, at: number): void {
    this.linkLost(nodeId, at);
  }

  accused(incarnation: number, at: number): void {
    const now = this.#now(at);
    this.#changed(this.membership.hear({ ...this.self, status: "dead", incarnation }, now));
  }

  receive(from: NodeId, value: unknown, at: number): void {
    const message = readMessage(value);
    if (message === undefined) return;
    const now = this.#now(at);
    this.#source = from;
    this.#hear(from, message, now);
    this.#heard(from, now);
    this.#answer(from, message);
    const belief = this.member(from);
    if (belief === undefined || belief.status === "alive") return;
    this.#reply(from, { kind: "gossip", members: [belief] }); // for it to refute
  }

  tick(at: number): void {
    const now = this.#now(at);
    for (const nodeId of this.membership.takeOverdue(now)) {
      this.#changed(this.membership.bury(nodeId, now));
    }
    if (this.#nextLookAt <= now) this.#lookAtSilent(now);
    if (this.#nextSweepAt > now) return;
    this.#nextSweepAt = now + this.#settings.pushPullIntervalMs;
    this.sweep(now, this.#settings.deadMemberRetentionMs);
  }

  nextWake(): number {
    const { nextEnd } = this.membership;
    return this.#time.awaited(Math.min(nextEnd, this.#nextLookAt, this.#nextSweepAt));
  }

  override takeSends(): readonly Send[] {
    this.#push();
    return super.takeSends();
  }

  /** The time of this node, in which it has never stood still: silence then was its own. */
  #now(at: number): number {
    this.#time.pass(at);
    return this.#time.now;
  }

  #hear(from: NodeId, message: ClusterMessage, now: number): void {
    const { members = [], entries = [], loads = [] } = message;
    for (const member of members) {
      const { nodeId, status } = member;
      const isDoubt = status === "suspect" && this.member(nodeId) !== undefined;
      if (nodeId === from || isDoubt) this.#changed(this.membership.hear(member, now));
    }
    if (!isReachable(this.member(from))) return;
    for (const entry of entries) {
      if (entry.nodeId === from && this.registry.merge(entry)) this.tell({ kind: "entry", entry });
    }
    for (const load of loads) {
      if (load.nodeId === from && this.loads.hear(load)) this.tell({ kind: "load", load });
    }
  }

  #answer(from: NodeId, message: ClusterMessage): void {
    switch (message.kind) {
      case "probe": {
        const own = { members: [this.self], ...this.ownLoad };
        return this.#reply(from, { kind: "ack", seq: message.seq, ...own });
      }
      case "sync":
        for (const one of this.antiEntropy.differences(message.digest)) this.#reply(from, one);
        return;
      case "names": {
        const answer = this.antiEntropy.reconcile(message.lists, message.answer);
        if (answer !== undefined) this.#reply(from, answer);
        return;
      }
      case "gossip":
      case "ack":
      case "probe-for":
      case "nack":
      case "summary":
        return; // nothing to answer, or nothing that a head is asked
    }
  }

  #heard(nodeId: NodeId, now: number): void {
    if (isReachable(this.member(nodeId))) this.#heardAt.set(nodeId, now);
  }

  #lookAtSilent(now: number): void {
    const { probeIntervalMs, missedProbes } = this.#settings;
    this.#nextLookAt = now + probeIntervalMs;
    for (const [nodeId, heardAt] of this.#heardAt) {
      const isSilent = now - heardAt > missedProbes * probeIntervalMs;
      if (!isSilent || this.member(nodeId)?.status !== "alive") continue;
      this.#changed(this.membership.suspect(nodeId, now));
    }
  }

  /** Takes note of what has changed of a member, and tells it. */
  #changed(member: MemberNews | undefined): void {
    if (member === undefined) return;
    if (isGone(member)) {
      this.#heardAt.delete(member.nodeId);
      this.registry.purge(member.nodeId); // if it comes back it says what it has then
      this.gone(member);
    }
    this.tell({ kind: "member", member });
  }

  /** Tells all workers what is new; who said it needs not hear it again, but what it means. */
  #push(): void {
    const [all, source] = [newsOf(this.#news), this.#source];
    this.#source = undefined;
    if (this.#news.length === 0) return;
    this.#news = [];
    for (const { nodeId } of this.#workers()) {
      if (nodeId !== source) this.#reply(nodeId, { kind: "gossip", ...all });
      else if (all.members !== undefined) {
        this.#reply(nodeId, { kind: "gossip", members: all.members });
      }
    }
  }

  #workers(): readonly Member[] {
    const { nodeId } = this.self;
    return this.members.filter((member) => isReachable(member) && member.nodeId !== nodeId);
  }

  #reply(to: NodeId, message: ClusterMessage): void {
    this.send({ to, addr: undefined, message });
  }
}
