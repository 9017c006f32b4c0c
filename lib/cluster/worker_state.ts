/**
 * A node that has a head: what the head says is true, and what it said last while it is away.
 *
 * The head alone decides who is dead. Its worker tells it of itself, and again with every probe;
 * of what it hears it sends nothing on.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { Limits } from "../limits.ts";
import { type Random, randomInteger } from "../random.ts";
import { type ClusterMessage, newsOf, readMessage, type Row, type Rumour } from "./gossip.ts";
import type { Load } from "./loads.ts";
import { isGone, isReachable, type Member, type MemberNews } from "./member.ts";
import type { Naming, Send } from "./naming.ts";
import type { NameList } from "./owned_names.ts";
import { OwnTime } from "./own_time.ts";
import type { ClusterSettings } from "./settings.ts";
import { View, type ViewOptions } from "./view.ts";

/** The view of a worker. */
export class WorkerState extends View implements Naming {
  readonly #settings: ClusterSettings;
  readonly #random: Random;
  readonly #time: OwnTime;
  /** How long the others may take to come back to a head, in milliseconds. */
  readonly #graceMs: number;
  /** The head, as it was met: it need not know where it can be dialled. */
  #head: Member | undefined = undefined;
  #heardAt = 0;
  /** Since when the head says nothing of a member that is known here. */
  readonly #missing = new Map<NodeId, number>();
  #news: Rumour[] = [];
  #seq = 0;
  #nextProbeAt: number;
  #nextSyncAt: number;

  constructor(options: ViewOptions) {
    super(options);
    const { settings, random, limits, now } = options;
    this.#settings = settings;
    this.#random = random;
    this.#time = new OwnTime(settings.stallThresholdMs);
    this.#graceMs = returnMs(limits) + settings.pushPullIntervalMs;
    this.#nextProbeAt = now + randomInteger(random, settings.probeIntervalMs);
    this.#nextSyncAt = now + settings.pushPullIntervalMs;
  }

  /** News waits for the end of the event; what the head does not get it finds by comparing. */
  override tell(rumour: Rumour): void {
    if (this.#head !== undefined) this.#news.push(rumour);
  }

  /** This is the head from now on; one that was it before has ended. */
  follow(head: Member, at: number): void {
    const now = this.#now(at);
    const before = this.#head;
    if (before?.nodeId === head.nodeId) return; // it was met when its link came up
    if (before !== undefined) this.#end(before.nodeId, now);
    this.#meet(head, now);
    for (const old of this.membership.replace(head, now)) this.#forget(old);
  }

  linkUp(peer: Member, _isDialler: boolean, at: number): void {
    const now = this.#now(at);
    if (peer.nodeId === this.#head?.nodeId) this.#meet(peer, now);
    else if (this.member(peer.nodeId) !== undefined) this.#hear(peer, now);
  }

  /** A head that is away is not dead: it is waited for. */
  linkLost(nodeId: NodeId, at: number): void {
    const now = this.#now(at);
    if (nodeId === this.#head?.nodeId) this.membership.suspect(nodeId, now);
  }

  unreachable(nodeId: NodeId, at: number): void {
    this.linkLost(nodeId, at);
  }

  accused(incarnation: number, at: number): void {
    this.#hear({ ...this.self, status: "dead", incarnation }, this.#now(at));
  }

  receive(from: NodeId, value: unknown, at: number): void {
    const message = readMessage(value);
    if (message === undefined) return;
    const now = this.#now(at);
    if (from !== this.#head?.nodeId) return this.#hearGoodbye(from, message, now);
    this.#heardAt = now;
    this.#take(message, now);
    if (message.kind === "summary") this.#weigh(message.bucket, message.rows, now);
    if (message.kind === "names") this.#report(message);
  }

  tick(at: number): void {
    const now = this.#now(at);
    if (this.#nextProbeAt <= now) this.#probe(now);
    if (this.#nextSyncAt > now) return;
    this.#nextSyncAt = now + this.#settings.pushPullIntervalMs;
    this.sweep(now, this.#settings.deadMemberRetentionMs);
    this.#sync();
  }

  nextWake(): number {
    return this.#time.awaited(Math.min(this.#nextProbeAt, this.#nextSyncAt));
  }

  override takeSends(): readonly Send[] {
    if (this.#news.length > 0) {
      this.#send({ kind: "gossip", ...newsOf(this.#news) });
      this.#news = [];
    }
    return super.takeSends();
  }

  /** The time of this node, in which it has never stood still. */
  #now(at: number): number {
    this.#time.pass(at);
    return this.#time.now;
  }

  /** The head is linked: it is told of this node, and the two compare what they know. */
  #meet(head: Member, now: number): void {
    this.#head = head;
    this.#heardAt = now;
    this.#missing.clear(); // all others have to come back as well
    this.#hear(head, now);
    this.#sync();
  }

  #probe(now: number): void {
    const { probeIntervalMs, missedProbes } = this.#settings;
    this.#nextProbeAt = now + probeIntervalMs;
    const head = this.#head;
    if (head === undefined) return;
    if (now - this.#heardAt > missedProbes * probeIntervalMs) {
      this.membership.suspect(head.nodeId, now);
    }
    const belief = this.member(head.nodeId);
    const members = belief?.status === "suspect" ? [this.self, belief] : [this.self];
    this.#send({ kind: "probe", seq: ++this.#seq, members });
  }

  #sync(): void {
    if (this.#head === undefined) return;
    const digest = this.antiEntropy.digest();
    const members = [this.self, ...this.#suspects()];
    this.#send({ kind: "sync", digest, members, ...this.ownLoad });
  }

  /** Who has to refute, the head too; a new head does not know whom the one before it suspected. */
  #suspects(): readonly Member[] {
    return this.members.filter(({ status }) => status === "suspect");
  }

  #take({ members = [], entries = [], loads = [], ...message }: ClusterMessage, now: number): void {
    for (const member of members) this.#hear(member, now);
    if (message.kind === "summary") {
      for (const { member, load } of message.rows) {
        this.#hear(member, now);
        if (load !== undefined) this.#hearLoad(load);
      }
    }
    for (const entry of entries) {
      // The head may see a member that is dead here; its names count from its refutation on.
      if (!isGone(this.member(entry.nodeId))) this.registry.merge(entry);
    }
    for (const load of loads) this.#hearLoad(load);
  }

  /** Only of members: nobody would forget another one. */
  #hearLoad(load: Load): void {
    if (isReachable(this.member(load.nodeId))) this.loads.hear(load);
  }

  #hear(member: MemberNews, now: number): void {
    const { nodeId } = member;
    this.#missing.delete(nodeId);
    const head = this.#head;
    const met = nodeId === head?.nodeId ? { ...member, addr: head.addr } : member;
    const news = this.membership.hear(met, now);
    if (news === undefined) return;
    if (isGone(news)) this.#forget(news);
    if (nodeId === this.self.nodeId) this.tell({ kind: "member", member: news });
  }

  /** A member has gone; if it comes back the head says what names it has then. */
  #forget(member: Member): void {
    this.registry.purge(member.nodeId);
    this.gone(member);
  }

  /** Another worker leaves: that is true whoever is told first. */
  #hearGoodbye(from: NodeId, { members = [] }: ClusterMessage, now: number): void {
    for (const member of members) {
      if (member.nodeId === from && member.status === "left") this.#hear(member, now);
    }
  }

  /** Weighs what the head knows, and asks for what is missing here. */
  #weigh(bucket: number, rows: readonly Row[], now: number): void {
    const answer = this.antiEntropy.answer(bucket, rows);
    const { members = [], lists } = answer?.kind === "names" ? answer : NO_ANSWER;
    const known = new Set(rows.map(({ member }) => member.nodeId)).add(this.self.nodeId);
    for (const { nodeId } of members) if (!known.has(nodeId)) this.#miss(nodeId, now);
    // Who has not come back yet will tell the head itself, its names too.
    const told = members.filter(({ nodeId }) => known.has(nodeId));
    const asked = [...lists.filter(({ owner }) => known.has(owner)), ...this.#unseen(rows)];
    if (told.length + asked.length === 0) return;
    this.#send({ kind: "names", members: told, lists: asked, answer: true });
  }

  /**
   * The names of this node, when the head knows the live ones but not that all others have ended.
   *
   * The head compares with nobody by itself, so that its worker has to say it.
   */
  #unseen(rows: readonly Row[]): readonly NameList[] {
    const row = rows.find(({ member }) => member.nodeId === this.self.nodeId);
    const names = this.registry.of(this.self.nodeId);
    if (row === undefined || names === undefined) return [];
    return row.hash === names.hash && row.floor < names.floor ? [names.list()] : [];
  }

  /** The head does not know a member: it has ended, unless it is on its way to the head still. */
  #miss(nodeId: NodeId, now: number): void {
    const since = this.#missing.get(nodeId);
    if (since === undefined) this.#missing.set(nodeId, now);
    else if (now - since > this.#graceMs) this.#end(nodeId, now);
  }

  #end(nodeId: NodeId, now: number): void {
    const member = this.member(nodeId);
    if (member !== undefined) this.#hear({ ...member, status: "dead" }, now);
  }

  /** The names of this node that the head lacks. */
  #report({ lists, answer }: ClusterMessage & { readonly kind: "names" }): void {
    const missing = this.antiEntropy.reconcile(lists, answer);
    const entries = missing?.entries?.filter((entry) => entry.nodeId === this.self.nodeId) ?? [];
    if (entries.length > 0) this.#send({ kind: "names", entries, lists: [], answer: false });
  }

  #send(message: ClusterMessage): void {
    if (this.#head === undefined) return;
    this.send({ to: this.#head.nodeId, addr: undefined, message });
  }
}

/** How long a worker may take to link to a head that has come back, in milliseconds. */
function returnMs({ reconnectMaxMs, dialTimeoutMs, handshakeTimeoutMs }: Limits): number {
  return reconnectMaxMs + dialTimeoutMs + handshakeTimeoutMs;
}

const NO_ANSWER: { readonly members?: readonly MemberNews[]; readonly lists: readonly NameList[] } =
  Object.freeze({ lists: [] });
