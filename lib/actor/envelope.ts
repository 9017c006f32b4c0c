/**
 * A message together with who wants the answer.
 *
 * @module
 */

import type { Random } from "../random.ts";
import type { ActorRef } from "./actor_ref.ts";
import type { ActorCell } from "./actor_cell.ts";
import type { WaitingActor } from "./ask_cycle.ts";
import { CallChain, type TracePoint } from "./call_chain.ts";
import { ReplyStream } from "./reply_stream.ts";

interface RareState {
  isAbandoned: boolean;
  serial: number;
  deadline: number;
  isBound: boolean;
  isCancelled: boolean;
  reason: unknown;
  controller: AbortController | undefined;
  onAccepted: ((refusal?: Error) => void) | undefined;
  onCancel: Set<(reason: unknown) => void> | undefined;
  point: TracePoint | undefined;
  headers: CallHeaders | undefined;
}

let lastSerial = 0;

/** Texts by name that travel with a call, for interceptors. */
export type CallHeaders = Readonly<Record<string, string>>;

/** What a sender does about a message that reached no actor, instead of failing. */
export type OnRefused = (error: Error) => Promise<unknown>;

/** What a sender gets for a message that reached no actor. */
export function refused(error: Error, onRefused: OnRefused | undefined): Promise<unknown> {
  return onRefused === undefined ? Promise.reject(error) : onRefused(error);
}

/**
 * One message on its way to one actor.
 *
 * This class is a tell: nobody waits. A subclass answers a local promise, another one a caller on
 * another node; the actor only knows {@link Envelope.succeed} and {@link Envelope.fail}, of which
 * exactly one is called, once.
 */
export class Envelope {
  /** The method called, or `undefined` when `payload` goes to `receive` as it is. */
  method: string | undefined;
  /** The arguments of the method in an array, or the message. */
  payload: unknown;
  /** The actor that handles the message, once it does. */
  cell: ActorCell | undefined = undefined;
  /** The message during whose handling this one was sent, until this one is done. */
  from: Envelope | undefined = undefined;
  /** Whether the actor has finished with it. */
  isDone = false;
  #chain: CallChain | undefined = undefined;
  /** What most messages do not have, kept apart so that a tell stays a small object. */
  #rare: RareState | undefined = undefined;

  constructor(method: string | undefined, payload: unknown) {
    this.method = method;
    this.payload = payload;
  }

  /** Says during which message this one is sent; `undefined` when no actor sends it. */
  sentDuring(from: Envelope | undefined): void {
    if (from === undefined) return;
    this.from = from;
    this.#chain = from.chain;
  }

  /** Takes note that the actor has finished with it: what led to it is not kept alive any more. */
  done(): void {
    this.isDone = true;
    this.from = undefined;
  }

  /** Tells it from the other messages of this process. */
  get serial(): number {
    return this.#state.serial ||= ++lastSerial;
  }

  /** The actors of other nodes that wait for its answer, the nearest first. */
  get waitingBefore(): readonly WaitingActor[] {
    return [];
  }

  /** The actor that sent it, as a live reference. */
  get callerRef(): ActorRef | undefined {
    return this.from?.cell?.ref;
  }

  /** The chain of calls it belongs to; begins one when there is none. */
  get chain(): CallChain {
    return this.#chain ??= new CallChain();
  }

  set chain(chain: CallChain) {
    this.#chain = chain;
  }

  /** Its place in the chain. */
  tracePoint(random: Random): TracePoint {
    return this.#state.point ??= this.chain.point(random);
  }

  /** Texts that travel with it. */
  get headers(): CallHeaders | undefined {
    return this.#rare?.headers;
  }

  set headers(headers: CallHeaders | undefined) {
    if (headers !== undefined) this.#state.headers = headers;
  }

  /** Whether its caller may give up, so that what it leads to must be given up as well. */
  get isBound(): boolean {
    return this.#rare !== undefined && this.#rare.isBound;
  }

  /** Says that its caller may give up. */
  bind(): void {
    this.#state.isBound = true;
  }

  /**
   * Takes note of the answer: with a stream the deadline, which was for its opening, is kept, and
   * what its items lead to ends when the consumer leaves.
   */
  answered(value: unknown): void {
    if (typeof value !== "object" || !(value instanceof ReplyStream)) return;
    const state = this.#state;
    state.isBound = true;
    state.deadline = 0;
  }

  /** Whether somebody waits for an answer. */
  get wantsReply(): boolean {
    return false;
  }

  /** When the answer is wanted at the latest, on the node's monotonic clock; 0 for never. */
  get deadline(): number {
    return this.#rare?.deadline ?? 0;
  }

  set deadline(deadline: number) {
    if (deadline !== 0) this.#state.deadline = deadline;
  }

  /** Whether the caller has given up. */
  get isCancelled(): boolean {
    return this.#rare !== undefined && this.#rare.isCancelled;
  }

  /** Why the caller has given up. */
  get reason(): unknown {
    return this.#rare?.reason;
  }

  /** Aborts when the caller gives up; made on first use. */
  get signal(): AbortSignal {
    const state = this.#state;
    if (state.controller === undefined) {
      state.controller = new AbortController();
      if (state.isCancelled) state.controller.abort(state.reason);
    }
    return state.controller.signal;
  }

  /** Sets what is told when the mailbox took the message of a waiting sender, or never will. */
  whenAccepted(callback: (refusal?: Error) => void): void {
    this.#state.onAccepted = callback;
  }

  /** Tells a waiting sender that the mailbox took the message, or why it never will. */
  accepted(refusal?: Error): void {
    const onAccepted = this.#rare?.onAccepted;
    if (onAccepted === undefined) return;
    this.#state.onAccepted = undefined;
    onAccepted(refusal);
  }

  /**
   * Adds what is told when the caller gives up while the actor works on the message.
   *
   * @returns Takes it away again.
   */
  whenCancelled(callback: (reason: unknown) => void): () => void {
    const callbacks = this.#state.onCancel ??= new Set();
    callbacks.add(callback);
    return () => void callbacks.delete(callback);
  }

  /** Tells the actor that the caller gave up; the first reason counts. */
  cancel(reason: unknown): void {
    const state = this.#state;
    if (state.isCancelled) return;
    state.isCancelled = true;
    state.reason = reason;
    state.controller?.abort(reason);
    for (const callback of state.onCancel ?? []) callback(reason);
  }

  /** Whether the instance that handles it is over: its code may still run, and acts for nobody. */
  get isAbandoned(): boolean {
    return this.#rare !== undefined && this.#rare.isAbandoned;
  }

  /** The instance that handles it is over. */
  abandon(error: Error): void {
    this.cancel(error);
    this.#state.isAbandoned = true;
  }

  get #state(): RareState {
    return this.#rare ??= {
      isAbandoned: false,
      serial: 0,
      deadline: 0,
      isBound: false,
      isCancelled: false,
      reason: undefined,
      controller: undefined,
      onAccepted: undefined,
      onCancel: undefined,
      point: undefined,
      headers: undefined,
    };
  }

  /** Answers with a value. */
  succeed(_value: unknown): void {}

  /** Answers with an error. */
  fail(_error: unknown): void {}

  /** Whether its sender sends it elsewhere when it is refused. */
  get movesOn(): boolean {
    return false;
  }

  /** Answers that no actor has handled the message, and none will. */
  refuse(error: Error): void {
    this.fail(error);
  }
}

/** A message whose answer settles a promise in this isolate. */
export class LocalAsk extends Envelope {
  #resolve: ((value: unknown) => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;
  /** Settles with the answer. */
  readonly reply: Promise<unknown>;

  constructor(method: string | undefined, payload: unknown) {
    super(method, payload);
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  override get wantsReply(): boolean {
    return true;
  }

  override succeed(value: unknown): void {
    this.answered(value);
    this.#resolve?.(value);
  }

  override fail(error: unknown): void {
    this.#reject?.(error);
  }
}

/** A {@link LocalAsk} whose sender has another way when no actor handles it. */
export class RefusableAsk extends LocalAsk {
  readonly #onRefused: OnRefused;

  constructor(method: string | undefined, payload: unknown, onRefused: OnRefused) {
    super(method, payload);
    this.#onRefused = onRefused;
  }

  override get movesOn(): boolean {
    return !this.isCancelled;
  }

  override refuse(error: Error): void {
    if (this.movesOn) this.succeed(this.#onRefused(error));
    else this.fail(error);
  }
}
