/**
 * Whether the others are there: SWIM's probes with Lifeguard's doubts, without a clock or a socket.
 *
 * ```text
 * this node            others           member
 *    │ ── probe ─────────────────────────► │
 *    │                                     │   no ack within probeTimeoutMs
 *    │ ── probe-for ──► │ ── probe ──────► │
 *    │ ◄── nack ─────── │                  │   the others answer, the member does not
 *    │                                         none of it acked within probeIntervalMs: suspect
 * ```
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { ClusterMessage } from "./gossip.ts";
import { LocalHealth } from "./local_health.ts";
import type { ClusterSettings } from "./settings.ts";

/** What the probes of one node need, and what comes of them. */
export interface ProberHost {
  /** Whose turn it is; `undefined` when nobody else is there. */
  turn(): NodeId | undefined;
  /** Some others that may be asked to probe a member. */
  helpers(count: number, target: NodeId): readonly NodeId[];
  /** Sends a message; a way that is closed is told by {@link Prober.unreachable}. */
  send(to: NodeId, message: ClusterMessage): void;
  /** Neither this node nor those it asked could reach a member. */
  failed(nodeId: NodeId): void;
  /** A suspect whose time is over did not answer the last probe either. */
  failedLast(nodeId: NodeId): void;
  /** It did answer. */
  passedLast(nodeId: NodeId): void;
}

/** Why a member is probed. */
type Reason =
  /** It has its turn. */
  | "turn"
  /** There is reason to doubt that it is there. */
  | "doubt"
  /** Its time to refute is over. */
  | "last";

interface Probe {
  readonly target: NodeId;
  readonly reason: Reason;
  /** When the others are asked; `Infinity` once they are. */
  askAt: number;
  /** When it has failed. */
  readonly endsAt: number;
  /** Whether the way to the member is closed, which no waiting will open. */
  isClosed: boolean;
  /** How many others were asked. */
  asked: number;
  /** Those of them that have not said that they could not reach it either. */
  readonly helpers: Set<NodeId>;
}

/** A probe for another node. */
interface Errand {
  readonly from: NodeId;
  readonly seq: number;
  readonly target: NodeId;
  readonly endsAt: number;
}

/** Members in doubt that are probed at the same time; further ones wait for one of these. */
const MAX_DOUBTS = 3;

/** Probes for others that are under way; further ones are not begun, which counts as no answer. */
const MAX_ERRANDS = 1_024;

/**
 * A helper says after this share of the time that is left to the asking node that it failed too:
 * early enough for its word to arrive, and for a dead member to be suspected a little sooner.
 */
const ERRAND_SHARE = 0.5;

/** The probes of one node. Time is a parameter of everything. */
export class Prober {
  readonly health: LocalHealth;
  readonly #settings: ClusterSettings;
  readonly #host: ProberHost;
  readonly #probes = new Map<number, Probe>();
  readonly #errands = new Map<number, Errand>();
  /** Members that are in doubt and not probed yet. */
  readonly #doubts = new Set<NodeId>();
  #nextTurnAt: number;
  #seq = 0;

  constructor(settings: ClusterSettings, host: ProberHost, firstTurnAt: number) {
    this.#settings = settings;
    this.#host = host;
    this.health = new LocalHealth(settings.healthMaxMultiplier);
    this.#nextTurnAt = firstTurnAt;
  }

  /** When {@link Prober.tick} has something to do. */
  get wakeAt(): number {
    let wakeAt = this.#nextTurnAt;
    for (const { askAt, endsAt } of this.#probes.values()) {
      wakeAt = Math.min(wakeAt, askAt, endsAt);
    }
    for (const { endsAt } of this.#errands.values()) wakeAt = Math.min(wakeAt, endsAt);
    return wakeAt;
  }

  /** Lets time pass. */
  tick(now: number): void {
    for (const [seq, errand] of this.#errands) if (errand.endsAt <= now) this.#refuse(seq, errand);
    for (const [seq, probe] of this.#probes) {
      if (probe.endsAt <= now) this.#fail(seq, probe);
      else if (probe.askAt <= now) this.#ask(seq, probe);
    }
    if (this.#nextTurnAt <= now) {
      this.#nextTurnAt = now + this.#scaled(this.#settings.probeIntervalMs);
      const target = this.#host.turn();
      if (target !== undefined && !this.#isProbed(target)) this.#begin(target, "turn", now);
    }
    this.#beginDoubts(now);
  }

  /** There is reason to look whether a member is there, before its turn. */
  doubt(nodeId: NodeId, now: number): void {
    if (this.#isProbed(nodeId)) return;
    this.#doubts.add(nodeId);
    this.#beginDoubts(now);
  }

  /**
   * Probes a suspect once more before it is declared dead, through others at the same time: they
   * may reach it, or know that it has refuted.
   */
  last(nodeId: NodeId, now: number): void {
    for (const { target, reason } of this.#probes.values()) {
      if (target === nodeId && reason === "last") return;
    }
    this.#begin(nodeId, "last", now);
  }

  /** A member is not to be probed any more. */
  drop(nodeId: NodeId): void {
    this.#doubts.delete(nodeId);
    for (const [seq, probe] of this.#probes) {
      if (probe.target === nodeId) this.#probes.delete(seq);
    }
  }

  /** A member, or another node for it, has answered. */
  acked(seq: number, from: NodeId): void {
    const errand = this.#errands.get(seq);
    if (errand?.target === from) {
      this.#errands.delete(seq);
      this.#host.send(errand.from, { kind: "ack", seq: errand.seq });
    }
    const probe = this.#probes.get(seq);
    if (probe === undefined || (probe.target !== from && !probe.helpers.has(from))) return;
    this.#probes.delete(seq);
    this.health.note(-1);
    if (probe.reason === "last") this.#host.passedLast(probe.target);
  }

  /** A node that was asked could not reach the member either. */
  nacked(seq: number, from: NodeId): void {
    const probe = this.#probes.get(seq);
    if (probe?.helpers.delete(from) !== true) return;
    if (probe.helpers.size === 0 && probe.reason !== "last") this.#fail(seq, probe);
  }

  /** Probes a member for another node. */
  probeFor(from: NodeId, seq: number, target: NodeId, now: number): void {
    if (this.#errands.size >= MAX_ERRANDS) return;
    const { probeIntervalMs, probeTimeoutMs } = this.#settings;
    const endsAt = now + Math.floor((probeIntervalMs - probeTimeoutMs) * ERRAND_SHARE);
    this.#errands.set(++this.#seq, { from, seq, target, endsAt });
    this.#host.send(target, { kind: "probe", seq: this.#seq });
  }

  /** The way to a node is closed: it cannot be linked. */
  unreachable(nodeId: NodeId, now: number): void {
    for (const [seq, errand] of this.#errands) {
      if (errand.target === nodeId) this.#refuse(seq, errand);
    }
    for (const [seq, probe] of this.#probes) {
      if (probe.target !== nodeId) continue;
      probe.isClosed = true;
      if (probe.askAt !== Infinity) this.#ask(seq, probe);
    }
    this.#beginDoubts(now);
  }

  #isProbed(nodeId: NodeId): boolean {
    for (const { target } of this.#probes.values()) if (target === nodeId) return true;
    return false;
  }

  #beginDoubts(now: number): void {
    if (this.#doubts.size === 0) return;
    let underWay = 0;
    for (const { reason } of this.#probes.values()) if (reason === "doubt") underWay++;
    for (const nodeId of this.#doubts) {
      if (underWay >= MAX_DOUBTS) return;
      this.#doubts.delete(nodeId);
      this.#begin(nodeId, "doubt", now);
      underWay++;
    }
  }

  #begin(target: NodeId, reason: Reason, now: number): void {
    const { probeIntervalMs, probeTimeoutMs, lastProbeMs } = this.#settings;
    const isLast = reason === "last";
    const endsAt = now + this.#scaled(isLast ? lastProbeMs : probeIntervalMs);
    const askAt = now + this.#scaled(probeTimeoutMs);
    const seq = ++this.#seq;
    const helpers = new Set<NodeId>();
    const probe = { target, reason, askAt, endsAt, isClosed: false, asked: 0, helpers };
    this.#probes.set(seq, probe);
    this.#host.send(target, { kind: "probe", seq });
    if (isLast) this.#ask(seq, probe);
  }

  /** Asks others; when there are none and the way is closed, nothing is left to wait for. */
  #ask(seq: number, probe: Probe): void {
    probe.askAt = Infinity;
    const { target } = probe;
    for (const helper of this.#host.helpers(this.#settings.indirectProbes, target)) {
      probe.helpers.add(helper);
    }
    probe.asked = probe.helpers.size;
    const isHopeless = probe.isClosed && probe.asked === 0 && probe.reason !== "last";
    if (isHopeless) return this.#fail(seq, probe);
    for (const helper of probe.helpers) {
      this.#host.send(helper, { kind: "probe-for", seq, target });
    }
  }

  #fail(seq: number, { target, reason, asked, helpers, isClosed }: Probe): void {
    this.#probes.delete(seq);
    // Helpers that say nothing at all, or silence that nobody else has heard, may be our own fault.
    if (asked > 0) this.health.note(helpers.size);
    else if (!isClosed) this.health.note(1);
    if (reason === "last") this.#host.failedLast(target);
    else this.#host.failed(target);
  }

  #refuse(seq: number, { from, seq: theirs }: Errand): void {
    this.#errands.delete(seq);
    this.#host.send(from, { kind: "nack", seq: theirs });
  }

  #scaled(ms: number): number {
    return ms * this.health.multiplier;
  }
}
