/**
 * A caller that gives up is heard by the actor: by deadline, by signal, by leaving a loop.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

const Worker = pul.remote(
  class Worker {
    seen: string[] = [];
    async work(name: string) {
      const { signal, deadlineMs } = pul.context();
      console.log(`${name}: has a deadline: ${deadlineMs !== undefined}`);
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      this.seen.push(`${name}: ${signal.reason.name}`);
    }
    reasons() {
      return this.seen;
    }
  },
);

await using system = await pul.actorSystem();
const worker = await Worker.spawn({ system });

try {
  await worker.$with({ timeoutMs: 50 }).work("late");
} catch (error) {
  console.log("timeout:", pul.isPulsingError(error, "timeout"), String(error));
}

const user = new AbortController();
const call = worker.$with({ signal: user.signal }).work("unwanted");
await worker.reasons(); // stands behind the call in the mailbox, so that one has begun now
user.abort();
try {
  await call;
} catch (error) {
  console.log("aborted:", error === user.signal.reason);
}

console.log("the actor saw:", (await worker.reasons()).join(", "));
