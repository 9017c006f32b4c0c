/** A system without a network on a clock that stands still, for the tests of an actor's life. */

import assert from "node:assert/strict";
import { ManualClock } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";
import { recordingLogger } from "../leak/bare_node.ts";

/** A system and what is seen of it. */
export interface OneNode extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly system: pul.ActorSystem;
  readonly lines: ReturnType<typeof recordingLogger>["lines"];
  /** The texts that were logged as warnings and errors. */
  readonly complaints: string[];
}

/** Starts a system whose end takes no time and leaves no timer. */
export async function oneNode(limits: Partial<pul.Limits> = {}): Promise<OneNode> {
  const clock = new ManualClock();
  const logger = recordingLogger();
  const random = pul.seededRandom(1);
  const system = await pul.actorSystem({ clock, logger, random, limits });
  return {
    clock,
    system,
    lines: logger.lines,
    get complaints() {
      return logger.lines.filter(([level]) => level === "warn" || level === "error")
        .map(([, text]) => text);
    },
    async [Symbol.asyncDispose]() {
      const down = system.shutdown();
      await clock.settle();
      assert.equal(clock.pendingTimers, 0, "a timer is left");
      await down;
    },
  };
}

/** What a promise settled with: the value, or the error it failed with. */
export function outcomeOf(promise: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(promise).catch((error: unknown) => error);
}

/** An actor that notes which ends it hears of. */
export class Observer {
  readonly heard: pul.Terminated[] = [];
  watch(ref: pul.ActorRef): void {
    pul.context().watch(ref);
  }
  unwatch(ref: pul.ActorRef): void {
    pul.context().unwatch(ref);
  }
  onTerminated(notice: pul.Terminated): void {
    this.heard.push(notice);
  }
  reasons(): string[] {
    return this.heard.map(({ reason }) => reason);
  }
  notices(): pul.Terminated[] {
    return [...this.heard];
  }
}
