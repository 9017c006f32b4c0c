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
  let envelope: LocalAsk;
  try {
    const copy = inbox.node.clone?.(payload) ?? payload;
    envelope = onRefused === undefined
      ? new LocalAsk(method, copy)
      : new RefusableAsk(method, copy, onRefused);
  } catch (error) {
    return Promise.reject(error); // only copying it can fail
  }
  const from = currentEnvelope();
  envelope.sentDuring(from);
  if (options === undefined && from?.isBound !== true) {
    inbox.post(envelope);
    return envelope.reply;
  }
  const { clock } = inbox.node;
  const wait = { clock, options: options ?? NO_CALL_OPTIONS, operation: method ?? "ask", from };
  return withCallOptions(wait, (deadline) => {
    if (options !== undefined) carry(envelope, options);
    envelope.bind();
    envelope.deadline = deadline;
    inbox.post(envelope);
    return { reply: envelope.reply, cancel: (reason) => envelope.cancel(reason) };
  });
}

/** Tells; resolves when the mailbox took the message. */
export function tellLocally(
  inbox: Inbox,
  method: string | undefined,
  payload: unknown,
  options: CallOptions | undefined,
): Promise<void> {
  if (options !== undefined) checkCallOptions(options);
  let envelope: Envelope;
  try {
    envelope = new Envelope(method, inbox.node.clone?.(payload) ?? payload);
  } catch (error) {
    return notTold(error); // only copying it can fail
  }
  envelope.sentDuring(currentEnvelope());
  if (options !== undefined) carry(envelope, options);
  const { mustWait } = inbox;
  const refusal = inbox.post(envelope);
  if (refusal !== undefined) return notTold(refusal);
  if (!mustWait) return SETTLED;
  return told(
    new Promise((resolve, reject) =>
      envelope.whenAccepted((refusal) => refusal === undefined ? resolve() : reject(refusal))
    ),
  );
}

const SETTLED: Promise<void> = Promise.resolve();

function carry(envelope: Envelope, { headers, traceparent }: CallOptions): void {
  envelope.headers = headers;
  const origin = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  if (origin !== undefined) envelope.chain = new CallChain(origin);
}
