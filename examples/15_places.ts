/**
 * Actors on other nodes, objects that become actors, builders, and what a node says of itself.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

const Index = pul.remote(
  class Index {
    readonly words = new Set<string>();
    add(word: string) {
      return this.words.add(word).size;
    }
    where() {
      return pul.context().nodeId;
    }
  },
);

const logger = pul.silentLogger;
await using one = await pul.ActorSystem.builder().addr("127.0.0.1:0").with({ logger }).build();
await using two = await pul.ActorSystem.builder().addr("127.0.0.1:0").seeds([`${one.addr}`])
  .with({ logger }).build();

// On another node, the one with the fewest actors; or on the node of an id.
const far = await Index.spawn({ system: one, name: "far", placement: "remote" });
console.log("far is on the other node:", await far.where() === two.nodeId);
const there = await Index.spawn({ system: one, placement: two.nodeId, restartPolicy: "always" });
console.log("added there:", await there.add("word"));

// The builder's words for the options of spawn.
const spec = pul.SupervisionSpec.onFailure().maxRestarts(5).backoffMs(50, 1_000);
const echo = await one.spawning().name("services/echo").supervision(spec).mailboxCapacity(16)
  .spawn(() => ({ receive: (message: unknown) => message }));
console.log("echo:", await echo.ask("hello"));

// An object that is there already becomes an actor, for others and for itself.
class Sensor {
  readonly degrees: number;
  constructor(degrees: number) {
    this.degrees = degrees;
    one.mount(this, { name: "sensor" });
  }
  read() {
    return this.degrees;
  }
}
const sensor = new Sensor(21);
const found = await two.resolve("sensor", { timeoutMs: 5_000 });
console.log("sensor:", sensor.read(), await found.asType(Sensor).read());
one.unmount("sensor");

// Every node answers about itself.
const core = (await one.resolve("system/core", { nodeId: two.nodeId })).asType(pul.SystemActor);
const { actorsCreated } = await core.metrics();
console.log("created there:", actorsCreated);
for (const { path, state } of await core.actors()) console.log("-", path ?? "anonymous", state);
