/** The builders on a running system: AC-36 and what they hand on. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";

class Tally implements pul.Receiver {
  static made = 0;
  #count = 0;
  constructor() {
    Tally.made++;
  }
  receive(message: unknown): number {
    if (message === "fail") throw new Error("broken");
    return ++this.#count;
  }
}

const onFailure = pul.SupervisionSpec.onFailure().maxRestarts(3).backoffMs(10, 10);

test("a built system is a system", async () => {
  const clock = new ManualClock();
  const transport = pul.memory(new pul.MemoryNetwork(clock));
  const builder = pul.ActorSystem.builder().addr("127.0.0.1:0").with({ transport, clock });
  await using system = await builder.build();
  assert.match(system.addr!, /^127\.0\.0\.1:\d+$/);
  await using other = await builder.build();
  assert.notEqual(other.nodeId, system.nodeId);
  await assert.rejects(pul.ActorSystem.builder().with({ wrong: 1 } as never).build(), TypeError);
});

test("spawnNamed and spawning give the actor its name and its mailbox", async () => {
  await using system = await pul.actorSystem();
  await system.spawnNamed("services/tally", new Tally());
  assert.equal(await (await system.resolve("services/tally")).ask("x"), 1);
  await assert.rejects(system.spawnNamed("services/tally", new Tally()), { kind: "actor-exists" });
  const echo = { receive: (message: unknown) => message };
  const spawning = system.spawning().name("small").mailboxCapacity(1).mailboxOverflow("reject");
  const small = await spawning.spawn(echo);
  const answers = await Promise.allSettled([1, 2, 3].map((n) => small.ask(n)));
  assert.deepEqual(answers.map(({ status }) => status), ["fulfilled", "rejected", "rejected"]);
  await assert.rejects(spawning.name("a//b").spawn(echo), TypeError);
  const anonymous = await system.spawning().spawn(echo);
  assert.equal(anonymous.path, undefined);
});

test("spawnNamedFactory and spawning restart what a function makes", async () => {
  const clock = new ManualClock();
  await using system = await pul.actorSystem({ clock, logger: pul.silentLogger });
  const spawns = {
    factory: () => system.spawnNamedFactory("factory", () => new Tally(), onFailure.options),
    builder: () =>
      system.spawning().name("builder").supervision(onFailure).spawn(() => new Tally()),
  };
  for (const spawn of Object.values(spawns)) {
    Tally.made = 0;
    const ref = await spawn();
    assert.equal(await ref.ask("x"), 1);
    assert.equal(await ref.ask("x"), 2);
    await assert.rejects(ref.ask("fail"), /broken/);
    await clock.advance(10);
    assert.deepEqual([await ref.ask("x"), Tally.made], [1, 2]);
  }
});

test("an instance with a restart policy is refused: it cannot be made again", async () => {
  await using system = await pul.actorSystem();
  const wanted = /must be made anew, pass a function/;
  await assert.rejects(system.spawnNamed("tally", new Tally(), onFailure.options), wanted);
  const spawning = system.spawning().name("tally").supervision(onFailure);
  await assert.rejects(spawning.spawn(new Tally()), TypeError);
  await assert.rejects(spawning.spawn(Tally as never), TypeError);
  const never = system.spawning().name("tally").supervision(pul.SupervisionSpec.never());
  assert.equal(await (await never.spawn(new Tally())).ask("x"), 1);
});

test("AC-36: an anonymous actor is found by no name, and is not supervised", async () => {
  await using system = await pul.actorSystem();
  const ref = await system.spawn(new Tally());
  assert.deepEqual(system.allNamedActors(), []);
  for (const name of [ref.actorId, `actors/${ref.actorId}`]) {
    await assert.rejects(system.resolve(name), { kind: "actor-not-found" });
  }
  const spawning = system.spawning().supervision(onFailure);
  await assert.rejects(spawning.spawn(() => new Tally()), (error: unknown) => {
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /anonymous actors do not support supervision/);
    return true;
  });
  await assert.rejects(system.spawn(() => new Tally(), { restartPolicy: "always" }), TypeError);
});

test("a builder of a system that is shut down says so", async () => {
  const system = await pul.actorSystem();
  const spawning = system.spawning().name("late");
  await system.shutdown();
  await assert.rejects(spawning.spawn(new Tally()), { kind: "shutdown" });
  assert.throws(() => system.resolving(), { kind: "shutdown" });
});
