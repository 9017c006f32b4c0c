/**
 * A failure restarts the actor: a new instance, the same id and name, the queue kept.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

const Parser = pul.remote(
  class Parser {
    parsed = 0;
    onStart() {
      console.log("a new instance starts");
    }
    onStop(reason: pul.TerminationReason) {
      console.log("an instance ends:", reason);
    }
    parse(text: string) {
      if (text === "?") throw new pul.PulsingBusinessError(400, "no question, please");
      const value: unknown = JSON.parse(text); // throws on bad input
      return `${++this.parsed}: ${JSON.stringify(value)}`;
    }
  },
  { restartPolicy: "on-failure", maxRestarts: 2, minBackoffMs: 10, maxBackoffMs: 100 },
);

await using system = await pul.actorSystem({ logger: pul.silentLogger });
const parser = await Parser.spawn({ system, name: "parser" });
console.log(await parser.parse("[1, 2]"));

// A refusal that the actor meant is no failure.
await parser.parse("?").catch((error) => console.log("refused:", error.message));
console.log(await parser.parse("[3]"));

// The failing caller gets the error, the message behind it goes to the next instance.
const failed = parser.parse("[oops").catch((error) => console.log("failed:", error.errorName));
const queued = parser.parse("[4]");
await failed;
console.log(await queued);

// With the second failure one restart is left, with the third none.
for (const _ of [2, 3]) await parser.parse("").catch(() => console.log("failed again"));
const gone = await parser.parse("[5]").catch((error: unknown) => error);
if (pul.isPulsingError(gone)) {
  console.log("gone:", gone.kind, "because of", gone.cause instanceof Error);
}
