/**
 * An ask from another node.
 *
 * @module
 */

import type { ActorRef } from "../actor/actor_ref.ts";
import type { WaitingActor } from "../actor/ask_cycle.ts";
import { CallChain } from "../actor/call_chain.ts";
import { Envelope } from "../actor/envelope.ts";
import type { NodeId } from "../address.ts";
import type { Timer } from "../clock.ts";
import type { CallHead } from "./call_head.ts";
import type { InboundStream } from "./remote_stream.ts";

/** Answers go back over the link they came from. */
export interface ReplyLink {
  /** The node on the other side. */
  readonly nodeId: NodeId;
  /** Sends the answer, or the error that keeps it from being sent. */
  answer(callId: number, value: unknown): void;
  /** Sends an error. */
  fail(callId: number, error: unknown): void;
  /** Sends that no actor has handled the call and none will. */
  refuse(callId: number, error: unknown): void;
  /** Makes a live reference of a caller's text. */
  callerRef(text: string): ActorRef | undefined;
}

/** A message whose answer goes to another node. */
export class InboundCall extends Envelope {
  readonly #link: ReplyLink;
  readonly #callId: number;
  readonly #head: CallHead;
  readonly #streams: readonly InboundStream[];
  #timer: Timer | undefined = undefined;
  #isAnswered = false;

  /**
   * @param streams The streams in the payload.
   */
  constructor(
    link: ReplyLink,
    callId: number,
    head: CallHead,
    payload: unknown,
    streams: readonly InboundStream[],
  ) {
    super(head.method, payload);
    this.#link = link;
    this.#callId = callId;
    this.#head = head;
    this.#streams = streams;
    if (head.trace !== undefined) this.chain = new CallChain(head.trace);
    this.headers = head.headers;
  }

  override get callerRef(): ActorRef | undefined {
    const { caller } = this.#head;
    return caller === undefined ? undefined : this.#link.callerRef(caller);
  }

  override get waitingBefore(): readonly WaitingActor[] {
    return this.#head.waiting;
  }

  override get isBound(): boolean {
    return true;
  }

  /** Sets what ends the call when its time is over, also when the other side says nothing. */
  endWith(timer: Timer): void {
    this.#timer = timer;
  }

  override get wantsReply(): boolean {
    return this.#callId !== 0;
  }

  override succeed(value: unknown): void {
    this.answered(value);
    if (this.#isOwed()) this.#link.answer(this.#callId, value);
    this.release();
  }

  override fail(error: unknown): void {
    if (this.#isOwed()) this.#link.fail(this.#callId, error);
    this.release();
  }

  override refuse(error: Error): void {
    if (this.#isOwed()) this.#link.refuse(this.#callId, error);
    this.release();
  }

  override cancel(reason: unknown): void {
    this.#timer?.cancel();
    super.cancel(reason);
  }

  /** Whether an answer is still to be sent; the first one is. */
  #isOwed(): boolean {
    const isOwed = this.wantsReply && !this.#isAnswered;
    this.#isAnswered = true;
    return isOwed;
  }

  /** The message is done with: stops the streams in it that nobody has begun to read. */
  release(): void {
    this.#timer?.cancel();
    for (const stream of this.#streams) stream.cancelUnread();
  }
}
