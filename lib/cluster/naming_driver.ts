/**
 * Drives a {@link Naming} with one timer and the links of its node.
 *
 * Decides nothing: what to send, whom to believe and who is dead is the naming's business.
 *
 * @module
 */

import type { CellNode } from "../actor/cell_node.ts";
import type { NodeId } from "../address.ts";
import type { Timer } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { Association } from "../remote/association.ts";
import type { Links } from "../remote/links.ts";
import { type ClusterMessage, partsOf } from "./gossip.ts";
import { MemberLog } from "./member_log.ts";
import type { Naming, Send } from "./naming.ts";

/** What a naming is driven with. */
export interface NamingDriverOptions {
  readonly node: CellNode;
  readonly links: Links;
  /** How many actors this node has, which the others are told. */
  actors(): number;
  /** A member is dead or has left. */
  onGone(nodeId: NodeId): void;
  /** Members or names have changed. */
  onChange(): void;
  /** Some time has passed: what is kept for names and is not needed may be let go. */
  onTick(): void;
}

/** Hands events to a naming and does what comes of them. */
export class NamingDriver<N extends Naming> {
  readonly #options: NamingDriverOptions;
  readonly #log: MemberLog;
  #naming: N;
  #timer: Timer | undefined = undefined;
  #wakeAt = Infinity;
  #revision = -1;
  #isStopped = false;

  constructor(naming: N, options: NamingDriverOptions) {
    this.#naming = naming;
    this.#options = options;
    this.#log = new MemberLog(options.node.logger);
  }

  /** What the node believes. */
  get naming(): N {
    return this.#naming;
  }

  /** Takes another naming, and begins to wake it: the node's address is known now. */
  start(naming: N): void {
    this.#naming = naming;
    this.#follow();
  }

  /** Hands an event to the naming, with its time. */
  act(event: (naming: N, now: number) => void): void {
    event(this.#naming, this.#options.node.clock.now());
    this.#follow();
  }

  /** Tells every node that is linked that this one leaves; nothing wakes the naming any more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    const message = this.#naming.leave();
    for (const link of this.#options.links.all) this.#send(link, message);
    this.#follow();
  }

  /** After every event: what comes of it for the links, for the watches and for those who wait. */
  #follow(): void {
    const { node, links, onGone, onChange } = this.#options;
    for (const send of this.#naming.takeSends()) this.#deliver(send);
    for (const member of this.#naming.takeGone()) {
      const { nodeId, status } = member;
      if (nodeId === node.nodeId) continue;
      this.#log.gone(member);
      onGone(nodeId);
      if (status === "dead") links.cut(nodeId, declaredDead(nodeId));
    }
    if (this.#naming.revision !== this.#revision) {
      this.#revision = this.#naming.revision;
      this.#log.changed(this.#naming);
      onChange();
    }
    this.#arm();
  }

  /** Sets the timer for what is due next; one that is due earlier just finds nothing to do. */
  #arm(): void {
    const { clock, address } = this.#options.node;
    const wakeAt = this.#naming.nextWake();
    if (this.#isStopped || address === undefined || wakeAt >= this.#wakeAt) return;
    this.#timer?.cancel();
    this.#wakeAt = wakeAt;
    // Whole milliseconds: a fraction less than due would find nothing to do, again and again.
    const delayMs = Math.max(0, Math.ceil(wakeAt - clock.now()));
    this.#timer = clock.setTimer(() => {
      this.#wakeAt = Infinity;
      this.act((naming, now) => this.#tick(naming, now));
    }, delayMs);
  }

  #tick(naming: N, now: number): void {
    naming.measure(this.#options.actors());
    naming.tick(now);
    this.#options.onTick();
    const ignored = naming.takeIgnored();
    if (ignored === undefined) return;
    const text = "news ignored for want of room: raise maxMembers or maxRegistryEntries";
    this.#options.node.logger.warn(text, { ...ignored });
  }

  /** Sends over the link that is up, or dials; that a node cannot be linked is news as well. */
  #deliver({ to, addr, message }: Send): void {
    const { links } = this.#options;
    const open = links.get(to);
    if (open !== undefined) return this.#send(open, message);
    if (addr === undefined) return;
    const link = links.probe(to, addr === "" ? undefined : addr);
    if (!(link instanceof Promise)) return this.#send(link, message);
    link.then((open) => this.#send(open, message), (error) => this.#unreachable(to, error));
  }

  #unreachable(nodeId: NodeId, error: unknown): void {
    if (this.#isStopped) return;
    this.#log.unlinked(nodeId, error);
    this.act((naming, now) => naming.unreachable(nodeId, now));
  }

  /** Sends news in messages of the allowed size. What cannot be sent is logged, never thrown. */
  #send(link: Association, message: ClusterMessage): void {
    this.#log.linked(link.nodeId);
    const { limits, logger } = this.#options.node;
    const { maxGossipBytes, maxMessageBytes } = limits;
    // The size of a part is an estimate, a message above its limit would not be sent at all.
    const maxBytes = Math.min(maxGossipBytes, maxMessageBytes / 2);
    for (const part of partsOf(message, maxBytes)) {
      try {
        link.control(part);
      } catch (error) {
        logger.warn("news not sent", { nodeId: link.nodeId, error });
      }
    }
  }
}

function declaredDead(nodeId: NodeId): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot use link to node ${nodeId}: it was declared dead`, {
    kind: "node-lost",
    retryable: true,
    nodeId,
  });
}
