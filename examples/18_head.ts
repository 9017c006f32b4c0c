/**
 * A cluster with a head: one node knows all members and names, the others ask it and nobody else.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

const Greeter = pul.remote(
  class Greeter {
    greet(name: string): string {
      return `hello ${name}`;
    }
  },
);

const common = { addr: "127.0.0.1:0", logger: pul.silentLogger };
const head = await pul.actorSystem({ ...common, isHeadNode: true });
const headAddr = `${head.addr}`;
await using one = await pul.actorSystem({ ...common, headAddr });
await using two = await pul.actorSystem({ ...common, headAddr });

await Greeter.spawn({ system: one, name: "greeter" });
const greeter = await Greeter.resolve("greeter", { system: two, timeoutMs: 5_000 });
console.log("through the head:", await greeter.greet("two"));
console.log("the head knows:", head.allNamedActors().map(({ path }) => path).join());

// Without its head a worker goes on with what it knows.
await head.shutdown();
console.log("without the head:", await greeter.greet("two"));
await Greeter.spawn({ system: two, name: "late" });

// A new head at the address learns everything from the workers, who come by themselves.
await using heir = await pul.actorSystem({ ...common, addr: headAddr, isHeadNode: true });
const late = await Greeter.resolve("late", { system: one, timeoutMs: 30_000 });
console.log("through the new head:", await late.greet("one"));
const alive = heir.members().filter(({ status }) => status === "alive");
console.log("members it knows:", alive.length);

// A node has a head or gossips, not both.
await pul.actorSystem({ ...common, headAddr, seeds: [headAddr] })
  .catch((error) => console.log(error.message));
