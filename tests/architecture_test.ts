/**
 * The house rules of `architecture_rules.ts`, proven to bite and then held against the project.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  language,
  lateImports,
  names,
  packages,
  rooms,
  type Rule,
  underscores,
  world,
} from "./architecture_rules.ts";
import { test } from "./harness.ts";
import { sourceFile, sourceFiles } from "./source_file.ts";

const PUBLISHED = ["mod.ts", "lib", "transports"];
const EVERYTHING = [...PUBLISHED, "tests", "examples", "bench"];

interface Case {
  readonly rule: Rule;
  readonly path?: string;
  readonly bad: readonly string[];
  readonly good: readonly string[];
}

const cases: Readonly<Record<string, Case>> = {
  "imports go down only": {
    rule: rooms,
    path: "lib/wire/codec.ts",
    bad: [
      'import { a } from "../actor/mailbox.ts";',
      'import type { A } from "../actor/mailbox.ts";',
      'export { a } from "../remote/outbox.ts";',
      'const a = await import("../system/actor_system.ts");',
      'import "../../transports/tcp.ts";',
      'import {\n  a,\n} from "../../mod.ts";',
    ],
    good: ['import { a } from "../errors.ts";', 'import { a } from "./frame.ts";'],
  },
  "transports see rank 0 and the frame": {
    rule: rooms,
    path: "transports/tcp.ts",
    bad: [
      'import { a } from "../lib/wire/codec.ts";',
      'import { a } from "../lib/actor/actor.ts";',
    ],
    good: ['import { a } from "../lib/wire/frame.ts"; import { b } from "../lib/transport.ts";'],
  },
  "the test kit sees the transports of its clusters": {
    rule: rooms,
    path: "lib/testing/virtual_cluster.ts",
    bad: [
      'import { a } from "../../transports/websocket.ts";',
      'import { a } from "../queue/queue.ts";',
    ],
    good: [
      'import { a } from "../../transports/memory.ts";',
      'const { a } = await import("../../transports/tcp.ts");',
    ],
  },
  "the test kit loads processes and sockets late": {
    rule: lateImports,
    path: "lib/testing/virtual_cluster.ts",
    bad: [
      'import { a } from "../../transports/tcp.ts";',
      'import {\n  a,\n} from "./child_process.ts";',
      'import { b } from "./b.ts";\nexport { a } from "./parent_process.ts";',
      'import "./child_process.ts";',
    ],
    good: [
      'const { a } = await import("../../transports/tcp.ts");',
      'import type { A } from "./child_process.ts";\nexport type { A } from "./child_process.ts";',
      'import { a } from "../../transports/memory.ts";',
    ],
  },
  "cryptography is loaded late": {
    rule: lateImports,
    path: "lib/remote/links.ts",
    bad: ['import { a } from "./passphrase.ts";', 'export { a } from "./passphrase.ts";'],
    good: [
      'const { a } = await import("./passphrase.ts");',
      'type A = typeof import("./passphrase.ts");',
      'import { a } from "./fence.ts";',
    ],
  },
  "both ends of a process read the world, their neighbours do not": {
    rule: world,
    path: "lib/testing/process_cluster.ts",
    bad: ['import process from "node:process";', "process.exit();"],
    good: [],
  },
  "no room outside the table": {
    rule: rooms,
    path: "lib/attic/a.ts",
    bad: ["const a = 1;"],
    good: [],
  },
  "a package has one room": {
    rule: packages,
    path: "lib/system/actor_system.ts",
    bad: ['import a from "left-pad";', 'import { encode } from "@msgpack/msgpack";'],
    good: ['import { a } from "../errors.ts";'],
  },
  "a path into a package is in its room": {
    rule: packages,
    path: "lib/remote/passphrase.ts",
    bad: ['import { a } from "@noble/curves/ed25519.js";', 'import { a } from "ws/wrapper.mjs";'],
    good: ['import { hmac } from "@noble/hashes/hmac.js";'],
  },
  "_files stay in their folder": {
    rule: underscores,
    path: "lib/system/actor_system.ts",
    bad: ['import { a } from "../../transports/_tcp_bun.ts";'],
    good: ['import { a } from "./_private.ts";'],
  },
  "nobody reads the world": {
    rule: world,
    path: "lib/actor/mailbox.ts",
    bad: [
      "const a = Date.now();",
      "const a = new Date();",
      "const a = new Date;",
      "const a = Date();",
      "const a = performance.now();",
      "setTimeout(() => {}, 1);",
      "globalThis.setInterval(() => {}, 1);",
      "const later = setImmediate;",
      "const a = `${Math.random()}`;",
      "crypto.getRandomValues(a);",
      "console.error(a);",
      "const { env } = Deno;",
      "Bun.serve({});",
      "process.exit();",
      "globalThis.process?.exit();",
      "AbortSignal.timeout(1);",
      'import { a } from "node:fs";',
      'import { a } from "fs";',
    ],
    good: [
      "const a = new Date(0); a instanceof Date;",
      "queueMicrotask(() => {});",
      "this.clock.setTimer(() => {}, 1); options.console.log; this.#process.end();",
      '// Date.now()\n/* console.log */ const a = "Math.random()"; const b = /Date.now()/;',
      "interface A { process: string; crypto?: boolean }",
      "AbortSignal.any([a]);",
    ],
  },
  "the language's quiet half": {
    rule: language,
    bad: [
      "let a: any;",
      "const a = b as any;",
      "function f(a: Map<string, any>): void {}",
      "type A = string | any[];",
      "// deno-lint-ignore no-explicit-any\nlet a: any;",
      "// deno-lint-ignore no-explicit-any -- one\nlet a: any;\nlet b: any;",
      "export default class A {}",
      "export { a as default };",
      "const enum A { B }",
      "class A { private a = 1; }",
      "class A { constructor(protected readonly a: string) {} }",
      "namespace A { }",
      "declare global { }",
    ],
    good: [
      'const a = { any: 1, default: 2, enum: "private x" };',
      "const a = Promise.any(b); const company: string = many; interface B { any(): void }",
      "switch (a) { default: b(); }",
      "// deno-lint-ignore no-explicit-any -- nothing is known here\nlet a: any;",
      "// any, export default\nclass A { #a = 1; }",
    ],
  },
};

for (const [title, { rule, path = "lib/actor/a.ts", bad, good }] of Object.entries(cases)) {
  test(`architecture rule bites: ${title}`, () => {
    for (const text of bad) assert.notDeepEqual(rule(sourceFile(path, text)), [], text);
    for (const text of good) assert.deepEqual(rule(sourceFile(path, text)), [], text);
  });
}

test("architecture rule bites: names of files and folders", () => {
  const wrong = "lib/utils.ts lib/types.ts lib/actor/index.ts lib/actor/constants.ts src/a.ts " +
    "lib/core/a.ts lib/actorCell.ts lib/actor-cell.ts tests/helpers.ts lib/Actor/a.ts " +
    "lib/actor/mod.ts lib/actor/__a.ts lib/actor/_utils.ts tests/unit/common_test.ts";
  for (const path of wrong.split(" ")) assert.notDeepEqual(names(sourceFile(path, "")), [], path);
  const right = "mod.ts lib/testing/mod.ts lib/actor/actor_cell.ts transports/_tcp_bun.ts " +
    "tests/unit/address_test.ts examples/01_counter.ts";
  for (const path of right.split(" ")) assert.deepEqual(names(sourceFile(path, "")), [], path);
});

test("architecture: imports of the published code follow the table of rooms", () => {
  holds(rooms, PUBLISHED);
  holds(packages, PUBLISHED);
});

test("architecture: _files are imported from their own folder", () =>
  holds(underscores, EVERYTHING));

test("architecture: files and folders have names of the house", () => holds(names, EVERYTHING));

test("architecture: nobody reads the world directly", () => holds(world, PUBLISHED));

test("architecture: processes, sockets and cryptography are loaded late", () => {
  holds(lateImports, PUBLISHED);
});

test("architecture: no unexplained any, default export, enum, private or namespace", () => {
  holds(language, EVERYTHING);
});

function holds(rule: Rule, places: readonly string[]): void {
  const files = sourceFiles(...places);
  assert.ok(files.length > 10, "the scan found the project's files");
  assert.deepEqual(files.flatMap(rule), []);
}
