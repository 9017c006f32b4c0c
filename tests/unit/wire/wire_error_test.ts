/** Errors keep class and fields through a record, and no record can do harm (AC-38). */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type PulsingActorError,
  PulsingBusinessError,
  type PulsingError,
  PulsingRuntimeError,
  PulsingSystemError,
  PulsingTimeoutError,
  PulsingUnsupportedError,
} from "../../../lib/errors.ts";
import { fromErrorRecord, fromErrorValue, toErrorRecord } from "../../../lib/wire/wire_error.ts";
import { test } from "../../harness.ts";

const HOSTILE = { toString: 1, valueOf: 1 };

const FAMILY: readonly PulsingError[] = [
  new PulsingRuntimeError("Cannot x", { kind: "node-lost", retryable: true, nodeId: "n" }),
  new PulsingBusinessError("E1", "no", { amount: 5 }),
  new PulsingSystemError("broken", false),
  new PulsingTimeoutError("call", 250),
  new PulsingUnsupportedError("fly"),
];

for (const error of FAMILY) {
  test(`fromErrorRecord rebuilds ${error.name} with its fields`, () => {
    const copy = fromErrorRecord(toErrorRecord(error));
    assert.equal(copy.constructor, error.constructor);
    assert.equal(copy.message, error.message);
    assert.deepEqual({ ...copy }, { ...error });
  });
}

test("fromErrorRecord makes an actor error of a class it does not know", () => {
  class OddError extends Error {
    override name = "OddError";
  }
  const copy = fromErrorRecord(toErrorRecord(new OddError("odd"))) as PulsingActorError;
  assert.deepEqual([copy.name, copy.errorName], ["PulsingActorError", "OddError"]);
  assert.equal(copy.message, "odd");
});

test("toErrorRecord leaves the stack at home", () => {
  assert.equal("stack" in toErrorRecord(new Error("x")), false);
});

test("fromErrorValue rebuilds only built-in classes of its table", () => {
  assert.ok(fromErrorValue({ name: "TypeError", message: "x" }) instanceof TypeError);
  for (const name of ["constructor", "__proto__", "toString", "Function"]) {
    assert.equal(fromErrorValue({ name, message: "x" }).constructor, Error);
    assert.equal(fromErrorValue({ type: name, name, message: "x" }).constructor, Error);
  }
});

test("fromErrorRecord does not call what a record names as its text form", () => {
  for (const type of FAMILY.map((error) => error.name)) {
    const fields = { code: HOSTILE, operation: HOSTILE, durationMs: HOSTILE, errorName: HOSTILE };
    assert.equal(fromErrorRecord({ type, name: HOSTILE, message: HOSTILE, ...fields }).name, type);
  }
});

test("fromErrorRecord never throws (property)", () => {
  const types = fc.constantFrom(...FAMILY.map((error) => error.name), "Error", "__proto__");
  const keys = ["name", "message", "code", "operation", "durationMs", "cause", "kind", "actor"];
  const record = fc.dictionary(fc.constantFrom(...keys), fc.anything());
  fc.assert(fc.property(types, record, fc.anything(), (type, fields, other) => {
    assert.ok(fromErrorRecord({ ...fields, type }) instanceof Error);
    assert.ok(fromErrorValue(other) instanceof Error);
  }));
});
