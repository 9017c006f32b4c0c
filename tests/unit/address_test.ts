import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ActorAddress,
  formatAddress,
  formatHostPort,
  isId,
  isLoopbackHost,
  isWildcardHost,
  lookupPath,
  parseAddress,
  parseHostPort,
  parsePath,
  pathOfName,
} from "../../lib/address.ts";
import { test } from "../harness.ts";

const NODE = "0123456789abcdef0123456789abcdef";

/** What the user wrote, and the normal form or what the error says. */
type PathCase = readonly [text: string, expected: string | RegExp];

const paths: readonly PathCase[] = [
  ["a/b", "a/b"],
  ["a/b/c/d/e/f", "a/b/c/d/e/f"],
  ["workers/pool_1-x", "workers/pool_1-x"],
  ["/services/echo/", "services/echo"],
  ["//services/echo//", "services/echo"],
  [" services / echo ", "services/echo"],
  ["dienste/größe-日本", "dienste/größe-日本"],
  ["system/core", "system/core"],
  [`a/${"x".repeat(64)}`, `a/${"x".repeat(64)}`],
  ["single", /namespace/],
  ["", /it is empty/],
  ["   ", /it is empty/],
  ["/", /it is empty/],
  ["a//b", /segment 2 is empty/],
  ["a/ /b", /segment 2 is empty/],
  [`services/${"x".repeat(300)}`, /segment 2 is longer than 64 bytes/],
  [`a/${"x".repeat(65)}`, /segment 2 is longer than 64 bytes/],
  [`a/${"ö".repeat(33)}`, /segment 2 is longer than 64 bytes/],
  [Array(5).fill("x".repeat(60)).join("/"), /longer than 256 bytes/],
  ["a/b!c", /segment 2 has characters/],
  ["a/b c", /segment 2 has characters/],
  ["a/b@c", /segment 2 has characters/],
  ["a/..", /segment 2 has characters/],
];

test("parsePath normalises good paths and names the broken rule of bad ones", () => {
  for (const [text, expected] of paths) {
    if (typeof expected === "string") assert.equal(parsePath(text), expected, text);
    else assert.throws(() => parsePath(text), typeError(expected), text);
  }
});

test("parsePath counts up to 256 bytes in all", () => {
  const longest = ["x".repeat(64), "x".repeat(64), "x".repeat(64), "x".repeat(61)].join("/");
  assert.equal(parsePath(longest).length, 256);
  assert.throws(() => parsePath(`${longest}x`), /longer than 256 bytes/);
});

test("parsePath shortens a long path in its message", () => {
  const error = thrownBy(() => parsePath("!".repeat(5_000)));
  assert.ok(error.message.length < 200, error.message);
});

test("parsePath leaves its own result unchanged and throws nothing but TypeError (property)", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."ab/ -_日!\n") }), (text) => {
    let path: string;
    try {
      path = parsePath(text);
    } catch (error) {
      return error instanceof TypeError;
    }
    return parsePath(path) === path && parsePath(`/${path}/`) === path;
  }));
});

test("pathOfName adds the namespace, keeps a given one and reserves system/", () => {
  assert.equal(pathOfName("counter"), "actors/counter");
  assert.equal(pathOfName("services/echo"), "services/echo");
  assert.equal(pathOfName("systems/echo"), "systems/echo");
  for (const name of ["system/x", "/system/x", " system /x"]) {
    assert.throws(() => pathOfName(name), typeError(/"system" is reserved/));
  }
  for (const name of ["", " ", "a/", "/a", "a b"]) assert.throws(() => pathOfName(name), TypeError);
});

test("lookupPath also finds the runtime's own names", () => {
  assert.equal(lookupPath("system/core"), "system/core");
  assert.equal(lookupPath("counter"), "actors/counter");
  assert.throws(() => lookupPath(""), typeError(/it is empty/));
});

const addresses: readonly (readonly [text: string, address: ActorAddress])[] = [
  ["actor:///services/echo", { kind: "named", path: "services/echo" }],
  [`actor:///a/b/c@${NODE}`, { kind: "instance", path: "a/b/c", nodeId: NODE }],
  [`actor://${NODE}`, { kind: "actor", actorId: NODE }],
];

test("parseAddress and formatAddress round-trip the three forms", () => {
  for (const [text, address] of addresses) {
    assert.deepEqual(parseAddress(text), address);
    assert.equal(formatAddress(address), text);
  }
});

test("parseAddress refuses other schemes, bad paths and bad ids", () => {
  const bad: readonly (readonly [string, RegExp])[] = [
    ["http://services/echo", /does not start with "actor:\/\/"/],
    ["", /does not start with/],
    ["ACTOR:///services/echo", /does not start with/],
    ["actor://", /"" is not 32 hex digits/],
    ["actor://services/echo", /"services\/echo" is not 32 hex digits/],
    [`actor://${NODE.toUpperCase()}`, /is not 32 hex digits/],
    [`actor://${NODE}0`, /is not 32 hex digits/],
    ["actor:///single", /namespace/],
    ["actor:///a/b!c", /has characters/],
    ["actor:///services/echo@", /"" is not 32 hex digits/],
    ["actor:///services/echo@node-1", /"node-1" is not 32 hex digits/],
    [`actor:///a/b@${NODE}@${NODE}`, /has characters/],
  ];
  for (const [text, expected] of bad) {
    assert.throws(() => parseAddress(text), typeError(expected), text);
  }
});

const endpoints: readonly (readonly [text: string, host: string, port: number])[] = [
  ["127.0.0.1:0", "127.0.0.1", 0],
  ["node-1.example:7000", "node-1.example", 7_000],
  ["localhost:65535", "localhost", 65_535],
  ["[::1]:7000", "::1", 7_000],
  ["[fe80::1%eth0]:7000", "fe80::1%eth0", 7_000],
];

test("parseHostPort and formatHostPort round-trip names, IPv4 and bracketed IPv6", () => {
  for (const [text, host, port] of endpoints) {
    assert.deepEqual(parseHostPort(text), { host, port });
    assert.equal(formatHostPort({ host, port }), text);
  }
});

test("parseHostPort refuses what is no endpoint", () => {
  const bad = ["", "localhost", ":7000", "localhost:", "a:b", "a:65536", "a:-1", "a:1.5", "a b:1"];
  bad.push("::1:7000", "[::1]", "[]:1", "http://a:1", "a/b:1", "a:1 ", "a:123456");
  for (const text of bad) assert.throws(() => parseHostPort(text), TypeError, text);
});

test("isId takes 32 lower-case hex digits and nothing else", () => {
  assert.ok(isId(NODE));
  for (const text of ["", NODE.slice(1), `${NODE}0`, NODE.toUpperCase(), `${NODE}\n`]) {
    assert.ok(!isId(text), text);
  }
});

test("isLoopbackHost and isWildcardHost tell who can reach a host", () => {
  for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "::1"]) {
    assert.ok(isLoopbackHost(host));
  }
  for (const host of ["0.0.0.0", "10.0.0.1", "::", "1.127.0.0"]) assert.ok(!isLoopbackHost(host));
  for (const host of ["0.0.0.0", "::"]) assert.ok(isWildcardHost(host));
  for (const host of ["127.0.0.1", "::1", "localhost"]) assert.ok(!isWildcardHost(host));
});

function typeError(expected: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof TypeError && expected.test(error.message);
}

function thrownBy(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new assert.AssertionError({ message: "expected an error" });
}
