/**
 * Two nodes and one typed proxy: names, references and streams cross the network.
 *
 * Both nodes are in one process here; in two processes only the seed's address differs.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

const Room = pul.remote(
  class Room {
    listeners: pul.ActorRef[] = [];
    join(listener: pul.ActorRef) {
      return this.listeners.push(listener);
    }
    async say(text: string) {
      await Promise.all(this.listeners.map((listener) => listener.ask(text)));
      return this.listeners.length;
    }
    async *history(count: number) {
      for (let i = 1; i <= count; i++) yield { line: i, at: new Date(0) };
    }
  },
);

await using one = await pul.actorSystem({ addr: "127.0.0.1:0" });
await using two = await pul.actorSystem({ addr: "127.0.0.1:0", seeds: [`${one.addr}`] });
console.log("members:", two.members().length, two.members().map((member) => member.status).join());

await Room.spawn({ name: "room", system: one });
const room = await Room.resolve("room", { system: two, timeoutMs: 5_000 });
console.log("on another node:", room.$ref.nodeId === one.nodeId && one.nodeId !== two.nodeId);

// A reference handed over arrives live: the room calls back.
const ear = await two.spawn({ receive: (text: unknown) => console.log("heard:", text) });
console.log("listeners:", await room.join(ear));
console.log("told:", await room.say("hello"));

for await (const { line, at } of room.history(2)) console.log("line", line, at.toISOString());

const health = await (await fetch(`http://${one.addr}/health`)).json();
console.log("health:", health.status, "members:", health.members);
