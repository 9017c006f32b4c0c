/**
 * Bounded mailboxes: wait, refuse or drop the oldest; what reached nobody is a dead letter.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

await using system = await pul.actorSystem({ logger: pul.silentLogger });
const letters = system.deadLetters[Symbol.asyncIterator]();

/** An actor that works on one message and holds two more. */
async function start(name: string, mailboxOverflow: pul.MailboxOverflow) {
  const done: unknown[] = [];
  const receive = async (message: unknown) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    done.push(message);
    return [...done];
  };
  const ref = await system.spawn({ receive }, { name, mailboxCapacity: 2, mailboxOverflow });
  await ref.tell(0);
  return ref;
}

const patient = await start("patient", "wait");
for (const n of [1, 2, 3, 4]) await patient.tell(n); // resolves when there is room
console.log("wait:", await patient.ask("all"));

const strict = await start("strict", "reject");
await strict.tell(1);
await strict.tell(2);
await strict.tell(3).catch((error) => console.log("reject:", error.kind, error.retryable));

const fresh = await start("fresh", "drop-oldest");
for (const n of [1, 2, 3, 4, 5]) await fresh.tell(n);
console.log("drop-oldest:", await fresh.ask("all"));

for (let read = 0; read < system.deadLetters.count; read++) {
  const { value } = await letters.next();
  console.log("dead letter:", value?.actor, value?.payload, value?.reason);
}
