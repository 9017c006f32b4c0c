/**
 * Something around every call of a node: authorisation here, logging and metrics likewise.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

const Vault = pul.remote(
  class Vault {
    open(name: string) {
      return `${name} is open`;
    }
  },
);

await using bank = await pul.actorSystem({ addr: "127.0.0.1:0" });
await using client = await pul.actorSystem({ addr: "127.0.0.1:0", seeds: [`${bank.addr}`] });
await Vault.spawn({ system: bank, name: "vault" });

// The bank checks what comes in; a refusal never reaches the actor.
const checking = bank.use(async (call, next) => {
  if (call.direction === "incoming" && call.headers.token !== "secret") {
    throw new pul.PulsingBusinessError(401, `${call.method} needs a token`);
  }
  return await next();
});

const vault = await Vault.resolve("vault", { system: client, timeoutMs: 5_000 });
await vault.open("left").catch((error) => console.log("refused:", error.code, error.message));

// The client adds the token to all it sends, and counts.
let calls = 0;
using _ = client.use(async (call, next) => {
  calls++;
  const answer = await next({ headers: { token: "secret" } });
  console.log(call.direction, call.actor, call.method, "->", answer);
  return answer;
});
console.log(await vault.open("left"));

checking[Symbol.dispose]();
console.log(await vault.$with({ headers: { token: "none" } }).open("right"));
console.log("calls:", calls);
