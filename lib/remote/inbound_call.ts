/**
 * An ask from another node.
 *
 * @module
 */

import type { ActorRef } from "../actor/actor_ref.ts";
import { Envelope } from "../actor/envelope.ts";
import type { NodeId } from "../address.ts";
import type { InboundStream } from "./remote_stream.ts";

/** Answers go back over the link they came from. */
export interface ReplyLink {
  /** The node on the other side. */
  readonly nodeId: NodeId;
  /** Sends the answer, or the error that keeps it from being sent. */
  answer(callId: number, value: unknown): void;
  /** Sends an error. */
  refuse(callId: number, error: unknown): void;
  /** Makes a live reference of a caller's text. */
  callerRef(text: string): ActorRef | undefined;
}

/** What a call says. */
export interface InboundMessage {
  readonly method: string | undefined;
  readonly payload: unknown;
  readonly caller: string | undefined;
  /** The streams in the payload. */
  readonly streams: readonly InboundStream[];
}

/** A message whose answer goes to another node. */
export class InboundCall extends Envelope {
  readonly #link: ReplyLink;
  readonly #callId: number;
  readonly #callerText: string | undefined;
  readonly #streams: readonly InboundStream[];

  constructor(
    link: ReplyLink,
    callId: number,
    message: InboundMessage,
  ) {
    super(message.method, message.payload);
    this.#link = link;
    this.#callId = callId;
    this.#callerText = message.caller;
    this.#streams = message.streams;
  }

  override get callerRef(): ActorRef | undefined {
    return this.#callerText === undefined ? undefined : this.#link.callerRef(this.#callerText);
  }

  override get wantsReply(): boolean {
    return this.#callId !== 0;
  }

  override succeed(value: unknown): void {
    if (this.#callId !== 0) this.#link.answer(this.#callId, value);
    this.release();
  }

  override fail(error: unknown): void {
    if (this.#callId !== 0) this.#link.refuse(this.#callId, error);
    this.release();
  }

  /** The message is done with: stops the streams in it that nobody has begun to read. */
  release(): void {
    for (const stream of this.#streams) stream.cancelUnread();
  }
}
