/**
 * The bounded inbox of one actor.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { Envelope } from "./envelope.ts";

/** What a full mailbox does with one message more. */
export type MailboxOverflow =
  /** Senders wait for their turn, up to `limits.mailboxWaiters` of them; then as `"reject"`. */
  | "wait"
  /** The message is refused: its sender gets `"mailbox-full"`. */
  | "reject"
  /** The oldest message makes room: its sender gets `"mailbox-full"`. */
  | "drop-oldest";

/** Shared by mailboxes that never had a message. */
const NO_SLOTS: (Envelope | undefined)[] = [];

/**
 * A first-in, first-out ring of envelopes with a capacity and senders that wait for it.
 *
 * Envelopes beyond the capacity are held in order behind it: their senders count as waiting and
 * are told through {@link Envelope.accepted} when a place became free. Nothing overtakes.
 */
export class Mailbox {
  /** What is done with one message more than it holds. */
  readonly overflow: MailboxOverflow;
  readonly #capacity: number;
  readonly #bound: number;
  #slots: (Envelope | undefined)[] = NO_SLOTS;
  #head = 0;
  #length = 0;

  /**
   * @param capacity Envelopes that are in the mailbox proper.
   * @param waiters Envelopes whose senders may wait for a place, when they may.
   * @param overflow What is done with one message more.
   */
  constructor(capacity: number, waiters: number, overflow: MailboxOverflow = "wait") {
    this.overflow = overflow;
    this.#capacity = capacity;
    this.#bound = overflow === "wait" ? capacity + waiters : capacity;
  }

  /** Envelopes held, those of waiting senders included. */
  get length(): number {
    return this.#length;
  }

  /** Whether the next envelope's sender has to wait. */
  get isFull(): boolean {
    return this.#length >= this.#capacity;
  }

  /** Adds an envelope; `false` when even the senders' places are taken and it was not added. */
  push(envelope: Envelope): boolean {
    if (this.#length >= this.#bound) return false;
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = envelope;
    this.#length++;
    return true;
  }

  /** Takes the oldest envelope and tells the first waiting sender that it is in. */
  shift(): Envelope | undefined {
    if (this.#length === 0) return undefined;
    const slots = this.#slots;
    const envelope = slots[this.#head];
    slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (slots.length - 1);
    this.#length--;
    if (this.#length >= this.#capacity) {
      const last = (this.#head + this.#capacity - 1) & (slots.length - 1);
      (slots[last] as Envelope).accepted(); // the slots up to the length are filled
    }
    return envelope;
  }

  /** Takes everything out; nobody is told that it is in. */
  drain(): readonly Envelope[] {
    const all: Envelope[] = [];
    const mask = this.#slots.length - 1;
    for (let index = 0; index < this.#length; index++) {
      all.push(this.#slots[(this.#head + index) & mask] as Envelope); // up to the length
    }
    this.#slots = NO_SLOTS;
    this.#head = 0;
    this.#length = 0;
    return all;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Array<Envelope | undefined>(Math.max(4, old.length * 2)).fill(undefined);
    for (let index = 0; index < this.#length; index++) {
      slots[index] = old[(this.#head + index) & (old.length - 1)];
    }
    this.#slots = slots;
    this.#head = 0;
  }
}

const FULL: Readonly<Record<MailboxOverflow, string>> = {
  "wait": "its mailbox and the places of waiting senders are full",
  "reject": "its mailbox is full",
  "drop-oldest": "its mailbox is full, and a newer message took the place of this one",
};

/** The error for a message that a full mailbox does not keep: it was not handled. */
export function mailboxFull(
  { label, nodeId }: { readonly label: string; readonly nodeId: NodeId },
  overflow: MailboxOverflow,
): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot send to actor "${label}": ${FULL[overflow]}`,
    { kind: "mailbox-full", retryable: true, actor: label, nodeId },
  );
}
