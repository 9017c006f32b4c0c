/**
 * A class becomes an actor: spawn it, call it, find it by name.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

const Counter = pul.remote(
  class Counter {
    value: number;
    constructor(value = 0) {
      this.value = value;
    }
    incr(by = 1) {
      return this.value += by;
    }
    async addLater(promise: Promise<number> | number) {
      return this.value += await promise;
    }
  },
);

await pul.init();
const counter = await Counter.spawn({ name: "counter", args: [10] });
console.log("incr:", await counter.incr());
console.log("incr by 5:", await counter.incr(5));
console.log("addLater:", await counter.addLater(4));

// Calls leave at once and are handled in the order in which they were made.
const answers = await Promise.all([counter.incr(), counter.incr(), counter.incr()]);
console.log("in order:", answers.join(" "));

const same = await Counter.resolve("counter");
console.log("same actor:", await same.incr(-23));

// A proxy has exactly the methods of its class.
const typed = await pul.resolve("counter", { cls: Counter });
console.log("typed:", await typed.incr(100));

// Without a class any name will do; awaiting one without a call reads the attribute.
const untyped = await pul.resolve("counter");
console.log("attribute:", await untyped.value);

const plain = new Counter(1);
console.log("an ordinary object:", plain.incr());

await pul.shutdown();
console.log("running:", pul.isInitialized());
