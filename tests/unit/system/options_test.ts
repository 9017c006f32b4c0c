/** Options that cannot work are refused before anything is opened. */

import assert from "node:assert/strict";
import { type InitOptions, resolveOptions } from "../../../lib/system/options.ts";

import { test } from "../../harness.ts";

const addr = "a:1";

test("an option of a wrong type is a TypeError at once that names it", () => {
  const wrong = {
    addr: 7,
    seeds: "b:1",
    headAddr: ["b:1"],
    advertise: { host: "b" },
    joinTimeoutMs: "5",
    limits: 5,
    gossip: null,
  };
  for (const [name, value] of Object.entries(wrong)) {
    const options = { addr, [name]: value } as unknown as InitOptions; // a user's mistake
    assert.throws(() => resolveOptions(options), (error) => {
      return error instanceof TypeError && error.message.includes(name);
    }, name);
  }
  assert.throws(
    () => resolveOptions({ addr, seeds: [5] as unknown as string[] }),
    /"seeds" to "5"/,
  );
});

// Nobody can be reached there: the join was tried for ten seconds.
test("port 0 is nothing to dial: seeds, headAddr and advertise refuse it", () => {
  for (const options of [{ seeds: ["b:0"] }, { headAddr: "b:0" }, { advertise: "b:0" }]) {
    assert.throws(() => resolveOptions({ addr, ...options }), /^TypeError: .*listens on port 0$/);
  }
  assert.equal(resolveOptions({ addr: "a:0" }).addr, "a:0");
});

test("a worker that is told to be its own head is refused at once", () => {
  for (const options of [{ headAddr: addr }, { headAddr: "b:1", advertise: "b:1" }]) {
    assert.throws(() => resolveOptions({ addr, ...options }), /^TypeError: .* this node itself/);
  }
});
