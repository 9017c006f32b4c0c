/** Children end with their parent, and what they cannot mend is the parent's failure. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { Observer, oneNode, outcomeOf } from "./one_node.ts";

const BACKOFF_MS = 121;
const ON_FAILURE = { restartPolicy: "on-failure" } as const;
const NO_RESTART = { ...ON_FAILURE, maxRestarts: 0 } as const;

const events: string[] = [];

class Parent {
  readonly #name: string;
  value = 0;
  readonly heard: string[] = [];
  constructor(name = "parent") {
    this.#name = name;
  }
  onStop(reason: string): void {
    events.push(`${this.#name} ${reason}`);
  }
  onTerminated({ reason, error }: pul.Terminated): void {
    this.heard.push(`${reason} ${error?.message}`);
  }
  incr(): number {
    return ++this.value;
  }
  async child(name: string, options: pul.SpawnOptions = {}): Promise<pul.ActorRef> {
    const child = await pul.context().spawn(Parent, { name, args: [name], ...options });
    return child.$ref;
  }
  watch(ref: pul.ActorRef): void {
    pul.context().watch(ref);
  }
  fail(message = "boom"): never {
    throw new Error(message);
  }
  reasons(): string[] {
    return [...this.heard];
  }
  forever(): Promise<never> {
    return new Promise(() => {});
  }
}

function takeEvents(): string[] {
  return events.splice(0);
}

/** A parent with three children, the last of which has one of its own. */
async function family(system: pul.ActorSystem, options: pul.SpawnOptions = {}) {
  takeEvents();
  const parent = await system.spawnClass(Parent, { name: "parent", ...options });
  const one = await parent.child("one");
  const two = await parent.child("two");
  const three = await parent.child("three");
  const grandchild = await three.asType(Parent).child("grandchild");
  return { parent, one, two, three, grandchild };
}

const LAST_FIRST = ["grandchild", "three", "two", "one", "parent"];

test("children stop before their parent, the last started first, theirs before them", async () => {
  await using node = await oneNode();
  const { grandchild } = await family(node.system);
  await node.system.stop("parent");
  assert.deepEqual(takeEvents(), LAST_FIRST.map((name) => `${name} stopped`));
  assert.deepEqual(node.system.allNamedActors(), []);
  assert.ok(pul.isPulsingError(await outcomeOf(grandchild.ask(1)), "actor-stopped"));
});

test("at shutdown all of a family hear of it, parents last", async () => {
  const node = await oneNode();
  await family(node.system);
  await node[Symbol.asyncDispose]();
  const heard = takeEvents();
  assert.deepEqual([...heard].sort(), LAST_FIRST.map((name) => `${name} shutdown`).sort());
  assert.equal(heard.at(-1), "parent shutdown");
  assert.ok(heard.indexOf("grandchild shutdown") < heard.indexOf("three shutdown"));
});

test("children stop when their parent restarts, before the next instance", async () => {
  await using node = await oneNode();
  const { parent } = await family(node.system, ON_FAILURE);
  await assert.rejects(parent.fail(), /boom/);
  await node.clock.advance(BACKOFF_MS);
  const children = LAST_FIRST.slice(0, -1).map((name) => `${name} stopped`);
  assert.deepEqual(takeEvents(), [...children, "parent failed"]);
  assert.equal(await parent.incr(), 1);
  await parent.child("one"); // the name is free
});

test("a kill of the parent kills the family, no hook runs", async () => {
  await using node = await oneNode();
  const { one, three, grandchild } = await family(node.system);
  const observer = await node.system.spawnClass(Observer);
  for (const ref of [one, three, grandchild]) await observer.watch(ref);
  const call = outcomeOf(grandchild.asType(Parent).forever());
  await node.clock.settle();
  node.system.kill("parent");
  assert.deepEqual(node.system.allNamedActors(), []);
  assert.ok(pul.isPulsingError(await call, "call-interrupted"));
  await node.clock.settle();
  assert.deepEqual(takeEvents(), []);
  assert.deepEqual(await observer.reasons(), ["killed", "killed", "killed"]);
});

test("a child that is restarted does not concern its parent, one out of restarts fails it", async () => {
  await using node = await oneNode();
  takeEvents();
  const parent = await node.system.spawnClass(Parent, { ...ON_FAILURE, name: "parent" });
  const child = (await parent.child("child", { ...ON_FAILURE, maxRestarts: 1 })).asType(Parent);
  await parent.incr();
  await assert.rejects(child.fail("first"));
  await node.clock.advance(BACKOFF_MS);
  assert.equal(await child.incr(), 1);
  assert.equal(await parent.incr(), 2);
  const interrupted = outcomeOf(parent.forever());
  await assert.rejects(child.fail("second"), /second/);
  await node.clock.advance(BACKOFF_MS);
  assert.equal(await parent.incr(), 1);
  const error = await interrupted;
  assert.ok(pul.isPulsingError(error, "call-interrupted"));
  assert.match(String(error.cause), /second/);
  assert.deepEqual(takeEvents(), ["child failed", "child failed", "parent failed"]);
});

test("a parent that watches its child is only told", async () => {
  await using node = await oneNode();
  const parent = await node.system.spawnClass(Parent, { ...ON_FAILURE, name: "parent" });
  const child = await parent.child("child", NO_RESTART);
  await parent.watch(child);
  await parent.incr();
  await assert.rejects(child.asType(Parent).fail());
  await node.clock.advance(BACKOFF_MS);
  assert.equal(await parent.incr(), 2);
  assert.deepEqual(await parent.reasons(), ["failed boom"]);
  assert.deepEqual(node.complaints, []);
});

test("a parent without a policy goes on, and its child's end is logged", async () => {
  await using node = await oneNode();
  const parent = await node.system.spawnClass(Parent, { name: "parent" });
  const child = await parent.child("child", NO_RESTART);
  await parent.incr();
  await assert.rejects(child.asType(Parent).fail());
  await node.clock.advance(BACKOFF_MS);
  assert.equal(await parent.incr(), 2);
  assert.deepEqual(node.complaints, [
    "a child failed for good and its parent does not watch it",
  ]);
});

test("a failure climbs to the first who has a restart left", async () => {
  await using node = await oneNode();
  const { system, clock } = node;
  const top = await system.spawnClass(Parent, { ...ON_FAILURE, name: "top" });
  const middle = await top.child("middle", NO_RESTART);
  const bottom = await middle.asType(Parent).child("bottom", NO_RESTART);
  const observer = await system.spawnClass(Observer);
  await observer.watch(middle);
  await top.incr();
  await assert.rejects(bottom.asType(Parent).fail("deep"));
  await clock.advance(BACKOFF_MS);
  assert.equal(await top.incr(), 1);
  const [notice] = await observer.notices();
  assert.deepEqual([notice?.reason, notice?.error?.message], ["failed", "deep"]);
});

test("a child that stops, is stopped or killed, or cannot start under never is no failure", async () => {
  await using node = await oneNode();
  class Bad {
    onStart(): never {
      throw new Error("no start");
    }
  }
  class Mother extends Parent {
    async bad(): Promise<unknown> {
      return await outcomeOf(pul.context().spawn(Bad, { name: "bad" }));
    }
  }
  const mother = await node.system.spawnClass(Mother, { ...ON_FAILURE, name: "mother" });
  await mother.incr();
  await mother.child("one", NO_RESTART);
  await mother.child("two", NO_RESTART);
  await node.system.stop("one");
  node.system.kill("two");
  assert.match(String(await mother.bad()), /no start/);
  await node.clock.advance(BACKOFF_MS);
  assert.equal(await mother.incr(), 2);
  assert.deepEqual(node.complaints, []);
});

test("an anonymous child may have a policy; its parent's end is its own", async () => {
  await using node = await oneNode();
  let made = 0;
  class Mother extends Parent {
    async low(): Promise<pul.ActorRef> {
      const make = () => ({
        receive: (message: unknown): number => {
          if (message === "fail") throw new Error("boom");
          return made;
        },
        number: ++made,
      });
      return await pul.context().spawn(make, ON_FAILURE);
    }
  }
  const mother = await node.system.spawnClass(Mother, { name: "mother" });
  const low = await mother.low();
  await assert.rejects(low.ask("fail"), /boom/);
  await node.clock.advance(BACKOFF_MS);
  assert.equal(await low.ask(1), 2);
  await node.system.stop("mother");
  assert.ok(pul.isPulsingError(await outcomeOf(low.ask(1)), "actor-stopped"));
});

test("what a hook has started ends with it: onStart that fails, onStop that starts another one", async () => {
  await using node = await oneNode();
  class BadStart {
    async onStart(): Promise<void> {
      await pul.context().spawn(Parent, { name: "orphan" });
      throw new Error("no start");
    }
  }
  class BadStop {
    async onStop(): Promise<void> {
      await pul.context().spawn(Parent, { name: "orphan" });
    }
    ping(): void {}
  }
  await assert.rejects(node.system.spawnClass(BadStart, { name: "bad" }), /no start/);
  assert.deepEqual(node.system.allNamedActors(), []);
  await node.system.spawnClass(BadStop, { name: "bad" });
  await node.system.stop("bad");
  assert.deepEqual(node.system.allNamedActors(), []);
});

test("an actor that is gone starts no children", async () => {
  await using node = await oneNode();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let late: Promise<unknown> | undefined;
  class Late {
    async start(): Promise<void> {
      const context = pul.context();
      await gate;
      late = outcomeOf(context.spawn(Parent, { name: "orphan" }));
    }
  }
  const actor = await node.system.spawnClass(Late, { name: "late" });
  const call = outcomeOf(actor.start());
  await node.clock.settle();
  node.system.kill("late");
  await call;
  open();
  await node.clock.settle();
  assert.ok(pul.isPulsingError(await late, "call-interrupted"), String(await late));
  assert.deepEqual(node.system.allNamedActors(), []);
});

test("a child whose onStart hangs does not keep its parent from ending", async () => {
  await using node = await oneNode({ shutdownTimeoutMs: 500 });
  class Slow {
    onStart(): Promise<void> {
      return new Promise(() => {});
    }
  }
  class Mother {
    start(): void {
      void outcomeOf(pul.context().spawn(Slow, { name: "slow" }));
    }
  }
  const mother = await node.system.spawnClass(Mother, { name: "mother" });
  await mother.start();
  const stopped = node.system.stop("mother");
  await node.clock.advance(500);
  await stopped;
  assert.deepEqual(node.system.allNamedActors(), []);
});
