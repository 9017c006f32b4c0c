/**
 * Names of things: node ids, actor ids, actor paths, actor addresses and `host:port`.
 *
 * Pure text grammar, no I/O. Everything that arrives from a user or from the wire as a name
 * passes through here once and is trusted afterwards.
 *
 * @module
 */

/** Identity of one node incarnation: 128 random bits as 32 lower-case hex digits. */
export type NodeId = string;

/** Identity of one actor incarnation: 128 random bits as 32 lower-case hex digits. */
export type ActorId = string;

/** The name that survives restarts: `namespace/…/name`, at least two segments. */
export type ActorPath = string;

/** Longest path in UTF-8 bytes, separators included. */
export const MAX_PATH_BYTES = 256;

/** Longest path segment in UTF-8 bytes. */
export const MAX_SEGMENT_BYTES = 64;

/** The namespace a name gets when it is given without one. */
export const DEFAULT_NAMESPACE = "actors";

/** The namespace reserved for the runtime itself. */
export const SYSTEM_NAMESPACE = "system";

/** The path of the actor that tells about its node; its id is that of the node. */
export const SYSTEM_ACTOR_PATH: ActorPath = "system/core";

const ID_REGEXP = /^[0-9a-f]{32}$/;
const SEGMENT_REGEXP = /^[\p{L}\p{N}_-]+$/u;
const ADDRESS_SCHEME = "actor://";

/** What an `actor://` address points at. */
export type ActorAddress =
  /** Any instance of a named actor: `actor:///services/echo`. */
  | { readonly kind: "named"; readonly path: ActorPath }
  /** The instance of a named actor on one node: `actor:///services/echo@<node id>`. */
  | { readonly kind: "instance"; readonly path: ActorPath; readonly nodeId: NodeId }
  /** One actor by its id: `actor://<actor id>`. */
  | { readonly kind: "actor"; readonly actorId: ActorId };

/** A TCP endpoint. */
export interface HostPort {
  /** Host name, IPv4 or IPv6 address (without brackets). */
  readonly host: string;
  /** Port, 0 to 65 535; 0 asks the operating system for a free one. */
  readonly port: number;
}

/** Whether `text` is a node or actor id: 32 lower-case hex digits. */
export function isId(text: string): boolean {
  return ID_REGEXP.test(text);
}

/**
 * Checks and normalises an actor path.
 *
 * Leading and trailing slashes are dropped and segments trimmed. A path has at least two
 * segments of 1 to 64 bytes, each of letters, digits, `_` or `-`, and at most 256 bytes.
 *
 * @param text The path as the user wrote it.
 * @returns The normal form, equal for equal paths.
 * @throws {TypeError} When a rule is broken; the message names the rule and the segment.
 *
 * @example Normalises a path
 * ```ts
 * import { parsePath } from "./address.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(parsePath("/services/echo/"), "services/echo");
 * assert.throws(() => parsePath("echo"), /namespace/);
 * ```
 */
export function parsePath(text: string): ActorPath {
  // Checked first: the work below must not grow with what a peer sends.
  if (text.length > 4 * MAX_PATH_BYTES) {
    throw badPath(text, `it is longer than ${MAX_PATH_BYTES} bytes`);
  }
  const segments = trimSlashes(text).split("/").map((segment) => segment.trim());
  if (segments.length === 1 && segments[0] === "") throw badPath(text, "it is empty");
  segments.forEach((segment, index) => checkSegment(text, segment, index));
  if (segments.length < 2) throw badPath(text, 'it has no namespace, for example "actors/name"');
  const path = segments.join("/");
  if (utf8Length(path) > MAX_PATH_BYTES) {
    throw badPath(text, `it is longer than ${MAX_PATH_BYTES} bytes`);
  }
  return path;
}

/**
 * Turns a user's actor name into a path: a name without `/` gets the `actors/` namespace.
 *
 * @param name A name such as `"counter"` or a path such as `"services/echo"`.
 * @returns The path.
 * @throws {TypeError} When the path grammar is broken or the namespace is `system`.
 */
export function pathOfName(name: string): ActorPath {
  const path = lookupPath(name);
  if (path.startsWith(`${SYSTEM_NAMESPACE}/`)) {
    throw badPath(name, `the namespace "${SYSTEM_NAMESPACE}" is reserved for the runtime`);
  }
  return path;
}

/**
 * Turns a name into the path to look up; unlike {@link pathOfName} it allows `system/…`.
 *
 * @param name A name such as `"counter"` or a path such as `"system/core"`.
 * @returns The path.
 * @throws {TypeError} When it is no text, or the path grammar is broken.
 */
export function lookupPath(name: string): ActorPath {
  if (typeof name !== "string") {
    throw new TypeError(`Cannot use "${String(name)}" as "name": expected a text`);
  }
  if (name.includes("/")) return parsePath(name);
  if (name.trim() === "") throw badPath(name, "it is empty");
  return parsePath(`${DEFAULT_NAMESPACE}/${name}`);
}

/**
 * Parses an `actor://` address in one of its three forms.
 *
 * @param text The address.
 * @returns What it points at.
 * @throws {TypeError} When the scheme, the path or an id is malformed.
 *
 * @example Reads the three forms
 * ```ts
 * import { formatAddress, parseAddress } from "./address.ts";
 * import assert from "node:assert/strict";
 *
 * const named = parseAddress("actor:///services/echo");
 * assert.deepEqual(named, { kind: "named", path: "services/echo" });
 * assert.equal(formatAddress(named), "actor:///services/echo");
 * ```
 */
export function parseAddress(text: string): ActorAddress {
  if (!text.startsWith(ADDRESS_SCHEME)) {
    throw new TypeError(`Cannot parse actor address "${text}": it does not start with "actor://"`);
  }
  const rest = text.slice(ADDRESS_SCHEME.length);
  if (!rest.startsWith("/")) return { kind: "actor", actorId: checkId(text, rest) };
  const at = rest.lastIndexOf("@");
  if (at < 0) return { kind: "named", path: parsePath(rest) };
  const nodeId = checkId(text, rest.slice(at + 1));
  return { kind: "instance", path: parsePath(rest.slice(0, at)), nodeId };
}

/** Prints an address in the form that {@link parseAddress} reads. */
export function formatAddress(address: ActorAddress): string {
  switch (address.kind) {
    case "named":
      return `${ADDRESS_SCHEME}/${address.path}`;
    case "instance":
      return `${ADDRESS_SCHEME}/${address.path}@${address.nodeId}`;
    case "actor":
      return `${ADDRESS_SCHEME}${address.actorId}`;
  }
}

/**
 * Parses `host:port`; IPv6 hosts are written in brackets.
 *
 * @param text For example `"127.0.0.1:0"`, `"node-1.example:7000"` or `"[::1]:7000"`.
 * @returns Host and port.
 * @throws {TypeError} When the host or the port is missing or out of range.
 */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65_535) {
    throw new TypeError(
      `Cannot parse address "${text}": expected "host:port", for example "127.0.0.1:7000"`,
    );
  }
  return { host, port };
}

/** Prints an endpoint in the form that {@link parseHostPort} reads. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether a host can only be reached from the machine itself. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** Whether a host means "every interface" and so cannot be dialled by others. */
export function isWildcardHost(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function trimSlashes(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === "/") start++;
  while (end > start && text[end - 1] === "/") end--;
  return text.slice(start, end);
}

function checkSegment(path: string, segment: string, index: number): void {
  const which = `segment ${index + 1}`;
  if (segment === "") throw badPath(path, `${which} is empty`);
  if (utf8Length(segment) > MAX_SEGMENT_BYTES) {
    throw badPath(path, `${which} is longer than ${MAX_SEGMENT_BYTES} bytes`);
  }
  if (!SEGMENT_REGEXP.test(segment)) {
    throw badPath(path, `${which} has characters other than letters, digits, "_" and "-"`);
  }
}

function checkId(address: string, id: string): string {
  if (isId(id)) return id;
  throw new TypeError(`Cannot parse actor address "${address}": "${id}" is not 32 hex digits`);
}

function badPath(path: string, why: string): TypeError {
  const shown = path.length > 80 ? `${path.slice(0, 77)}...` : path;
  return new TypeError(`Cannot use actor path "${shown}": ${why}`);
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
