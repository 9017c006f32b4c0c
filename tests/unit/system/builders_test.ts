import assert from "node:assert/strict";
import {
  ResolveBuilder,
  type ResolveSteps,
  RoundRobinPolicy,
  SpawnBuilder,
  type SpawnOptions,
  SupervisionSpec,
  SystemBuilder,
} from "../../../mod.ts";
import type { ActorRef, InitOptions } from "../../../mod.ts";
import { test } from "../../harness.ts";

test("SupervisionSpec: every step, and none changes the one before", () => {
  assert.deepEqual(SupervisionSpec.never().options, { restartPolicy: "never" });
  assert.deepEqual(SupervisionSpec.always().options, { restartPolicy: "always" });
  const base = SupervisionSpec.onFailure();
  const restartOn = () => true;
  const full = base.maxRestarts(5).restartWindowMs(60_000).backoffMs(10, 20).restartOn(restartOn);
  assert.deepEqual(full.options, {
    restartPolicy: "on-failure",
    maxRestarts: 5,
    restartWindowMs: 60_000,
    minBackoffMs: 10,
    maxBackoffMs: 20,
    restartOn,
  });
  assert.deepEqual(base.options, { restartPolicy: "on-failure" });
  assert.ok(Object.isFrozen(full.options));
  assert.equal(full.maxRestarts(1).options.maxRestarts, 1);
  assert.equal(full.options.maxRestarts, 5);
});

test("SupervisionSpec: takes a copy of the options it begins with", () => {
  const options = { restartPolicy: "always", maxRestarts: 1 } as { maxRestarts: number };
  const spec = new SupervisionSpec(options);
  options.maxRestarts = 9;
  assert.equal(spec.options.maxRestarts, 1);
});

test("SystemBuilder: every step, and none changes the one before", async () => {
  const start = (options: InitOptions) => Promise.resolve(options);
  const base = new SystemBuilder(start).addr("127.0.0.1:0");
  const full = base.seeds(["a:1"]).mailboxCapacity(7).with({ joinTimeoutMs: 0 });
  assert.deepEqual(await full.build(), {
    addr: "127.0.0.1:0",
    seeds: ["a:1"],
    mailboxCapacity: 7,
    joinTimeoutMs: 0,
  });
  assert.deepEqual(await base.build(), { addr: "127.0.0.1:0" });
  assert.deepEqual(await base.addr("b:2").build(), { addr: "b:2" });
});

test("SpawnBuilder: every step, and none changes the one before", async () => {
  const seen: [unknown, SpawnOptions][] = [];
  const ref = {} as ActorRef;
  const spawn = (actor: unknown, options: SpawnOptions) => {
    seen.push([actor, options]);
    return Promise.resolve(ref);
  };
  const actor = { receive: () => {} };
  const base = new SpawnBuilder(spawn).name("a");
  const full = base.supervision(SupervisionSpec.onFailure().maxRestarts(3)).mailboxCapacity(2)
    .mailboxOverflow("reject").with({ public: false });
  assert.equal(await full.spawn(actor), ref);
  await base.spawn(actor);
  assert.deepEqual(seen, [
    [actor, {
      name: "a",
      restartPolicy: "on-failure",
      maxRestarts: 3,
      mailboxCapacity: 2,
      mailboxOverflow: "reject",
      public: false,
    }],
    [actor, { name: "a" }],
  ]);
});

test("ResolveBuilder: every step, and none changes the one before", async () => {
  const seen: [string, string, ResolveSteps][] = [];
  const ref = {} as ActorRef;
  const base = new ResolveBuilder({
    resolve: (name, steps) => Promise.resolve((seen.push(["resolve", name, steps]), ref)),
    lazy: (name, steps) => (seen.push(["lazy", name, steps]), ref),
    list: (name, steps) => (seen.push(["list", name, steps]), [ref]),
  });
  const policy = new RoundRobinPolicy();
  const { signal } = new AbortController();
  const full = base.node("n").policy(policy).filterAlive(true).wait(5, signal);
  const steps = { nodeId: "n", policy, filterAlive: true, timeoutMs: 5, signal };
  assert.equal(await full.resolve("a"), ref);
  assert.equal(full.lazy("b"), ref);
  assert.deepEqual(await full.list("c"), [ref]);
  await base.wait(5).resolve("d");
  await base.resolve("e");
  assert.deepEqual(seen, [
    ["resolve", "a", steps],
    ["lazy", "b", steps],
    ["list", "c", steps],
    ["resolve", "d", { timeoutMs: 5 }],
    ["resolve", "e", {}],
  ]);
});

test("ResolveBuilder: a time that is none throws at once, a failing list rejects", async () => {
  const fail = () => {
    throw new TypeError("bad name");
  };
  const builder = new ResolveBuilder({ resolve: fail, lazy: fail, list: fail });
  for (const wrong of [-1, NaN, "5"]) {
    assert.throws(() => builder.wait(wrong as number), RangeError);
  }
  await assert.rejects(builder.list("x"), /bad name/);
  assert.throws(() => builder.lazy("x"), /bad name/);
});
