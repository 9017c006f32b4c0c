/**
 * An actor without a class of methods: any object that takes messages one at a time.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

class Echo extends pul.Actor {
  heard = 0;

  override onStart(): void {
    console.log("started");
  }

  override onStop(): void {
    console.log(`stopped after ${this.heard} messages`);
  }

  override metadata(): Record<string, string> {
    return { language: "any" };
  }

  override receive(message: unknown, context: pul.CellContext): unknown {
    this.heard++;
    if (message === "who are you") return context.path;
    return { echo: message };
  }
}

await using system = await pul.actorSystem();
const echo = await system.spawn(new Echo(), { name: "services/echo" });

await echo.tell("nobody waits for the answer");
console.log("ask:", JSON.stringify(await echo.ask({ list: [1, 2] })));
console.log("path:", await echo.ask("who are you"));

// A plain object will do, and it may answer with a stream.
const counter = await system.spawn({
  *receive(message: unknown) {
    for (let i = 1; i <= Number(message); i++) yield i;
  },
});
const stream = await counter.ask(3) as pul.ReplyStream<number>;
for await (const item of stream) console.log("item:", item);

for (const { path, instances } of system.allNamedActors()) {
  console.log("named:", path, instances[0]?.metadata.language);
}
await system.stop("services/echo");
