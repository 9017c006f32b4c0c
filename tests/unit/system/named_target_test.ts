import assert from "node:assert/strict";
import type { ActorTarget } from "../../../lib/actor/actor_ref.ts";
import type { CallOptions } from "../../../lib/actor/call_options.ts";
import type { Terminated, Watcher } from "../../../lib/actor/death_watch.ts";
import type { OnRefused } from "../../../lib/actor/envelope.ts";
import { actorStopped } from "../../../lib/actor/stopped_target.ts";
import { RoundRobinPolicy } from "../../../lib/cluster/policies.ts";
import { isPulsingError, PulsingRuntimeError } from "../../../lib/errors.ts";
import type { RemoteActor } from "../../../lib/remote/remote_ref.ts";
import { NamedTarget, type Naming } from "../../../lib/system/named_target.ts";
import type { Resolver } from "../../../lib/system/resolver.ts";
import { ManualClock } from "../../../lib/testing/mod.ts";
import { test } from "../../harness.ts";

/** An actor that answers with its id, or refuses. */
class Actor implements ActorTarget {
  readonly path = "actors/some";
  readonly nodeId = "n";
  readonly address = undefined;
  readonly className = undefined;
  readonly actorId: string;
  readonly taken: unknown[] = [];
  readonly options: (CallOptions | undefined)[] = [];
  readonly watchers: Watcher[] = [];
  refusal: Error | undefined = undefined;

  constructor(actorId: string) {
    this.actorId = actorId;
  }

  ask(_method: unknown, payload: unknown, options?: CallOptions, onRefused?: OnRefused) {
    this.options.push(options);
    const { refusal } = this;
    if (refusal !== undefined) return onRefused?.(refusal) ?? Promise.reject(refusal);
    this.taken.push(payload);
    return Promise.resolve(this.actorId);
  }

  tell(_method: unknown, payload: unknown): Promise<void> {
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    this.taken.push(payload);
    return Promise.resolve();
  }

  watch(watcher: Watcher): void {
    this.watchers.push(watcher);
  }

  unwatch(watcher: Watcher): void {
    this.watchers.splice(this.watchers.indexOf(watcher), 1);
  }
}

/** A registry that a test writes. */
class Names {
  revision = 0;
  counted = 0;
  #actors: readonly Actor[] = [];

  set(...actors: Actor[]): void {
    this.#actors = actors;
    this.revision++;
  }

  candidates(): readonly RemoteActor[] {
    return this.#actors;
  }

  choices(): readonly RemoteActor[] {
    return this.#actors;
  }

  targetOf(actor: RemoteActor): ActorTarget {
    return actor as Actor;
  }

  count(): void {
    this.counted++;
  }

  target(choice: Naming["choice"], actor?: Actor): NamedTarget {
    const naming = { path: "actors/some", steps: {}, policy: new RoundRobinPolicy(), choice };
    return new NamedTarget(this as unknown as Resolver, new ManualClock(), naming, actor);
  }
}

const stopped = (actor: Actor) => actor.refusal = actorStopped(actor.actorId, "n");

test("NamedTarget: stays with its actor while that has the name", async () => {
  const names = new Names();
  const [one, two] = [new Actor("one"), new Actor("two")];
  names.set(one);
  const target = names.target("once", one);
  names.set(two, one);
  for (let i = 0; i < 3; i++) assert.equal(await target.ask("m", []), "one");
  assert.equal(target.actorId, "one");
  names.set(two);
  assert.equal(await target.ask("m", []), "two");
  assert.equal(names.counted, 0);
});

test("NamedTarget: a tell follows the name even when nothing was refused", async () => {
  const names = new Names();
  const [one, two] = [new Actor("one"), new Actor("two")];
  names.set(one);
  const target = names.target("once", one);
  names.set(two);
  await target.tell("m", [1]);
  assert.deepEqual([one.taken, two.taken], [[], [[1]]]);
});

test("NamedTarget: asks each actor once at most, then says what the last one said", async () => {
  const names = new Names();
  const actors = ["one", "two", "three"].map((id) => new Actor(id));
  for (const actor of actors) stopped(actor);
  names.set(...actors);
  for (const choice of ["once", "each-call"] as const) {
    for (const send of ["ask", "tell"] as const) {
      const target = names.target(choice, choice === "once" ? actors[0] : undefined);
      for (const actor of actors) actor.options.length = 0;
      await assert.rejects(target[send]("m", []), { kind: "actor-stopped" });
      if (send === "ask") assert.deepEqual(actors.map(({ options }) => options.length), [1, 1, 1]);
    }
  }
});

test("NamedTarget: an actor that another call has chosen anew is not asked twice", async () => {
  const names = new Names();
  const [one, two] = [new Actor("one"), new Actor("two")];
  stopped(one);
  names.set(one, two);
  const target = names.target("once", one);
  const answers = await Promise.all([1, 2, 3, 4].map((n) => target.ask("m", [n])));
  assert.deepEqual(new Set(answers), new Set(["two"]));
  assert.deepEqual(two.taken, [[1], [2], [3], [4]]);
});

test("NamedTarget: moves on for what says that an actor or its node is gone, and else not", async () => {
  const table = [
    ["actor-stopped", true],
    ["node-unreachable", true],
    ["handshake-failed", true],
    ["actor-not-found", true],
    ["mailbox-full", false],
    ["limit-exceeded", false],
    ["node-lost", false],
  ] as const;
  for (const [kind, moves] of table) {
    const names = new Names();
    const [one, two] = [new Actor("one"), new Actor("two")];
    one.refusal = new PulsingRuntimeError("Cannot take it: no", { kind });
    names.set(one, two);
    const target = names.target("once", one);
    const outcome = await target.ask("m", []).catch((error) => error);
    assert.equal(outcome === "two", moves, kind);
    if (!moves) assert.ok(isPulsingError(outcome, kind));
  }
});

test("NamedTarget: hands a refusal on to whoever knows another way", async () => {
  const names = new Names();
  const target = names.target("each-call");
  const heard: Error[] = [];
  const answer = await target.ask("m", [], undefined, (error) => {
    heard.push(error);
    return Promise.resolve("another way");
  });
  assert.equal(answer, "another way");
  assert.ok(isPulsingError(heard[0], "no-instance"));
});

test("NamedTarget: the options of a first attempt are the caller's own", async () => {
  const names = new Names();
  const [one, two] = [new Actor("one"), new Actor("two")];
  names.set(one, two);
  const options = { timeoutMs: 50, headers: { a: "b" } };
  await names.target("once", one).ask("m", [], options);
  assert.equal(one.options[0], options);
  stopped(one);
  await names.target("once", one).ask("m", [], options);
  assert.deepEqual(two.options[0], options);
  await names.target("once", one).ask("m", []);
  assert.equal(two.options[1], undefined);
});

test("NamedTarget: as a value it is its last actor, until another one has the name", () => {
  const names = new Names();
  const [one, two] = [new Actor("one"), new Actor("two")];
  const target = names.target("each-call");
  assert.throws(() => target.instance, { kind: "no-instance" });
  names.set(one);
  const watcher: Watcher = { watcherId: "w", terminated: (_: Terminated) => {} };
  target.watch(watcher);
  assert.deepEqual(one.watchers, [watcher]);
  names.set();
  assert.equal(target.instance, one);
  target.unwatch(watcher);
  assert.deepEqual(one.watchers, []);
  names.set(two);
  assert.equal(target.instance, two);
});
