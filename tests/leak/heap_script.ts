/**
 * Makes a million calls of each kind and prints by how many bytes the heap grows with each call,
 * as one line of JSON. Needs a garbage collector that can be called: see `heap_test.ts`.
 */

// deno-lint-ignore-file no-console -- the test reads what is printed

import process from "node:process";
import * as pul from "../../mod.ts";

const CALLS = 1_000_000;
const ROUNDS = 10;
const IN_FLIGHT = 1_000;

class Worker {
  value = 0;
  add(by: number) {
    return this.value += by;
  }
  async later(by: number) {
    return await Promise.resolve(by);
  }
  fail() {
    throw new pul.PulsingBusinessError(1, "no");
  }
  async *items(count: number) {
    for (let n = 0; n < count; n++) yield n;
  }
}

const network = new pul.MemoryNetwork(pul.systemClock);
const common = { logger: pul.silentLogger, transport: pul.memory(network) };
const one = await pul.actorSystem({ ...common, addr: "127.0.0.1:1" });
const two = await pul.actorSystem({ ...common, addr: "127.0.0.1:2", seeds: ["127.0.0.1:1"] });
const local = await one.spawnClass(Worker, { mailboxCapacity: IN_FLIGHT });
await two.spawnClass(Worker, { name: "far", mailboxCapacity: IN_FLIGHT });
const found = await one.resolve("far", { timeoutMs: 10_000 });
const remote = found.asType(Worker);

const kinds: Readonly<Record<string, (n: number) => Promise<unknown>>> = {
  "local ask": (n) => n % 4 === 0 ? local.later(n) : local.add(1),
  "local tell": () => local.$ref.tell({ __call__: "add", args: [1] }),
  "local failures and deadlines": (n) =>
    n % 2 === 0 ? local.fail().catch(() => {}) : local.$with({ timeoutMs: 60_000 }).add(1),
  "remote ask, by name": (n) => n % 16 === 0 ? remote.fail().catch(() => {}) : remote.add(1),
};

const slopes: Record<string, number> = {};
for (const [kind, call] of Object.entries(kinds)) {
  await round(call); // what is compiled and kept for good does not count
  const before = heapBytes();
  for (let index = 0; index < ROUNDS; index++) await round(call);
  slopes[kind] = (heapBytes() - before) / CALLS;
}
console.log(JSON.stringify(slopes));
await two.shutdown();
await one.shutdown();

async function round(call: (n: number) => Promise<unknown>): Promise<void> {
  for (let sent = 0; sent < CALLS / ROUNDS; sent += IN_FLIGHT) {
    await Promise.all(Array.from({ length: IN_FLIGHT }, (_, n) => call(n)));
  }
}

function heapBytes(): number {
  const host = globalThis as { gc?: () => void; Bun?: { gc(isNow: boolean): void } };
  for (let times = 0; times < 3; times++) {
    if (host.Bun !== undefined) host.Bun.gc(true);
    else if (host.gc !== undefined) host.gc();
    else throw new Error("Cannot measure the heap: start Deno with --v8-flags=--expose-gc");
  }
  return process.memoryUsage().heapUsed;
}
