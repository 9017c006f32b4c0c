/**
 * The errors that callers catch.
 *
 * ```text
 * PulsingError
 * ├── PulsingRuntimeError         the framework: not found, unreachable, limits, cluster
 * └── PulsingActorError           the user's code inside an actor
 *     ├── PulsingBusinessError    an expected refusal with a code
 *     ├── PulsingSystemError      an internal fault of the actor
 *     ├── PulsingTimeoutError     a deadline passed
 *     └── PulsingUnsupportedError the actor does not do that
 * ```
 *
 * Class, `kind`, code, details, message and cause chain are the same for the caller whether the
 * actor runs in this isolate or on another node. Misuse of the API is not in this family: it
 * throws `TypeError` or `RangeError` at once.
 *
 * @module
 */

/** What went wrong, stable across versions; new kinds may be added. */
export type ErrorKind =
  | "not-initialized"
  | "already-initialized"
  | "actor-not-found"
  | "actor-exists"
  | "actor-stopped"
  | "call-interrupted"
  | "call-cycle"
  | "spawn-failed"
  | "class-not-registered"
  | "method-not-found"
  | "invalid-message"
  | "mailbox-full"
  | "limit-exceeded"
  | "node-not-found"
  | "node-unreachable"
  | "node-lost"
  | "no-instance"
  | "join-failed"
  | "listen-failed"
  | "handshake-failed"
  | "protocol-violation"
  | "not-encodable"
  | "not-decodable"
  | "stream-closed"
  | "shutdown"
  | "actor-error"
  | "business"
  | "system"
  | "timeout"
  | "unsupported";

/** The class names of the family, the brand by which two copies of the package know it. */
export type ErrorClassName =
  | "PulsingError"
  | "PulsingRuntimeError"
  | "PulsingActorError"
  | "PulsingBusinessError"
  | "PulsingSystemError"
  | "PulsingTimeoutError"
  | "PulsingUnsupportedError";

/** The ids an error is about; those that apply are set. */
export interface ErrorSubject {
  /** The actor's path or, for an anonymous actor, its id. */
  readonly actor?: string;
  /** The node concerned. */
  readonly nodeId?: string;
  /** The `host:port` concerned. */
  readonly address?: string;
  /** The method that was called. */
  readonly method?: string;
}

/** What every error of the family can be given. */
export interface PulsingErrorOptions extends ErrorSubject {
  /** What went wrong. */
  readonly kind?: ErrorKind;
  /** Whether the same operation may succeed when tried again. */
  readonly retryable?: boolean;
  /** What led to this error. */
  readonly cause?: unknown;
}

/** Options of {@link PulsingActorError}. */
export interface PulsingActorErrorOptions extends PulsingErrorOptions {
  /** The `name` of the error that the actor really threw, for example `"TypeError"`. */
  readonly errorName?: string;
}

const BRAND = Symbol.for("@pulsing/core/error");

/** The root of the family. */
export class PulsingError extends Error {
  /** What went wrong, stable across versions. */
  readonly kind: ErrorKind;
  /** Whether the same operation may succeed when tried again. */
  readonly retryable: boolean;
  /** The actor's path or, for an anonymous actor, its id. */
  declare readonly actor?: string;
  /** The node concerned. */
  declare readonly nodeId?: string;
  /** The `host:port` concerned. */
  declare readonly address?: string;
  /** The method that was called. */
  declare readonly method?: string;

  /**
   * Makes the error.
   *
   * @param message "Cannot <verb> <object>: <state>", without a final period.
   * @param options Kind, ids and cause.
   */
  constructor(message: string, options: PulsingErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.kind = options.kind ?? "system";
    this.retryable = options.retryable ?? false;
    if (options.actor !== undefined) this.actor = options.actor;
    if (options.nodeId !== undefined) this.nodeId = options.nodeId;
    if (options.address !== undefined) this.address = options.address;
    if (options.method !== undefined) this.method = options.method;
    brand(this, "PulsingError");
  }
}

/**
 * The framework could not do what was asked: nothing of the user's code failed.
 *
 * @example Tell a missing actor from other failures
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * await using system = await pul.actorSystem();
 * const error = await system.resolve("nobody").catch((error: unknown) => error);
 * assert.ok(pul.isPulsingError(error, "actor-not-found"));
 * ```
 */
export class PulsingRuntimeError extends PulsingError {
  /**
   * Makes the error.
   *
   * @param message "Cannot <verb> <object>: <state>", without a final period.
   * @param options Kind, ids and cause.
   */
  constructor(message: string, options: PulsingErrorOptions = {}) {
    super(message, options);
    brand(this, "PulsingRuntimeError");
  }
}

/**
 * The actor's own code failed.
 *
 * An error of a class outside the family arrives as this one, with the original message, the
 * original name in `errorName` and the original error as `cause`.
 */
export class PulsingActorError extends PulsingError {
  /** The `name` of the error that the actor really threw, for example `"TypeError"`. */
  declare readonly errorName?: string;

  /**
   * Makes the error.
   *
   * @param message The message of the user's error; may be empty.
   * @param options Kind, ids, cause and the original name.
   */
  constructor(message: string, options: PulsingActorErrorOptions = {}) {
    super(message, { ...options, kind: options.kind ?? "actor-error" });
    if (options.errorName !== undefined) this.errorName = options.errorName;
    brand(this, "PulsingActorError");
  }
}

/**
 * An expected refusal: the actor works, the request is not acceptable.
 *
 * @example Refuse a call and read the refusal
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const Account = pul.remote(class Account {
 *   withdraw(amount: number) {
 *     throw new pul.PulsingBusinessError(402, "balance too low", { amount });
 *   }
 * });
 * await using system = await pul.actorSystem();
 * const account = await Account.spawn({ system });
 * await assert.rejects(
 *   account.withdraw(5),
 *   (error) => error instanceof pul.PulsingBusinessError && error.code === 402,
 * );
 * ```
 */
export class PulsingBusinessError extends PulsingActorError {
  /** The refusal's code, the actor's own choice. */
  readonly code: number | string;
  /** Data for the caller; never part of the message. */
  readonly details: unknown;

  /**
   * Makes the error.
   *
   * @param code The refusal's code.
   * @param message The reason for people.
   * @param details Data for the caller; must be encodable when the caller is on another node.
   */
  constructor(code: number | string, message: string, details?: unknown) {
    super(message, { kind: "business" });
    this.code = code;
    this.details = details;
    brand(this, "PulsingBusinessError");
  }

  /** The name, the code in brackets and the message. */
  override toString(): string {
    return `${this.name}: [${this.code}] ${this.message}`;
  }
}

/** An internal fault of the actor. */
export class PulsingSystemError extends PulsingActorError {
  /** The fault in words. */
  readonly error: string;
  /** Whether the actor can go on. */
  readonly recoverable: boolean;

  /**
   * Makes the error.
   *
   * @param error The fault in words.
   * @param recoverable Whether the actor can go on.
   * @default recoverable true
   */
  constructor(error: string, recoverable = true) {
    super(error, { kind: "system", retryable: recoverable });
    this.error = error;
    this.recoverable = recoverable;
    brand(this, "PulsingSystemError");
  }
}

/** A deadline passed before the operation ended. The operation may still have had its effect. */
export class PulsingTimeoutError extends PulsingActorError {
  /** What was waited for. */
  readonly operation: string;
  /** How long, in milliseconds. */
  readonly durationMs: number;

  /**
   * Makes the error.
   *
   * @param operation What was waited for.
   * @param durationMs How long, in milliseconds.
   * @default durationMs 0
   */
  constructor(operation: string, durationMs = 0) {
    super(`Operation '${operation}' timed out after ${Math.round(durationMs)}ms`, {
      kind: "timeout",
      retryable: true,
    });
    this.operation = operation;
    this.durationMs = durationMs;
    brand(this, "PulsingTimeoutError");
  }
}

/** The actor does not do what was asked, now or later. */
export class PulsingUnsupportedError extends PulsingActorError {
  /** What was asked. */
  readonly operation: string;

  /**
   * Makes the error.
   *
   * @param operation What was asked.
   */
  constructor(operation: string) {
    super(`Unsupported operation: ${operation}`, { kind: "unsupported" });
    this.operation = operation;
    brand(this, "PulsingUnsupportedError");
  }
}

/**
 * Whether a value is an error of this family, also from another copy of the package.
 *
 * @param value Anything, usually what was caught.
 * @param kind Only errors of this kind.
 * @returns `true` narrows the value to {@link PulsingError}.
 */
export function isPulsingError(value: unknown, kind?: ErrorKind): value is PulsingError {
  if (errorClassName(value) === undefined) return false;
  return kind === undefined || (value as PulsingError).kind === kind; // branded just above
}

/** The family class of an error, read from its brand; `undefined` for anything else. */
export function errorClassName(value: unknown): ErrorClassName | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return (value as { [BRAND]?: ErrorClassName })[BRAND]; // absent on values of other origin
  } catch {
    return undefined; // a proxy object that throws is none of ours
  }
}

/** Whatever was thrown, as an error object: strings and other values become its message. */
export function asError(thrown: unknown): Error {
  if (isReadable(thrown)) return thrown;
  return new Error(typeof thrown === "string" ? thrown : describe(thrown), { cause: thrown });
}

/** Whether a value is an error that does not throw when it is looked at. */
function isReadable(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error && typeof thrown.message === "string" &&
      typeof thrown.name === "string";
  } catch {
    return false;
  }
}

/**
 * What a caller gets for a throw in an actor's code.
 *
 * Errors of the family pass unchanged; others are wrapped with their name and message kept.
 */
export function asActorError(thrown: unknown, actor?: string): PulsingError {
  if (isPulsingError(thrown)) return thrown;
  const error = asError(thrown);
  return new PulsingActorError(error.message, {
    errorName: error.name,
    cause: thrown,
    ...(actor === undefined ? {} : { actor }),
  });
}

function brand(error: PulsingError, name: ErrorClassName): void {
  Object.defineProperty(error, BRAND, { value: name, configurable: true });
  Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
}

function describe(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "an object without a text form";
  }
}
