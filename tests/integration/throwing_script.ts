/**
 * Throws everything from everywhere that code of a user runs, and tells what was not heard.
 *
 * Prints one line of JSON: the throws that neither reached a caller nor the log, and what else went
 * wrong. A process that dies prints nothing.
 */

import process from "node:process";
import { ManualClock } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";
import { recordingLogger } from "../leak/bare_node.ts";

type Throw = () => never;

/** Everything that can be thrown. */
const THROWN: Readonly<Record<string, () => unknown>> = {
  "an error": () => new RangeError("boom"),
  "a business error": () => new pul.PulsingBusinessError(1, "no"),
  "undefined": () => undefined,
  "null": () => null,
  "a text": () => "text",
  "a symbol": () => Symbol("symbol"),
  "a promise that rejects": () => {
    const promise = Promise.reject(new Error("inner"));
    promise.catch(() => {});
    return promise;
  },
  "an error whose message throws": () =>
    Object.defineProperty(new Error(), "message", {
      get() {
        throw new Error("message");
      },
    }),
  "an object that has no text": () => Object.create(null),
  "an error that causes itself": () => {
    const error = new Error("loop");
    error.cause = error;
    return error;
  },
  "a proxy that throws": () => {
    const trap = () => {
      throw new Error("trap");
    };
    return new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap });
  },
};

const unhandled: string[] = [];
const silent: string[] = [];
const wrong: string[] = [];
process.on("unhandledRejection", () => unhandled.push(current));
process.on("uncaughtException", () => unhandled.push(current));

let current = "";
const clock = new ManualClock();
const recorder = recordingLogger();
const logger = both(recorder, pul.consoleLogger("warn"));
const common = { clock, logger, transport: pul.memory(new pul.MemoryNetwork(clock)) };
const limits = { shutdownTimeoutMs: 50 };
const system = await pumped(pul.actorSystem({ ...common, limits, addr: "a:0" }));
const far = await pumped(
  pul.actorSystem({ ...common, limits, addr: "b:0", seeds: [system.addr!] }),
);

class Bystander {
  ping(): string {
    return "pong";
  }
}

class Subject {
  readonly #fail: Throw;
  constructor(fail: Throw) {
    this.#fail = fail;
  }
  sync(): void {
    this.#fail();
  }
  async later(): Promise<void> {
    await Promise.resolve();
    this.#fail();
  }
  get attribute(): never {
    return this.#fail();
  }
  thenable(): object {
    return { then: () => this.#fail() };
  }
  thenGetter(): object {
    const fail = this.#fail;
    return {
      get then() {
        return fail();
      },
    };
  }
  *before(): Generator<number> {
    this.#fail();
    yield 1;
  }
  *among(): Generator<number> {
    yield 1;
    this.#fail();
    yield 2;
  }
  async *amongLater(): AsyncGenerator<number> {
    yield 1;
    await Promise.resolve();
    this.#fail();
    yield 2;
  }
  *finallyOf(): Generator<number> {
    try {
      for (let n = 0; n < 3; n++) yield n;
    } finally {
      this.#fail();
    }
  }
  async *finallyLater(): AsyncGenerator<number> {
    try {
      for (let n = 0; n < 3; n++) yield n;
    } finally {
      await Promise.resolve();
      this.#fail();
    }
  }
  badIterator(): AsyncIterable<number> {
    return { [Symbol.asyncIterator]: () => ({ next: () => this.#fail() }) };
  }
  badReturn(): AsyncIterable<number> {
    const next = () => Promise.resolve({ done: false, value: 1 });
    return { [Symbol.asyncIterator]: () => ({ next, return: () => this.#fail() }) };
  }
  noIterator(): AsyncIterable<number> {
    return { [Symbol.asyncIterator]: () => this.#fail() };
  }
  async stuckThenThrows(gate: Promise<void>): Promise<void> {
    await gate;
    this.#fail();
  }
  async *stuckStream(gate: Promise<void>): AsyncGenerator<number> {
    yield 1;
    await gate;
    this.#fail();
  }
  async stuckThenOdd(gate: Promise<void>): Promise<object> {
    await gate;
    return { [Symbol.asyncIterator]: () => this.#fail() };
  }
  async stuckThenBadReturn(gate: Promise<void>): Promise<object> {
    await gate;
    return this.badReturn();
  }
  async killsItself(): Promise<void> {
    const { system, path } = pul.context() as pul.ActorContext;
    system.kill(path ?? "");
    await Promise.resolve();
    this.#fail();
  }
  killsItselfNow(): void {
    const { system, path } = pul.context() as pul.ActorContext;
    system.kill(path ?? "");
    this.#fail();
  }
  async stopsItself(): Promise<void> {
    pul.context().stop();
    await Promise.resolve();
    this.#fail();
  }
  remind(): void {
    pul.context().delayed(10).sync!();
  }
  watch(ref: pul.ActorRef): void {
    pul.context().watch(ref);
  }
}

class BadStart {
  constructor(fail: Throw) {
    this.#fail = fail;
  }
  readonly #fail: Throw;
  onStart(): void {
    this.#fail();
  }
}
class BadConstructor {
  constructor(fail: Throw) {
    fail();
  }
}
class BadHooks extends Subject {
  readonly #throw: Throw;
  constructor(fail: Throw) {
    super(fail);
    this.#throw = fail;
  }
  onStop(): void {
    this.#throw();
  }
  async onTerminated(): Promise<void> {
    await Promise.resolve();
    this.#throw();
  }
}
class BadMetadata {
  readonly #fail: Throw;
  constructor(fail: Throw) {
    this.#fail = fail;
  }
  metadata(): never {
    return this.#fail();
  }
}

type Act = (subject: pul.ActorProxy<Subject>) => PromiseLike<unknown> | void;

/** Calls whose throw the caller gets. */
const ANSWERED: Readonly<Record<string, Act>> = {
  sync: (subject) => subject.sync(),
  later: (subject) => subject.later(),
  attribute: (subject) => subject.$any().attribute as PromiseLike<unknown>,
  thenable: (subject) => subject.thenable() as never,
  thenGetter: (subject) => subject.thenGetter() as never,
  before: (subject) => drain(subject.before()),
  among: (subject) => drain(subject.among()),
  amongLater: (subject) => drain(subject.amongLater()),
  finallyOf: (subject) => drain(subject.finallyOf()),
  finallyLater: (subject) => drain(subject.finallyLater()),
  badIterator: (subject) => drain(subject.badIterator() as never),
  noIterator: (subject) => drain(subject.noIterator() as never),
  stopsItself: (subject) => subject.stopsItself(),
  killsItself: (subject) => subject.killsItself(),
  killsItselfNow: (subject) => subject.killsItselfNow(),
};

/** What nobody waits for, so that it is logged. */
const LOGGED: Readonly<Record<string, Act>> = {
  toldSync: (subject) => subject.$ref.tell({ __call__: "sync" }),
  toldLater: (subject) => subject.$ref.tell({ __call__: "later" }),
  toldNoIterator: (subject) => subject.$ref.tell({ __call__: "noIterator" }),
  toldBadReturn: (subject) => subject.$ref.tell({ __call__: "badReturn" }),
  remind: (subject) => subject.remind(),
  breakFinally: (subject) => takeOne(subject.finallyOf()),
  breakFinallyLater: (subject) => takeOne(subject.finallyLater()),
  breakBadReturn: (subject) => takeOne(subject.badReturn() as never),
};

/** Throws of calls that were given up before: by a kill, by the caller's deadline. */
const LATE: Readonly<Record<string, (gate: Promise<void>) => Act>> = {
  stuckThenThrows: (gate) => (subject) => subject.stuckThenThrows(gate),
  stuckThenOdd: (gate) => (subject) => subject.stuckThenOdd(gate) as never,
  stuckThenBadReturn: (gate) => (subject) => subject.stuckThenBadReturn(gate) as never,
  stuckStream: (gate) => (subject) => drain(subject.stuckStream(gate)),
};

let count = 0;
const bystander = await pumped(system.spawnClass(Bystander, { name: "bystander" }));
for (const [what, make] of Object.entries(THROWN)) {
  const fail: Throw = () => {
    throw make();
  };
  for (const restartPolicy of ["never", "on-failure"] as const) {
    const options = () => ({
      name: `s${++count}`,
      restartPolicy,
      minBackoffMs: 1,
      args: [fail] as [Throw],
    });
    for (const [name, act] of Object.entries(ANSWERED)) {
      await check(`${name}, ${what}, ${restartPolicy}`, "caller", async () => {
        const subject = await system.spawnClass(Subject, options());
        return await act(subject);
      });
    }
    for (const [name, act] of Object.entries(LOGGED)) {
      await check(`${name}, ${what}, ${restartPolicy}`, "log", async () => {
        const subject = await system.spawnClass(Subject, options());
        await act(subject);
        await clock.advance(50);
      });
    }
    for (const [name, actAt] of Object.entries(LATE)) {
      for (const end of ["kill", "deadline"] as const) {
        await check(`${name} after ${end}, ${what}, ${restartPolicy}`, "log", async () => {
          const { promise: gate, resolve: open } = Promise.withResolvers<void>();
          const { name, ...others } = options();
          const subject = await system.spawnClass(Subject, { ...others, name });
          const limited = end === "deadline" ? subject.$with({ timeoutMs: 10 }) : subject;
          const { signal, abort } = abortable();
          const bound = name === "s"
            ? limited
            : limited.$with({ signal, ...(end === "deadline" && { timeoutMs: 10 }) });
          const given = Promise.resolve(actAt(gate)(bound)).catch(() => {});
          await clock.advance(20);
          if (end === "kill") system.kill(name);
          else abort();
          await clock.settle();
          await given;
          open();
          await clock.settle();
        });
      }
    }
    await check(`onStop, ${what}, ${restartPolicy}`, "log", async () => {
      const { name, ...others } = options();
      await system.spawnClass(BadHooks, { ...others, name });
      await system.stop(name);
    });
    await check(`onTerminated, ${what}, ${restartPolicy}`, "log", async () => {
      const subject = await system.spawnClass(BadHooks, options());
      const other = await system.spawn({ receive: () => 1 }, { name: `other${count}` });
      await subject.watch(other);
      await system.stop(`other${count}`);
      await clock.advance(50);
    });
    await check(
      `onStart, ${what}, ${restartPolicy}`,
      restartPolicy === "never" ? "caller" : "log",
      async () => {
        await system.spawnClass(BadStart, options());
      },
    );
    await check(
      `constructor, ${what}, ${restartPolicy}`,
      restartPolicy === "never" ? "caller" : "log",
      async () => {
        await system.spawnClass(BadConstructor, options());
      },
    );
    await check(`restartOn, ${what}`, "log", async () => {
      const restartOn = fail;
      const subject = await system.spawnClass(Subject, {
        ...options(),
        restartPolicy: "always",
        restartOn,
      });
      await Promise.resolve(subject.sync()).catch(() => {});
    });
    await check(`receive, ${what}, ${restartPolicy}`, "caller", async () => {
      const { args: _, ...others } = options();
      const ref = await system.spawn(() => ({ receive: fail }), others);
      await ref.ask(1);
    });
  }
  await check(`metadata, ${what}`, "caller", async () => {
    await system.spawnClass(BadMetadata, { name: `m${++count}`, args: [fail] });
  });
  await check(`factory, ${what}`, "caller", async () => {
    await system.spawn(fail, { name: `m${++count}` });
  });
  await check(`outgoing interceptor, ${what}`, "caller", async () => {
    using _ = system.use(() => fail());
    const ref = await system.spawn({ receive: () => 1 });
    const heard = await ref.ask(1).then(() => undefined, () => new Error("as it was thrown"));
    if (heard !== undefined) throw heard;
  });
  await check(`from another node, ${what}`, "caller", async () => {
    const subject = await system.spawnClass(Subject, { name: `far${++count}`, args: [fail] });
    const remote = await pumped(far.resolve(`far${count}`, { timeoutMs: 5_000 }));
    void subject;
    await pumped(Promise.resolve(remote.asType(Subject).sync()));
  });
  await check(`a stream from another node, ${what}`, "caller", async () => {
    await system.spawnClass(Subject, { name: `far${++count}`, args: [fail] });
    const remote = await pumped(far.resolve(`far${count}`, { timeoutMs: 5_000 }));
    await pumped(drain(remote.asType(Subject).among()));
  });
}
await pumped(Promise.all([far.shutdown(), system.shutdown()]));
await new Promise((resolve) => setTimeout(resolve, 0));
// deno-lint-ignore no-console -- what the test reads
console.log(JSON.stringify({ cases: count, unhandled, silent, wrong }));

/** Runs one throw; it must reach its caller or the log, and harm nobody. */
async function check(
  name: string,
  who: "caller" | "log",
  act: () => Promise<unknown>,
): Promise<void> {
  current = name;
  const before = complaints();
  const reached = await act().then(() => false, (error) => error instanceof Error);
  await clock.settle();
  await new Promise<void>((resolve) => setImmediate(resolve));
  if (who === "caller" && !reached) silent.push(`${name}: no error for its caller`);
  if (who === "log" && complaints() === before) silent.push(`${name}: no line in the log`);
  const answer = await Promise.resolve(bystander.ping()).catch(() => "no answer");
  if (answer !== "pong") wrong.push(`${name}: another actor is harmed`);
}

/** What cannot be written must not throw either. */
function both(one: pul.Logger, other: pul.Logger): pul.Logger {
  const at = (level: "debug" | "info" | "warn" | "error") => (text: string, fields?: object) => {
    one[level](text, { ...fields });
    other[level](text, { ...fields });
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function complaints(): number {
  return recorder.lines.filter(([level]) => level === "warn" || level === "error").length;
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

async function takeOne(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream) break;
}

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error("given up")) };
}

/** Lets time pass until a promise has settled. */
async function pumped<T>(promise: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => void (isOver = true);
  promise.then(over, over);
  while (!isOver) await clock.advance(10);
  return await promise;
}
