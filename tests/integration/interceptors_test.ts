/** What stands around calls: order, changes, refusals, and what interceptors do wrong. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { recordingLogger } from "../leak/bare_node.ts";
import { type ManualNode, ManualNodes } from "./manual_nodes.ts";

class Subject {
  static starts = 0;
  readonly log: unknown[] = [];

  constructor() {
    Subject.starts++;
  }

  echo(value: unknown): unknown {
    this.log.push(value);
    return value;
  }
  async echoLater(value: unknown): Promise<unknown> {
    await Promise.resolve();
    return this.echo(value);
  }
  header(name: string): string | undefined {
    return pul.context().headers[name];
  }
  fail(message: string): never {
    throw new TypeError(message);
  }
  async failLater(message: string): Promise<never> {
    await Promise.resolve();
    throw new TypeError(message);
  }
  *count(to: number): Generator<number> {
    for (let n = 0; n < to; n++) yield n;
  }
  heard(): unknown[] {
    return [...this.log];
  }
  starts(): number {
    return Subject.starts;
  }
}

type Options = Parameters<ManualNode["spawn"]>[2];

/** A subject on its own node or on another one; `here` sends, `there` handles. */
async function subject(distance: "local" | "remote", options: Options = {}) {
  const logger = recordingLogger();
  const nodes = await ManualNodes.listening(2, { logger });
  const there = nodes.at(1);
  const here = distance === "local" ? there : nodes.at(0);
  const cell = await there.spawn(Subject, "actors/subject", options);
  const ref = distance === "local" ? cell.ref : here.refTo(cell);
  const dispose = () => nodes[Symbol.asyncDispose]();
  const proxy = ref.asType(Subject);
  return { nodes, here, there, cell, ref, proxy, logger, [Symbol.asyncDispose]: dispose };
}

/** Stands around the calls of one direction only; a call on one node is both. */
function only(
  direction: pul.InterceptedCall["direction"],
  interceptor: pul.Interceptor,
): pul.Interceptor {
  return (call, next) => call.direction === direction ? interceptor(call, next) : next();
}

function use(node: ManualNode, interceptor: pul.Interceptor): Disposable {
  return node.node.intercept(interceptor);
}

for (const distance of ["local", "remote"] as const) {
  test(`interceptors: the first is outermost, of the sender before those of the actor (${distance})`, async () => {
    await using at = await subject(distance);
    const steps: string[] = [];
    const noting = (name: string): pul.Interceptor => async (call, next) => {
      steps.push(`${name} ${call.direction}`);
      const answer = await next();
      steps.push(`${name} ${call.direction} over`);
      return answer;
    };
    for (const name of ["one", "two"]) use(at.there, only("incoming", noting(name)));
    for (const name of ["one", "two"]) use(at.here, only("outgoing", noting(name)));
    assert.equal(await at.nodes.now(at.proxy.echo(1)), 1);
    const down = ["one outgoing", "two outgoing", "one incoming", "two incoming"];
    assert.deepEqual(steps, [...down, ...down.toReversed().map((step) => `${step} over`)]);
  });

  test(`interceptors see who is called, by whom, how and with what (${distance})`, async () => {
    await using at = await subject(distance);
    const seen: pul.InterceptedCall[] = [];
    const callers: unknown[] = [];
    const see: pul.Interceptor = (call, next) => {
      seen.push(call);
      if (call.actorId === at.cell.actorId) callers.push(call.caller?.actorId);
      return next();
    };
    use(at.there, see);
    if (distance === "remote") use(at.here, see);
    class Caller {
      async work(to: pul.ActorRef): Promise<void> {
        await to.asType(Subject).$with({ headers: { a: "1" } }).echo(7);
        await to.tell({ __call__: "echo", args: [8] });
      }
    }
    const caller = await at.here.spawn(Caller);
    await at.nodes.now(caller.ref.asType(Caller).work(at.ref));
    await at.nodes.clock.settle();
    const calls = seen.filter(({ actorId }) => actorId === at.cell.actorId);
    const directions = calls.map(({ direction }) => direction).sort();
    assert.deepEqual(directions, ["incoming", "incoming", "outgoing", "outgoing"]);
    const traces = new Set(calls.map(({ traceparent }) => traceparent.slice(0, 36)));
    assert.equal(traces.size, 1);
    for (const call of calls) {
      assert.deepEqual([call.actor, call.nodeId], ["actors/subject", at.cell.nodeId]);
    }
    assert.deepEqual(callers, new Array(4).fill(caller.actorId));
    const [ask] = calls.filter(({ kind }) => kind === "ask");
    assert.deepEqual([ask?.method, ask?.payload], ["echo", [7]]);
    assert.deepEqual({ ...ask?.headers }, { a: "1" });
  });

  for (const direction of ["outgoing", "incoming"] as const) {
    const node = (at: { here: ManualNode; there: ManualNode }) =>
      direction === "outgoing" ? at.here : at.there;

    test(`interceptors change the payload (${direction}, ${distance})`, async () => {
      await using at = await subject(distance);
      const doubled: pul.Interceptor = (call, next) => {
        const [n] = call.payload as [number];
        return next({ payload: [n * 2] });
      };
      use(node(at), only(direction, doubled));
      use(node(at), only(direction, doubled));
      assert.equal(await at.nodes.now(at.proxy.echo(3)), 12);
      assert.equal(await at.nodes.now(at.proxy.echoLater(3)), 12);
      const items = at.nodes.now(Array.fromAsync(at.proxy.count(1)));
      assert.deepEqual(await items, [0, 1, 2, 3]);
    });

    test(`interceptors answer without the actor, and change answers (${direction}, ${distance})`, async () => {
      await using at = await subject(distance);
      use(
        node(at),
        only(direction, async (call, next) => {
          if (call.method === "echo") return "cached";
          return `<${await next()}>`;
        }),
      );
      assert.equal(await at.nodes.now(at.proxy.echo(1)), "cached");
      assert.equal(await at.nodes.now(at.proxy.echoLater(2)), "<2>");
      assert.deepEqual(at.cell.mailboxLength, 0);
    });

    test(`interceptors refuse: the caller's error, no restart, the actor lives (${direction}, ${distance})`, async () => {
      await using at = await subject(distance, { restartPolicy: "on-failure", name: "s" });
      const refusal = use(
        node(at),
        only(direction, (call, next) => {
          if (call.headers.token !== "secret") throw new pul.PulsingBusinessError(401, "no token");
          return next();
        }),
      );
      for (const call of [() => at.proxy.echo(1), () => at.proxy.echoLater(1)]) {
        const error = await at.nodes.failure(call());
        assert.ok(error instanceof pul.PulsingBusinessError && error.code === 401, String(error));
      }
      await assert.rejects(
        at.nodes.now(Array.fromAsync(at.proxy.count(3))),
        pul.PulsingBusinessError,
      );
      const known = at.proxy.$with({ headers: { token: "secret" } });
      assert.equal(await at.nodes.now(known.echo(2)), 2);
      refusal[Symbol.dispose]();
      assert.deepEqual(await at.nodes.now(at.proxy.heard()), [2]);
      assert.equal(at.cell.restartCount, 0);
    });

    test(`interceptors around streams: as they are, replaced, and failed (${direction}, ${distance})`, async () => {
      await using at = await subject(distance);
      let answer: (stream: unknown) => unknown = (stream) => stream;
      use(node(at), only(direction, async (_call, next) => answer(await next())));
      const read = () => at.nodes.now(Array.fromAsync(at.proxy.count(3)));
      assert.deepEqual(await read(), [0, 1, 2]);
      answer = async function* (stream) {
        for await (const n of stream as AsyncIterable<number>) yield n * 10;
      };
      if (direction === "incoming") assert.deepEqual(await read(), [0, 10, 20]);
      answer = () => 5;
      await assert.rejects(read(), { kind: "unsupported" });
      answer = () => {
        throw new Error("not this one");
      };
      await assert.rejects(read(), /not this one/);
    });

    test(`interceptors around tells: seen, changed, held back (${direction}, ${distance})`, async () => {
      await using at = await subject(distance);
      use(
        node(at),
        only(direction, (call, next) => {
          if (call.kind !== "tell") return next();
          const [value] = call.payload as [unknown];
          if (value === "never") return undefined;
          return next({ payload: [`told ${value}`] });
        }),
      );
      const tell = (value: string) => at.proxy.$ref.target.tell("echo", [value]);
      await at.nodes.now(tell("a"));
      await at.nodes.now(tell("never"));
      await at.nodes.now(tell("b"));
      assert.deepEqual(await at.nodes.now(at.proxy.heard()), ["told a", "told b"]);
    });

    test(`an interceptor that calls next twice is told so; the actor has run once (${direction}, ${distance})`, async () => {
      await using at = await subject(distance, { restartPolicy: "on-failure", name: "s" });
      const twice = use(
        node(at),
        only(direction, async (_call, next) => {
          await next();
          return await next();
        }),
      );
      assert.match((await at.nodes.failure(at.proxy.echo(1))).message, /Cannot call next again/);
      twice[Symbol.dispose]();
      assert.deepEqual(await at.nodes.now(at.proxy.heard()), [1]);
      assert.equal(at.cell.restartCount, 0);
    });

    for (const kind of ["throws", "rejects", "gives arguments that are no list"] as const) {
      test(`an interceptor that ${kind} fails that call only (${direction}, ${distance})`, async () => {
        await using at = await subject(distance, { restartPolicy: "on-failure", name: "s" });
        const bad = use(
          node(at),
          only(direction, (_call, next) => {
            if (kind === "throws") throw new Error("interceptor broke");
            if (kind === "rejects") return Promise.reject(new Error("interceptor broke"));
            return next({ payload: "garbage" });
          }),
        );
        const error = await at.nodes.failure(at.proxy.echo(1));
        assert.match(error.message, /interceptor broke|Cannot change the arguments of "echo"/);
        bad[Symbol.dispose]();
        assert.equal(await at.nodes.now(at.proxy.echo(2)), 2);
        assert.equal(at.cell.restartCount, 0);
      });
    }

    test(`the actor's own throw restarts it behind interceptors too, and is its caller's error (${direction}, ${distance})`, async () => {
      for (const method of ["fail", "failLater"] as const) {
        await using at = await subject(distance, {
          restartPolicy: "on-failure",
          minBackoffMs: 1,
          maxBackoffMs: 1,
          name: "s",
        });
        use(node(at), only(direction, async (_call, next) => await next()));
        await at.nodes.now(at.proxy.echo("before"));
        const error = await at.nodes.failure(at.proxy[method]("the actor's own"));
        assert.ok(error instanceof pul.PulsingActorError, String(error));
        assert.deepEqual([error.message, error.errorName], ["the actor's own", "TypeError"]);
        await at.nodes.clock.advance(10);
        assert.equal(at.cell.restartCount, 1);
        assert.deepEqual(await at.nodes.now(at.proxy.heard()), []);
      }
    });
  }

  test(`headers go from interceptors of one side to those of the other and to the actor (${distance})`, async () => {
    await using at = await subject(distance);
    const seen: unknown[] = [];
    use(at.here, only("outgoing", (_call, next) => next({ headers: { added: "ä€𝄞", n: "1" } })));
    use(at.here, only("outgoing", (_call, next) => next({ headers: { n: "2" } })));
    use(
      at.there,
      only("incoming", (call, next) => {
        seen.push({ ...call.headers });
        return next();
      }),
    );
    const proxy = at.proxy.$with({ headers: { own: "x" } });
    assert.equal(await at.nodes.now(proxy.header("added")), "ä€𝄞");
    assert.deepEqual(seen, [{ own: "x", added: "ä€𝄞", n: "2" }]);
  });

  test(`an incoming interceptor that waits before next keeps the order of messages (${distance})`, async () => {
    for (const concurrency of ["interleaved", "sequential"] as const) {
      await using at = await subject(distance, { concurrency });
      const gates: (() => void)[] = [];
      use(
        at.there,
        only("incoming", async (call, next) => {
          const [value] = call.payload as [unknown];
          if (value === "slow") await new Promise<void>((resolve) => gates.push(resolve));
          return await next();
        }),
      );
      const calls = [at.proxy.echo("slow"), at.proxy.echo(1), at.proxy.echoLater(2)];
      await at.nodes.now(at.proxy.$ref.target.tell("echo", ["told"]));
      assert.ok(await at.nodes.isPending(Promise.race(calls)));
      assert.equal(gates.length, 1);
      gates[0]!();
      assert.deepEqual(await at.nodes.now(Promise.all(calls)), ["slow", 1, 2]);
      const heard = await at.nodes.now(at.proxy.heard());
      if (concurrency === "sequential") assert.deepEqual(heard, ["slow", 1, 2, "told"]);
      else assert.deepEqual(heard.slice(0, 2), ["slow", 1]);
    }
  });

  test(`an interceptor taken away leaves the calls under way theirs (${distance})`, async () => {
    await using at = await subject(distance);
    const gate = Promise.withResolvers<void>();
    const steps: unknown[] = [];
    const waiting: pul.Interceptor = async (call, next) => {
      await gate.promise;
      steps.push(call.direction);
      return `around ${await next()}`;
    };
    const uses = [...new Set([at.here, at.there])].map((node) => use(node, waiting));
    const call = at.proxy.echo(1);
    await at.nodes.clock.settle();
    for (const one of uses) one[Symbol.dispose]();
    for (const one of uses) one[Symbol.dispose]();
    assert.equal(at.there.node.interceptors, undefined);
    gate.resolve();
    assert.equal(await at.nodes.now(call), "around 1");
    assert.deepEqual(steps, ["outgoing"]);
    assert.equal(await at.nodes.now(at.proxy.echo(2)), 2);
  });

  test(`a call belongs to the actor that makes it though an interceptor waits before next (${distance})`, async () => {
    await using at = await subject(distance);
    const seen: unknown[] = [];
    use(
      at.here,
      only("outgoing", async (_call, next) => {
        await Promise.resolve();
        return await next();
      }),
    );
    class Callee {
      look(): void {
        const { caller, deadlineMs, traceparent } = pul.context();
        seen.push(caller?.actorId, deadlineMs, traceparent.slice(0, 36));
      }
    }
    const callee = await at.there.spawn(Callee);
    const toCallee = distance === "local" ? callee.ref : at.here.refTo(callee);
    class Caller {
      work(): Promise<void> {
        seen.push(pul.context().traceparent.slice(0, 36));
        return toCallee.asType(Callee).look();
      }
    }
    const caller = await at.here.spawn(Caller);
    await at.nodes.now(caller.ref.asType(Caller).$with({ timeoutMs: 100 }).work());
    assert.deepEqual(seen, [seen[0], caller.actorId, 100, seen[0]]);
  });

  test(`a malformed traceparent is none for interceptors either (${distance})`, async () => {
    await using at = await subject(distance);
    const seen: string[] = [];
    use(
      at.here,
      only("outgoing", (call, next) => {
        seen.push(call.traceparent);
        return next();
      }),
    );
    await at.nodes.now(at.proxy.$with({ traceparent: "nonsense" }).echo(1));
    assert.match(seen[0]!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });
}

test("headers above the bounds, or no texts, are refused at the call and harm no link", async () => {
  await using at = await subject("remote");
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`h${n}`, ""]));
  for (const headers of [many, { long: "x".repeat(70_000) }]) {
    assert.throws(() => at.proxy.$with({ headers }), RangeError);
  }
  for (const headers of [{ n: 1 }, [], "text", null, { nothing: undefined }]) {
    assert.throws(() => at.proxy.$with({ headers: headers as never }), TypeError);
  }
  const { h64: _, ...most } = many;
  assert.equal(await at.nodes.now(at.proxy.$with({ headers: most }).header("h63")), "");
  use(at.here, only("outgoing", (_call, next) => next({ headers: many })));
  const error = await at.nodes.failure(at.proxy.echo(1));
  assert.ok(error instanceof RangeError, String(error));
  assert.equal(at.here.links.all.length, 1);
});

test("headers with the names of Object's own arrive as texts and touch nothing", async () => {
  await using at = await subject("remote");
  const headers = JSON.parse('{"__proto__":"p","constructor":"c","toString":"t"}');
  const proxy = at.proxy.$with({ headers });
  for (const [name, text] of [["__proto__", "p"], ["constructor", "c"], ["toString", "t"]]) {
    assert.equal(await at.nodes.now(proxy.header(name!)), text);
  }
  assert.equal(
    await at.nodes.now(at.proxy.$with({ headers: { a: "" } }).header("toString")),
    undefined,
  );
  assert.equal(({} as Record<string, unknown>).p, undefined);
});
