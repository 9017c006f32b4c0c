/**
 * Errors as plain records and back: class, kind, code, details, message and cause survive.
 *
 * Classes are rebuilt from a closed table; nothing that arrives chooses a class or a key. Stacks
 * do not cross: they tell about files of the other machine.
 *
 * @module
 */

import {
  asActorError,
  type ErrorClassName,
  errorClassName,
  type ErrorKind,
  PulsingActorError,
  PulsingBusinessError,
  PulsingError,
  type PulsingErrorOptions,
  PulsingRuntimeError,
  PulsingSystemError,
  PulsingTimeoutError,
  PulsingUnsupportedError,
} from "../errors.ts";

/** An error on the wire; fields that do not apply are absent. */
export interface ErrorRecord {
  /** The class, when it is one of the family. */
  readonly type?: ErrorClassName;
  /** The error's `name`. */
  readonly name: string;
  readonly message: string;
  readonly cause?: unknown;
  readonly kind?: ErrorKind;
  readonly retryable?: boolean;
  readonly code?: number | string;
  readonly details?: unknown;
  readonly recoverable?: boolean;
  readonly operation?: string;
  readonly durationMs?: number;
  readonly errorName?: string;
  readonly actor?: string;
  readonly nodeId?: string;
  readonly address?: string;
  readonly method?: string;
}

const FAMILY_FIELDS = [
  "kind",
  "retryable",
  "code",
  "details",
  "recoverable",
  "operation",
  "durationMs",
  "errorName",
  "actor",
  "nodeId",
  "address",
  "method",
] as const;

type Fields = Readonly<Record<string, unknown>>;
type Rebuild = (message: string, options: PulsingErrorOptions, fields: Fields) => PulsingError;

const REBUILD: Readonly<Record<ErrorClassName, Rebuild>> = nullPrototype({
  PulsingError: (message, options) => new PulsingError(message, options),
  PulsingRuntimeError: (message, options) => new PulsingRuntimeError(message, options),
  PulsingActorError: (message, options, { errorName }) =>
    new PulsingActorError(message, {
      ...options,
      ...(typeof errorName === "string" && { errorName }),
    }),
  PulsingBusinessError: (message, _options, { code, details }) =>
    new PulsingBusinessError(typeof code === "number" ? code : textOf(code), message, details),
  PulsingSystemError: (message, _options, { recoverable }) =>
    new PulsingSystemError(message, recoverable !== false),
  PulsingTimeoutError: (_message, _options, { operation, durationMs }) =>
    new PulsingTimeoutError(textOf(operation), typeof durationMs === "number" ? durationMs : 0),
  PulsingUnsupportedError: (_message, _options, { operation }) =>
    new PulsingUnsupportedError(textOf(operation)),
});

const BUILT_IN: Readonly<Record<string, new (message: string) => Error>> = nullPrototype({
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
});

/** The record of an error, or of whatever was thrown. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  const error = thrown instanceof Error ? thrown : asActorError(thrown);
  const type = errorClassName(error);
  const record: Record<string, unknown> = { name: error.name, message: error.message };
  if (error.cause !== undefined) record.cause = error.cause;
  if (type !== undefined) {
    record.type = type;
    const fields = error as unknown as Fields; // read by the names of the family's fields
    for (const name of FAMILY_FIELDS) if (fields[name] !== undefined) record[name] = fields[name];
  }
  return record as unknown as ErrorRecord; // the names are those of the interface
}

/** The error that a caller gets for a record from the wire; never throws. */
export function fromErrorRecord(record: unknown): PulsingError {
  return asActorError(fromErrorValue(record));
}

/** The error that stood inside a message, built-in classes kept; never throws. */
export function fromErrorValue(value: unknown): Error {
  const fields = typeof value === "object" && value !== null ? value as Fields : {}; // checked below
  const { type, name, message, cause } = fields;
  const text = typeof message === "string" ? message : "";
  const rebuild = typeof type === "string" ? REBUILD[type as ErrorClassName] : undefined;
  if (rebuild !== undefined) return restore(rebuild(text, optionsOf(fields), fields), fields);
  const Class = typeof name === "string" ? BUILT_IN[name] ?? Error : Error;
  const error = new Class(text);
  if (typeof name === "string" && name !== error.name) define(error, "name", name);
  if (cause !== undefined) define(error, "cause", cause);
  return error;
}

/** Fields that not every constructor takes are set as they arrived. */
function restore(error: PulsingError, fields: Fields): PulsingError {
  for (const name of ["actor", "nodeId", "address", "method"]) {
    const value = fields[name];
    if (typeof value === "string") {
      Object.defineProperty(error, name, { value, configurable: true, enumerable: true });
    }
  }
  if (fields.cause !== undefined) define(error, "cause", fields.cause);
  return error;
}

/** Never the text form of an object from the wire: making it would call what it names. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function optionsOf({ kind, retryable }: Fields): PulsingErrorOptions {
  return {
    ...(typeof kind === "string" && { kind: kind as ErrorKind }), // new kinds pass through
    ...(typeof retryable === "boolean" && { retryable }),
  };
}

function define(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true });
}

function nullPrototype<T extends object>(table: T): T {
  return Object.assign(Object.create(null), table);
}
