/**
 * All links of one node: one for each other node, whoever dialled.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { Clock } from "../clock.ts";
import { asError, PulsingRuntimeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { Connection, Transport } from "../transport.ts";
import type { Association } from "./association.ts";
import { CircuitBreakers, isTransportFailure } from "./circuit_breaker.ts";
import { Admission } from "./admission.ts";
import { Dialler, unreachable } from "./dialler.ts";
import { Dials, outsideScope } from "./dials.ts";
import { drawNonce } from "./fence.ts";
import type { Introduction, Rejection } from "./handshake.ts";
import { KeepAlive } from "./keep_alive.ts";
import { openLink } from "./link_opening.ts";
import type { LinkHost } from "./link_host.ts";
import { OpenConnections } from "./open_connections.ts";
import { RefusedPeers } from "./refusals.ts";

/** What the table of links needs from its node. */
export interface LinksHost extends LinkHost {
  readonly transport: Transport;
  /** What this node says about itself. */
  introduce(): Introduction;
  /** Whether to refuse a node for what is believed of it, dead ones above all. */
  judge(theirs: Introduction): Rejection | undefined;
  /** Another node has declared an incarnation of this one dead. */
  onAccused(incarnation: number): void;
  /** Another node has told by which host it sees this one. */
  onSeenAs(host: string): void;
  /** Whether the cluster part probes a node, so that a silent link to it needs no care. */
  isProbed(nodeId: NodeId): boolean;
  /** Copies a message that cannot be encoded yet; streams and references stay as they are. */
  copy(message: unknown): unknown;
  /** A new link is up. */
  onUp(link: Association): void;
}

/**
 * Opens links on demand and keeps one per node.
 *
 * A node that could not be reached, or whose link was cut, is not dialled before its circuit lets
 * one dial through: calls to it fail at once meanwhile; see {@link CircuitBreakers}.
 */
export class Links {
  readonly #host: LinksHost;
  readonly #up = new Map<NodeId, Association>();
  readonly #dials: Dials;
  readonly #breakers: CircuitBreakers;
  readonly #connections = new OpenConnections();
  readonly #admission: Admission;
  readonly #dialler: Dialler;
  readonly #keepAlive: KeepAlive;
  readonly #refusedPeers: RefusedPeers;
  readonly #abort = new AbortController();

  constructor(host: LinksHost) {
    this.#host = host;
    this.#dials = new Dials(host.limits);
    this.#refusedPeers = new RefusedPeers(host.clock, host.logger);
    this.#breakers = new CircuitBreakers(host.clock, host.limits);
    this.#dialler = new Dialler({
      host,
      signal: this.#abort.signal,
      met: ({ address, expects }) => expects === undefined ? this.at(address) : this.get(expects),
      open: (connection, hello, signal) => this.#open(connection, true, hello, signal),
    });
    this.#admission = new Admission({
      nodeId: host.nodeId,
      limits: host.limits,
      links: this.#up,
      judge: (theirs) => host.judge(theirs),
      isDialling: ({ nodeId, address }) =>
        this.#dials.get(nodeId) !== undefined || this.#dialler.isDialling(address),
    });
    this.#keepAlive = new KeepAlive({
      clock: host.clock,
      limits: host.limits,
      links: () => this.#up.values(),
      isProbed: (nodeId) => host.isProbed(nodeId),
    });
  }

  /** The bounds of the node. */
  get limits(): Limits {
    return this.#host.limits;
  }

  /** Measures deadlines. */
  get clock(): Clock {
    return this.#host.clock;
  }

  /**
   * Copies a message that waits for its link, so that its owner may go on changing it.
   *
   * @throws {PulsingRuntimeError} kind `"not-encodable"`.
   */
  copy(message: unknown): unknown {
    return this.#host.copy(message);
  }

  /** All links that are up. */
  get all(): readonly Association[] {
    return [...this.#up.values()];
  }

  /** The link to a node, if it is up. */
  get(nodeId: NodeId): Association | undefined {
    const link = this.#up.get(nodeId);
    return link?.isOpen ? link : undefined;
  }

  /** The link to the node that says it listens at an address, if it is up. */
  at(address: string): Association | undefined {
    return this.all.find((link) => link.isOpen && link.peer.address === address);
  }

  /** Takes a connection that another node dialled. */
  accept(connection: Connection): void {
    outsideScope(() => this.#open(connection, false, this.#host.introduce(), this.#abort.signal))
      .catch((error) => this.#refusedPeers.refused(error));
  }

  /**
   * The link to a node, dialled if there is none; what waits for it goes out in its order.
   *
   * A rejection need not be looked at.
   *
   * @throws {PulsingRuntimeError} kind `"node-unreachable"`: it does not listen, the dial failed,
   * or its circuit is open after one that did; kind `"handshake-failed"`.
   */
  open(nodeId: NodeId, address: string | undefined): Association | Promise<Association> {
    return this.#linkTo(nodeId, address, () => this.#breakers.refusal(nodeId));
  }

  /**
   * As {@link Links.open}, for a membership probe: it dials also while the circuit is open.
   *
   * Probes are paced by who sends them, and each is the trial that an open circuit waits for: its
   * success closes the circuit, its failure counts as one.
   *
   * @throws As {@link Links.open}, but never for an open circuit.
   */
  probe(nodeId: NodeId, address: string | undefined): Association | Promise<Association> {
    return this.#linkTo(nodeId, address, () => void this.#breakers.probed(nodeId));
  }

  /**
   * Cuts the link to a node that was declared dead; nothing happens when there is none.
   *
   * What was pending on it fails at once with `"node-lost"`, retryable, as when the link is lost.
   *
   * @param error Why the node is dead: the cause of those failures.
   */
  cut(nodeId: NodeId, error: Error): void {
    this.#up.get(nodeId)?.abort(error);
  }

  /**
   * Takes a place among the messages that wait for the dial to a node; see {@link Dials.wait}.
   *
   * @throws {PulsingRuntimeError} kind `"limit-exceeded"`, retryable: too many wait already.
   */
  waitForDial(nodeId: NodeId): void {
    this.#dials.wait(nodeId);
  }

  /**
   * Links to whatever node listens at an address; a link that is up already will do.
   *
   * @param signal Ends the attempt, its handshake included; a link that is up is not touched.
   * @throws As {@link Links.open}, and the signal's reason.
   */
  async dial(address: string, signal?: AbortSignal): Promise<Association> {
    const linked = this.at(address);
    if (linked !== undefined) return linked;
    const dial = { address, ...(signal !== undefined && { signal }) };
    return await outsideScope(() => this.#dialler.dial(dial));
  }

  /** As {@link Dialler.lookup}. */
  lookup(address: string, signal: AbortSignal): Promise<readonly string[]> {
    return this.#dialler.lookup(address, signal);
  }

  /**
   * Says goodbye on all links and opens no more.
   *
   * @returns When every connection has ended; those left after `shutdownTimeoutMs` are cut.
   */
  close(): Promise<void> {
    this.#abort.abort(unreachable("any", "this node is shut down"));
    for (const link of this.all) link.close();
    const { clock, limits } = this.#host;
    return this.#connections.allEnded(clock, limits.shutdownTimeoutMs);
  }

  /** Takes note that a link has ended. */
  down(link: Association): void {
    if (this.#up.get(link.nodeId) === link) this.#up.delete(link.nodeId);
    if (this.#up.size === 0) this.#keepAlive.stop();
  }

  #linkTo(
    nodeId: NodeId,
    address: string | undefined,
    refusal: () => Error | undefined,
  ): Association | Promise<Association> {
    // A dial that is under way comes first: nothing overtakes what waits for it.
    const known = this.#dials.get(nodeId) ?? this.get(nodeId);
    if (known !== undefined) return known;
    if (address === undefined) return rejected(unreachable(nodeId, "it does not listen"));
    const refused = refusal();
    if (refused !== undefined) return rejected(refused);
    return this.#dials.begin(nodeId, () => this.#dialNode(nodeId, address));
  }

  async #dialNode(nodeId: NodeId, address: string): Promise<Association> {
    try {
      return await this.#dialler.dial({ address, expects: nodeId });
    } catch (thrown) {
      const link = this.get(nodeId);
      if (link !== undefined) return link; // the other side's dial came through meanwhile
      const error = asError(thrown);
      this.#noteFailure(nodeId, error);
      throw error;
    }
  }

  #open(
    connection: Connection,
    isDialler: boolean,
    said: Introduction,
    signal: AbortSignal,
  ): Promise<Association> {
    this.#connections.add(connection);
    const { fence, random } = this.#host;
    const introduction = fence === undefined ? said : { ...said, nonce: drawNonce(random) };
    const onDown = (link: Association, error: Error) => {
      if (!link.isLeaving) this.#cut(link, error);
      this.#host.onDown(link, error);
    };
    return openLink({
      host: { ...this.#host, onDown },
      connection,
      isDialler,
      introduction,
      signal,
      refuse: (peer) => this.#admission.refuse(peer),
      giveWay: (peer) => {
        if (isDialler) return this.#admission.giveWay(introduction, peer);
        return fence === undefined ? undefined : this.#admission.refuseProven(peer);
      },
      onUp: (link) => this.#onUp(link),
      onEnded: () => this.#connections.ended(connection),
    });
  }

  #onUp(link: Association): void {
    const older = this.#up.get(link.nodeId);
    this.#up.set(link.nodeId, link);
    this.#keepAlive.start();
    this.#breakers.close(link.nodeId);
    older?.abort(replaced(link.nodeId));
    const { seenAs } = link.peer;
    if (link.isDialler && seenAs !== undefined) this.#host.onSeenAs(seenAs);
    this.#host.onUp(link);
  }

  /** A link ended without a goodbye; one that has given its place to a newer one does not count. */
  #cut(link: Association, error: Error): void {
    if (this.#up.get(link.nodeId) === link) this.#noteFailure(link.nodeId, error);
  }

  #noteFailure(nodeId: NodeId, error: Error): void {
    const counts = !this.#abort.signal.aborted && isTransportFailure(error);
    if (counts) this.#breakers.failed(nodeId, error);
    else this.#breakers.close(nodeId);
  }
}

/** A rejection that does not end the process when a caller fails before it looks at it. */
function rejected(error: Error): Promise<never> {
  const rejection = Promise.reject(error);
  rejection.catch(() => {});
  return rejection;
}

function replaced(nodeId: NodeId): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot use link to node ${nodeId}: a newer link took its place`,
    { kind: "node-lost", retryable: true, nodeId },
  );
}
