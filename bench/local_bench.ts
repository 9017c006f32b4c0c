/**
 * What does an actor of this process cost, compared with a bare mailbox?
 *
 * @module
 */

import { BareMailbox } from "./bare_mailbox.ts";
import { compare, type Comparison, expectCount, oneAtATime, report, type Row } from "./harness.ts";
import * as pul from "../mod.ts";

const ASKS = 10_000;
const TELLS_PER_BATCH = 200;
const SPAWNS = 1_000;
const ITEMS = 10_000;
const FLUSH = "flush";

class Echo {
  echo(value: number) {
    return value;
  }
  *items(count: number) {
    for (let item = 0; item < count; item++) yield item;
  }
}

await using system = await pul.actorSystem();
const bareEcho = new Echo();
const bare = new BareMailbox((message) => bareEcho.echo(message));
const RemoteEcho = pul.remote(Echo);
const actor = await RemoteEcho.spawn({ system, mailboxCapacity: ASKS });
const counted = { received: 0 };
const ref = await system.spawn({
  receive: (message) => void (counted.received += message === FLUSH ? 0 : 1),
});
const registry = new Map<string, { readonly mailbox: BareMailbox; readonly instance: Echo }>();

const comparisons: readonly Comparison[] = [
  {
    control: askRow("bare mailbox, one at a time", (value) => bare.ask(value)),
    measured: askRow("ask, one at a time", (value) => actor.echo(value)),
    target: 0.35,
  },
  {
    control: flightRow("bare mailbox, 10 000 in flight", (value) => bare.ask(value)),
    measured: flightRow("ask, 10 000 in flight", (value) => actor.echo(value)),
    target: 0.35,
  },
  { control: bareTells(), measured: tells(), target: 0.2 },
  { control: bareSpawns(), measured: spawns(), target: 0.5 },
  { control: bareItems(), measured: items() },
];
report("local", await compare(comparisons));

function askRow(name: string, ask: (value: number) => Promise<number>): Row {
  return { name, run: () => oneAtATime(ASKS, ask) };
}

function flightRow(name: string, ask: (value: number) => Promise<number>): Row {
  return {
    name,
    async run() {
      const answers = await Promise.all(Array.from({ length: ASKS }, (_, value) => ask(value)));
      expectCount(answers.filter((answer, value) => answer === value).length, ASKS);
      return ASKS;
    },
  };
}

function bareTells(): Row {
  const seen = { received: 0 };
  const mailbox = new BareMailbox(() => seen.received++);
  const tell = (value: number) => mailbox.ask(value);
  const flush = () => Promise.resolve(); // awaiting a tell of this mailbox is awaiting its end
  return { name: "bare mailbox, batches of 200", run: () => tellBatches(seen, tell, flush) };
}

function tells(): Row {
  const tell = (value: number) => ref.tell(value);
  const flush = () => ref.ask(FLUSH);
  return { name: "tell, batches of 200", run: () => tellBatches(counted, tell, flush) };
}

async function tellBatches(
  seen: { readonly received: number },
  tell: (value: number) => Promise<unknown>,
  flush: () => Promise<unknown>,
): Promise<number> {
  const before = seen.received;
  for (let sent = 0; sent < ASKS; sent += TELLS_PER_BATCH) {
    for (let value = 1; value < TELLS_PER_BATCH; value++) void tell(value);
    await tell(0);
  }
  await flush();
  expectCount(seen.received - before, ASKS);
  return ASKS;
}

function bareSpawns(): Row {
  return {
    name: "instance, mailbox, Map entry, two promises",
    async run() {
      for (let made = 0; made < SPAWNS; made++) {
        const id = crypto.randomUUID();
        await new Promise<void>((resolve) => {
          const instance = new Echo();
          const mailbox = new BareMailbox((message) => instance.echo(message));
          registry.set(id, { mailbox, instance });
          resolve();
        });
        await new Promise<boolean>((resolve) => resolve(registry.delete(id)));
      }
      expectCount(registry.size, 0);
      return SPAWNS;
    },
  };
}

function spawns(): Row {
  return {
    name: "spawn and stop",
    async run() {
      let stopped = 0;
      for (let made = 0; made < SPAWNS; made++) {
        const { $ref } = await system.spawnClass(RemoteEcho);
        await system.stop($ref.actorId);
        stopped++;
      }
      expectCount(stopped, SPAWNS);
      return SPAWNS;
    },
  };
}

function bareItems(): Row {
  return {
    name: "bare async generator, items",
    async run() {
      let expected = 0;
      for await (const item of bareStream(ITEMS)) expected += item === expected ? 1 : 0;
      expectCount(expected, ITEMS);
      return ITEMS;
    },
  };
}

function items(): Row {
  return {
    name: "stream, items",
    async run() {
      let expected = 0;
      for await (const item of actor.items(ITEMS)) expected += item === expected ? 1 : 0;
      expectCount(expected, ITEMS);
      return ITEMS;
    },
  };
}

async function* bareStream(count: number): AsyncGenerator<number> {
  for (let item = 0; item < count; item++) yield await Promise.resolve(item);
}
