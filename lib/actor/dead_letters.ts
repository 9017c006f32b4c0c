/**
 * Messages that reached no actor.
 *
 * @module
 */

import type { ActorId } from "../address.ts";
import type { ErrorKind, PulsingRuntimeError } from "../errors.ts";
import type { ActorRef } from "./actor_ref.ts";
import type { Envelope } from "./envelope.ts";

/** A message that reached no actor. */
export interface DeadLetter {
  /** The path of the actor it was for, or its id. */
  readonly actor: string;
  /** The id of the actor it was for. */
  readonly actorId: ActorId;
  /** The method that was called; absent for a message to `receive`. */
  readonly method?: string;
  /** The method's arguments in a list, or the message. */
  readonly payload: unknown;
  /** The actor that sent it, when one did. */
  readonly caller?: ActorRef;
  /** Why it reached nobody: the actor is gone, or its mailbox is full. */
  readonly reason: ErrorKind;
}

/**
 * The dead letters of one node, as they come.
 *
 * Iterating begins with the next one. A reader that is too slow loses the oldest that it has not
 * read, beyond `limits.deadLetters`; {@link DeadLetters.count} counts all.
 *
 * @example Read what reached nobody
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * await using system = await pul.actorSystem();
 * const ref = await system.spawn({ receive: () => {} }, { name: "short" });
 * const letters = system.deadLetters[Symbol.asyncIterator]();
 * const next = letters.next();
 * await system.stop("short");
 * await assert.rejects(ref.tell("too late"));
 * const { value } = await next;
 * assert.equal(value?.payload, "too late");
 * assert.equal(value?.reason, "actor-stopped");
 * await letters.return?.();
 * ```
 */
export class DeadLetters implements AsyncIterable<DeadLetter> {
  readonly #capacity: number;
  readonly #readers = new Set<LetterReader>();
  #count = 0;
  #isClosed = false;

  /**
   * Made by the system.
   *
   * @param capacity Letters that wait for one reader.
   */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** All letters since the system began. */
  get count(): number {
    return this.#count;
  }

  /** Takes a letter; made only when somebody reads. */
  add(letter: () => DeadLetter): void {
    this.#count++;
    if (this.#readers.size === 0) return;
    const one = letter();
    for (const reader of this.#readers) reader.add(one, this.#capacity);
  }

  /** Ends all iterations, once what has come so far is read. */
  close(): void {
    this.#isClosed = true;
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  /** Reads the letters from now on, until the system is shut down. */
  [Symbol.asyncIterator](): AsyncIterator<DeadLetter, undefined> {
    const reader = new LetterReader();
    if (this.#isClosed) reader.end();
    else this.#readers.add(reader);
    return {
      next: () => reader.next(),
      return: () => {
        this.#readers.delete(reader);
        reader.drop();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

/** The dead letter of a message. */
export function letterOf(
  { method, payload, callerRef }: Envelope,
  { label, actorId }: { readonly label: string; readonly actorId: ActorId },
  { kind }: PulsingRuntimeError,
): DeadLetter {
  return {
    actor: label,
    actorId,
    payload,
    reason: kind,
    ...(method !== undefined && { method }),
    ...(callerRef !== undefined && { caller: callerRef }),
  };
}

/** What one reader has not read yet. */
class LetterReader {
  #letters: DeadLetter[] = [];
  #waiting: ((result: IteratorResult<DeadLetter, undefined>) => void)[] = [];
  #isOver = false;

  add(letter: DeadLetter, capacity: number): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting({ done: false, value: letter });
    this.#letters.push(letter);
    if (this.#letters.length > capacity) this.#letters.shift();
  }

  next(): Promise<IteratorResult<DeadLetter, undefined>> {
    const letter = this.#letters.shift();
    if (letter !== undefined) return Promise.resolve({ done: false, value: letter });
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Nobody reads any more. */
  drop(): void {
    this.#letters = [];
    this.end();
  }

  /** No letter will come any more. */
  end(): void {
    this.#isOver = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined });
  }
}
