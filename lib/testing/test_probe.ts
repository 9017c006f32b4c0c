/**
 * An actor that a test looks into.
 *
 * @module
 */

import type { Receiver } from "../actor/actor.ts";
import type { ActorRef } from "../actor/actor_ref.ts";
import type { CellContext } from "../actor/context.ts";
import type { Terminated } from "../actor/death_watch.ts";
import { systemClock } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { ActorSystem } from "../system/actor_system.ts";
import { checkMs } from "./arguments.ts";
import type { ManualClock } from "./manual_clock.ts";
import { isSameValue } from "./same_value.ts";
import { checkWithin } from "./until.ts";
import { type Driver, manualClockOf } from "./virtual_systems.ts";

/** A message that came to a probe. */
export interface ProbeMessage {
  /** What was sent; a call of a method is a `CallMessage`. */
  readonly message: unknown;
  /** The actor that sent it, when one did. */
  readonly sender: ActorRef | undefined;
  /** When it came, in milliseconds of the clock that the system lives by. */
  readonly atMs: number;
}

/** How a probe is started. */
export interface TestProbeOptions {
  /** Makes it resolvable; without `/` it becomes `actors/<name>`. */
  readonly name?: string;
  /**
   * The clock that moves the time of the system.
   *
   * @default that of its {@link TestCluster}; a system of none lives in real time
   */
  readonly clock?: ManualClock;
}

/** How long a probe waits. */
export interface ProbeWait {
  /**
   * The longest wait, in milliseconds of the clock that the system lives by.
   *
   * @default 3_000
   */
  readonly withinMs?: number;
}

/** What a message must be: such that a function of it says `true`, or equal to any other value. */
export type ProbeMatcher =
  | ((message: unknown) => boolean)
  | object
  | string
  | number
  | bigint
  | boolean
  | null;

const WITHIN_MS = 3_000;
/** Messages that are kept for the test; above, the oldest are forgotten. */
const MAX_KEPT = 100_000;

/**
 * An actor that takes every message, for a test to look at.
 *
 * In a {@link TestCluster} its waits let the time of the cluster pass; elsewhere they take real
 * time.
 *
 * @example Who gets what
 * ```ts
 * import { TestCluster, TestProbe } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * await using cluster = await TestCluster.start(2);
 * const [one, two] = cluster.systems;
 * const probe = await TestProbe.spawn(one!, { name: "probe" });
 * probe.reply("pong");
 *
 * const ref = await cluster.run(two!.resolve("probe", { timeoutMs: 5_000 }));
 * const answer = ref.ask("ping");
 * await probe.expect("ping");
 * assert.equal(await cluster.run(answer), "pong");
 * await probe.expectNothing({ forMs: 1_000 });
 * assert.equal(probe.received.length, 1);
 * ```
 *
 * @example Waits for an actor's end in real time
 * ```ts
 * import { actorSystem } from "@pulsing/core";
 * import { TestProbe } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * await using system = await actorSystem();
 * const short = await system.spawn({ receive: () => {} }, { name: "short" });
 * const probe = await TestProbe.spawn(system);
 * probe.watch(short);
 * await system.stop("short");
 * assert.equal((await probe.expectTerminated(short)).reason, "stopped");
 * ```
 */
export class TestProbe {
  readonly #clock: Driver | undefined;
  readonly #received: ProbeMessage[] = [];
  readonly #waiting: ProbeMessage[] = [];
  readonly #ended: Terminated[] = [];
  readonly #wakers = new Set<() => void>();
  #reply: unknown = undefined;
  #context: CellContext | undefined = undefined;

  /** Use {@link TestProbe.spawn}. */
  constructor(clock?: Driver) {
    this.#clock = clock;
  }

  /**
   * Starts a probe.
   *
   * @param system The system it lives in, and ends with.
   */
  static async spawn(system: ActorSystem, options: TestProbeOptions = {}): Promise<TestProbe> {
    const { name, clock = manualClockOf(system) } = options;
    const probe = new TestProbe(clock);
    await system.spawn(probe.#receiver(), name === undefined ? {} : { name });
    return probe;
  }

  /** The probe as others see it. */
  get ref(): ActorRef {
    return this.#self.self;
  }

  /** All messages so far, those that were expected too. */
  get received(): readonly ProbeMessage[] {
    return this.#received;
  }

  /**
   * Says what asks are answered with from now on; before, the answer is `undefined`.
   *
   * @param answer A value, or a function of the message, which may fail and may be a generator.
   */
  reply(answer: unknown | ((message: unknown) => unknown)): void {
    this.#reply = answer;
  }

  /**
   * Waits for a message, and takes it: the first one that fits and was not taken before. Those
   * before it that do not fit are left for later.
   *
   * @param matcher What it must be; any message will do when absent.
   * @param options How long to wait.
   * @throws {PulsingRuntimeError} kind `"timeout"`: none came in time; it says which messages did.
   */
  async expect(matcher?: ProbeMatcher, options: ProbeWait = {}): Promise<ProbeMessage> {
    const found = await this.#next(this.#waiting, ({ message }) => fits(message, matcher), options);
    if (found !== undefined) return found;
    const left = this.#waiting.map(({ message }) => textOf(message)).join(", ");
    const what = matcher === undefined ? "any message" : textOf(matcher);
    throw this.#missed(what, left === "" ? "nothing came" : `what came is ${left}`, options);
  }

  /**
   * Sees that no message comes for a while.
   *
   * @param options For how long, in milliseconds.
   * @throws {Error} At the first message that comes.
   */
  async expectNothing({ forMs }: { readonly forMs: number }): Promise<void> {
    checkMs("forMs", forMs);
    const before = this.#received.length;
    if (!await this.#wait(() => this.#received.length > before, forMs)) return;
    const { message } = this.#received[before] as ProbeMessage; // there are more than before
    throw new Error(`Cannot see nothing: ${textOf(message)} came${this.#where}`);
  }

  /** Watches an actor; see {@link TestProbe.expectTerminated}. */
  watch(actor: ActorRef | object): void {
    this.#self.watch(actor);
  }

  /**
   * Waits for the end of a watched actor.
   *
   * @param actor Which one; any of them when absent.
   * @param options How long to wait.
   * @throws {PulsingRuntimeError} kind `"timeout"`: it did not end in time.
   */
  async expectTerminated(actor?: ActorRef, options: ProbeWait = {}): Promise<Terminated> {
    const isIt = ({ id }: Terminated) => actor === undefined || id === actor.actorId;
    const found = await this.#next(this.#ended, isIt, options);
    if (found !== undefined) return found;
    throw this.#missed(`the end of ${actor ?? "a watched actor"}`, "it goes on", options);
  }

  /** Where in which run this is, for errors. */
  get #where(): string {
    const where = this.#clock?.where?.();
    return where === undefined ? "" : `, ${where}`;
  }

  #missed(what: string, state: string, { withinMs = WITHIN_MS }: ProbeWait): PulsingRuntimeError {
    const text = `Cannot see ${what}: ${state} after ${withinMs} ms${this.#where}`;
    return new PulsingRuntimeError(text, { kind: "timeout" });
  }

  get #self(): CellContext {
    if (this.#context !== undefined) return this.#context;
    throw new Error("Cannot use probe: it has not started, use TestProbe.spawn");
  }

  #receiver(): Receiver {
    return {
      onStart: (_id, context) => void (this.#context = context),
      onTerminated: (notice) => this.#keep(this.#ended, notice),
      receive: (message, { caller: sender }) => {
        const entry = { message, sender, atMs: (this.#clock ?? systemClock).now() };
        this.#keep(this.#received, entry);
        this.#keep(this.#waiting, entry);
        return typeof this.#reply === "function" ? this.#reply(message) : this.#reply;
      },
    };
  }

  #keep<T>(list: T[], entry: T): void {
    if (list.push(entry) > MAX_KEPT) list.shift();
    for (const wake of [...this.#wakers]) wake();
  }

  async #next<T>(
    list: T[],
    isIt: (entry: T) => boolean,
    options: ProbeWait,
  ): Promise<T | undefined> {
    checkWithin(options);
    const { withinMs = WITHIN_MS } = options;
    if (!await this.#wait(() => list.some(isIt), withinMs)) return undefined;
    const [found] = list.splice(list.findIndex(isIt), 1);
    return found;
  }

  async #wait(isDone: () => boolean, withinMs: number): Promise<boolean> {
    if (this.#clock !== undefined) return await this.#clock.advanceUntil(isDone, withinMs);
    return await new Promise((resolve) => {
      const end = (value: boolean) => {
        this.#wakers.delete(look);
        timer.cancel();
        resolve(value);
      };
      const look = () => void (isDone() && end(true));
      const timer = systemClock.setTimer(() => end(isDone()), withinMs);
      this.#wakers.add(look);
      look();
    });
  }
}

function fits(message: unknown, matcher: ProbeMatcher | undefined): boolean {
  if (matcher === undefined) return true;
  return typeof matcher === "function" ? matcher(message) : isSameValue(message, matcher);
}

function textOf(value: unknown): string {
  if (value === undefined) return "the message undefined";
  if (typeof value === "function") return value.toString().replaceAll(/\s+/g, " ");
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value); // a cycle, a bigint
  }
}
