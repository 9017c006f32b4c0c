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
import { type Introduction, isRejected, type Rejection } from "./handshake.ts";
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

/** Whom to dial. */
interface Dial {
  readonly address: string;
  /** The node that must answer; without it any will do. */
  readonly expects?: NodeId;
  readonly signal?: AbortSignal;
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
  /** Dials under way to whoever listens at an address. */
  readonly #dialling = new Set<Dial>();
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

  /** The link to the node that says it listens at an address, if it is up. */
  at(address: string): Association | undefined {
    return this.all.find((link) => link.isOpen && link.peer.address === address);
  }

  /** Takes a connection that another node dialled. */
  accept(connection: Connection): void {
    this.#open(connection, false, this.#host.introduce(), this.#abort.signal)
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
   * Links to whatever node listens at an address; a link that is up already will do.
   *
   * @param signal Ends the attempt, its handshake included; a link that is up is not touched.
   * @throws As {@link Links.open}, and the signal's reason.
   */
  async dial(address: string, signal?: AbortSignal): Promise<Association> {
    const linked = this.at(address);
    if (linked !== undefined) return linked;
    const dial = { address, ...(signal !== undefined && { signal }) };
    this.#dialling.add(dial);
    try {
      return await this.#dialOrMeet(dial);
    } finally {
      this.#dialling.delete(dial);
    }
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
      const link = await this.#dialOrMeet({ address, expects: nodeId });
      this.#failures.delete(nodeId);
      return link;
    } catch (thrown) {
      const error = asError(thrown);
      this.#noteFailure(nodeId, error);
      throw error;
    }
  }

  /** Dials, and waits for the other side's dial instead when that one has precedence. */
  async #dialOrMeet(dial: Dial): Promise<Association> {
    const { address, expects } = dial;
    const signals = dial.signal === undefined ? [] : [dial.signal];
    const signal = AbortSignal.any([this.#abort.signal, ...signals]);
    const introduction = { ...this.#host.introduce(), ...(expects !== undefined && { expects }) };
    try {
      return await this.#dialAddress(address, introduction, signal);
    } catch (error) {
      if (!isRejected(error, "duplicate")) throw error;
    }
    for (let waited = 0; waited < CROSSING_MS; waited += CROSSING_MS / 10) {
      const link = expects === undefined ? this.at(address) : this.get(expects);
      if (link !== undefined) return link;
      await sleep(this.#host.clock, CROSSING_MS / 10, signal);
    }
    return await this.#dialAddress(address, { ...introduction, isOnlyLink: true }, signal);
  }

  async #dialAddress(
    address: string,
    introduction: Introduction,
    signal: AbortSignal,
  ): Promise<Association> {
    const { transport, limits, clock } = this.#host;
    const timeout = new AbortController();
    const timer = clock.setTimer(
      () => timeout.abort(this.#unreachable(address, "it did not accept in time")),
      limits.dialTimeoutMs,
    );
    try {
      const limited = AbortSignal.any([timeout.signal, signal]);
      const connection = await transport.dial(address, { signal: limited });
      timer.cancel();
      return await this.#open(connection, true, introduction, signal);
    } finally {
      timer.cancel();
    }
  }

  #open(
    connection: Connection,
    isDialler: boolean,
    introduction: Introduction,
    signal: AbortSignal,
  ): Promise<Association> {
    this.#connections.add(connection);
    return openLink({
      host: this.#host,
      connection,
      isDialler,
      introduction,
      signal,
      refuse: (peer) => isDialler ? undefined : this.#refuse(peer),
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
    older?.abort(replaced(link.nodeId));
    this.#host.onUp(link);
  }

  #refuse(theirs: Introduction): Rejection | undefined {
    if (this.#up.size >= this.#host.limits.maxLinks) {
      return { reason: "busy", message: "the node has too many links" };
    }
    if (theirs.isOnlyLink || theirs.nodeId < this.#host.nodeId) return undefined;
    const isOurDial = this.get(theirs.nodeId)?.isDialler ?? this.#isDialling(theirs);
    if (!isOurDial) return undefined;
    return { reason: "duplicate", message: "both nodes dialled, the other dial stays" };
  }

  #isDialling({ nodeId, address }: Introduction): boolean {
    if (this.#dials.has(nodeId)) return true;
    return [...this.#dialling].some((dial) => dial.address === address);
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

function replaced(nodeId: NodeId): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot use link to node ${nodeId}: a newer link took its place`,
    { kind: "node-lost", retryable: true, nodeId },
  );
}
