/** Behaviours: state, actions, replies, faults, and one recipe for many actors. */

import assert from "node:assert/strict";
import {
  become,
  Behavior,
  type BehaviorContext,
  next,
  same,
  stateful,
  stateless,
  stop,
} from "../../../lib/actor/behavior.ts";
import * as pul from "../../../mod.ts";
import { eventually, test } from "../../harness.ts";

/** Spawns a behaviour the way a spawner does: what runs it is made at each start. */
function spawn<M>(
  system: pul.ActorSystem,
  behavior: Behavior<M>,
  options: pul.SpawnOptions = {},
): Promise<pul.ActorRef> {
  return system.spawn(behavior, options);
}

const counter = (init: number) =>
  stateful(init, (count, n: number, ctx) => {
    ctx.reply(count + n);
    return next(count + n);
  });

test("stateful keeps its state from message to message", async () => {
  await using system = await pul.actorSystem();
  const ref = await spawn(system, counter(10), { name: "counter" });
  await ref.tell(1);
  await ref.tell(2);
  assert.equal(await ref.ask(3), 16);
});

test("one behaviour spawned twice has two states", async () => {
  await using system = await pul.actorSystem();
  const behavior = counter(0);
  const [one, other] = [await spawn(system, behavior), await spawn(system, behavior)];
  assert.equal(await one.ask(5), 5);
  assert.equal(await other.ask(1), 1);
});

const MUTABLE: Readonly<Record<string, () => Map<string, unknown>>> = {
  "a map": () => new Map([["list", []]]),
  "a map with a cycle": () => {
    const map = new Map<string, unknown>([["list", []]]);
    return map.set("self", map);
  },
};

for (const [what, make] of Object.entries(MUTABLE)) {
  test(`actors of one behaviour do not share ${what} that is changed in place`, async () => {
    await using system = await pul.actorSystem();
    const init = make();
    const behavior = stateful(init, (state, item: unknown, ctx) => {
      const list = state.get("list") as unknown[];
      ctx.reply(list.push(item));
      return same;
    });
    (init.get("list") as unknown[]).push("changed after it was given");
    const [one, other] = [await spawn(system, behavior), await spawn(system, behavior)];
    assert.equal(await one.ask("a"), 1);
    assert.equal(await one.ask("b"), 2);
    assert.equal(await other.ask("a"), 1);
  });
}

test("the copy of a first state keeps dates, sets, buffers and what is no plain data", async () => {
  await using system = await pul.actorSystem();
  const ref = await spawn(system, stateless(() => same));
  const run = () => 1;
  const init = { at: new Date(5), set: new Set([[1]]), bytes: Uint8Array.of(1), ref, run, n: [,] };
  const behavior = stateful(init, (state, _message: unknown, ctx) => {
    ctx.reply([state]);
    return same;
  });
  const [[one], [other]] = await Promise.all(
    [1, 2].map(async () => await (await spawn(system, behavior)).ask(0) as [typeof init]),
  ) as [[typeof init], [typeof init]];
  assert.deepEqual(one, init);
  assert.equal(one.ref, ref);
  assert.equal(one.run, run);
  assert.notEqual(one, other);
  for (const key of ["at", "set", "bytes", "n"] as const) assert.notEqual(one[key], other[key]);
  assert.notEqual([...one.set][0], [...other.set][0]);
});

test("a function makes the first state of each actor", async () => {
  class Tally {
    count = 0;
  }
  await using system = await pul.actorSystem();
  const behavior = stateful(() => new Tally(), (tally, n: number, ctx) => {
    ctx.reply(tally.count += n);
    return same;
  });
  const [one, other] = [await spawn(system, behavior), await spawn(system, behavior)];
  assert.equal(await one.ask(2), 2);
  assert.equal(await other.ask(1), 1);
  assert.throws(() => stateful(new Tally(), () => same), /an instance of Tally, pass a function/);
});

test("a restarted actor begins with the first state of its behaviour", async () => {
  await using system = await pul.actorSystem({ logger: pul.silentLogger });
  const behavior = stateful(1, (count, message: string, ctx) => {
    if (message === "fail") throw new Error("failed");
    ctx.reply(count);
    return message === "become" ? become(stateless(() => stop())) : next(count + 1);
  });
  const ref = await spawn(system, behavior, {
    name: "counter",
    restartPolicy: "on-failure",
    minBackoffMs: 0,
  });
  assert.equal(await ref.ask("look"), 1);
  assert.equal(await ref.ask("look"), 2);
  await assert.rejects(ref.ask("fail"), /failed/);
  assert.equal(await ref.ask("look"), 1);
});

test("without a reply the answer is undefined", async () => {
  await using system = await pul.actorSystem();
  assert.equal(await (await spawn(system, stateless(() => same))).ask(1), undefined);
});

test("a reply may be undefined, a promise or a generator", async () => {
  await using system = await pul.actorSystem();
  const ref = await spawn(
    system,
    stateless((message: string, ctx) => {
      if (message === "promise") ctx.reply(Promise.resolve(7));
      else if (message === "stream") ctx.reply([1, 2][Symbol.iterator]());
      else ctx.reply(undefined);
      return same;
    }),
  );
  assert.equal(await ref.ask("promise"), 7);
  assert.equal(await ref.ask("undefined"), undefined);
  const stream = await ref.ask("stream");
  assert.ok(stream instanceof pul.ReplyStream);
  assert.deepEqual(await Array.fromAsync(stream), [1, 2]);
});

for (const form of ["sync", "async"] as const) {
  const later = async <T>(value: T) => await value;
  const run = <T>(value: T): T | Promise<T> => form === "sync" ? value : later(value);

  test(`${form}: a second reply is a TypeError of that call`, async () => {
    await using system = await pul.actorSystem();
    const ref = await spawn(
      system,
      stateless((message: string, ctx) => {
        ctx.reply("first");
        if (message === "twice") ctx.reply("second");
        return run(same);
      }),
    );
    await assert.rejects(ref.ask("twice"), {
      errorName: "TypeError",
      message: /its reply already/,
    });
    assert.equal(await ref.ask("once"), "first");
  });

  test(`${form}: a reply after the message is done is a TypeError`, async () => {
    await using system = await pul.actorSystem();
    const contexts: BehaviorContext[] = [];
    const behavior = stateless((message: string, ctx) => {
      contexts.push(ctx);
      if (message === "fail") throw new Error("failed");
      return run(same);
    });
    const ref = await spawn(system, behavior);
    await ref.ask("go");
    await assert.rejects(ref.ask("fail"), /failed/);
    assert.equal(contexts.length, 2);
    for (const context of contexts) assert.throws(() => context.reply(1), TypeError);
  });

  test(`${form}: a throw is the caller's error and keeps the state`, async () => {
    await using system = await pul.actorSystem();
    const behavior = stateful(1, (count, message: string, ctx) => {
      ctx.reply(count);
      if (message === "fail") {
        if (form === "sync") throw new RangeError("too far");
        return Promise.reject(new RangeError("too far"));
      }
      return run(next(count + 1));
    });
    const ref = await spawn(system, behavior);
    assert.equal(await ref.ask("go"), 1);
    await assert.rejects(ref.ask("fail"), { errorName: "RangeError", message: /too far/ });
    assert.equal(await ref.ask("go"), 2);
  });

  test(`${form}: what is no action is a TypeError of that call and keeps the state`, async () => {
    await using system = await pul.actorSystem();
    const garbage: readonly unknown[] = [undefined, null, 7, "same", { kind: "same" }, same.kind];
    const behavior = stateful(1, (count, message: unknown, ctx) => {
      ctx.reply(count);
      return run(message === "go" ? next(count + 1) : garbage[Number(message)] as typeof same);
    });
    const ref = await spawn(system, behavior);
    for (const index of garbage.keys()) {
      await assert.rejects(ref.ask(index), { errorName: "TypeError", message: /return "same"/ });
    }
    assert.equal(await ref.ask("go"), 1);
    assert.equal(await ref.ask("go"), 2);
  });

  test(`${form}: become takes effect with the next message, from its first state`, async () => {
    await using system = await pul.actorSystem();
    const other: Behavior<string> = stateful(0, (count, message, ctx) => {
      ctx.reply(`other ${count}`);
      return run(message === "switch" ? become(first) : next(count + 1));
    });
    const first: Behavior<string> = stateless((message, ctx) => {
      ctx.reply("first");
      return run(message === "switch" ? become(other) : same);
    });
    const ref = await spawn(system, first);
    const answers: unknown[] = [];
    for (const message of ["a", "switch", "b", "c", "switch", "d", "switch", "e"]) {
      answers.push(await ref.ask(message));
    }
    assert.deepEqual(answers, [
      "first",
      "first",
      "other 0",
      "other 1",
      "other 2",
      "first",
      "first",
      "other 0",
    ]);
  });

  test(`${form}: stop answers its message, refuses later ones and frees the name`, async () => {
    await using system = await pul.actorSystem();
    const behavior = stateless((message: string, ctx) => {
      ctx.reply(`heard ${message}`);
      return run(message === "stop" ? stop("enough") : same);
    });
    const ref = await spawn(system, behavior, { name: "once" });
    assert.equal(await ref.ask("go"), "heard go");
    const [last, late] = await Promise.allSettled([ref.ask("stop"), ref.ask("late")]);
    assert.deepEqual(last, { status: "fulfilled", value: "heard stop" });
    assert.equal(late.status, "rejected");
    await assert.rejects(ref.ask("later"), { kind: "actor-stopped" });
    await eventually(
      () => spawn(system, behavior, { name: "once" }).then(() => true, () => false),
      {
        what: "the name",
      },
    );
  });
}

test("an async function keeps the next message waiting", async () => {
  await using system = await pul.actorSystem();
  const gate = Promise.withResolvers<void>();
  const log: number[] = [];
  const ref = await spawn(
    system,
    stateful(0, async (count, n: number) => {
      log.push(n);
      if (n === 1) await gate.promise;
      log.push(-n);
      return next(count + n);
    }),
  );
  const both = [ref.ask(1), ref.ask(2)];
  await eventually(() => log.length > 0, { what: "the first message" });
  gate.resolve();
  await Promise.all(both);
  assert.deepEqual(log, [1, -1, 2, -2]);
});

test("the context of a behaviour is that of its actor", async () => {
  await using system = await pul.actorSystem();
  const ref = await spawn(
    system,
    stateless(async (message: unknown, ctx) => {
      const { path, id, nodeId, signal } = ctx;
      assert.ok(signal instanceof AbortSignal);
      assert.equal(ctx.system, system);
      if (message === "spawn") {
        const child = await ctx.spawn(counter(1));
        ctx.reply(await child.ask(1));
      } else ctx.reply({ path, id, nodeId, self: ctx.self.actorId });
      return same;
    }),
    { name: "own" },
  );
  const { actorId: id, nodeId } = ref;
  assert.deepEqual(await ref.ask(0), { path: "actors/own", id, nodeId, self: id });
  assert.equal(await ref.ask("spawn"), 2);
});

test("a method call on a proxy reaches a behaviour as its flat message", async () => {
  await using system = await pul.actorSystem();
  const ref = await spawn(
    system,
    stateless((message: pul.CallMessage, ctx) => {
      ctx.reply([message.__call__, ...message.args]);
      return same;
    }),
  );
  assert.deepEqual(await ref.asAny().incr?.(2), ["incr", 2]);
});

test("a behaviour itself refuses messages, and become refuses what is none", () => {
  const behavior: pul.Receiver = counter(0);
  const context = {} as pul.CellContext;
  assert.throws(() => behavior.receive(1, context), /Cannot run behavior: it is a recipe/);
  assert.throws(() => become({} as Behavior), TypeError);
});

test("next in a behaviour without state is a TypeError of that call", async () => {
  await using system = await pul.actorSystem();
  const behavior = stateless((() => next(1)) as unknown as () => typeof same);
  await assert.rejects((await spawn(system, behavior)).ask(1), { errorName: "TypeError" });
});

test("types: actions fit the state and the messages of their behaviour", () => {
  const numbers: Behavior<number> = counter(0);
  const anything: Behavior<unknown> = stateless(() => same);
  const alsoNumbers: Behavior<number> = anything;
  // @ts-expect-error -- one that takes numbers does not take everything
  const wrong: Behavior<unknown> = numbers;
  stateful<number, string>(0, () => become(anything));
  // @ts-expect-error -- the next state is a number
  stateful<number, string>(0, () => next("text"));
  // @ts-expect-error -- its next messages are texts
  stateful<number, string>(0, () => become(numbers));
  // @ts-expect-error -- it has no state
  stateless<string>(() => next(1));
  assert.ok(alsoNumbers instanceof Behavior && wrong instanceof Behavior);
});
