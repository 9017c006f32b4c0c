/**
 * Everything one node believes of its cluster, and what it does about it: SWIM, gossip and the
 * registry put together, without a timer or a socket.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { Limits } from "../limits.ts";
import { type Random, randomFraction, randomInteger } from "../random.ts";
import {
  type ClusterMessage,
  type News,
  NO_NEWS,
  readMessage,
  type Rumour,
  Rumours,
} from "./gossip.ts";
import { isGone, isReachable, type Member, type MemberNews, supersedes } from "./member.ts";
import type { Naming } from "./naming.ts";
import { OwnTime } from "./own_time.ts";
import type { ClusterSettings } from "./settings.ts";
import { Prober } from "./swim.ts";
import { View, type ViewOptions } from "./view.ts";

/** Bytes of news that travel with a probe or its answer: with them it still fits one packet. */
const PIGGYBACK_BYTES = 1_024;

/** Members that look for themselves when they hear of a suspicion, for each one that is awaited. */
const WITNESSES = 3;

/** Time between two comparisons while a part of the cluster has just come back, in milliseconds. */
const HEALING_INTERVAL_MS = 1_000;

/** How long such a time is after the last one came back, in milliseconds. */
const HEALING_MS = 10_000;

/** How much sooner the next round of gossip comes while there is more news than fits into one. */
const HURRY = 8;

/** Up to so many nodes look at the dead each `deadProbeIntervalMs`; in larger clusters less often. */
const DEAD_PROBERS = 8;

/** One node's view of its cluster, known by gossip. */
export class ClusterState extends View implements Naming {
  readonly #limits: Limits;
  readonly #settings: ClusterSettings;
  readonly #random: Random;
  readonly #time: OwnTime;
  readonly #rumours = new Rumours();
  readonly #prober: Prober;
  #nextGossipAt = 0;
  #nextSyncAt: number;
  #nextDeadAt: number;
  #healingUntil = 0;
  #returnsSeen = 0;
  /** Until when this node is new; `Infinity` before its first link. */
  #newUntil = Infinity;

  constructor(options: ViewOptions) {
    super(options);
    const { limits, settings, random, now } = options;
    this.#limits = limits;
    this.#settings = settings;
    this.#random = random;
    this.#time = new OwnTime(settings.stallThresholdMs);
    const soon = (intervalMs: number) => now + randomInteger(random, intervalMs);
    this.#prober = new Prober(settings, this.#proberHost(), soon(settings.probeIntervalMs));
    this.#nextSyncAt = soon(settings.pushPullIntervalMs);
    this.#nextDeadAt = soon(settings.deadProbeIntervalMs);
  }

  /** How many times longer this node waits than its settings say; 1 is healthy. */
  get healthMultiplier(): number {
    return this.#prober.health.multiplier;
  }

  /** Keeps a piece of news for the others; a member that comes later compares. */
  override tell(rumour: Rumour): void {
    if (this.membership.ring.size > 0) this.#rumours.add(rumour);
  }

  linkUp(peer: Member, isDialler: boolean, at: number): void {
    const now = this.#now(at);
    const before = this.membership.get(peer.nodeId);
    this.#spread(this.membership.hear(peer, now), now);
    for (const old of this.membership.replace(peer, now)) this.#spread(old, now);
    if (this.#newUntil === Infinity) this.#newUntil = now + this.#settings.probeIntervalMs;
    const isKnown = isReachable(before);
    if (isDialler && !isKnown) this.#sync(peer.nodeId);
    this.#tellOfItself(peer.nodeId);
  }

  linkLost(nodeId: NodeId, at: number): void {
    const now = this.#now(at);
    if (this.membership.get(nodeId)?.status === "alive") this.#prober.doubt(nodeId, now);
  }

  unreachable(nodeId: NodeId, at: number): void {
    const now = this.#now(at);
    this.#prober.unreachable(nodeId, now);
    this.linkLost(nodeId, at);
  }

  accused(incarnation: number, at: number): void {
    const now = this.#now(at);
    this.#spread(this.membership.hear({ ...this.self, status: "dead", incarnation }, now), now);
  }

  receive(from: NodeId, value: unknown, at: number): void {
    const message = readMessage(value);
    if (message === undefined) return;
    const now = this.#now(at);
    this.#hear(message, now);
    switch (message.kind) {
      case "gossip":
        return this.#tellOfItself(from);
      case "probe":
        return this.#ack(from, message.seq, message.members);
      case "ack":
        return this.#prober.acked(message.seq, from);
      case "nack":
        return this.#prober.nacked(message.seq, from);
      case "probe-for":
        if (message.target === this.self.nodeId) return; // it would dial, and doubt, itself
        this.#correct(from, message.members);
        return this.#prober.probeFor(from, message.seq, message.target, now);
      case "sync":
        for (const one of this.antiEntropy.differences(message.digest)) this.#reply(from, one);
        return this.#tellOfItself(from);
      case "summary":
        for (const { member, load } of message.rows) {
          this.#spreadKnown(this.membership.hearRemembered(member, from, now), now);
          if (load !== undefined) this.#hearLoad(load);
        }
        return this.#reply(from, this.antiEntropy.answer(message.bucket, message.rows));
      case "names":
        return this.#reply(from, this.antiEntropy.reconcile(message.lists, message.answer));
    }
  }

  tick(at: number): void {
    const now = this.#now(at);
    this.#prober.tick(now);
    for (const nodeId of this.membership.takeOverdue(now)) this.#end(nodeId, now);
    if (this.#nextDeadAt <= now) this.#lookAtDead(now);
    if (this.#nextSyncAt <= now) this.#pushPull(now);
    if (this.membership.ring.size === 0) this.#rumours.clear(); // nobody is there to be told
    if (this.#rumours.isEmpty || this.#nextGossipAt > now) return;
    const { gossipIntervalMs, gossipFanout } = this.#settings;
    for (const nodeId of this.membership.ring.some(gossipFanout)) {
      if (!this.#rumours.isEmpty) this.#send(nodeId, { kind: "gossip" });
    }
    const waitMs = this.#rumours.hasUntold ? gossipIntervalMs / HURRY : gossipIntervalMs;
    this.#nextGossipAt = now + waitMs;
  }

  nextWake(): number {
    const wakeAt = Math.min(
      this.#prober.wakeAt,
      this.membership.nextEnd,
      this.#nextSyncAt,
      this.#nextDeadAt,
      this.#rumours.isEmpty ? Infinity : this.#nextGossipAt,
    );
    return this.#time.awaited(wakeAt);
  }

  /** The time of this node, in which it has never stood still. */
  #now(at: number): number {
    const stalledMs = this.#time.pass(at);
    if (stalledMs > 0) {
      this.#prober.health.note(1 + Math.floor(stalledMs / this.#settings.probeIntervalMs));
      if (stalledMs >= this.#settings.deadMemberRetentionMs / 2) this.#doubtAll();
    }
    return this.#time.now;
  }

  /** What this node knows may be forgotten by all others: it must not be told as news. */
  #doubtAll(): void {
    this.membership.doubtAll(this.#time.now);
    this.#rumours.clear();
  }

  #hear(message: ClusterMessage, now: number): void {
    const { members = [], entries = [], loads = [] } = message;
    const isCompared = message.kind === "names";
    const hear = (member: MemberNews) => {
      const heard = this.membership.hear(member, now);
      if (isCompared) this.#spreadKnown(heard, now);
      else this.#spread(heard, now);
    };
    const { nodeId } = this.self;
    for (const member of members) if (member.nodeId !== nodeId) hear(member);
    // What is said of this node comes last: those that the rest brings back are told its answer.
    for (const member of members) if (member.nodeId === nodeId) hear(member);
    const isKnown = isCompared && this.#isNew;
    for (const entry of entries) {
      if (this.registry.merge(entry) && !isKnown) this.tell({ kind: "entry", entry });
    }
    for (const load of loads) this.#hearLoad(load);
  }

  /** Answers a probe; whoever calls this node suspect is given its refutation with it. */
  #ack(to: NodeId, seq: number, heard: readonly MemberNews[] = []): void {
    const { nodeId } = this.self;
    const isAccused = heard.some((member) => member.nodeId === nodeId && member.status !== "alive");
    this.#send(to, { kind: "ack", seq }, isAccused ? { members: [this.self] } : NO_NEWS);
  }

  #hearLoad(load: NonNullable<News["loads"]>[number]): void {
    if (!isReachable(this.membership.get(load.nodeId))) return;
    if (this.loads.hear(load)) this.tell({ kind: "load", load });
  }

  #proberHost(): ConstructorParameters<typeof Prober>[1] {
    const { ring } = this.membership;
    return {
      turn: () => ring.turn(),
      helpers: (count, target) => ring.some(count, target),
      send: (to, message) => this.#send(to, message, this.#grounds(message)),
      failed: (nodeId) => {
        const { now } = this.#time;
        this.#spread(this.membership.suspect(nodeId, now), now);
      },
      failedLast: (nodeId) => this.#bury(nodeId, this.#time.now),
      passedLast: (nodeId) => this.membership.spare(nodeId, this.#time.now),
    };
  }

  /** The time of a suspect is over: it is dead, unless it answers one last probe. */
  #end(nodeId: NodeId, now: number): void {
    if (this.#settings.lastProbeMs > 0) this.#prober.last(nodeId, now);
    else this.#bury(nodeId, now);
  }

  #bury(nodeId: NodeId, now: number): void {
    this.#spread(this.membership.bury(nodeId, now), now);
  }

  /** Looks whether one of the dead has come back, as after a partition. */
  #lookAtDead(now: number): void {
    const nodes = this.membership.ring.size + 1;
    const intervalMs = this.#settings.deadProbeIntervalMs * Math.ceil(nodes / DEAD_PROBERS);
    this.#nextDeadAt = now + intervalMs;
    const dead = this.membership.dead();
    const member = dead[randomInteger(this.#random, Math.max(1, dead.length))];
    if (member !== undefined) this.#send(member.nodeId, { kind: "gossip" });
  }

  #pushPull(now: number): void {
    const isHealing = now < this.#healingUntil;
    this.#nextSyncAt = now + (isHealing ? HEALING_INTERVAL_MS : this.#settings.pushPullIntervalMs);
    this.sweep(now, this.#settings.deadMemberRetentionMs);
    const [nodeId] = this.membership.ring.some(1);
    if (nodeId !== undefined) this.#sync(nodeId);
  }

  #sync(nodeId: NodeId): void {
    this.#send(nodeId, { kind: "sync", digest: this.antiEntropy.digest() }, this.ownLoad);
  }

  /** Whether this node has just met its first peer: what a comparison brings, the others know. */
  get #isNew(): boolean {
    return this.#time.now < this.#newUntil;
  }

  /** Takes note of what a comparison has brought; whoever is new need not tell it on. */
  #spreadKnown(member: MemberNews | undefined, now: number): void {
    if (this.#isNew && member?.nodeId !== this.self.nodeId) this.#note(member, now);
    else this.#spread(member, now);
  }

  /** Takes note of what has changed of a member, and tells it on. */
  #spread(member: MemberNews | undefined, now: number): void {
    this.#note(member, now);
    if (member !== undefined) this.tell({ kind: "member", member });
  }

  #note(member: MemberNews | undefined, now: number): void {
    if (member === undefined) return;
    const { nodeId } = member;
    if (isGone(member)) {
      this.#prober.drop(nodeId);
      this.gone(member);
    } else if (nodeId === this.self.nodeId) {
      this.#prober.health.note(1); // others had reason to doubt this node
    } else if (member.status === "suspect") this.#witness(nodeId, now);
    if (this.membership.returns > this.#returnsSeen) this.#heal(now);
  }

  /** Somebody came back from the dead: what both sides missed is found sooner. */
  #heal(now: number): void {
    this.#returnsSeen = this.membership.returns;
    this.#healingUntil = now + HEALING_MS;
    const soon = now + randomInteger(this.#random, HEALING_INTERVAL_MS);
    this.#nextSyncAt = Math.min(this.#nextSyncAt, soon);
  }

  /** A few of those who hear of a suspicion look for themselves, which decides it sooner. */
  #witness(nodeId: NodeId, now: number): void {
    const wanted = WITNESSES * (this.#settings.suspicionMultiplier - 2);
    const isChosen = randomFraction(this.#random) * this.membership.ring.size < wanted;
    if (isChosen) this.#prober.doubt(nodeId, now);
  }

  /** What is said of a member for which others are asked: they may know better. */
  #grounds(message: ClusterMessage): News {
    const target = message.kind === "probe-for" ? this.member(message.target) : undefined;
    if (target === undefined || target.status === "alive") return NO_NEWS;
    if (!this.membership.isFresh(target.nodeId)) return NO_NEWS; // the others may have forgotten it
    return { members: [target] };
  }

  /** Tells a node that asks for help what is newer here than what it said of others. */
  #correct(to: NodeId, heard: readonly MemberNews[] = []): void {
    const members: Member[] = [];
    for (const said of heard) {
      const belief = this.member(said.nodeId);
      if (belief !== undefined && supersedes(belief, said)) members.push(belief);
    }
    if (members.length > 0) this.#reply(to, { kind: "gossip", members });
  }

  /**
   * A node that speaks though it is suspect or gone is told what is said of it, to refute it.
   *
   * What it says of this one is refuted by the same message: two nodes that call each other dead
   * would else answer each other for ever.
   */
  #tellOfItself(nodeId: NodeId): void {
    const belief = this.membership.get(nodeId);
    if (belief === undefined || belief.status === "alive") return;
    this.#reply(nodeId, { kind: "gossip", members: [belief, this.self] });
  }

  /** Answers over the link that is up. */
  #reply(to: NodeId, message: ClusterMessage | undefined): void {
    if (message !== undefined) this.send({ to, addr: undefined, message });
  }

  /** Sends a message with as much news as it can carry, first what is said of the receiver. */
  #send(to: NodeId, message: ClusterMessage, first: News = NO_NEWS): void {
    const receiver = this.membership.get(to);
    const { maxGossipBytes } = this.#limits;
    const isGossip = message.kind === "gossip";
    const maxBytes = isGossip ? maxGossipBytes : Math.min(PIGGYBACK_BYTES, maxGossipBytes);
    const news = this.#rumours.take(this.#timesTold(), maxBytes, (rumour) => this.#isTrue(rumour));
    const accusation = receiver === undefined || receiver.status === "alive" ? [] : [receiver];
    const members = [...accusation, ...first.members ?? [], ...news.members ?? []];
    const loads = [...first.loads ?? [], ...news.loads ?? []];
    const carried = {
      ...news,
      ...(members.length > 0 && { members }),
      ...(loads.length > 0 && { loads }),
    };
    this.send({ to, addr: receiver?.addr, message: { ...message, ...carried } });
  }

  #timesTold(): number {
    const digits = String(this.membership.ring.size + 1).length; // ceil(log10(members + 1))
    return this.#settings.retransmitMultiplier * digits;
  }

  /** Whether a rumour is still what this node believes. */
  #isTrue(rumour: Rumour): boolean {
    if (rumour.kind !== "member") return true;
    const belief = this.membership.get(rumour.member.nodeId);
    return belief !== undefined && !supersedes(belief, rumour.member);
  }
}
