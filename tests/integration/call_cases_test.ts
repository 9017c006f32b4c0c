/** Single cases of calls: AC-09, AC-18, AC-19, AC-21, AC-32, cases 16, 17 and 25, and $with. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { ManualNodes } from "./manual_nodes.ts";

class Counter {
  value = 0;
  readonly name = "alice";
  readonly age = 42;
  readonly log: unknown[] = [];
  _secret = "hidden";

  get isAdult(): boolean {
    return this.age >= 18;
  }
  incr(by = 1): number {
    return this.value += by;
  }
  async incrLater(): Promise<number> {
    await Promise.resolve();
    return ++this.value;
  }
  get(): number {
    return this.value;
  }
  note(value: unknown): void {
    this.log.push(value);
  }
  heard(): unknown[] {
    return [...this.log];
  }
  give(what: keyof typeof STRANGE): unknown {
    this.log.push(what);
    return STRANGE[what]();
  }
  async giveLater(what: keyof typeof STRANGE): Promise<unknown> {
    await Promise.resolve();
    return this.give(what);
  }
  later(delayMs: number, value: unknown): void {
    timers.push(pul.context().delayed(delayMs).note!(value));
  }
  left(): number | undefined {
    return pul.context().deadlineMs;
  }
  header(name: string): string | undefined {
    return pul.context().headers[name];
  }
}

const timers: { cancel(): void }[] = [];

/** Values that no other node can have. */
const STRANGE = {
  function: () => () => 1,
  symbol: () => Symbol("x"),
  nested: () => ({ list: [1, { deep: () => 1 }] }),
  url: () => new URL("https://example.org/"),
} as const;

for (const distance of ["local", "remote"] as const) {
  const subject = async () => {
    const nodes = await ManualNodes.listening(2);
    const cell = await nodes.at(1).spawn(Counter, "actors/counter");
    const ref = distance === "local" ? cell.ref : nodes.at(0).refTo(cell);
    const dispose = () => nodes[Symbol.asyncDispose]();
    return { nodes, cell, ref, counter: ref.asType(Counter), [Symbol.asyncDispose]: dispose };
  };

  test(`AC-09 50 concurrent increments give 50, 50 tasks of 10 give 500 more (${distance})`, async () => {
    await using at = await subject();
    const answers = await at.nodes.now(
      Promise.all(Array.from({ length: 50 }, () => at.counter.incr())),
    );
    assert.deepEqual(answers, Array.from({ length: 50 }, (_, n) => n + 1));
    const tenTimes = async (_: unknown, task: number) => {
      for (let n = 0; n < 10; n++) await (task % 2 ? at.counter.incr() : at.counter.incrLater());
    };
    await at.nodes.now(Promise.all(Array.from({ length: 50 }, tenTimes)));
    assert.equal(await at.nodes.now(at.counter.get()), 550);
  });

  test(`AC-18 raw calls of no public method are errors and the actor lives (${distance})`, async () => {
    await using at = await subject();
    for (const __call__ of ["", "_secret", "missing", "constructor", "__proto__", undefined, 7]) {
      const error = await at.nodes.failure(at.ref.ask({ __call__, args: [] }));
      assert.ok(pul.isPulsingError(error, "method-not-found"), `${__call__}: ${error}`);
    }
    for (const method of ["", "_secret", "missing", "$other"]) {
      const error = await at.nodes.failure(at.ref.target.ask(method, []));
      assert.ok(pul.isPulsingError(error, "method-not-found"), `${method}: ${error}`);
    }
    assert.equal(await at.nodes.now(at.counter.incr()), 1);
  });

  test(`AC-19 awaiting a name of an untyped proxy reads the attribute (${distance})`, async () => {
    await using at = await subject();
    const loose = at.ref.asAny();
    assert.equal(await at.nodes.now(loose.name), "alice");
    assert.equal(await at.nodes.now(loose.age), 42);
    assert.equal(await at.nodes.now(loose.isAdult), true);
    assert.equal(await at.nodes.now(loose.age!()), 42);
    const missing = await at.nodes.failure(loose.nothing);
    assert.ok(pul.isPulsingError(missing, "method-not-found"), String(missing));
    assert.throws(() => loose._secret, /private/);
  });

  test(`AC-32 two tells and an ask are handled in their order (${distance})`, async () => {
    await using at = await subject();
    void at.ref.tell({ __call__: "incr", args: [2] });
    void at.ref.tell({ __call__: "incr", args: [3] });
    assert.equal(await at.nodes.now(at.counter.get()), 5);
  });

  test(`case 25 stop: the running call is answered, queued and late ones fail (${distance})`, async () => {
    await using at = await subject();
    const gate = Promise.withResolvers<string>();
    const cell = await at.nodes.at(1).spawnReceiver({
      receive: (message) => message === "run" ? gate.promise : message,
    });
    const ref = distance === "local" ? cell.ref : at.nodes.at(0).refTo(cell);
    const running = ref.ask("run");
    await at.nodes.clock.settle();
    const queued = [ref.ask(1), ref.ask(2)].map((ask) => ask.catch((error: unknown) => error));
    await at.nodes.clock.settle();
    const stopped = cell.stop();
    const late = ref.ask("late").catch((error: unknown) => error);
    const refused = await at.nodes.now(Promise.all([...queued, late]));
    for (const error of refused) {
      assert.ok(pul.isPulsingError(error, "actor-stopped") && error.retryable, String(error));
    }
    gate.resolve("done");
    assert.equal(await at.nodes.now(running), "done");
    await at.nodes.now(stopped);
    assert.equal(at.nodes.at(1).node.deadLetters.count, 3);
  });

  test(`case 25 a call that outlives shutdownTimeoutMs is interrupted, the stop ends (${distance})`, async () => {
    await using at = await subject();
    const cell = await at.nodes.at(1).spawnReceiver({ receive: () => new Promise(() => {}) });
    const ref = distance === "local" ? cell.ref : at.nodes.at(0).refTo(cell);
    const running = ref.ask("run").catch((error: unknown) => error);
    await at.nodes.clock.settle();
    const stopped = cell.stop();
    await at.nodes.clock.advance(5_000);
    const error = await at.nodes.now(running);
    assert.ok(pul.isPulsingError(error, "call-interrupted") && error.retryable, String(error));
    await at.nodes.now(stopped);
  });

  test(`$with merges: later options win, earlier ones stay, the proxy is not changed (${distance})`, async () => {
    await using at = await subject();
    const controller = new AbortController();
    const one = at.counter.$with({ timeoutMs: 50, headers: { a: "1" } });
    const two = one.$with({ timeoutMs: 80 }).$with({ signal: controller.signal });
    assert.equal(await at.nodes.now(one.left()), 50);
    assert.equal(await at.nodes.now(two.left()), 80);
    assert.equal(await at.nodes.now(two.header("a")), "1");
    assert.equal(await at.nodes.now(two.$with({ headers: { b: "2" } }).header("a")), undefined);
    assert.equal(await at.nodes.now(two.$any().left!()), 80);
    assert.equal(await at.nodes.now(two.$as(Counter).left()), 80);
    assert.equal(await at.nodes.now(two.$with({ timeoutMs: Infinity }).left()), undefined);
    assert.equal(await at.nodes.now(at.counter.left()), undefined);
    controller.abort(new Error("enough"));
    assert.match((await at.nodes.failure(two.left())).message, /enough/);
    assert.equal(await at.nodes.now(one.left()), 50);
  });
}

for (const method of ["give", "giveLater"] as const) {
  test(`case 16 a reply that cannot be encoded fails that call only, though "${method}" has run`, async () => {
    const nodes = await ManualNodes.listening(2);
    await using _ = nodes;
    const cell = await nodes.at(1).spawn(Counter);
    const counter = nodes.at(0).refTo(cell).asType(Counter);
    const others = [counter.incr(), counter.incr()];
    for (const what of Object.keys(STRANGE) as (keyof typeof STRANGE)[]) {
      const error = await nodes.failure(counter[method](what));
      assert.ok(pul.isPulsingError(error, "not-encodable"), `${what}: ${error}`);
    }
    assert.deepEqual(await nodes.now(Promise.all(others)), [1, 2]);
    assert.deepEqual(await nodes.now(counter.heard()), Object.keys(STRANGE));
    assert.deepEqual(nodes.nodes.map(({ pendingCount }) => pendingCount), [0, 0]);
  });
}

test("case 17 an argument that cannot be encoded fails that call only, and nothing is sent", async () => {
  const nodes = await ManualNodes.listening(2);
  await using _ = nodes;
  const cell = await nodes.at(1).spawn(Counter);
  const ref = nodes.at(0).refTo(cell);
  const counter = ref.asType(Counter);
  for (const warm of ["the first call", "a later call"]) {
    for (const [what, make] of Object.entries(STRANGE)) {
      const other = counter.incr();
      const error = await nodes.failure(counter.note(make()));
      assert.ok(pul.isPulsingError(error, "not-encodable"), `${what} in ${warm}: ${error}`);
      const told = await nodes.failure(ref.tell({ __call__: "note", args: [make()] }));
      assert.ok(pul.isPulsingError(told, "not-encodable"), `${what} in ${warm}: ${told}`);
      assert.equal(typeof await nodes.now(other), "number");
    }
  }
  assert.deepEqual(await nodes.now(counter.heard()), []);
  assert.deepEqual(nodes.nodes.map(({ pendingCount }) => pendingCount), [0, 0]);
});

test("AC-21 delayed calls come at their time, in its order, cancelled ones never", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  const cell = await nodes.at(0).spawn(Counter);
  const counter = cell.ref.asType(Counter);
  for (const [delayMs, value] of [[50, "x"], [20, "y"], [50, "z"], [50, "cancelled"], [0, "now"]]) {
    await nodes.now(counter.later(delayMs as number, value));
  }
  timers[3]?.cancel();
  timers[3]?.cancel();
  assert.deepEqual(await nodes.now(counter.heard()), []);
  await nodes.clock.advance(0);
  assert.deepEqual(await nodes.now(counter.heard()), ["now"]);
  await nodes.clock.advance(49);
  assert.deepEqual(await nodes.now(counter.heard()), ["now", "y"]);
  await nodes.clock.advance(51);
  assert.deepEqual(await nodes.now(counter.heard()), ["now", "y", "x", "z"]);
  await nodes.now(counter.later(10, "never"));
  await nodes.now(cell.stop());
  assert.equal(nodes.clock.pendingTimers, 0);
  for (const timer of timers.splice(0)) timer.cancel();
});

for (const timeoutMs of [2 ** 31, 2 ** 53, 1e20, Number.MAX_VALUE]) {
  test(`a timeout of ${timeoutMs} ms is as good as none, and harms no link`, async () => {
    const network = new pul.MemoryNetwork(pul.systemClock);
    const common = { addr: "127.0.0.1:0", transport: pul.memory(network) };
    await using server = await pul.actorSystem(common);
    await using client = await pul.actorSystem({ ...common, seeds: [server.addr!] });
    await server.spawnClass(Counter, { name: "counter" });
    const ref = await client.resolve("counter", { timeoutMs: 5_000 });
    const counter = ref.asType(Counter).$with({ timeoutMs });
    assert.deepEqual([await counter.incr(), await counter.incrLater()], [1, 2]);
  });
}

test("options of tells are checked like those of asks, at once", async () => {
  await using system = await pul.actorSystem();
  const ref = await system.spawn({ receive: () => 1 });
  const odd: readonly object[] = [{ timeout: 1 }, { signal: {} }, { traceparent: 5 }, {
    headers: { n: 1 },
  }];
  for (const options of odd) {
    assert.throws(() => void ref.tell(1, options), TypeError);
    assert.throws(() => void ref.ask(1, options), TypeError);
    assert.throws(() => void ref.asAny().$with(options), TypeError);
  }
});
