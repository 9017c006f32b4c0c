/** Actors that live on another node than whoever spawns them. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { eventually, runtime, test } from "../harness.ts";
import { otherRuntime, startScript } from "../other_runtime.ts";
import { NamedNodes } from "./named_nodes.ts";

let isSick = false;

const Placed = pul.remote(
  class Placed {
    readonly value: number;
    failures = 0;
    constructor(value = 0) {
      if (value < 0) throw new pul.PulsingBusinessError(400, "negative", { value });
      if (value > 99) throw new RangeError("too much");
      this.value = value;
    }
    async onStart(): Promise<void> {
      if (isSick) await new Promise(() => {});
    }
    where(): string {
      return pul.context().nodeId;
    }
    get(): number {
      return this.value;
    }
    fail(): never {
      this.failures++;
      throw new Error("broken");
    }
    failed(): number {
      return this.failures;
    }
    async ask(other: pul.AnyProxy): Promise<string> {
      return await other.where!();
    }
  },
  { name: "Placed" },
);

test("remote: another node, the one with the fewest actors as gossip tells", async () => {
  await using all = await NamedNodes.start(3);
  for (let i = 0; i < 6; i++) await all.at(1).spawn({ receive: () => {} });
  await all.clock.advance(5_000);
  const asked = all.at(2);
  const core = (await asked.resolve("system/core")).asType(pul.SystemActor);
  const before = (await core.metrics()).messagesTotal;
  for (let i = 0; i < 5; i++) {
    const placed = await all.soon(
      Placed.spawn({ system: all.at(0), placement: "remote", args: [i] }),
    );
    assert.equal(await all.soon(placed.where()), asked.nodeId);
    assert.equal(await all.soon(placed.get()), i);
  }
  const handled = (await core.metrics()).messagesTotal - before;
  assert.equal(handled, 5 * 3 + 1, "three messages for each actor: nobody was asked for its load");
});

test("remote: a burst is spread over nodes that have said the same", async () => {
  await using all = await NamedNodes.start(4);
  for (let i = 0; i < 30; i++) await all.at(3).spawn({ receive: () => {} });
  await all.clock.advance(5_000);
  const burst = Array.from(
    { length: 60 },
    () => Placed.spawn({ system: all.at(0), placement: "remote" }),
  );
  const placed = await all.soon(Promise.all(burst));
  const where = await all.soon(Promise.all(placed.map((actor) => actor.where())));
  const counts = [0, 1, 2, 3].map((index) =>
    where.filter((nodeId) => nodeId === all.at(index).nodeId).length
  );
  const [here, one, two, full] = counts;
  assert.equal(here, 0);
  assert.ok(Math.abs(one! - two!) <= 1, counts.join());
  assert.ok(full! <= 1, counts.join());
});

test("remote: here, with a warning, when there is no other node", async () => {
  await using all = await NamedNodes.start(1);
  const placed = await all.soon(Placed.spawn({ system: all.at(0), placement: "remote" }));
  assert.equal(await placed.where(), all.at(0).nodeId);
  const warned = all.logged.filter(([level]) => level === "warn");
  assert.deepEqual(warned.map(([, text]) => text), [
    "no other node to spawn on: the actor is spawned here",
  ]);
});

test("remote: a node that does not answer is not chosen", async () => {
  await using all = await NamedNodes.start(3);
  await all.kill(1);
  for (let i = 0; i < 3; i++) {
    const placed = await all.soon(Placed.spawn({ system: all.at(0), placement: "remote" }));
    assert.equal(await all.soon(placed.where()), all.at(2).nodeId);
  }
});

test("a node's id: that node, one's own included; an unknown one is not found", async () => {
  await using all = await NamedNodes.start(2);
  const system = all.at(0);
  for (const index of [0, 1]) {
    const placement = all.at(index).nodeId;
    const placed = await all.soon(Placed.spawn({ system, placement }));
    assert.equal(await all.soon(placed.where()), placement);
  }
  const local = await Placed.spawn({ system, placement: "local" });
  assert.equal(await local.where(), system.nodeId);
  const error = await all.failure(Placed.spawn({ system, placement: "f".repeat(32) }));
  assert.equal(error.kind, "node-not-found");
  for (const placement of ["nowhere", "", 5, null]) {
    await assert.rejects(
      Placed.spawn({ system, placement: placement as never }),
      /^TypeError: Cannot spawn actor with placement/,
    );
  }
});

test("an error of the constructor rejects spawn as it does here", async () => {
  await using all = await NamedNodes.start(2);
  const system = all.at(0);
  for (const placement of ["local", all.at(1).nodeId]) {
    const refused = await all.failure(Placed.spawn({ system, placement, args: [-1] }));
    assert.ok(refused instanceof pul.PulsingBusinessError, String(refused));
    assert.deepEqual([refused.code, refused.details], [400, { value: -1 }]);
    const failed = await all.failure(Placed.spawn({ system, placement, args: [100] }));
    assert.ok(failed instanceof pul.PulsingActorError, String(failed));
    assert.deepEqual([failed.errorName, failed.message], ["RangeError", "too much"]);
  }
});

test("misuse is a TypeError before anything is sent", async () => {
  await using all = await NamedNodes.start(2);
  const common = { system: all.at(0), placement: all.at(1).nodeId };
  for (
    const wrong of [
      { restartOn: () => true },
      { args: 5 },
      { name: "a//b" },
      { concurrency: "maybe" },
      { restartPolicy: "maybe" },
      { unknown: 1 },
    ]
  ) {
    await assert.rejects(Placed.spawn({ ...common, ...wrong as object }), TypeError);
  }
  await assert.rejects(Placed.spawn({ ...common, args: [(() => 1) as never] }), {
    kind: "not-encodable",
  });
});

test("supervision, name and mailbox travel: the actor restarts there", async () => {
  await using all = await NamedNodes.start(2);
  const [system, target] = [all.at(0), all.at(1)];
  const placed = await all.soon(Placed.spawn({
    system,
    placement: target.nodeId,
    name: "placed",
    args: [7],
    restartPolicy: "on-failure",
    maxRestarts: 2,
    minBackoffMs: 10,
  }));
  for (let i = 0; i < 2; i++) {
    const error = await all.failure(placed.fail());
    assert.ok(error instanceof pul.PulsingActorError);
    await all.gossip();
    assert.deepEqual(await all.soon(Promise.all([placed.failed(), placed.get()])), [0, 7]);
  }
  const taken = Placed.spawn({ system, placement: target.nodeId, name: "placed" });
  const exists = await all.failure(taken);
  assert.equal(exists.kind, "actor-exists");
  // It said "on this node", which was the other one.
  assert.match(exists.message, new RegExp(`already exists on node ${exists.nodeId}`));
  assert.equal(exists.nodeId, all.at(1).nodeId);
  const here = await Placed.spawn({ system, name: "placed" });
  assert.equal(await here.where(), system.nodeId);
  assert.equal(
    (await all.soon(system.resolve("placed", { nodeId: target.nodeId }))).path,
    "actors/placed",
  );
  await all.failure(placed.fail());
  await all.gossip();
  assert.equal((await all.failure(placed.get())).kind, "actor-stopped");
});

test("a spawn that takes too long, or is given up, leaves no actor there", async () => {
  await using all = await NamedNodes.start(2);
  const [system, target] = [all.at(0), all.at(1)];
  const common = { system, placement: target.nodeId, name: "slow" };
  isSick = true;
  try {
    const late = await all.failure(Placed.spawn({ ...common, timeoutMs: 200 }));
    assert.ok(late instanceof pul.PulsingTimeoutError);
    const controller = new AbortController();
    const spawned = Placed.spawn({ ...common, signal: controller.signal });
    await all.clock.settle();
    controller.abort(new Error("enough"));
    await assert.rejects(spawned, /enough/);
  } finally {
    isSick = false;
  }
  await all.clock.advance(60_000);
  const placed = await all.soon(Placed.spawn(common));
  assert.equal(await all.soon(placed.where()), target.nodeId);
});

test("arguments and references reach the actor over there live", async () => {
  await using all = await NamedNodes.start(2);
  const system = all.at(0);
  const far = await all.soon(Placed.spawn({ system, placement: all.at(1).nodeId }));
  const near = await Placed.spawn({ system });
  assert.equal(await all.soon(far.ask(near.$any())), system.nodeId);
  assert.equal(await all.soon(near.ask(far.$any())), all.at(1).nodeId);
});

test("AC-27: a class that another process does not know is named, with those it knows", async () => {
  for (const wanted of [runtime, otherRuntime]) {
    await using system = await pul.actorSystem({ addr: "127.0.0.1:0" });
    const script = new URL("./placement_script.ts", import.meta.url);
    await using child = await startScript(wanted, script, [system.addr!]);
    const placement = child.line;
    await eventually(() => system.members().some(({ nodeId }) => nodeId === placement));
    const error = await Placed.spawn({ system, placement }).catch((error: unknown) => error);
    assert.ok(error instanceof pul.PulsingRuntimeError, String(error));
    assert.equal(error.kind, "class-not-registered");
    assert.match(
      error.message,
      /class "Placed" on node [0-9a-f]{32}: .*registered are .*KnownThere/,
    );
    const Known = pul.remote(
      class Known {
        where(): string {
          throw new Error("not here");
        }
      },
      { name: "KnownThere" },
    );
    const known = await Known.spawn({ system, placement: "remote" });
    assert.equal(await known.where(), placement);
  }
});

// A node without the class failed the spawn though another one had it.
test("remote: a node that does not know the class is passed over", async () => {
  const script = new URL("./placement_script.ts", import.meta.url);
  await using system = await pul.actorSystem({ addr: "127.0.0.1:0" });
  await using knowing = await pul.actorSystem({ addr: "127.0.0.1:0", seeds: [system.addr!] });
  await using child = await startScript(runtime, script, [system.addr!]);
  await eventually(() => system.members().some(({ nodeId }) => nodeId === child.line));
  for (let n = 0; n < 4; n++) { // a node that was asked counts as having one more
    const placed = await Placed.spawn({ system, placement: "remote" });
    assert.equal(await placed.where(), knowing.nodeId);
  }
});

test("remote: a class that no node knows is an error that names the nodes", async () => {
  await using all = await NamedNodes.start(3);
  class Unheard {}
  const spawned = all.at(0).spawnClass(Unheard, { placement: "remote" });
  const error = await all.failure(spawned);
  assert.equal(error.kind, "class-not-registered");
  for (const index of [1, 2]) assert.ok(error.message.includes(all.at(index).nodeId));
});
