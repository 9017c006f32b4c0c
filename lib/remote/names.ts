/**
 * Interning of names: an actor's id or a method's name crosses a link once, then it is a number.
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { FrameKind } from "../wire/frame.ts";
import type { HeadReader } from "./head_reader.ts";
import type { Outbox } from "./outbox.ts";

/** Stands for a name that follows in full. */
const IN_FULL = 0;

/** Names this side has told the other one. */
export class SentNames {
  readonly #limits: Limits;
  readonly #outbox: Outbox;
  readonly #numbers = new Map<string, number>();
  readonly #encoder = new TextEncoder();

  constructor(limits: Limits, outbox: Outbox) {
    this.#limits = limits;
    this.#outbox = outbox;
  }

  /**
   * The number of a name, told to the other side if it is new; 0 when it must go in full.
   *
   * Call it before a frame is begun: it may send one of its own.
   */
  numberOf(name: string): number {
    return this.#numbers.get(name) ?? this.#introduce(name);
  }

  /** Writes a name into the frame under way. */
  write(name: string, number: number): void {
    const { writer } = this.#outbox;
    writer.varint(number);
    if (number !== IN_FULL) return;
    const text = this.#encoder.encode(name);
    writer.varint(text.length);
    writer.run(text);
  }

  #introduce(name: string): number {
    if (this.#numbers.size >= this.#limits.maxInternedNames) return IN_FULL;
    const text = this.#encoder.encode(name);
    if (text.length > this.#limits.maxInternedNameBytes) return IN_FULL;
    const number = this.#numbers.size + 1;
    this.#numbers.set(name, number);
    const mark = this.#outbox.begin(FrameKind.intern);
    this.#outbox.writer.varint(number);
    this.#outbox.writer.run(text);
    this.#outbox.end(mark);
    return number;
  }
}

/** Names the other side has told this one. */
export class ReceivedNames {
  readonly #limits: Limits;
  readonly #names: string[] = [];
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Takes an `intern` frame.
   *
   * @throws {PulsingRuntimeError} kind `"protocol-violation"`: too many, too long or out of order.
   */
  learn(head: HeadReader): void {
    const number = head.varint();
    const text = head.rest();
    if (
      number !== this.#names.length + 1 || number > this.#limits.maxInternedNames ||
      text.length > this.#limits.maxInternedNameBytes
    ) {
      throw new PulsingRuntimeError(
        `Cannot intern name number ${number} of ${text.length} bytes: out of order or above limits`,
        { kind: "protocol-violation" },
      );
    }
    this.#names.push(this.#decoder.decode(text));
  }

  /**
   * Reads a name from a frame.
   *
   * @throws {PulsingRuntimeError} kind `"protocol-violation"`: a number that was never told.
   */
  read(head: HeadReader): string {
    const number = head.varint();
    if (number === IN_FULL) return this.#decoder.decode(head.run(head.varint()));
    const name = this.#names[number - 1];
    if (name !== undefined) return name;
    throw new PulsingRuntimeError(`Cannot read name number ${number}: it was never interned`, {
      kind: "protocol-violation",
    });
  }
}
