/** What a reader of a name is told, by whatever steps names change and it reads. */

import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { ActorRef } from "../../../lib/actor/actor_ref.ts";
import type { LocatedActor } from "../../../lib/cluster/cluster.ts";
import { ManualClock } from "../../../lib/testing/mod.ts";
import {
  difference,
  type InstanceEvent,
  type InstanceSource,
  subscribe,
} from "../../../lib/system/subscription.ts";
import { test } from "../../harness.ts";

const PATH = "actors/name";

/** Names that a test changes by hand. */
class Names implements InstanceSource {
  readonly waiting = new Set<() => void>();
  revision = 0;
  isOver = false;
  #there: readonly string[] = [];

  set(there: readonly string[]): void {
    this.#there = there;
    this.changed();
  }

  end(): void {
    this.isOver = true;
    this.changed();
  }

  changed(): void {
    this.revision++;
    for (const wake of [...this.waiting]) wake();
  }

  instances(): readonly LocatedActor[] {
    return this.#there.map((actorId) => {
      const className = actorId === "typed" ? "Typed" : undefined;
      const metadata = { of: actorId };
      return { actorId, nodeId: "node", path: PATH, address: undefined, className, metadata };
    });
  }

  refTo({ actorId }: LocatedActor): ActorRef {
    return { actorId } as ActorRef; // nothing else of it is looked at
  }

  onChange(wake: () => void): () => void {
    this.waiting.add(wake);
    return () => void this.waiting.delete(wake);
  }
}

const read = (names: Names, signal?: AbortSignal) =>
  subscribe(names, PATH, signal === undefined ? {} : { signal })[Symbol.asyncIterator]();

const textOf = ({ value }: IteratorResult<InstanceEvent, undefined>) =>
  value && `${value.kind} ${value.instance.actorId}`;

/** The state of a promise that needs no time to settle. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  let state: unknown = "pending";
  promise.then((value) => state = value, (error) => state = error);
  await new ManualClock().settle();
  return state;
}

test("difference: those that have gone and come; applied it gives what is there", () => {
  const set = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f"));
  fc.assert(fc.property(set, set, (before, after) => {
    const of = (ids: readonly string[]) => ids.map((actorId) => ({ actorId }));
    const seen = new Map(of(before).map((one) => [one.actorId, one]));
    const { gone, come } = difference(seen, of(after));
    const applied = new Set<string>(before);
    for (const { actorId } of gone) assert.ok(applied.delete(actorId));
    for (const { actorId } of come) {
      assert.ok(!applied.has(actorId));
      applied.add(actorId);
    }
    assert.deepEqual([...applied].sort(), [...after].sort());
    assert.ok(
      gone.every((one) => seen.get(one.actorId) === one),
      "the very objects that were seen",
    );
  }));
});

test("difference: an id that is there twice comes once", () => {
  const { come } = difference(new Map(), [{ actorId: "a" }, { actorId: "a" }]);
  assert.deepEqual(come, [{ actorId: "a" }]);
});

test("a reader gets, by any interleaving, events that take turns and lead to what is there", async () => {
  const ids = ["a", "b", "c", "d"];
  const step = fc.oneof(
    fc.record({ set: fc.subarray(ids) }),
    fc.constant("read" as const),
    fc.constant("other" as const),
  );
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const names = new Names();
    const reader = read(names);
    const there = new Map<string, unknown>();
    let pending: ReturnType<typeof reader.next> | undefined;
    const take = async () => {
      const state = await stateOf(pending ??= reader.next());
      if (state === "pending") return false;
      pending = undefined;
      const { value } = state as IteratorYieldResult<InstanceEvent>; // the source goes on
      const { kind, instance } = value;
      if (kind === "up") {
        assert.ok(!there.has(instance.actorId), `up twice: ${instance.actorId}`);
        there.set(instance.actorId, instance);
      } else {
        assert.equal(there.get(instance.actorId), instance, "down of what came");
        there.delete(instance.actorId);
      }
      return true;
    };
    for (const one of steps) {
      if (one === "read") await take();
      else if (one === "other") names.changed();
      else names.set(one.set);
    }
    let reads = 0;
    while (await take()) assert.ok(++reads <= 2 * ids.length, "more than the difference");
    const now = names.instances().map(({ actorId }) => actorId);
    assert.deepEqual([...there.keys()].sort(), now.sort());
    assert.equal(names.waiting.size, 1);
    await reader.return?.();
    assert.equal(names.waiting.size, 0);
  }));
});

test("the actors that are there come first, with all that is known of them", async () => {
  const names = new Names();
  names.set(["plain", "typed"]);
  const reader = read(names);
  const [first, second] = [(await reader.next()).value, (await reader.next()).value];
  assert.deepEqual({ ...first?.instance, ref: undefined }, {
    nodeId: "node",
    actorId: "plain",
    path: PATH,
    metadata: { of: "plain" },
    ref: undefined,
  });
  assert.deepEqual([second?.instance.className, second?.instance.ref.actorId], ["Typed", "typed"]);
});

test("a slow reader is told of none that came and went meanwhile", async () => {
  const names = new Names();
  names.set(["a"]);
  const reader = read(names);
  assert.equal(textOf(await reader.next()), "up a");
  for (let n = 0; n < 100; n++) names.set([`between ${n}`]);
  names.set(["b"]);
  assert.equal(textOf(await reader.next()), "down a");
  assert.equal(textOf(await reader.next()), "up b");
  assert.equal(await stateOf(reader.next()), "pending");
});

test("what is not true any more when it is read is not told", async () => {
  const names = new Names();
  names.set(["a", "b", "c"]);
  const reader = read(names);
  assert.equal(textOf(await reader.next()), "up a");
  names.set(["c"]);
  assert.equal(textOf(await reader.next()), "down a");
  assert.equal(textOf(await reader.next()), "up c");
});

test("several reads at once are answered in their order", async () => {
  const names = new Names();
  const reader = read(names);
  const reads = [reader.next(), reader.next(), reader.next()];
  names.set(["a"]);
  await stateOf(Promise.all(reads));
  names.set(["b"]);
  assert.deepEqual((await Promise.all(reads)).map(textOf), ["up a", "down a", "up b"]);
});

test("a signal ends a read that waits, and the next one, with its reason", async () => {
  for (const isWaiting of [true, false]) {
    const names = new Names();
    names.set(["a", "b"]);
    const controller = new AbortController();
    const reader = read(names, controller.signal);
    await reader.next();
    if (isWaiting) await reader.next();
    const next = isWaiting ? reader.next() : undefined;
    await stateOf(Promise.resolve());
    controller.abort(new Error("enough"));
    await assert.rejects(next ?? reader.next(), /enough/);
    assert.deepEqual(await reader.next(), { done: true, value: undefined });
    assert.equal(names.waiting.size, 0);
  }
  const names = new Names();
  names.set(["a"]);
  await assert.rejects(read(names, AbortSignal.abort(new Error("before"))).next(), /before/);
});

test("the end of the source ends every read without an error", async () => {
  const names = new Names();
  names.set(["a", "b"]);
  const [waiting, slow] = [read(names), read(names)];
  await waiting.next();
  await waiting.next();
  await slow.next();
  const last = waiting.next();
  names.end();
  for (const one of [last, waiting.next(), slow.next(), read(names).next()]) {
    assert.deepEqual(await one, { done: true, value: undefined });
  }
  assert.equal(names.waiting.size, 0);
});

test("leaving a loop, or a reader whose read waits, leaves nobody waiting", async () => {
  const names = new Names();
  names.set(["a"]);
  for await (const { kind } of subscribe(names, PATH, {})) {
    assert.equal(kind, "up");
    break;
  }
  const reader = read(names);
  await reader.next();
  const waiting = reader.next();
  await stateOf(Promise.resolve());
  assert.equal(names.waiting.size, 1);
  assert.deepEqual(await reader.return?.(), { done: true, value: undefined });
  assert.deepEqual(await waiting, { done: true, value: undefined });
  assert.equal(names.waiting.size, 0);
});

test("each iteration begins with those that are there", async () => {
  const names = new Names();
  names.set(["a"]);
  const both = subscribe(names, PATH, {});
  for (let n = 0; n < 2; n++) {
    for await (const event of both) {
      assert.equal(textOf({ value: event }), "up a");
      break;
    }
  }
});

test("unknown options, and a signal that is none, are misuse", () => {
  const names = new Names();
  const wrong = (options: object) => () => subscribe(names, PATH, options);
  assert.throws(wrong({ timeoutMs: 5 }), /^TypeError: Cannot set option "timeoutMs" of subscribe/);
  assert.throws(wrong({ signal: 5 }), /^TypeError: Cannot subscribe to "actors\/name"/);
});
