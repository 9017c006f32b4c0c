/**
 * Every bound of the runtime: its name, its default, why it is what it is, and what happens when
 * it is reached. Those of {@link Limits} can be set per system, the constants below them cannot.
 *
 * @module
 */

/** The bounds of one actor system. */
export interface Limits {
  /**
   * Messages one actor's mailbox holds.
   *
   * Full: senders wait in their order, nothing is lost. 256 as in Pulsing.
   */
  readonly mailboxCapacity: number;
  /**
   * Senders that may wait for one full mailbox.
   *
   * Above: the message is refused with `"mailbox-full"`, retryable.
   */
  readonly mailboxWaiters: number;
  /** Messages one actor handles before other actors of the node get their turn. */
  readonly throughput: number;
  /**
   * Async methods of one actor that run at the same time.
   *
   * Reached: its further messages wait in the mailbox until one of them ends.
   */
  readonly runningCalls: number;
  /**
   * Delayed calls of one actor to itself whose time has not come.
   *
   * Above: `context().delayed` fails with `"limit-exceeded"`, retryable.
   */
  readonly delayedCalls: number;
  /**
   * Actors that one actor watches, actors of other nodes that this node watches, and actors of
   * this node that one link watches.
   *
   * Above: `watch` fails with `"limit-exceeded"`. Only a peer with a higher limit meets the one of
   * the link: the watch is refused and both nodes log a warning; the peer sends it again when one
   * of its other watches on this node ends.
   */
  readonly watches: number;
  /** Ended actors of a node whose reason is remembered for late watchers; then it is `"stopped"`. */
  readonly rememberedEnds: number;
  /** Dead letters that wait for one reader. Above: that reader loses the oldest. */
  readonly deadLetters: number;
  /**
   * Messages all actors of a node handle before the event loop gets a turn for I/O.
   *
   * Larger is faster for local calls and makes sockets and timers wait longer.
   */
  readonly turnMessages: number;
  /** Bytes of one message on the wire, its buffers included. Above: that message fails. */
  readonly maxMessageBytes: number;
  /** Levels of nesting in one message. Above: that message fails. */
  readonly maxDepth: number;
  /** Bodies and buffers from this size on travel in chunks that let small frames pass. */
  readonly chunkThresholdBytes: number;
  /** Bytes of one chunk: what a small frame waits for at most. */
  readonly chunkBytes: number;
  /** Large messages one side sends at the same time on one link; further ones wait. */
  readonly maxBulkTransfers: number;
  /** Bytes a node keeps for the next copies of large buffers. Above: they are let go. */
  readonly maxSpareBytes: number;
  /**
   * Calls without an answer on one link, for each direction; calls and tells that wait for one
   * dial as well, since all of them would go on its link.
   *
   * Above: a call fails with `"limit-exceeded"`, retryable.
   */
  readonly maxPendingCalls: number;
  /** Open streams on one link, for each direction. Above: opening fails, `"limit-exceeded"`. */
  readonly maxStreams: number;
  /** Items a stream's producer may be ahead of its consumer. */
  readonly streamWindowItems: number;
  /** Bytes a stream's producer may be ahead of its consumer; one larger item may pass alone. */
  readonly streamWindowBytes: number;
  /**
   * Names interned on one link, for each direction.
   *
   * Full: further names travel in full each time; a peer that interns more is cut off.
   */
  readonly maxInternedNames: number;
  /** UTF-8 bytes of one interned name. Longer names travel in full each time. */
  readonly maxInternedNameBytes: number;
  /**
   * Bytes waiting to be sent on one link before streams and large messages hold back.
   */
  readonly outboxHighWaterBytes: number;
  /**
   * Bytes waiting to be sent on one link at most.
   *
   * Full: calls and tells fail with `"limit-exceeded"`, retryable; nothing was sent.
   */
  readonly outboxCapacityBytes: number;
  /** Bytes a peer may send before its handshake is complete. Above: it is cut off. */
  readonly maxHandshakeBytes: number;
  /** Time for a handshake, in milliseconds. Later: the link is cut. */
  readonly handshakeTimeoutMs: number;
  /** Time for one attempt to connect, in milliseconds. */
  readonly dialTimeoutMs: number;
  /**
   * Failures in a row, of dials to one node or of links that were cut, that open its circuit.
   *
   * Reached: calls to it fail at once with `"node-unreachable"`, retryable, and it is not dialled
   * before `reconnectMinMs`. 1 because one dial already stands for all calls that waited for it.
   */
  readonly breakerFailures: number;
  /** Wait before the first new attempt to reach a lost node, in milliseconds; then doubled. */
  readonly reconnectMinMs: number;
  /** Longest wait between attempts to reach a lost node, in milliseconds. */
  readonly reconnectMaxMs: number;
  /**
   * Silence on a link after which it is asked for a sign of life, in milliseconds.
   *
   * How often the links of a node are looked at, all of them by one timer. A link on which nothing
   * is pending is left alone while membership probes its node.
   */
  readonly linkIdleMs: number;
  /**
   * Silence on a link, while something is pending on it, after which it counts as lost, in
   * milliseconds. A link to a node that is no member counts as if something were pending.
   *
   * Everything pending on it fails with `"node-lost"`, up to one `linkIdleMs` later.
   */
  readonly linkTimeoutMs: number;
  /** Links to other nodes, both directions together. Above: incoming ones are refused. */
  readonly maxLinks: number;
  /** Time actors get to stop at shutdown, in milliseconds; later they are abandoned. */
  readonly shutdownTimeoutMs: number;
  /** Members a node keeps track of, left and dead ones too; further ones are ignored and logged. */
  readonly maxMembers: number;
  /**
   * Registry entries a node keeps, tombstones included.
   *
   * Further ones of other nodes are ignored and logged; its own are always kept.
   */
  readonly maxRegistryEntries: number;
  /** Bytes of membership and registry news in one gossip message. */
  readonly maxGossipBytes: number;
}

/** The defaults, made for machines with gigabytes of memory on a local network. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  mailboxCapacity: 256,
  mailboxWaiters: 65_536,
  throughput: 64,
  runningCalls: 16_384,
  delayedCalls: 16_384,
  watches: 65_536,
  rememberedEnds: 1_024,
  deadLetters: 1_024,
  turnMessages: 2_048,
  maxMessageBytes: 1_073_741_824,
  maxDepth: 256,
  chunkThresholdBytes: 65_536,
  chunkBytes: 1_048_576,
  maxBulkTransfers: 8,
  maxSpareBytes: 8_388_608,
  maxPendingCalls: 65_536,
  maxStreams: 16_384,
  streamWindowItems: 1_024,
  streamWindowBytes: 1_048_576,
  maxInternedNames: 16_384,
  maxInternedNameBytes: 512,
  outboxHighWaterBytes: 1_048_576,
  outboxCapacityBytes: 67_108_864,
  maxHandshakeBytes: 4_096,
  handshakeTimeoutMs: 5_000,
  dialTimeoutMs: 5_000,
  breakerFailures: 1,
  reconnectMinMs: 100,
  reconnectMaxMs: 10_000,
  linkIdleMs: 5_000,
  linkTimeoutMs: 15_000,
  maxLinks: 4_096,
  shutdownTimeoutMs: 5_000,
  maxMembers: 10_000,
  maxRegistryEntries: 100_000,
  maxGossipBytes: 65_536,
});

/**
 * Items a written stream holds for its reader unless its options say otherwise; above, `write`
 * waits.
 *
 * No limit of a system: a stream is made before it is known where it goes. Small, because over a
 * link the reader's window comes on top.
 */
export const DEFAULT_STREAM_BUFFER = 32;

/**
 * Writes of one written stream that may wait for room.
 *
 * Above: `write` fails with `"limit-exceeded"`, retryable. It is there for writers that do not
 * await; one that awaits has one write waiting. No limit of a system, as the buffer is none.
 */
export const MAX_WAITING_WRITES = 1_024;

/**
 * Reads of one written stream that may wait for an item.
 *
 * Above: the read fails with `"limit-exceeded"`, retryable. As many as writes: a reader that
 * awaits has one waiting.
 */
export const MAX_WAITING_READS = 1_024;

/**
 * Actors that wait for an answer which cross with a call, the nearest ones.
 *
 * Part of the protocol, so that no node cuts off another one whose settings differ. Further ones
 * stay behind, and an ask that closes a circle through them is not refused; a peer that sends more
 * is cut off.
 */
export const MAX_WAITING_ACTORS = 64;

/**
 * Characters (UTF-16 units) of all headers of one call, the names included.
 *
 * Part of the protocol, as {@link MAX_WAITING_ACTORS}: headers are for marks, not for data, and
 * every node on the way holds them. Above: the call fails with a `RangeError` before it is sent; a
 * peer that sends more is cut off, before its bytes are decoded.
 */
export const MAX_HEADER_LENGTH = 65_536;

/** Headers of one call. Above: the call is refused at once; from a peer the link is cut. */
export const MAX_HEADERS = 64;

/**
 * Fills the limits a user left out with the defaults.
 *
 * @param overrides The limits to change.
 * @returns All limits, frozen.
 * @throws {RangeError} When a value is not a positive integer, or two contradict each other.
 * @throws {TypeError} When a name is not a limit.
 */
export function resolveLimits(overrides: Partial<Limits> = {}): Limits {
  const limits = Object.freeze(overridden("limit", overrides, DEFAULT_LIMITS));
  if (limits.linkTimeoutMs <= limits.linkIdleMs) {
    throw new RangeError('Cannot set limit "linkTimeoutMs": it must be above "linkIdleMs"');
  }
  return limits;
}

/**
 * Fills what overrides leave out, or set to `undefined`, with the defaults.
 *
 * @param what What they are called in errors.
 * @throws {TypeError} When they are no record, or a name is not among the defaults.
 * @throws {RangeError} When a value is not a positive integer.
 */
export function overridden<T extends object>(what: string, overrides: unknown, defaults: T): T {
  if (typeof overrides !== "object" || overrides === null || Array.isArray(overrides)) {
    throw new TypeError(`Cannot set ${what}s to "${String(overrides)}": expected an object`);
  }
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (!Object.hasOwn(defaults, name)) {
      const known = Object.keys(defaults).join(", ");
      throw new TypeError(`Cannot set ${what} "${name}": expected one of ${known}`);
    }
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(
        `Cannot set ${what} "${name}" to "${String(value)}": expected a positive integer`,
      );
    }
  }
  return { ...defaults, ...Object.fromEntries(given) };
}
