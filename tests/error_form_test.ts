/**
 * What people read when something fails: the form of every message in the published code, and
 * the texts and fields of the error family.
 *
 * @module
 */

import assert from "node:assert/strict";
import * as errors from "../lib/errors.ts";
import { test } from "./harness.ts";
import { lineAt, type SourceFile, sourceFile, sourceFiles } from "./source_file.ts";

const THROWN = /\bnew\s+(?:TypeError|RangeError|Error|Pulsing(?:Runtime|Actor)?Error)\(\s*/g;

/** "Cannot <verb> <object>: <state>", without a final period. */
const FORM = /^Cannot [a-z][^:\n]*: [^\n]*[^\s.!:]$/;

test("error messages have the form of the house", () => {
  const messages = sourceFiles("mod.ts", "lib", "transports").flatMap(messagesIn);
  assert.ok(messages.length > 10, "the scan found messages");
  assert.deepEqual(messages.filter(({ text }) => !FORM.test(text)), []);
});

test("error form: the scan finds messages and the form refuses bad ones", () => {
  const bad = [
    '"Cannot open door: it is locked."',
    '"cannot open door: it is locked"',
    '"Cannot open door"',
    '"Cannot open door: "',
    "`Failed to open ${door}: it is locked`",
    '"Cannot open door: it " +\n  "is locked!"',
  ];
  for (const literal of bad) {
    const [message] = messagesIn(sourceFile("a.ts", `throw new RangeError(\n  ${literal},\n);`));
    assert.ok(message, literal);
    assert.doesNotMatch(message.text, FORM);
  }
  const good = 'new PulsingRuntimeError(`Cannot open ${door}: "${x}" is ` + "locked", {})';
  const [message] = messagesIn(sourceFile("a.ts", good));
  assert.deepEqual(message, { text: 'Cannot open …: "…" is locked', place: "a.ts:1" });
  assert.match(message?.text ?? "", FORM);
});

interface Sample {
  readonly error: errors.PulsingError;
  readonly parents: readonly (new (...args: never[]) => errors.PulsingError)[];
  readonly message: string;
  readonly text: string;
  readonly kind: errors.ErrorKind;
  readonly retryable: boolean;
  readonly fields?: Readonly<Record<string, unknown>>;
}

const { PulsingError, PulsingActorError, PulsingRuntimeError } = errors;

const cause = new TypeError("why");
const subject = { actor: "actors/a", nodeId: "n", address: "h:1", method: "m" };

const samples: readonly Sample[] = [
  {
    error: new PulsingError("Cannot a: b"),
    parents: [PulsingError],
    message: "Cannot a: b",
    text: "PulsingError: Cannot a: b",
    kind: "system",
    retryable: false,
  },
  {
    error: new PulsingRuntimeError("Cannot a: b", {
      kind: "node-lost",
      retryable: true,
      cause,
      ...subject,
    }),
    parents: [PulsingRuntimeError, PulsingError],
    message: "Cannot a: b",
    text: "PulsingRuntimeError: Cannot a: b",
    kind: "node-lost",
    retryable: true,
    fields: { ...subject, cause },
  },
  {
    error: new PulsingActorError("why", { errorName: "TypeError", cause, actor: "actors/a" }),
    parents: [PulsingActorError, PulsingError],
    message: "why",
    text: "PulsingActorError: why",
    kind: "actor-error",
    retryable: false,
    fields: { errorName: "TypeError", cause, actor: "actors/a" },
  },
  {
    error: new errors.PulsingBusinessError(402, "balance too low", { amount: 5 }),
    parents: [errors.PulsingBusinessError, PulsingActorError, PulsingError],
    message: "balance too low",
    text: "PulsingBusinessError: [402] balance too low",
    kind: "business",
    retryable: false,
    fields: { code: 402, details: { amount: 5 } },
  },
  {
    error: new errors.PulsingSystemError("disk full"),
    parents: [errors.PulsingSystemError, PulsingActorError, PulsingError],
    message: "disk full",
    text: "PulsingSystemError: disk full",
    kind: "system",
    retryable: true,
    fields: { error: "disk full", recoverable: true },
  },
  {
    error: new errors.PulsingSystemError("disk gone", false),
    parents: [errors.PulsingSystemError, PulsingActorError, PulsingError],
    message: "disk gone",
    text: "PulsingSystemError: disk gone",
    kind: "system",
    retryable: false,
    fields: { error: "disk gone", recoverable: false },
  },
  {
    error: new errors.PulsingTimeoutError("fetch", 250),
    parents: [errors.PulsingTimeoutError, PulsingActorError, PulsingError],
    message: "Operation 'fetch' timed out after 250ms",
    text: "PulsingTimeoutError: Operation 'fetch' timed out after 250ms",
    kind: "timeout",
    retryable: true,
    fields: { operation: "fetch", durationMs: 250 },
  },
  {
    error: new errors.PulsingUnsupportedError("fly"),
    parents: [errors.PulsingUnsupportedError, PulsingActorError, PulsingError],
    message: "Unsupported operation: fly",
    text: "PulsingUnsupportedError: Unsupported operation: fly",
    kind: "unsupported",
    retryable: false,
    fields: { operation: "fly" },
  },
];

for (const { error, parents, fields = {}, ...expected } of samples) {
  test(`${error.name} has its text, kind, fields, parents and brand: ${error.message}`, () => {
    for (const parent of [...parents, Error]) assert.ok(error instanceof parent, parent.name);
    const { message, kind, retryable } = error;
    assert.deepEqual({ message, text: String(error), kind, retryable }, expected);
    const own = Object.getOwnPropertyNames(error).filter((name) => name in fields);
    assert.deepEqual(own.sort(), Object.keys(fields).sort());
    for (const [name, value] of Object.entries(fields)) {
      assert.deepEqual(Reflect.get(error, name), value, name);
    }
    assert.equal(error.name, parents[0]?.name);
    assert.equal(errors.errorClassName(error), error.name);
    assert.ok(errors.isPulsingError(error, expected.kind));
    assert.ok(!errors.isPulsingError(error, "shutdown"));
  });
}

test("errors leave the fields that do not apply undefined, and the cause away", () => {
  const { actor, nodeId, address, method, cause } = new PulsingError("Cannot a: b");
  assert.deepEqual([actor, nodeId, address, method, cause], Array(5).fill(undefined));
  assert.ok(!("cause" in new PulsingError("")) && "cause" in new PulsingError("", { cause }));
});

test("a runtime error is not an actor error, and every class has a sample", () => {
  assert.ok(!(new PulsingRuntimeError("Cannot a: b") instanceof PulsingActorError));
  const classes = Object.keys(errors).filter((name) => /^Pulsing\w*Error$/.test(name));
  assert.deepEqual([...new Set(samples.map(({ error }) => error.name))].sort(), classes.sort());
});

test("isPulsingError knows errors of another copy of the package and nothing else", () => {
  const brand = Symbol.for("@pulsing/core/error");
  const foreign = Object.assign(new Error("x"), { [brand]: "PulsingError", kind: "shutdown" });
  assert.ok(errors.isPulsingError(foreign, "shutdown"));
  for (const other of [undefined, null, 1, "PulsingError", {}, new Error("x"), () => {}]) {
    assert.ok(!errors.isPulsingError(other));
  }
});

test("asError turns whatever was thrown into an error", () => {
  assert.equal(errors.asError(cause), cause);
  assert.equal(errors.asError("text").message, "text");
  assert.equal(errors.asError(42).message, "42");
  assert.equal(errors.asError(42).cause, 42);
  assert.equal(errors.asError(Object.create(null)).message, "an object without a text form");
});

test("asActorError keeps the family and wraps the rest with name, message and cause", () => {
  const business = new errors.PulsingBusinessError("E", "no");
  assert.equal(errors.asActorError(business, "actors/a"), business);
  const wrapped = errors.asActorError(cause, "actors/a");
  assert.ok(wrapped instanceof PulsingActorError);
  const { message, errorName, actor } = wrapped;
  assert.deepEqual({ message, errorName, actor }, {
    message: "why",
    errorName: "TypeError",
    actor: "actors/a",
  });
  assert.equal(wrapped.cause, cause);
  assert.equal(errors.asActorError(new Error("")).message, "");
});

interface Message {
  readonly text: string;
  readonly place: string;
}

/** The message literals of thrown errors; what is only known at run time is left out. */
function messagesIn(file: SourceFile): Message[] {
  return [...file.code.matchAll(THROWN)].flatMap(({ index, 0: found }) => {
    let literal = file.literals.get(index + found.length);
    let text = literal?.value ?? "";
    while (literal) {
      const [plus] = /^\s*\+\s*/.exec(file.code.slice(literal.end)) ?? [];
      literal = plus === undefined ? undefined : file.literals.get(literal.end + plus.length);
      text += literal?.value ?? "";
    }
    return text === "" ? [] : [{ text, place: `${file.path}:${lineAt(file, index)}` }];
  });
}
