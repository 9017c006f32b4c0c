/**
 * The opening of a link: who are you, do we speak the same protocol, are we in one cluster.
 *
 * ```text
 * dialler                         listener
 *    │ magic hello(Introduction) ──► │
 *    │ ◄── welcome(Introduction)     │      the link is up for the listener
 *    │     or reject(Rejection)      │      and for the dialler when it has read this
 * ```
 *
 * With a passphrase both prove that they know it, and the link is up one message later:
 *
 * ```text
 *    │ magic hello(with a nonce) ──► │
 *    │ ◄── welcome(with a nonce)     │
 *    │     confirm(proof)            │
 *    │ confirm(proof) ──►            │      the link is up for the dialler, then the listener
 * ```
 *
 * Pure: bytes and records in, records and bytes out.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import { isId } from "../address.ts";
import { PulsingRuntimeError } from "../errors.ts";
import { decodeValue, encodeValue } from "../wire/codec.ts";
import type { Credit } from "./credit.ts";
import { NONCE_BYTES } from "./fence.ts";

/** The oldest and the newest protocol version that this code speaks. */
export const PROTOCOL: { readonly oldest: number; readonly newest: number } = Object.freeze({
  oldest: 1,
  newest: 1,
});

/** What a node is in a cluster that has a head; nodes of one that gossips have no role. */
export type NodeRole = "head" | "worker";

/** What each side says about itself. */
export interface Introduction {
  readonly protocol: { readonly oldest: number; readonly newest: number };
  /** Nodes of different clusters refuse each other. */
  readonly cluster: string;
  readonly nodeId: NodeId;
  /** The SWIM incarnation, which rises when the node refutes a suspicion. */
  readonly incarnation: number;
  /** `host:port` to dial the node; `undefined` when it does not listen. */
  readonly address: string | undefined;
  /** Set by the reader: the host is the one this connection leads to, another node may see another. */
  readonly isLocated?: boolean;
  /** Names of optional parts of the protocol; those that both sides name are used. */
  readonly features: readonly string[];
  /** How far producers on the other side may be ahead of consumers on this side. */
  readonly window: Credit;
  /** Set when the dialler knows of no other link: an older one is dead and gives way. */
  readonly isOnlyLink: boolean;
  /** The node the dialler looks for; absent when it takes whoever listens there. */
  readonly expects?: NodeId;
  /** In a welcome, the host by which the listener sees the dialler; absent when it has none. */
  readonly seenAs?: string;
  /** Drawn for this one handshake by a node that has a passphrase; absent when it has none. */
  readonly nonce?: Uint8Array;
  /** Absent when the node finds the others by gossip. */
  readonly role?: NodeRole;
}

/** Why a handshake was refused. */
export interface Rejection {
  readonly reason:
    | "protocol"
    | "cluster"
    | "passphrase"
    | "self"
    | "other-node"
    | "duplicate"
    | "busy"
    | "shutdown"
    | "dead"
    | "taken";
  readonly message: string;
  /** With `"duplicate"`: who refuses, so that the dialler knows which link to look for. */
  readonly nodeId?: NodeId;
  /** With `"dead"`: the incarnation that was declared dead; the node may speak as a higher one. */
  readonly incarnation?: number;
}

/**
 * Decides about two introductions, on either side; the words are true on both, for the side that
 * is refused shows them.
 *
 * @returns Why they are not linked, or `undefined` when they are.
 */
export function judge(dialler: Introduction, listener: Introduction): Rejection | undefined {
  const oldest = Math.max(dialler.protocol.oldest, listener.protocol.oldest);
  const newest = Math.min(dialler.protocol.newest, listener.protocol.newest);
  if (oldest > newest) {
    return {
      reason: "protocol",
      message: `the dialling node speaks versions ${range(dialler)}, ` +
        `the listening one ${range(listener)}`,
    };
  }
  if (dialler.cluster !== listener.cluster) {
    return {
      reason: "cluster",
      message: `the dialling node is in cluster "${dialler.cluster}", ` +
        `the listening one in "${listener.cluster}"`,
    };
  }
  if (dialler.nodeId === listener.nodeId) {
    return { reason: "self", message: "both ends of the link are the same node" };
  }
  return judgeRoles(dialler, listener) ?? judgeIdentity(dialler, listener);
}

/** Nodes that gossip and nodes with a head would not find each other's members. */
function judgeRoles(dialler: Introduction, listener: Introduction): Rejection | undefined {
  if (dialler.role === "head" && listener.role === "head") {
    return { reason: "cluster", message: "both nodes are heads, and a cluster has one" };
  }
  if ((dialler.role === undefined) === (listener.role === undefined)) return undefined;
  const [one, other] = dialler.role === undefined ? ["gossip", "a head"] : ["a head", "gossip"];
  const message = `the dialling node finds the others by ${one}, the listening one by ${other}`;
  return { reason: "cluster", message };
}

/** A dialler that looks for one node is not linked to the node that came after it. */
function judgeIdentity(dialler: Introduction, listener: Introduction): Rejection | undefined {
  if (dialler.expects === undefined || dialler.expects === listener.nodeId) return undefined;
  return {
    reason: "other-node",
    message: `node ${listener.nodeId} listens there, not node ${dialler.expects}`,
  };
}

/** Nodes with and without a passphrase refuse each other; both are told which of them has one. */
export function judgeFence(dialler: Introduction, listener: Introduction): Rejection | undefined {
  if ((dialler.nonce === undefined) === (listener.nonce === undefined)) return undefined;
  const message = dialler.nonce === undefined
    ? "the listening node wants a passphrase, the dialling one has none"
    : "the dialling node wants a passphrase, the listening one has none";
  return { reason: "passphrase", message };
}

/** Why a proof is refused, in both directions. */
export const WRONG_PASSPHRASE: Rejection = Object.freeze({
  reason: "passphrase",
  message: "the two nodes have different passphrases",
});

/** Whether a rejection has consequences, so that a fence must stand behind it. */
export function needsProof({ reason }: Rejection): boolean {
  return reason === "dead"; // who is told so raises its incarnation, for ever
}

/** The body of a `hello` or `welcome` frame. */
export function encodeIntroduction(introduction: Introduction): Uint8Array {
  const { address, ...rest } = introduction;
  return encodeValue(address === undefined ? rest : { ...rest, address });
}

/**
 * Reads the body of a `hello` or `welcome` frame; unknown fields are skipped.
 *
 * @throws {PulsingRuntimeError} kind `"handshake-failed"`: a field is missing or malformed.
 */
export function decodeIntroduction(bytes: Uint8Array): Introduction {
  const record = decodeRecord(bytes);
  const { protocol, cluster, nodeId, incarnation, address, features, window } = record;
  const { expects, seenAs, nonce, role } = record;
  if (
    isRange(protocol) && typeof cluster === "string" && isNodeId(nodeId) &&
    isCount(incarnation) && isOptional(address, isShortText) &&
    Array.isArray(features) && features.every(isShortText) && isWindow(window) &&
    isOptional(expects, isNodeId) && isOptional(seenAs, isShortText) && isOptional(nonce, isNonce)
  ) {
    const isOnlyLink = record.isOnlyLink === true;
    const fields = { protocol, cluster, nodeId, incarnation, address, features, window };
    const optional = { ...(expects !== undefined && { expects }), ...(nonce && { nonce }) };
    const told = { ...(seenAs !== undefined && { seenAs }), ...(isRole(role) && { role }) };
    return { ...fields, isOnlyLink, ...optional, ...told };
  }
  throw malformed();
}

/** The body of a `reject` frame. */
export function encodeRejection(rejection: Rejection): Uint8Array {
  const { reason, message, nodeId, incarnation } = rejection;
  const further = incarnation === undefined ? {} : { incarnation };
  return encodeValue({ reason, message, ...(nodeId !== undefined && { nodeId }), ...further });
}

/**
 * Reads the body of a `reject` frame; unknown fields are skipped.
 *
 * @throws {PulsingRuntimeError} kind `"handshake-failed"`: a field is missing or malformed.
 */
export function decodeRejection(bytes: Uint8Array): Rejection {
  const { reason: text, message, nodeId, incarnation } = decodeRecord(bytes);
  if (typeof text !== "string" || typeof message !== "string") throw malformed();
  const reason = text as Rejection["reason"]; // those of other versions are only shown
  if (reason === "dead") {
    if (!isCount(incarnation)) throw malformed();
    return { reason, message, incarnation };
  }
  if (reason !== "duplicate" || nodeId === undefined) return { reason, message };
  if (typeof nodeId !== "string" || !isId(nodeId)) throw malformed();
  return { reason, message, nodeId };
}

/**
 * The error for a rejected handshake; `retryable` when the peer is one of us and may accept later.
 *
 * A node that is not there any more is `"node-unreachable"`, whoever lives at its address now.
 */
export class HandshakeRejected extends PulsingRuntimeError {
  readonly reason: Rejection["reason"];
  /** With the reason `"dead"`: the incarnation that was declared dead. */
  declare readonly incarnation?: number;

  constructor({ reason, message, nodeId, incarnation }: Rejection, address: string) {
    super(`Cannot link to ${address}: ${message}`, {
      kind: reason === "other-node" ? "node-unreachable" : "handshake-failed",
      retryable: RETRYABLE.has(reason),
      address,
      ...(nodeId !== undefined && { nodeId }),
    });
    this.reason = reason;
    if (incarnation !== undefined) this.incarnation = incarnation;
  }
}

const RETRYABLE: ReadonlySet<Rejection["reason"]> = new Set([
  "other-node",
  "duplicate",
  "busy",
  "shutdown",
  "dead",
]);

/** Whether an error is a handshake rejected for a certain reason. */
export function isRejected(
  error: unknown,
  reason: Rejection["reason"],
): error is HandshakeRejected {
  return error instanceof HandshakeRejected && error.reason === reason;
}

function decodeRecord(bytes: Uint8Array): Record<string, unknown> {
  const value = decodeValue(bytes);
  if (typeof value !== "object" || value === null) throw malformed();
  return value as Record<string, unknown>; // every field is checked where it is read
}

function isRange(value: unknown): value is Introduction["protocol"] {
  if (typeof value !== "object" || value === null) return false;
  const { oldest, newest } = value as Partial<Introduction["protocol"]>; // checked next
  return isCount(oldest) && isCount(newest) && oldest <= newest;
}

function isWindow(value: unknown): value is Credit {
  if (typeof value !== "object" || value === null) return false;
  const { items, bytes } = value as Partial<Credit>; // checked next
  return isCount(items) && isCount(bytes) && items > 0 && bytes > 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0; // an integer is a number
}

/** A guard, since a comparison with `undefined` narrows nothing for users without `strict`. */
function isOptional<T>(
  value: unknown,
  isIt: (value: unknown) => value is T,
): value is T | undefined {
  return value === undefined || isIt(value);
}

function isNodeId(value: unknown): value is NodeId {
  return typeof value === "string" && isId(value);
}

function isRole(value: unknown): value is NodeRole {
  return value === "head" || value === "worker";
}

function isShortText(value: unknown): value is string {
  return typeof value === "string" && value.length <= 256;
}

function isNonce(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === NONCE_BYTES;
}

function range({ protocol }: Introduction): string {
  return `${protocol.oldest} to ${protocol.newest}`;
}

function malformed(): PulsingRuntimeError {
  return new PulsingRuntimeError(
    "Cannot read handshake: it is malformed, the peer is not a Pulsing node of this generation",
    { kind: "handshake-failed" },
  );
}
