/**
 * The contract between a node and the network: ordered, reliable byte connections.
 *
 * A transport moves bytes and knows nothing of actors. One connection carries everything two
 * nodes say to each other: first the magic and the handshake, then frames. How the bytes are cut
 * into pieces on the way is the transport's business: the reader puts frames together again.
 *
 * ```text
 *   dial() ──► Connection ◄── accept()
 *                 │ write(bytes)  ──►  the other side's onBytes(bytes)
 *                 │ close()       ──►  the other side's onClose()
 * ```
 *
 * Every implementation passes `tests/contract/transport_contract.ts`.
 *
 * @module
 */

/** What the owner of a connection wants to hear. Callbacks must not throw. */
export interface ConnectionHandler {
  /**
   * Bytes arrived, in the order in which they were written, in pieces of any length above 0.
   *
   * The piece may be kept: the transport never writes to it again.
   */
  onBytes(bytes: Uint8Array): void;
  /** The send buffer is below its mark again after {@link Connection.write} returned `false`. */
  onDrain(): void;
  /**
   * The connection has ended; called exactly once, after the last `onBytes`, whoever ended it.
   *
   * @param error Why, when it was not a close by either side.
   */
  onClose(error?: Error): void;
}

/**
 * One ordered, reliable, two-way run of bytes.
 *
 * Ownership: whoever got the connection from `dial` or `accept` closes it. Bytes that arrive
 * before {@link Connection.start} are kept back by the transport, not lost.
 */
export interface Connection {
  /** The other end for log lines, for example `"127.0.0.1:41234"`. Not an identity. */
  readonly remoteAddress: string;
  /** Bytes written and not yet taken by the operating system or by the other side. */
  readonly bufferedBytes: number;
  /**
   * Sets the handler and lets bytes flow; called once, in the same turn as `dial` or `accept`.
   *
   * @param highWaterBytes Bytes in the send buffer from which `write` tells to wait; the
   * transport's own mark when absent.
   */
  start(handler: ConnectionHandler, highWaterBytes?: number): void;
  /**
   * Sends bytes after all that were written before.
   *
   * The transport keeps the array until it is sent, so the caller must not write to it again.
   * After the connection ended this does nothing: the loss is reported by `onClose`.
   *
   * @param onTaken Called when the transport has no more use for the array, which the caller may
   * write to again from then on; not called when the other side keeps it or when the connection
   * ends first.
   * @returns `false` when the send buffer is at or above its mark: the caller should wait for
   * `onDrain`. The bytes are accepted all the same.
   */
  write(bytes: Uint8Array, onTaken?: () => void): boolean;
  /** Stops `onBytes` until {@link Connection.resume}; the other side's buffer fills up. */
  pause(): void;
  /** Lets bytes flow again. */
  resume(): void;
  /** Sends what was written, then ends the connection for both sides. Idempotent. */
  close(): void;
  /** Ends the connection now, unsent bytes are lost. Idempotent. */
  abort(): void;
}

/** What a listening node wants from the transport. */
export interface ListenOptions {
  /** `host:port`; port 0 asks the operating system for a free one. */
  readonly address: string;
  /**
   * A node connected. The handler must call {@link Connection.start} before it returns.
   *
   * Called only for connections whose first bytes are the magic of `lib/wire/frame.ts`.
   */
  accept(connection: Connection): void;
  /** Answers a plain HTTP request on the same port; absent: every request gets 404. */
  readonly http?: (request: Request) => Response | Promise<Response>;
  /** How long a new connection may take to send its first bytes, in milliseconds. */
  readonly handshakeTimeoutMs: number;
}

/** A bound address that accepts connections. */
export interface Listener extends AsyncDisposable {
  /** `host:port` with the port that was really bound. */
  readonly address: string;
  /**
   * Stops accepting and frees the port. Connections that were accepted live on. Idempotent.
   *
   * @returns When the port is free.
   */
  close(): Promise<void>;
}

/** How to reach another node. */
export interface DialOptions {
  /** Ends the attempt; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A way to move bytes between nodes. Implementations are in `transports/`. */
export interface Transport {
  /** Short name for log lines and errors, for example `"tcp"`. */
  readonly name: string;
  /**
   * Binds an address.
   *
   * @throws {PulsingRuntimeError} kind `"listen-failed"`: the address is in use or not ours.
   */
  listen(options: ListenOptions): Promise<Listener>;
  /**
   * Connects to a listening node; a host name is tried with all its addresses.
   *
   * @param address `host:port`.
   * @throws {PulsingRuntimeError} kind `"node-unreachable"`, retryable, the cause attached.
   */
  dial(address: string, options?: DialOptions): Promise<Connection>;
  /**
   * Finds all addresses that a host name stands for, at this moment and in no order.
   *
   * Absent when the transport knows no names: an address stands for itself then.
   *
   * @param address `host:port`; the port is kept, an IP address gives itself.
   * @returns One `ip:port` for each address, none twice.
   * @throws {PulsingRuntimeError} kind `"node-unreachable"`, retryable, the cause attached: the
   * name is not known, or could not be looked up.
   * @throws The signal's reason when it aborts first.
   */
  lookup?(address: string, options?: DialOptions): Promise<readonly string[]>;
}
