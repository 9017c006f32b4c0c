/** The actor of the scenarios: it says what it got, and writes down that it did. */

import type { History } from "../../lib/testing/mod.ts";
import { context } from "../../mod.ts";

/** Answers calls and streams. */
export class Echo {
  readonly #history: History;
  readonly #name: string;

  constructor(history: History, name: string) {
    this.#history = history;
    this.#name = name;
  }

  echo(call: string, from: string): string {
    this.#history.add({ kind: "handled", call, from, to: this.#name });
    return call;
  }

  /** Handles a call that ends only when it is given up. */
  async wait(call: string, from: string): Promise<void> {
    this.#history.add({ kind: "handled", call, from, to: this.#name });
    const { signal } = context();
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }

  async *count(stream: string, items: number): AsyncGenerator<number> {
    yield* this.#history.yielded(stream, Array(items).keys());
  }
}
