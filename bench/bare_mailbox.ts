/**
 * The control of local benches.
 *
 * @module
 */

interface BareEnvelope {
  readonly message: number;
  readonly resolve: (answer: number) => void;
}

/** The least a mailbox can do: envelopes in an array, a microtask that hands them over. */
export class BareMailbox {
  readonly #handle: (message: number) => number;
  #envelopes: BareEnvelope[] = [];
  #isScheduled = false;

  constructor(handle: (message: number) => number) {
    this.#handle = handle;
  }

  ask(message: number): Promise<number> {
    return new Promise((resolve) => {
      this.#envelopes.push({ message, resolve });
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      queueMicrotask(() => this.#drain());
    });
  }

  #drain(): void {
    const envelopes = this.#envelopes;
    this.#envelopes = [];
    this.#isScheduled = false;
    for (const { message, resolve } of envelopes) resolve(this.#handle(message));
  }
}
