/**
 * Actors as functions: what to do with a message, and what to be for the next one.
 *
 * @module
 */

import type { Receiver } from "./actor.ts";
import type { CellContext } from "./context.ts";
import { isDisowned } from "./disowned.ts";
import { makerOf } from "./first_state.ts";

/**
 * What a behaviour's function knows about its actor and about the message it handles.
 *
 * @typeParam System The type of `system`.
 */
export interface BehaviorContext<System = unknown> extends CellContext<System> {
  /**
   * Answers an `ask`; without it the answer is `undefined`. The answer leaves when the function is
   * done: when it throws after its reply, the caller gets the error. A `tell` drops the reply.
   *
   * @param value Any answer a `receive` may return: a value, a promise, a generator for a stream.
   * @throws {TypeError} The message has its reply already, or the function is done.
   */
  reply(value: unknown): void;
}

/**
 * Handles one message of a behaviour with state.
 *
 * @typeParam S The state.
 * @typeParam M The messages.
 */
export type StatefulHandler<S, M> = (
  state: S,
  message: M,
  context: BehaviorContext,
) => BehaviorAction<S, M> | Promise<BehaviorAction<S, M>>;

/**
 * Handles one message of a behaviour without state.
 *
 * @typeParam M The messages.
 */
export type StatelessHandler<M> = (
  message: M,
  context: BehaviorContext,
) => BehaviorAction<never, M> | Promise<BehaviorAction<never, M>>;

/** One run of a behaviour: its function, and its own state. */
interface Run<M> {
  readonly handle: (message: M, context: BehaviorContext) => unknown;
  /** Takes the next state. */
  readonly keep: (state: unknown) => void;
}

/** Begins a run of a behaviour; a friend of the class. */
let begin: <M>(behavior: Behavior<M>) => Run<M>;

/**
 * A recipe for actors: give it to `spawn`, as often as needed; each actor has its own state.
 *
 * Made by {@link stateful} and {@link stateless}. An actor of a behaviour takes one message at a
 * time, the next one when the function and its reply are done. What the function throws is the
 * caller's error and keeps the state, and so is a `TypeError` when it returns no action. A restart
 * begins with the first state of the behaviour that was spawned. Messages are not checked: `M` is
 * what senders are expected to send.
 *
 * @typeParam M The messages.
 *
 * @example Spawn one behaviour twice
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const tally = pul.stateful(0, (count, n: number, ctx) => {
 *   ctx.reply(count + n);
 *   return pul.next(count + n);
 * });
 * await using system = await pul.actorSystem();
 * const one = await system.spawn(tally);
 * const other = await system.spawn(tally);
 * assert.equal(await one.ask(2), 2);
 * assert.equal(await one.ask(3), 5);
 * assert.equal(await other.ask(1), 1);
 * ```
 */
export class Behavior<M = unknown> implements Receiver {
  readonly #begin: () => Run<M>;

  static {
    begin = (behavior) => behavior.#begin();
  }

  /** Use {@link stateful} or {@link stateless}. */
  constructor(begin: () => Run<M>) {
    this.#begin = begin;
  }

  /** Makes what runs this behaviour from its first state; `spawn` does at each start of an actor. */
  receiver(): Receiver {
    return new BehaviorReceiver(begin(this));
  }

  /**
   * Refuses: a behaviour is shared by its actors and has no state of its own.
   *
   * @throws {TypeError} Always; {@link Behavior.receiver} makes what takes messages.
   */
  receive(_message: unknown, _context: CellContext): never {
    throw new TypeError(
      "Cannot run behavior: it is a recipe without state, spawn it or what its receiver() makes",
    );
  }
}

/**
 * What a behaviour's function returns: what to be for the next message.
 *
 * @typeParam S The state it fits.
 * @typeParam M The messages it fits.
 */
export class BehaviorAction<S = never, M = unknown> {
  /** Which action. */
  readonly kind: "same" | "next" | "become" | "stop";
  /** The next state. */
  readonly state?: S;
  /** The next behaviour. */
  readonly behavior?: Behavior<M>;
  /** Why the actor stops. */
  readonly reason?: string;

  /** Use {@link same}, {@link next}, {@link become} or {@link stop}. */
  constructor(
    kind: BehaviorAction["kind"],
    parts: { readonly state?: S; readonly behavior?: Behavior<M>; readonly reason?: string } = {},
  ) {
    this.kind = kind;
    Object.assign(this, parts);
  }
}

/**
 * Keep the behaviour and its state.
 *
 * @example Answer and stay
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const echo = pul.stateless((message, ctx) => {
 *   ctx.reply(message);
 *   return pul.same;
 * });
 * await using system = await pul.actorSystem();
 * assert.equal(await (await system.spawn(echo)).ask("hello"), "hello");
 * ```
 */
export const same: BehaviorAction = new BehaviorAction("same");

/**
 * Keep the behaviour with another state.
 *
 * @param state The state for the next message.
 *
 * @example Collect what is sent
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const list = pul.stateful([] as string[], (items, item: string, ctx) => {
 *   ctx.reply(items.length);
 *   return pul.next([...items, item]);
 * });
 * await using system = await pul.actorSystem();
 * const ref = await system.spawn(list);
 * await ref.tell("a");
 * assert.equal(await ref.ask("b"), 1);
 * ```
 */
export function next<S>(state: S): BehaviorAction<S> {
  return new BehaviorAction("next", { state });
}

/**
 * Be another behaviour from the next message on, from its first state.
 *
 * @param behavior The next behaviour.
 * @throws {TypeError} It is none.
 *
 * @example A door
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const closed: pul.Behavior<string> = pul.stateless((message, ctx) => {
 *   ctx.reply("closed");
 *   return message === "open" ? pul.become(open) : pul.same;
 * });
 * const open: pul.Behavior<string> = pul.stateless((message, ctx) => {
 *   ctx.reply("open");
 *   return message === "close" ? pul.become(closed) : pul.same;
 * });
 * await using system = await pul.actorSystem();
 * const door = await system.spawn(closed);
 * assert.equal(await door.ask("open"), "closed");
 * assert.equal(await door.ask("look"), "open");
 * ```
 */
export function become<M>(behavior: Behavior<M>): BehaviorAction<never, M> {
  if (!(behavior instanceof Behavior)) {
    throw new TypeError(
      'Cannot become what is no behavior: make it with "stateful" or "stateless"',
    );
  }
  return new BehaviorAction<never, M>("become", { behavior });
}

/**
 * Stop the actor; the message at hand is answered as usual, those that wait are refused.
 *
 * @param reason A text for who reads the code or the action; watchers are told `"stopped"`.
 *
 * @example Good for one message
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const once = pul.stateless((_message, ctx) => {
 *   ctx.reply("done");
 *   return pul.stop("one message is enough");
 * });
 * await using system = await pul.actorSystem();
 * const ref = await system.spawn(once);
 * assert.equal(await ref.ask("go"), "done");
 * await assert.rejects(ref.ask("again"), { kind: "actor-stopped" });
 * ```
 */
export function stop(reason?: string): BehaviorAction {
  return new BehaviorAction("stop", reason === undefined ? {} : { reason });
}

/**
 * A behaviour with state.
 *
 * Every actor begins with a state of its own: of an `init` of arrays, plain records, maps, sets,
 * dates and buffers it gets a copy, other objects in it (references, functions, instances of
 * classes) are the same for all. A function as `init` is called for each start.
 *
 * @typeParam S The state.
 * @typeParam M The messages.
 * @param init The first state, or what makes it.
 * @param handler Handles one message, sync or async. A state that it changes in place stays
 * changed, also when it then throws; {@link next} replaces it.
 * @throws {TypeError} `init` is an instance of a class, which actors would share: pass a function
 * that makes it.
 *
 * @example A counter
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const counter = (init: number) =>
 *   pul.stateful(init, (count, n: number, ctx) => {
 *     ctx.reply(count + n);
 *     return pul.next(count + n);
 *   });
 * await using system = await pul.actorSystem();
 * const ref = await system.spawn(counter(40), { name: "counter" });
 * assert.equal(await ref.ask(2), 42);
 * ```
 */
export function stateful<S, M = unknown>(
  init: S | (() => S),
  handler: StatefulHandler<S, M>,
): Behavior<M> {
  const first = makerOf(init);
  checkHandler(handler);
  return new Behavior<M>(() => {
    let state = first();
    return {
      handle: (message, context) => handler(state, message, context),
      keep: (next) => state = next as S, // what the handler returned with `next`
    };
  });
}

/**
 * A behaviour without state.
 *
 * @typeParam M The messages.
 * @param handler Handles one message, sync or async.
 *
 * @example Double what is sent
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const double = pul.stateless((n: number, ctx) => {
 *   ctx.reply(n * 2);
 *   return pul.same;
 * });
 * await using system = await pul.actorSystem();
 * assert.equal(await (await system.spawn(double)).ask(21), 42);
 * ```
 */
export function stateless<M = unknown>(handler: StatelessHandler<M>): Behavior<M> {
  checkHandler(handler);
  return new Behavior<M>(() => ({ handle: handler, keep: refuseState }));
}

function checkHandler(handler: unknown): void {
  if (typeof handler === "function") return;
  throw new TypeError(`Cannot make behavior of "${String(handler)}": expected a function`);
}

/** Runs a behaviour, and those it becomes, for one actor. */
class BehaviorReceiver<M> implements Receiver {
  #run: Run<M>;

  constructor(run: Run<M>) {
    this.#run = run;
  }

  receive(message: unknown, context: CellContext): unknown {
    const answer = new Answer();
    // The context is made for this message alone.
    const own = Object.assign(context, { reply: (value: unknown) => answer.give(value) });
    let action: unknown;
    try {
      action = this.#run.handle(message as M, own); // as of any `receive`: what senders send
      if (isPromise(action)) return this.#finishLater(action, answer, context);
    } catch (error) {
      answer.close();
      throw error;
    }
    return this.#finish(action, answer, context);
  }

  async #finishLater(
    action: Promise<unknown>,
    answer: Answer,
    context: CellContext,
  ): Promise<unknown> {
    try {
      return this.#finish(await action, answer, context);
    } finally {
      answer.close();
    }
  }

  #finish(action: unknown, answer: Answer, context: CellContext): unknown {
    answer.close();
    if (!isAction<M>(action)) throw noAction(action);
    switch (action.kind) {
      case "same":
        break;
      case "next":
        this.#run.keep(action.state);
        break;
      case "become":
        if (action.behavior !== undefined) this.#run = begin(action.behavior);
        break;
      case "stop":
        context.stop();
        break;
      default:
        action.kind satisfies never;
    }
    return answer.value;
  }
}

/** The reply to one message. */
class Answer {
  value: unknown = undefined;
  #state: "open" | "given" | "closed" = "open";

  give(value: unknown): void {
    if (this.#state === "given") {
      throw new TypeError("Cannot reply to the message: it has its reply already");
    }
    if (this.#state === "closed") {
      throw new TypeError("Cannot reply to the message: the behavior is done with it");
    }
    this.#state = "given";
    this.value = value;
    isDisowned(value); // a throw that follows takes its place
  }

  close(): void {
    this.#state = "closed";
  }
}

function refuseState(): never {
  throw new TypeError(
    'Cannot take the action of the behavior: it has no state, return "same" instead of "next"',
  );
}

/** Whether a value was made by one of the four actions; what it fits is up to its types. */
function isAction<M>(value: unknown): value is BehaviorAction<unknown, M> {
  return value instanceof BehaviorAction;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}

function noAction(value: unknown): TypeError {
  return new TypeError(
    `Cannot take the action of the behavior: ${describe(value)} is none, return "same", ` +
      '"next(state)", "become(behavior)" or "stop()"',
  );
}

function describe(value: unknown): string {
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
