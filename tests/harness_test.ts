/** What the harness itself promises. */

import assert from "node:assert/strict";
import { eventually, runtime, test } from "./harness.ts";

test("runtime names the runtime that executes the test", () => {
  assert.equal(runtime === "bun", "Bun" in globalThis);
  assert.equal(runtime === "deno", "Deno" in globalThis);
});

test("eventually returns the first truthy value, sync or async, also after throws", async () => {
  let tries = 0;
  const value = await eventually(() => {
    tries++;
    if (tries === 1) throw new Error("not yet");
    return tries < 3 ? undefined : Promise.resolve(`try ${tries}`);
  });
  assert.equal(value, "try 3");
});

test("eventually tells what it waited for and what it saw last", async () => {
  const options = { timeoutMs: 20, what: "the link" };
  await assert.rejects(
    eventually(() => null, options),
    /^Error: Cannot see the link: still null after 20 ms, \d+ tries$/,
  );
  const error = new Error("refused");
  await assert.rejects(eventually(() => Promise.reject(error), options), (thrown) => {
    return thrown instanceof Error && thrown.cause === error && /refused/.test(thrown.message);
  });
});
