/**
 * All links of one node: one for each other node, whoever dialled.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import { type Clock, sleep } from "../clock.ts";
import { asError, PulsingRuntimeError } from "../errors.ts";
import type { Connection, Transport } from "../transport.ts";
import type { Association } from "./association.ts";
import { HandshakeRejected, type Introduction, judge, type Rejection } from "./handshake.ts";
import { openLink } from "./link_opening.ts";
import type { LinkHost } from "./link_host.ts";

/** Time for the other side's dial to come through when both dialled at once, in milliseconds. */
const CROSSING_MS = 250;

/** What the table of links needs from its node. */
export interface LinksHost extends LinkHost {
  readonly transport: Transport;
  /** What this node says about itself. */
  introduce(): Introduction;
  /** Copies a message that cannot be encoded yet; streams and references stay as they are. */
  copy(message: unknown): unknown;
  /** A new link is up. */
  onUp(link: Association): void;
}

interface Failure {
  readonly error: Error;
  readonly until: number;
  readonly delayMs: number;
}

/**
 * Opens links on demand and keeps one per node.
 *
 * When two nodes dial each other at once the dial of the node with the smaller id stays. A node
 * that could not be reached is not dialled again before its backoff is over: calls to it fail at
 * once with the last error meanwhile.
 */
export class Links {
  readonly #host: LinksHost;
  readonly #up = new Map<NodeId, Association>();
  readonly #dials = new Map<NodeId, Promise<Association>>();
  readonly #failures = new Map<NodeId, Failure>();
  readonly #connections = new Set<Connection>();
  readonly #abort = new AbortController();
  #onQuiet: (() => void) | undefined = undefined;

  constructor(host: LinksHost) {
    this.#host = host;
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

  /** Takes a connection that another node dialled. */
  accept(connection: Connection): void {
    this.#open(connection, false, this.#host.introduce())
      .catch((error) => this.#host.logger.debug("incoming link refused", { error }));
  }

  /**
   * The link to a node, dialled if there is none; what waits for it goes out in its order.
   *
   * @throws {PulsingRuntimeError} kind `"node-unreachable"` or `"handshake-failed"`.
   */
  open(nodeId: NodeId, address: string | undefined): Association | Promise<Association> {
    const dial = this.#dials.get(nodeId);
    if (dial !== undefined) return dial;
    const link = this.get(nodeId);
    if (link !== undefined) return link;
    if (address === undefined) {
      return Promise.reject(this.#unreachable(nodeId, "it does not listen"));
    }
    const failure = this.#failures.get(nodeId);
    if (failure !== undefined && failure.until > this.#host.clock.now()) {
      return Promise.reject(failure.error);
    }
    const opening = this.#dialNode(nodeId, address);
    this.#dials.set(nodeId, opening);
    // After those who wait, so that a later call cannot overtake theirs.
    const done = () => void this.#dials.delete(nodeId);
    opening.then(() => queueMicrotask(done), done);
    return opening;
  }

  /**
   * Links to whatever node listens at an address.
   *
   * @throws As {@link Links.open}.
   */
  async dial(address: string, signal?: AbortSignal): Promise<Association> {
    return await this.#dialAddress(address, this.#host.introduce(), signal);
  }

  /**
   * Says goodbye on all links and opens no more.
   *
   * @returns When every connection has ended; those left after `shutdownTimeoutMs` are cut.
   */
  close(): Promise<void> {
    this.#abort.abort(this.#unreachable("any", "this node is shut down"));
    for (const link of this.all) link.close();
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cut = () => {
        for (const connection of this.#connections) connection.abort();
        resolve();
      };
      const timer = this.#host.clock.setTimer(cut, this.#host.limits.shutdownTimeoutMs);
      this.#onQuiet = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Takes note that a link has ended. */
  down(link: Association): void {
    if (this.#up.get(link.nodeId) === link) this.#up.delete(link.nodeId);
  }

  async #dialNode(nodeId: NodeId, address: string): Promise<Association> {
    try {
      const link = await this.#dialOrMeet(nodeId, address);
      if (link.nodeId !== nodeId) {
        throw this.#unreachable(nodeId, `node ${link.nodeId} listens at ${address} now`);
      }
      this.#failures.delete(nodeId);
      return link;
    } catch (thrown) {
      const error = asError(thrown);
      this.#noteFailure(nodeId, error);
      throw error;
    }
  }

  /** Dials, and waits for the other side's dial instead when that one has precedence. */
  async #dialOrMeet(nodeId: NodeId, address: string): Promise<Association> {
    try {
      return await this.#dialAddress(address, this.#host.introduce());
    } catch (error) {
      if (!(error instanceof HandshakeRejected && error.reason === "duplicate")) throw error;
    }
    for (let waited = 0; waited < CROSSING_MS; waited += CROSSING_MS / 10) {
      const link = this.get(nodeId);
      if (link !== undefined) return link;
      await sleep(this.#host.clock, CROSSING_MS / 10, this.#abort.signal);
    }
    return await this.#dialAddress(address, { ...this.#host.introduce(), isOnlyLink: true });
  }

  async #dialAddress(
    address: string,
    introduction: Introduction,
    signal?: AbortSignal,
  ): Promise<Association> {
    const { transport, limits, clock } = this.#host;
    const timeout = new AbortController();
    const timer = clock.setTimer(
      () => timeout.abort(this.#unreachable(address, "it did not accept in time")),
      limits.dialTimeoutMs,
    );
    const signals = [timeout.signal, this.#abort.signal, ...(signal === undefined ? [] : [signal])];
    try {
      const connection = await transport.dial(address, { signal: AbortSignal.any(signals) });
      return await this.#open(connection, true, introduction);
    } finally {
      timer.cancel();
    }
  }

  #open(
    connection: Connection,
    isDialler: boolean,
    introduction: Introduction,
  ): Promise<Association> {
    this.#connections.add(connection);
    return openLink({
      host: this.#host,
      connection,
      isDialler,
      introduction,
      signal: this.#abort.signal,
      refuse: (peer) => isDialler ? undefined : this.#refuse(introduction, peer),
      onUp: (link) => this.#onUp(link),
      onEnded: () => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#onQuiet?.();
      },
    });
  }

  #onUp(link: Association): void {
    const older = this.#up.get(link.nodeId);
    this.#up.set(link.nodeId, link);
    this.#failures.delete(link.nodeId);
    older?.abort(this.#unreachable(link.nodeId, "a newer link took its place"));
    this.#host.onUp(link);
  }

  #refuse(ours: Introduction, theirs: Introduction): Rejection | undefined {
    if (this.#up.size >= this.#host.limits.maxLinks) {
      return { reason: "busy", message: "the node has too many links" };
    }
    if (theirs.isOnlyLink || judge(ours, theirs) !== undefined) return undefined;
    const link = this.get(theirs.nodeId);
    const isOurDial = link?.isDialler ?? this.#dials.has(theirs.nodeId);
    if (!isOurDial || theirs.nodeId < ours.nodeId) return undefined;
    return { reason: "duplicate", message: "both nodes dialled, the other dial stays" };
  }

  #noteFailure(nodeId: NodeId, error: Error): void {
    const { limits, clock } = this.#host;
    const previous = this.#failures.get(nodeId)?.delayMs ?? limits.reconnectMinMs / 2;
    const delayMs = Math.min(previous * 2, limits.reconnectMaxMs);
    this.#failures.set(nodeId, { error, delayMs, until: clock.now() + delayMs });
    if (this.#failures.size > limits.maxMembers) {
      for (const oldest of this.#failures.keys()) {
        this.#failures.delete(oldest);
        break;
      }
    }
  }

  #unreachable(node: string, why: string): PulsingRuntimeError {
    return new PulsingRuntimeError(`Cannot link to node ${node}: ${why}`, {
      kind: "node-unreachable",
      retryable: true,
      nodeId: node,
    });
  }
}
