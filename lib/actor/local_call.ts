/**
 * Sending to an actor of this node.
 *
 * @module
 */

import { CallChain, parseTraceparent } from "./call_chain.ts";
import {
  type CallOptions,
  checkCallOptions,
  NO_CALL_OPTIONS,
  withCallOptions,
} from "./call_options.ts";
import type { CellNode } from "./cell_node.ts";
import { currentEnvelope } from "./context.ts";
import { Envelope, LocalAsk, type OnRefused, RefusableAsk } from "./envelope.ts";
import { notTold, told } from "./told.ts";

/** The mailbox that messages of this node go to. */
export interface Inbox {
  readonly node: CellNode;
  /** Whether the sender of the next message has to wait until the mailbox has room. */
  readonly mustWait: boolean;
  /**
   * Puts a message in the mailbox.
   *
   * @returns Why it was not taken, after the envelope was refused.
   */
  post(envelope: Envelope): Error | undefined;
}

/** Asks; settles with the answer. No object for the parameters: this is the hottest path. */
export function askLocally(
  inbox: Inbox,
  method: string | undefined,
  payload: unknown,
  options: CallOptions | undefined,
  onRefused: OnRefused | undefined,
): Promise<unknown> {
  const { clone } = inbox.node;
  const copy = clone === undefined ? payload : copyOf(clone, payload);
  if (clone !== undefined && copy instanceof NotCopied) return Promise.reject(copy.error);
  const envelope = onRefused === undefined
    ? new LocalAsk(method, copy)
    : new RefusableAsk(method, copy, onRefused);
  const from = currentEnvelope();
  envelope.sentDuring(from);
  if (options !== undefined || from?.isBound === true) {
    return askWithin(inbox, envelope, options, from);
  }
  inbox.post(envelope);
  return envelope.reply;
}

/** Tells; resolves when the mailbox took the message. */
export function tellLocally(
  inbox: Inbox,
  method: string | undefined,
  payload: unknown,
  options: CallOptions | undefined,
): Promise<void> {
  if (options !== undefined) checkCallOptions(options);
  const { clone } = inbox.node;
  const copy = clone === undefined ? payload : copyOf(clone, payload);
  if (clone !== undefined && copy instanceof NotCopied) return notTold(copy.error);
  const envelope = new Envelope(method, copy);
  envelope.sentDuring(currentEnvelope());
  if (options !== undefined) carry(envelope, options);
  const { mustWait } = inbox;
  const refusal = inbox.post(envelope);
  if (refusal !== undefined) return notTold(refusal);
  return mustWait ? whenTaken(envelope) : SETTLED;
}

function askWithin(
  inbox: Inbox,
  envelope: LocalAsk,
  options: CallOptions | undefined,
  from: Envelope | undefined,
): Promise<unknown> {
  const { clock } = inbox.node;
  const operation = envelope.method ?? "ask";
  const wait = { clock, options: options ?? NO_CALL_OPTIONS, operation, from };
  return withCallOptions(wait, (deadline) => {
    if (options !== undefined) carry(envelope, options);
    envelope.bind();
    envelope.deadline = deadline;
    inbox.post(envelope);
    return { reply: envelope.reply, cancel: (reason) => envelope.cancel(reason) };
  });
}

function whenTaken(envelope: Envelope): Promise<void> {
  return told(
    new Promise((resolve, reject) =>
      envelope.whenAccepted((refusal) => refusal === undefined ? resolve() : reject(refusal))
    ),
  );
}

/** A message that cannot be copied, and why. */
class NotCopied {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** Apart from the path above, which `try` would keep from being inlined. */
function copyOf(clone: (message: unknown) => unknown, payload: unknown): unknown {
  try {
    return clone(payload);
  } catch (error) {
    return new NotCopied(error);
  }
}

const SETTLED: Promise<void> = Promise.resolve();

function carry(envelope: Envelope, { headers, traceparent }: CallOptions): void {
  envelope.headers = headers;
  const origin = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  if (origin !== undefined) envelope.chain = new CallChain(origin);
}
