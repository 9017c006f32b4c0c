/** Deadlines and aborts over several hops: cases 21 and 22, on a clock that stands still. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { CountedSignal } from "../leak/counted_signal.ts";
import { type ManualNode, ManualNodes } from "./manual_nodes.ts";

/** What the actors of one chain have seen, the first actor's first. */
class Trail {
  readonly deadlines: (number | undefined)[] = [];
  readonly aborts: [string, unknown][] = [];
  readonly done: string[] = [];

  /** The names of those that were aborted. */
  abortedNames(): readonly string[] {
    return this.aborts.map(([name]) => name).sort();
  }
}

class Hop {
  readonly #name: string;
  readonly #trail: Trail;
  readonly #next: pul.ActorRef | undefined;

  constructor(name: string, trail: Trail, next?: pul.ActorRef) {
    this.#name = name;
    this.#trail = trail;
    this.#next = next;
  }

  /** Goes to the end of the chain and waits there until it is aborted. */
  async pass(options: pul.CallOptions = {}): Promise<unknown> {
    const signal = this.#enter();
    if (this.#next !== undefined) {
      return await this.#next.asType(Hop).$with(options).pass();
    }
    return await new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  }

  /** As `pass`, and tidies up at the end of the chain when it is given up. */
  async passAndTidy(): Promise<unknown> {
    try {
      return await this.pass();
    } finally {
      await this.#next?.asType(Hop).note("tidy");
      this.#trail.done.push(`${this.#name} tidied`);
    }
  }

  /** Never ends, and hears of nothing. */
  deaf(): Promise<never> {
    this.#enter();
    return new Promise(() => {});
  }

  async *numbers(): AsyncGenerator<number> {
    const signal = this.#enter();
    try {
      if (this.#next !== undefined) {
        for await (const n of this.#next.asType(Hop).numbers()) yield n;
        return;
      }
      yield 1;
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    } finally {
      this.#trail.done.push(this.#name);
    }
  }

  /** A stream in the middle of which the next actor is asked. */
  async *askThen(gate: Promise<void>): AsyncGenerator<unknown> {
    yield pul.context().deadlineMs;
    await gate;
    yield await this.#next?.asType(Hop).left();
  }

  async left(): Promise<number | undefined> {
    await Promise.resolve();
    return pul.context().deadlineMs;
  }

  note(what: string): void {
    this.#trail.done.push(`${this.#name} ${what}`);
  }

  #enter(): AbortSignal {
    const { signal, deadlineMs } = pul.context();
    this.#trail.deadlines.push(deadlineMs);
    signal.addEventListener("abort", () => this.#trail.aborts.push([this.#name, signal.reason]));
    return signal;
  }
}

/** A on the first node, B on the second, C on the third; A is asked from its own node. */
async function chain() {
  const nodes = await ManualNodes.listening(3);
  const trail = new Trail();
  const [one, two, three] = [nodes.at(0), nodes.at(1), nodes.at(2)];
  const c = await three.spawn(Hop, "actors/c", { args: ["c", trail] });
  const b = await two.spawn(Hop, "actors/b", { args: ["b", trail, two.refTo(c)] });
  const a = await one.spawn(Hop, "actors/a", { args: ["a", trail, one.refTo(b)] });
  await linked(nodes, [one.refTo(b), two.refTo(c)]);
  const dispose = () => nodes[Symbol.asyncDispose]();
  const first = a.ref.asType(Hop);
  return { nodes, clock: nodes.clock, trail, a, b, c, first, [Symbol.asyncDispose]: dispose };
}

async function linked(nodes: ManualNodes, refs: readonly pul.ActorRef[]): Promise<void> {
  for (const ref of refs) await nodes.now(ref.asType(Hop).left());
}

/** The nodes have neither calls nor timers left but those of their idle links. */
async function assertQuiet(nodes: ManualNodes, timers: number): Promise<void> {
  await nodes.clock.settle();
  assert.deepEqual(nodes.nodes.map(({ pendingCount }) => pendingCount), nodes.nodes.map(() => 0));
  assert.equal(nodes.clock.pendingTimers, timers);
}

test("the first caller's budget holds over three hops, and shrinks on the way", async () => {
  await using at = await chain();
  const timers = at.clock.pendingTimers;
  const call = at.first.$with({ timeoutMs: 100 }).pass({ timeoutMs: 10_000 });
  call.catch(() => {});
  await at.clock.settle();
  assert.deepEqual(at.trail.deadlines, [100, 100, 100]);
  await at.clock.advance(99);
  assert.deepEqual(at.trail.abortedNames(), []);
  await at.clock.advance(1);
  const error = await at.nodes.failure(call);
  assert.ok(error instanceof pul.PulsingTimeoutError, String(error));
  assert.deepEqual([error.operation, error.durationMs], ["pass", 100]);
  assert.deepEqual(at.trail.abortedNames(), ["a", "b", "c"]);
  assert.ok(at.trail.aborts.every(([, reason]) => reason instanceof pul.PulsingTimeoutError));
  await assertQuiet(at.nodes, timers);
});

test("context().deadlineMs shrinks while a hop waits before it goes on", async () => {
  await using at = await chain();
  const gate = Promise.withResolvers<void>();
  class Slow {
    async left(next: pul.ActorRef): Promise<unknown> {
      await gate.promise;
      return [pul.context().deadlineMs, await next.asType(Hop).left()];
    }
  }
  const slow = (await at.nodes.at(0).spawn(Slow)).ref.asType(Slow);
  const call = slow.$with({ timeoutMs: 100 }).left(at.nodes.at(0).refTo(at.c));
  await at.clock.advance(60);
  gate.resolve();
  assert.deepEqual(await at.nodes.now(call), [40, 40]);
  assert.equal(await at.nodes.now(at.first.left()), undefined);
});

test("an inner timeout that is shorter wins, and the outer call goes on", async () => {
  await using at = await chain();
  const timers = at.clock.pendingTimers;
  const call = at.first.$with({ timeoutMs: 1_000 }).pass({ timeoutMs: 30 });
  call.catch(() => {});
  await at.clock.settle();
  assert.deepEqual(at.trail.deadlines, [1_000, 30, 30]);
  await at.clock.advance(30);
  const error = await at.nodes.failure(call);
  assert.ok(error instanceof pul.PulsingTimeoutError && error.durationMs === 30, String(error));
  assert.deepEqual(at.trail.abortedNames(), ["b", "c"]);
  await assertQuiet(at.nodes, timers);
});

test("abort by signal reaches the last hop with its reason, and nothing stays registered", async () => {
  await using at = await chain();
  const timers = at.clock.pendingTimers;
  const signal = new CountedSignal();
  const call = at.first.$with({ signal: signal.signal }).pass();
  call.catch(() => {});
  await at.clock.settle();
  assert.deepEqual(at.trail.deadlines, [undefined, undefined, undefined]);
  signal.renew(new pul.PulsingBusinessError(7, "enough"));
  const error = await at.nodes.failure(call);
  assert.equal(error.message, "enough");
  assert.deepEqual(at.trail.abortedNames(), ["a", "b", "c"]);
  for (const [, reason] of at.trail.aborts) {
    assert.ok(reason instanceof pul.PulsingBusinessError && reason.code === 7, String(reason));
  }
  assert.equal(signal.listeners, 0);
  await assertQuiet(at.nodes, timers);
});

test("abort while the link is still dialled reaches nobody, and is the caller's error", async () => {
  const nodes = await ManualNodes.listening(2);
  await using _ = nodes;
  const trail = new Trail();
  const c = await nodes.at(1).spawn(Hop, "actors/c", { args: ["c", trail] });
  const far = nodes.at(0).refTo(c);
  const a = await nodes.at(0).spawn(Hop, "actors/a", { args: ["a", trail, far] });
  const controller = new AbortController();
  const call = a.ref.asType(Hop).$with({ signal: controller.signal }).pass();
  call.catch(() => {});
  for (let n = 0; n < 10; n++) await Promise.resolve();
  assert.equal(trail.deadlines.length, 1);
  controller.abort(new Error("too early"));
  assert.match((await nodes.failure(call)).message, /too early/);
  assert.equal(trail.deadlines.length, 1);
  assert.equal(nodes.at(1).pendingCount, 0);
});

test("the callee's node ends the call at the deadline though its link is frozen", async () => {
  await using at = await chain();
  const call = at.first.$with({ timeoutMs: 100 }).pass();
  call.catch(() => {});
  await at.clock.settle();
  at.nodes.at(1).freeze();
  at.nodes.at(2).freeze();
  await at.clock.advance(99);
  assert.deepEqual(at.trail.abortedNames(), []);
  await at.clock.advance(1);
  assert.deepEqual(at.trail.abortedNames(), ["a", "b", "c"]);
  assert.equal(at.nodes.at(2).pendingCount, 0);
  at.nodes.at(1).thaw();
  at.nodes.at(2).thaw();
  await at.clock.settle();
});

test("a call begun in finally after the abort is not bound: cleaning up works", async () => {
  await using at = await chain();
  const timers = at.clock.pendingTimers;
  const call = at.first.$with({ timeoutMs: 50 }).passAndTidy();
  call.catch(() => {});
  await at.clock.advance(50);
  assert.ok(await at.nodes.failure(call) instanceof pul.PulsingTimeoutError);
  assert.deepEqual(at.trail.done, ["b tidy", "a tidied"]);
  await assertQuiet(at.nodes, timers);
});

for (const hops of ["one node", "three nodes"] as const) {
  test(`nested streams end when the outer call is cancelled, over ${hops}`, async () => {
    await using at = await chain();
    const first = hops === "three nodes" ? at.first : await onOneNode(at.nodes.at(0), at.trail);
    const timers = at.clock.pendingTimers;
    const signal = new CountedSignal();
    const stream = await at.nodes.now(first.$with({ signal: signal.signal }).numbers());
    const items = stream[Symbol.asyncIterator]();
    assert.deepEqual(await at.nodes.now(items.next()), { done: false, value: 1 });
    const next = items.next();
    next.catch(() => {});
    assert.ok(await at.nodes.isPending(next));
    assert.deepEqual(at.trail.done, []);
    signal.renew(new Error("enough"));
    assert.match((await at.nodes.failure(next)).message, /enough/);
    await at.clock.settle();
    assert.deepEqual(at.trail.done.sort(), ["a", "b", "c"]);
    assert.equal(signal.listeners, 0);
    await assertQuiet(at.nodes, timers);
  });

  test(`nested streams end when the consumer leaves, in the middle of an item, over ${hops}`, async () => {
    await using at = await chain();
    const first = hops === "three nodes" ? at.first : await onOneNode(at.nodes.at(0), at.trail);
    const timers = at.clock.pendingTimers;
    const stream = await at.nodes.now(first.numbers());
    const items = stream[Symbol.asyncIterator]();
    assert.deepEqual(await at.nodes.now(items.next()), { done: false, value: 1 });
    const next = items.next();
    assert.ok(await at.nodes.isPending(next));
    await at.nodes.now(stream.cancel());
    assert.deepEqual(await at.nodes.now(next), { done: true, value: undefined });
    assert.deepEqual(at.trail.done.sort(), ["a", "b", "c"]);
    await assertQuiet(at.nodes, timers);
  });

  test(`a deadline is for the opening of a stream, what it asks later has none, over ${hops}`, async () => {
    await using at = await chain();
    const first = hops === "three nodes" ? at.first : await onOneNode(at.nodes.at(0), at.trail);
    const gate = Promise.withResolvers<void>();
    const stream = await at.nodes.now(first.$with({ timeoutMs: 50 }).askThen(gate.promise));
    const items = stream[Symbol.asyncIterator]();
    assert.deepEqual(await at.nodes.now(items.next()), { done: false, value: undefined });
    const next = items.next();
    await at.clock.advance(100);
    gate.resolve();
    assert.deepEqual(await at.nodes.now(next), { done: false, value: undefined });
    assert.deepEqual(await at.nodes.now(items.next()), { done: true, value: undefined });
  });
}

async function onOneNode(node: ManualNode, trail: Trail) {
  const c = await node.spawn(Hop, undefined, { args: ["c", trail] });
  const b = await node.spawn(Hop, undefined, { args: ["b", trail, c.ref] });
  const a = await node.spawn(Hop, undefined, { args: ["a", trail, b.ref] });
  return a.ref.asType(Hop);
}

/** An actor that takes one message at a time and holds the first one until the gate opens. */
class Held {
  readonly #gate: Promise<void>;
  readonly ran: string[];

  constructor(gate: Promise<void>, ran: string[]) {
    this.#gate = gate;
    this.ran = ran;
  }

  async run(what: string): Promise<string> {
    this.ran.push(what);
    await this.#gate;
    return what;
  }
}

for (const distance of ["local", "remote"] as const) {
  const held = async () => {
    const nodes = await ManualNodes.listening(2);
    const gate = Promise.withResolvers<void>();
    const ran: string[] = [];
    const options = { args: [gate.promise, ran], concurrency: "sequential" } as const;
    const cell = await nodes.at(1).spawn(Held, "actors/held", options);
    const ref = distance === "local" ? cell.ref : nodes.at(0).refTo(cell);
    const subject = ref.asType(Held);
    const first = subject.run("first");
    await nodes.clock.settle();
    assert.deepEqual(ran, ["first"]);
    const timers = nodes.clock.pendingTimers;
    const dispose = () => nodes[Symbol.asyncDispose]();
    return { nodes, timers, gate, ran, cell, subject, first, [Symbol.asyncDispose]: dispose };
  };

  test(`case 22 a message whose deadline passes in the mailbox is never run (${distance})`, async () => {
    await using at = await held();
    const late = at.subject.$with({ timeoutMs: 20 }).run("late");
    late.catch(() => {});
    const other = at.subject.$with({ timeoutMs: 60 }).run("other");
    await at.nodes.clock.advance(20);
    assert.ok(await at.nodes.failure(late) instanceof pul.PulsingTimeoutError);
    at.gate.resolve();
    assert.deepEqual(await at.nodes.now(Promise.all([at.first, other])), ["first", "other"]);
    assert.deepEqual(at.ran, ["first", "other"]);
    assert.equal(at.cell.mailboxLength, 0);
    await assertQuiet(at.nodes, at.timers);
  });

  test(`case 22 its callee's node skips it too when the caller is not heard any more (${distance})`, async () => {
    await using at = await held();
    const late = at.subject.$with({ timeoutMs: 20 }).run("late");
    late.catch(() => {});
    await at.nodes.clock.settle();
    if (distance === "remote") at.nodes.at(1).freeze();
    await at.nodes.clock.advance(20);
    at.gate.resolve();
    await at.nodes.clock.settle();
    assert.deepEqual(at.ran, ["first"]);
    at.nodes.at(1).thaw();
    assert.equal(await at.nodes.now(at.first), "first");
  });

  test(`case 21 abort before send: nothing is sent (${distance})`, async () => {
    await using at = await held();
    const signal = AbortSignal.abort(new Error("before"));
    assert.match((await at.nodes.failure(at.subject.$with({ signal }).run("x"))).message, /before/);
    assert.equal(at.cell.mailboxLength, 0);
    at.gate.resolve();
    assert.equal(await at.nodes.now(at.first), "first");
    await assertQuiet(at.nodes, at.timers);
  });

  test(`case 21 abort while queued: the message is never run (${distance})`, async () => {
    await using at = await held();
    const signal = new CountedSignal();
    const queued = ["x", "y"].map((what) => at.subject.$with({ signal: signal.signal }).run(what));
    for (const one of queued) one.catch(() => {});
    await at.nodes.clock.settle();
    assert.equal(at.cell.mailboxLength, 2);
    signal.renew(new Error("no longer"));
    for (const one of queued) assert.match((await at.nodes.failure(one)).message, /no longer/);
    at.gate.resolve();
    assert.equal(await at.nodes.now(at.first), "first");
    assert.deepEqual([at.ran, at.cell.mailboxLength, signal.listeners], [["first"], 0, 0]);
    await assertQuiet(at.nodes, at.timers);
  });

  test(`case 21 abort in flight: the caller is free at once, the actor goes on (${distance})`, async () => {
    await using at = await held();
    const signal = new CountedSignal();
    at.gate.resolve();
    await at.nodes.now(at.first);
    const trail = new Trail();
    const cell = await at.nodes.at(1).spawn(Hop, undefined, { args: ["deaf", trail] });
    const ref = distance === "local" ? cell.ref : at.nodes.at(0).refTo(cell);
    const deaf = ref.asType(Hop);
    const call = deaf.$with({ signal: signal.signal, timeoutMs: 1_000 }).deaf();
    call.catch(() => {});
    await at.nodes.clock.settle();
    signal.renew(new Error("in flight"));
    assert.match((await at.nodes.failure(call)).message, /in flight/);
    assert.deepEqual(trail.abortedNames(), ["deaf"]);
    assert.equal(await at.nodes.now(deaf.left()), undefined);
    assert.equal(signal.listeners, 0);
    assert.equal(at.nodes.clock.pendingTimers, at.timers);
  });

  test(`case 21 abort after the reply: nobody hears of it (${distance})`, async () => {
    await using at = await held();
    const signal = new CountedSignal();
    at.gate.resolve();
    const call = at.subject.$with({ signal: signal.signal, timeoutMs: 1_000 }).run("second");
    assert.equal(await at.nodes.now(call), "second");
    assert.equal(signal.listeners, 0);
    signal.renew(new Error("too late"));
    assert.equal(await call, "second");
    await assertQuiet(at.nodes, at.timers);
  });
}

test("case 21 20 000 calls within a bound one leave no listener on it", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  const echo = await nodes.at(0).spawn(
    class Echo {
      echo(n: number): number {
        return n;
      }
    },
  );
  class Busy {
    async work(): Promise<number> {
      let sum = 0;
      for (let n = 0; n < 20_000; n++) sum += await echo.ref.asAny().echo!(1) as number;
      return sum;
    }
  }
  const busy = (await nodes.at(0).spawn(Busy)).ref.asType(Busy);
  const { signal } = new AbortController();
  const call = busy.$with({ signal, timeoutMs: 1_000 }).work();
  assert.equal(await nodes.now(call), 20_000);
  assert.equal(nodes.clock.pendingTimers, 0);
});
