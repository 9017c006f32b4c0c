/**
 * What a user writes to make an actor, below the level of classes with methods.
 *
 * @module
 */

import type { ActorId } from "../address.ts";
import type { CellContext } from "./context.ts";
import type { Terminated, TerminationReason } from "./death_watch.ts";

/** Hooks that every actor may have; all optional, all sync or async. */
export interface ActorHooks {
  /**
   * Runs before the first message. A throw ends the instance; it rejects `spawn` unless the actor
   * is restarted.
   *
   * @param id The actor's id.
   * @param context The actor's context.
   */
  onStart?(id: ActorId, context: CellContext): void | Promise<void>;
  /**
   * Runs once after the last message, also before a restart. A throw is logged.
   *
   * @param reason Why the instance ends.
   */
  onStop?(reason: TerminationReason): void | Promise<void>;
  /**
   * Runs when an actor that this one watches is gone, ahead of the messages that wait.
   *
   * @param notice Which actor, and why.
   */
  onTerminated?(notice: Terminated): void | Promise<void>;
  /** Facts about the actor that are shown with its name in the registry. */
  metadata?(): Record<string, string> | Promise<Record<string, string>>;
}

/** An actor that takes its messages itself: any object with `receive` will do. */
export interface Receiver extends ActorHooks {
  /**
   * Handles one message; the next one waits until this one is done.
   *
   * @param message What was sent.
   * @param context The actor's context during this message.
   * @returns The answer of an `ask`: a value, a promise, or a (sync or async) generator for a
   * stream.
   */
  receive(message: unknown, context: CellContext): unknown;
}

/**
 * Base class for actors with `receive`.
 *
 * @example Echo what is sent
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * class Echo extends pul.Actor {
 *   receive(message: unknown) {
 *     return message;
 *   }
 * }
 * await using system = await pul.actorSystem();
 * const echo = await system.spawn(new Echo());
 * assert.equal(await echo.ask("hello"), "hello");
 * ```
 */
export abstract class Actor implements Receiver {
  onStart?(id: ActorId, context: CellContext): void | Promise<void>;
  onStop?(reason: TerminationReason): void | Promise<void>;
  onTerminated?(notice: Terminated): void | Promise<void>;
  metadata?(): Record<string, string> | Promise<Record<string, string>>;
  abstract receive(message: unknown, context: CellContext): unknown;
}

/** The flat form of a method call, as `receive` of a low-level actor sees it. */
export interface CallMessage {
  /** The method's name. */
  readonly __call__: string;
  /** Whether the caller can take an answer that comes later or in parts; always true here. */
  readonly __async__: boolean;
  /** Positional arguments. */
  readonly args: readonly unknown[];
  /** Named arguments; JavaScript callers send none. */
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/** Builds the flat form of a method call. */
export function callMessage(method: string, args: readonly unknown[]): CallMessage {
  return { __call__: method, __async__: true, args, kwargs: {} };
}

/** Whether a message is the flat form of a method call; missing fields have defaults. */
export function isCallMessage(message: unknown): message is Partial<CallMessage> {
  return typeof message === "object" && message !== null && "__call__" in message;
}

/** Whether a value can be spawned as a low-level actor. */
export function isReceiver(value: unknown): value is Receiver {
  return typeof value === "object" && value !== null &&
    typeof (value as Partial<Receiver>).receive === "function"; // absent is not a function
}
