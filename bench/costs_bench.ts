/**
 * What do supervision, watching, deadlines and interceptors cost, compared with a bare mailbox?
 *
 * @module
 */

import { BareMailbox } from "./bare_mailbox.ts";
import { compare, type Comparison, expectCount, oneAtATime, report, type Row } from "./harness.ts";
import * as pul from "../mod.ts";

const ASKS = 5_000;
const LIVES = 500;

class Echo {
  echo(value: number) {
    return value;
  }
  async hop(next: pul.ActorProxy<Echo>, value: number) {
    return await next.echo(value);
  }
  fail() {
    throw new Error("on purpose");
  }
}

class Watching {
  notices = 0;
  watch(actor: object) {
    pul.context().watch(actor);
  }
  onTerminated() {
    this.notices++;
  }
  count() {
    return this.notices;
  }
}

const RemoteEcho = pul.remote(Echo);
const { silentLogger: logger } = pul;
await using system = await pul.actorSystem({ logger });
await using intercepted = await pul.actorSystem({ logger });
using _ = intercepted.use((_call, next) => next());
const bare = new BareMailbox((message) => message);
const plain = await RemoteEcho.spawn({ system });
const supervised = await RemoteEcho.spawn({ system, restartPolicy: "on-failure" });
const behind = await RemoteEcho.spawn({ system: intercepted });
const watching = await system.spawnClass(Watching);
const timed = plain.$with({ timeoutMs: 60_000 });
const aborted = plain.$with({ signal: new AbortController().signal });

report(
  "costs",
  await compare([
    asks("ask", (value) => plain.echo(value)),
    asks("ask of a supervised actor", (value) => supervised.echo(value)),
    asks("ask with a deadline", (value) => timed.echo(value)),
    asks("ask with a signal", (value) => aborted.echo(value)),
    asks("ask over one hop", (value) => plain.hop(supervised, value)),
    asks("ask over one hop, with a deadline", (value) => timed.hop(supervised, value)),
    asks("ask through one interceptor", (value) => behind.echo(value)),
    { control: bareLives(), measured: lives("spawn and stop", () => {}) },
    { control: bareLives(), measured: lives("spawn supervised and stop", () => {}, "on-failure") },
    { control: bareLives(), measured: watchedLives() },
    { control: bareLives(), measured: restarts() },
  ]),
);

function asks(name: string, ask: (value: number) => Promise<number>): Comparison {
  return {
    control: { name: "bare mailbox", run: () => oneAtATime(ASKS, (value) => bare.ask(value)) },
    measured: { name, run: () => oneAtATime(ASKS, ask) },
  };
}

function bareLives(): Row {
  return {
    name: "instance, mailbox, Map entry, two promises",
    async run() {
      const registry = new Map<string, BareMailbox>();
      for (let made = 0; made < LIVES; made++) {
        const id = crypto.randomUUID();
        await new Promise<void>((resolve) => {
          const instance = new Echo();
          registry.set(id, new BareMailbox((message) => instance.echo(message)));
          resolve();
        });
        await new Promise<boolean>((resolve) => resolve(registry.delete(id)));
      }
      expectCount(registry.size, 0);
      return LIVES;
    },
  };
}

function lives(
  name: string,
  use: (echo: pul.ActorProxy<Echo>) => unknown,
  restartPolicy: pul.RestartPolicy = "never",
): Row {
  return {
    name,
    async run() {
      for (let made = 0; made < LIVES; made++) {
        const echo = await RemoteEcho.spawn({ system, restartPolicy });
        await use(echo);
        await system.stop(echo.$ref.actorId);
      }
      return LIVES;
    },
  };
}

function watchedLives(): Row {
  const { name, run } = lives("spawn, watch, stop, notice", (echo) => watching.watch(echo));
  return {
    name,
    async run(record) {
      const before = await watching.count();
      const done = await run(record);
      expectCount(await watching.count() - before, LIVES);
      return done;
    },
  };
}

/** Failures one after the other: the new instance is there when the next call is answered. */
function restarts(): Row {
  return {
    name: "fail, restart, answer",
    async run() {
      const echo = await RemoteEcho.spawn({
        system,
        restartPolicy: "on-failure",
        maxRestarts: Infinity,
        minBackoffMs: 0,
        maxBackoffMs: 0,
      });
      for (let made = 0; made < LIVES / 10; made++) {
        await echo.fail().catch(() => {});
        expectCount(await echo.echo(made), made);
      }
      await system.stop(echo.$ref.actorId);
      return LIVES / 10;
    },
  };
}
