/**
 * A message together with who wants the answer.
 *
 * @module
 */

import type { ActorRef } from "./actor_ref.ts";
import type { ActorCell } from "./actor_cell.ts";

interface RareState {
  deadline: number;
  isCancelled: boolean;
  reason: unknown;
  controller: AbortController | undefined;
  onAccepted: ((refusal?: Error) => void) | undefined;
  onCancel: ((reason: unknown) => void) | undefined;
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
  /** The actor that sent it, when an actor did. */
  caller: ActorRef | undefined = undefined;
  /** What most messages do not have, kept apart so that a tell stays a small object. */
  #rare: RareState | undefined = undefined;

  constructor(method: string | undefined, payload: unknown) {
    this.method = method;
    this.payload = payload;
  }

  /** The actor that sent it, as a live reference. */
  get callerRef(): ActorRef | undefined {
    return this.caller;
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

  /** Whether anybody would notice a {@link Envelope.cancel}. */
  get isObserved(): boolean {
    return this.#rare?.controller !== undefined || this.#rare?.onCancel !== undefined;
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

  /** Sets what is told when the caller gives up while the actor works on the message. */
  whenCancelled(callback: (reason: unknown) => void): void {
    this.#state.onCancel = callback;
  }

  /** Tells the actor that the caller gave up; the first reason counts. */
  cancel(reason: unknown): void {
    const state = this.#state;
    if (state.isCancelled) return;
    state.isCancelled = true;
    state.reason = reason;
    state.controller?.abort(reason);
    state.onCancel?.(reason);
  }

  get #state(): RareState {
    return this.#rare ??= {
      deadline: 0,
      isCancelled: false,
      reason: undefined,
      controller: undefined,
      onAccepted: undefined,
      onCancel: undefined,
    };
  }

  /** Answers with a value. */
  succeed(_value: unknown): void {}

  /** Answers with an error. */
  fail(_error: unknown): void {}
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
    this.#resolve?.(value);
  }

  override fail(error: unknown): void {
    this.#reject?.(error);
  }
}
