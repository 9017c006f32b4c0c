/**
 * What travels with a call over all its hops: deadline, abort, trace, and who waits for whom.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

const Desk = pul.remote(
  class Desk {
    async pass(next: pul.ActorProxy<Desk>[], seen: string[] = []): Promise<string[]> {
      const { path, deadlineMs, traceparent } = pul.context();
      const [, trace] = traceparent.split("-");
      seen.push(`${path} ${deadlineMs === undefined ? "no limit" : "limited"} ${trace}`);
      const [first, ...rest] = next;
      return first === undefined ? seen : await first.pass(rest, seen);
    }
    async hang(next?: pul.ActorProxy<Desk>): Promise<void> {
      if (next !== undefined) return await next.hang();
      const { signal } = pul.context();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      console.log("the last desk hears:", signal.reason.name);
    }
  },
  { concurrency: "sequential" },
);

await using system = await pul.actorSystem();
const a = await Desk.spawn({ system, name: "a" });
const b = await Desk.spawn({ system, name: "b" });

// One deadline and one trace for all hops; nobody passes them on by hand.
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
for (const line of await a.$with({ timeoutMs: 5_000, traceparent }).pass([b])) console.log(line);

// The deadline of the first caller ends the work of the last callee.
await a.$with({ timeoutMs: 50 }).hang(b).catch((error) => console.log("late:", error.operation));

// Sequential actors that wait for each other would wait for ever: that fails at once.
const cycle = await a.pass([b, a]).catch((error: unknown) => error);
if (pul.isPulsingError(cycle, "call-cycle")) {
  console.log(cycle.message.split(", ")[1]?.split(";")[0]);
}
