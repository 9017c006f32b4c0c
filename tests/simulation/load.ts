/** Calls that go on while something happens. */

import { sleep } from "../../lib/clock.ts";
import type { Outcome, Trial } from "./trial.ts";

/** Callers on some nodes, each with one call after the other. */
export class Load {
  /** What became of the calls that have ended, in their order. */
  readonly outcomes: Outcome[] = [];
  readonly #trial: Trial;
  readonly #callers: {
    readonly index: number;
    readonly node: string;
    readonly over: Promise<void>;
  }[] = [];
  #isOver = false;

  constructor(trial: Trial) {
    this.#trial = trial;
  }

  /** A node calls a name, and again a while after each answer. */
  start(index: number, name: string, everyMs: number): void {
    const node = this.#trial.cluster.at(index).name;
    this.#callers.push({ index, node, over: this.#goOn(index, name, everyMs) });
  }

  /** Lets the calls that are under way end; callers of nodes that have ended are not waited for. */
  async stop(): Promise<readonly Outcome[]> {
    this.#isOver = true;
    const { cluster } = this.#trial;
    const living = this.#callers.filter(({ index, node }) =>
      cluster.at(index).name === node && cluster.at(index).state === "running"
    );
    await cluster.run(Promise.all(living.map(({ over }) => over)));
    return this.outcomes;
  }

  async #goOn(index: number, name: string, everyMs: number): Promise<void> {
    const clock = this.#trial.clock(index);
    const user = `load-${this.#callers.length}`;
    while (!this.#isOver) {
      this.outcomes.push(await this.#trial.call(index, name, user));
      await sleep(clock, everyMs);
    }
  }
}
