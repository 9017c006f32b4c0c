/** Existing objects become actors, at once. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";
import { NamedNodes } from "./named_nodes.ts";

class Counter {
  value = 0;
  incr(by = 1): number {
    return this.value += by;
  }
  *upTo(n: number): Generator<number> {
    for (let i = 1; i <= n; i++) yield i;
  }
}

test("a mounted object answers calls and is usable directly", async () => {
  await using system = await pul.actorSystem();
  const counter = new Counter();
  system.mount(counter, { name: "counter" });
  const proxy = (await system.resolve("counter")).asType(Counter);
  assert.equal(await proxy.incr(), 1);
  assert.equal(counter.incr(), 2);
  assert.equal(await proxy.incr(3), 5);
  assert.deepEqual(await Array.fromAsync(proxy.upTo(3)), [1, 2, 3]);
  await assert.rejects(proxy.$any().nothing!(), { kind: "method-not-found" });
  const [named] = system.allNamedActors();
  assert.deepEqual([named!.path, named!.instances[0]!.className], ["actors/counter", "Counter"]);
});

test("an object with receive, a literal and one without a prototype can be mounted", async () => {
  await using system = await pul.actorSystem();
  system.mount({ receive: (message: unknown) => `heard ${message}` }, { name: "ear" });
  assert.equal(await (await system.resolve("ear")).ask("it"), "heard it");
  const adder = { add: (a: number, b: number) => a + b };
  const bare = Object.assign(Object.create(null), adder);
  for (const [name, object] of Object.entries({ adder, bare })) {
    system.mount(object, { name });
    assert.equal(await (await system.resolve(name)).asAny().add!(2, 3), 5);
  }
});

test("mounted in its constructor: the hooks run once that has ended", async () => {
  await using system = await pul.actorSystem();
  const seen: unknown[] = [];
  class Service {
    readonly ready: string;
    constructor() {
      system.mount(this, { name: "service" });
      this.ready = "yes";
    }
    onStart(id: string, context: pul.ActorContext): void {
      seen.push(this.ready, id === context.id, context.path);
    }
    onStop(reason: string): void {
      seen.push(reason);
    }
    metadata(): Record<string, string> {
      return { ready: this.ready };
    }
    isReady(): string {
      return this.ready;
    }
  }
  class Derived extends Service {
    readonly more = "more";
    also(): string {
      return this.more;
    }
  }
  new Derived();
  const proxy = (await system.resolve("service", { timeoutMs: 5_000 })).asType(Derived);
  assert.deepEqual([await proxy.isReady(), await proxy.also()], ["yes", "more"]);
  assert.deepEqual(seen.splice(0), ["yes", true, "actors/service"]);
  assert.deepEqual(system.allNamedActors()[0]!.instances[0]!.metadata, { ready: "yes" });
  system.unmount("service");
  await eventually(() => seen.length > 0);
  assert.deepEqual(seen, ["stopped"]);
});

test("a name that is taken throws at once, and is free after unmount", async () => {
  await using system = await pul.actorSystem();
  system.mount(new Counter(), { name: "counter" });
  assert.throws(() => system.mount(new Counter(), { name: "counter" }), { kind: "actor-exists" });
  await assert.rejects(system.spawnClass(Counter, { name: "counter" }), { kind: "actor-exists" });
  system.unmount("counter");
  system.mount(new Counter(), { name: "counter" });
  system.unmount("nobody");
  assert.throws(() => system.unmount("a//b"), TypeError);
});

test("what cannot be mounted is refused at once", async () => {
  await using system = await pul.actorSystem();
  for (const wrong of [undefined, null, 5, "text"]) {
    assert.throws(() => system.mount(wrong as never, { name: "wrong" }), TypeError);
  }
  assert.throws(() => system.mount(new Counter(), {} as never), /needs a name/);
  assert.throws(() => system.mount(new Counter(), { name: "a//b" }), TypeError);
  assert.throws(() => system.mount(new Counter(), { name: "x", args: [] } as never), TypeError);
  assert.deepEqual(system.allNamedActors(), []);
});

test("a failing onStart is logged and frees the name", async () => {
  await using all = await NamedNodes.start(1);
  const onStart = () => {
    throw new Error("no start");
  };
  all.at(0).mount({ receive: () => {}, onStart }, { name: "sick" });
  await all.gossip();
  assert.ok(all.logged.some(([level, text]) => level === "error" && /mounted/.test(text)));
  all.at(0).mount(new Counter(), { name: "sick" });
});

test("other nodes find a mounted object unless it is not public", async () => {
  await using all = await NamedNodes.start(2);
  all.at(0).mount(new Counter(), { name: "open" });
  all.at(0).mount(new Counter(), { name: "hidden", public: false });
  await all.gossip();
  const proxy = (await all.at(1).resolve("open")).asType(Counter);
  assert.equal(await all.soon(proxy.incr(2)), 2);
  assert.equal((await all.failure(all.at(1).resolve("hidden"))).kind, "actor-not-found");
  all.at(0).unmount("open");
  await all.gossip();
  assert.equal((await all.failure(proxy.incr())).kind, "no-instance");
});

test("without a global system mount throws and unmount does nothing", async () => {
  assert.throws(() => pul.mount(new Counter(), { name: "counter" }), { kind: "not-initialized" });
  pul.unmount("counter");
  await pul.init();
  try {
    pul.mount(new Counter(), { name: "counter" });
    const proxy = await pul.resolve("counter", { cls: Counter });
    assert.equal(await proxy.incr(), 1);
    pul.unmount("counter");
  } finally {
    await pul.shutdown();
  }
});
