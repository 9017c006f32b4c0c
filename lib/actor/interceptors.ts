/**
 * What stands around every call: authorisation, logging, metrics.
 *
 * @module
 */

import { bindTurn } from "./context.ts";
import { Call, type CallChanges, type InterceptedCall } from "./intercepted_call.ts";

/**
 * Goes on with the call.
 *
 * @returns The answer; for a stream the stream itself, for a tell `undefined`.
 * @throws What the call throws.
 */
export type NextCall = (changes?: CallChanges) => Promise<unknown>;

/**
 * Stands around a call: what it returns is the answer, what it throws the caller's error.
 *
 * It calls `next` at most once, and not at all to answer in the actor's place. An incoming message
 * waits, and those behind it in the mailbox with it, until `next` is called. An outgoing one that
 * waits before `next` may be overtaken by later calls.
 */
export type Interceptor = (call: InterceptedCall, next: NextCall) => unknown;

/** The interceptors of one node, the first one outermost. */
export class Interceptors {
  #list: readonly Interceptor[] = [];

  /** Whether there is none. */
  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /**
   * Adds one inside those that are there.
   *
   * @returns Takes it away; calls that are under way keep it.
   */
  add(interceptor: Interceptor): () => void {
    if (typeof interceptor !== "function") {
      throw new TypeError(`Cannot use interceptor "${String(interceptor)}": expected a function`);
    }
    const added: Interceptor = (call, next) => interceptor(call, next); // may be added twice
    this.#list = [...this.#list, added];
    return () => void (this.#list = this.#list.filter((one) => one !== added));
  }

  /**
   * Runs a call through all of them.
   *
   * @param call The call.
   * @param last What the innermost `next` does.
   */
  async run(call: InterceptedCall, last: (call: InterceptedCall) => unknown): Promise<unknown> {
    // An interceptor may go on in a later turn: the call still belongs to the message handled now.
    return await step(this.#list, 0, call, bindTurn(last));
  }

  /**
   * Runs a call to an actor of this node through all of them.
   *
   * A throw of an interceptor is the caller's error and no failure of the actor.
   *
   * @param call The call.
   * @param handle Runs the actor's code.
   * @param gate The mailbox, which waits until the actor's code was reached.
   */
  runIncoming(
    call: InterceptedCall,
    handle: (payload: unknown) => unknown,
    gate: IncomingGate,
  ): Promise<unknown> {
    let hasGoneOn = false;
    let isHeld = false;
    let failure: { readonly error: unknown } | undefined;
    const goOn = () => {
      hasGoneOn = true;
      if (isHeld) gate.letGo();
      isHeld = false;
    };
    const result = this.run(call, async ({ payload }) => {
      goOn();
      try {
        return await handle(payload);
      } catch (error) {
        failure = { error };
        throw error;
      }
    });
    if (!hasGoneOn) {
      isHeld = true;
      gate.hold();
    }
    const over = () => {
      goOn();
      // After the answer: the caller gets its own error, not that of an interrupted call.
      if (failure !== undefined) queueMicrotask(() => gate.failed(failure?.error));
    };
    result.then(over, over);
    return result;
  }
}

/** The mailbox of an actor, as a call that is intercepted sees it. */
export interface IncomingGate {
  /** Keeps the messages behind this one back. */
  hold(): void;
  /** Lets them come. */
  letGo(): void;
  /** The actor's own code threw. */
  failed(error: unknown): void;
}

function step(
  list: readonly Interceptor[],
  index: number,
  call: InterceptedCall,
  last: (call: InterceptedCall) => unknown,
): unknown {
  const interceptor = list[index];
  if (interceptor === undefined) return last(call);
  let isUsed = false;
  // Async, so that what the rest throws at once reaches the interceptor as a rejection.
  return interceptor(call, async (changes) => {
    if (isUsed) throw new TypeError("Cannot call next again: the call has gone on already");
    isUsed = true;
    const next = changes !== undefined && call instanceof Call ? call.changed(changes) : call;
    return await step(list, index + 1, next, last);
  });
}
