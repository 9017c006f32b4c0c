/**
 * Errors keep class, kind, code, details and cause over every distance.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

const Account = pul.remote(
  class Account {
    balance = 10;
    withdraw(amount: number) {
      if (amount > this.balance) {
        throw new pul.PulsingBusinessError(402, "balance too low", { balance: this.balance });
      }
      return this.balance -= amount;
    }
    breakDown() {
      throw new RangeError("out of paper", { cause: new Error("tray 2 is empty") });
    }
  },
);

async function caught(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return error;
  }
}

await using one = await pul.actorSystem({ addr: "127.0.0.1:0" });
await using two = await pul.actorSystem({ addr: "127.0.0.1:0", seeds: [`${one.addr}`] });
await Account.spawn({ name: "account", system: one });
const account = await Account.resolve("account", { system: two, timeoutMs: 5_000 });

const refusal = await caught(account.withdraw(50));
if (refusal instanceof pul.PulsingBusinessError) {
  console.log("refused:", refusal.code, refusal.message, JSON.stringify(refusal.details));
}

const fault = await caught(account.breakDown());
if (fault instanceof pul.PulsingActorError && fault.cause instanceof RangeError) {
  console.log("failed:", fault.errorName, fault.message, "|", String(fault.cause.cause));
}
console.log("the actor lives on:", await account.withdraw(4));

await one.stop("account");
const gone = await caught(account.withdraw(1));
if (pul.isPulsingError(gone)) console.log("gone:", gone.kind, "retryable:", gone.retryable);

const missing = await caught(two.resolve("nobody"));
if (pul.isPulsingError(missing)) console.log("missing:", missing.kind, missing.message);
