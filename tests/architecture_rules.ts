/**
 * The house rules that are checked on the source itself: who may import whom, how files are
 * called, who may read the world, and which constructs of the language are not used.
 *
 * Each rule takes one file and tells what is wrong with it.
 *
 * @module
 */

import { builtinModules } from "node:module";
import { posix } from "node:path";
import { lineAt, type SourceFile } from "./source_file.ts";

/** Finds what breaks one rule in a file; nothing found is an empty list. */
export type Rule = (file: SourceFile) => string[];

/** The rooms, bottom up, and what each may import besides itself; a `.ts` entry is one file. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "lib": [],
  "lib/actor": ["lib"],
  "lib/wire": ["lib"],
  "lib/remote": ["lib", "lib/actor", "lib/wire"],
  "lib/cluster": ["lib", "lib/actor", "lib/wire", "lib/remote"],
  "lib/system": ["lib", "lib/actor", "lib/wire", "lib/remote", "lib/cluster"],
  "lib/queue": ["lib", "lib/system"],
  "lib/topic": ["lib", "lib/system"],
  "lib/bootstrap": ["lib", "lib/system"],
  "lib/testing": [
    "lib",
    "lib/actor",
    "lib/wire",
    "lib/remote",
    "lib/cluster",
    "lib/system",
    "transports/memory.ts",
    "transports/tcp.ts",
  ],
  "transports": ["lib", "lib/wire/frame.ts"],
};

/** The npm packages of the published code, and the room that hides each. */
const PACKAGES: Readonly<Record<string, string>> = {
  "@msgpack/msgpack": "lib/wire",
  "@noble/hashes": "lib/remote",
  "ws": "transports",
};

/** Who may read the world: rank 0's four sources, the sockets, and both ends of a process. */
const WORLD_READERS =
  /^(?:lib\/(?:clock|random|logger|async_scope|testing\/(?:child|parent)_process)\.ts$|transports\/)/;

/**
 * What a room loads only when it is used: whoever simulates starts no process, and who has no
 * passphrase needs no cryptography.
 */
const LOADED_LATE: Readonly<Record<string, RegExp>> = {
  "lib/remote": /^lib\/remote\/passphrase\.ts$/,
  "lib/system": /^lib\/remote\/passphrase\.ts$/,
  "lib/testing":
    /^(?:lib\/testing\/(?:child|parent)_process|lib\/remote\/passphrase|transports\/tcp)\.ts$/,
};

const STATIC_IMPORT =
  /(?<![.\w$])(?:import|export)\b(?!\s*type\b)\s*(?:[\w*{][^;"'`()]*?\bfrom\s*)?(?=["'`])/g;

const WORLD: readonly RegExp[] = [
  /\bDate\s*\.\s*now\b|\bnew\s+Date\s*(?:\(\s*\)|(?![\s(]))|(?<!\bnew\s+|[.\w$#])Date\s*\(/g,
  /\bTemporal\s*\.\s*Now\b|\bAbortSignal\s*\.\s*timeout\b|\bMath\s*\.\s*random\b/g,
  /(?:\bglobalThis\s*(?:\?\.|\.)\s*|(?<![.\w$#]))(?:set|clear)(?:Timeout|Interval|Immediate)\b/g,
  /(?:\bglobalThis\s*(?:\?\.|\.)\s*|(?<![.\w$#]))(?:performance|crypto|console|Deno|Bun|process)(?=\s*(?:\?\.|[.[;]))/g,
];

const LANGUAGE: Readonly<Record<string, RegExp>> = {
  "the type any": /(?:[:<|&,=]|\bas|\bextends|\bkeyof)\s*any\b(?!\s*[(.:?])/g,
  "a default export": /\bexport\s+default\b|\bas\s+default\b/g,
  "an enum": /(?<![.\w$#])enum\s+\w+\s*\{/g,
  "a private member": /(?<![.\w$#])(?:private|protected)\s+[\w#[*]/g,
  "a namespace": /(?<![.\w$#])namespace\s+\w[\w.]*\s*\{|\bdeclare\s+global\b/g,
};

const ANY_EXCUSED = /^\s*\/\/ deno-lint-ignore no-explicit-any -- \w/;

const FILE_NAME = /^_?[a-z0-9]+(?:_[a-z0-9]+)*\.ts$/;
const FOLDER_NAME = /^[a-z0-9]+(?:_[a-z0-9]+)*$/;
const VAGUE_NAMES = ["src", "util", "utils", "helper", "helpers", "common", "core", "shared"];
const BANNED_FILES = ["types.ts", "constants.ts", "index.ts"];
const BARRELS = ["mod.ts", "lib/testing/mod.ts"];

/** Imports go down only, as in the table of rooms. */
export const rooms: Rule = (file) => {
  const room = roomOf(file.path);
  if (room === undefined) return [];
  if (!(room in ROOMS)) return [`${file.path}: the room "${room}" is not in the table`];
  const allowed = [room, ...ROOMS[room] ?? []];
  return localImports(file)
    .filter((target) => !allowed.includes(target) && !allowed.includes(posix.dirname(target)))
    .map((target) => `${file.path}: may not import ${target}`);
};

/** The published code imports only npm packages it names, each in the room that hides it. */
export const packages: Rule = (file) => {
  const room = roomOf(file.path);
  if (room === undefined) return [];
  return file.imports
    .filter((name) => !name.startsWith(".") && !isBuiltin(name))
    .filter((name) => PACKAGES[packageOf(name)] !== room)
    .map((name) => `${file.path}: may not import the package "${name}"`);
};

/** A file that starts with `_` is imported from its own folder only. */
export const underscores: Rule = (file) =>
  localImports(file)
    .filter((target) => posix.basename(target).startsWith("_"))
    .filter((target) => posix.dirname(target) !== posix.dirname(file.path))
    .map((target) => `${file.path}: may not import ${target} of another folder`);

/** Files and folders are `snake_case` and say what they hold. */
export const names: Rule = ({ path }) => {
  const folders = path.split("/");
  const name = folders.pop() ?? "";
  const stem = name.replace(/^_|(?:_test)?\.ts$/g, "");
  const wrong = !FILE_NAME.test(name) || BANNED_FILES.includes(name) ||
    folders.some((folder) => !FOLDER_NAME.test(folder)) ||
    [stem, ...folders].some((part) => VAGUE_NAMES.includes(part)) ||
    (name === "mod.ts" && !BARRELS.includes(path));
  return wrong ? [`${path}: is not a name of this house`] : [];
};

/** Time, timers, randomness, the console and the runtime come in through parameters. */
export const world: Rule = (file) => {
  if (roomOf(file.path) === undefined && file.path !== "mod.ts") return [];
  if (WORLD_READERS.test(file.path)) return [];
  return [
    ...WORLD.flatMap((pattern) => findAll(file, pattern)).map((found) => `${found} is the world`),
    ...file.imports.filter(isBuiltin).map((name) => `${file.path}: may not import "${name}"`),
  ];
};

/** Heavy files are imported only where they are used. */
export const lateImports: Rule = (file) => {
  const late = LOADED_LATE[roomOf(file.path) ?? ""];
  if (late === undefined || late.test(file.path)) return [];
  return [...file.code.matchAll(STATIC_IMPORT)]
    .map((match) => file.literals.get(match.index + match[0].length)?.value ?? "")
    .filter((name) => name.startsWith("."))
    .map((name) => posix.join(posix.dirname(file.path), name))
    .filter((target) => late.test(target))
    .map((target) => `${file.path}: may import ${target} only where it is used`);
};

/** No default export, enum, `private` or namespace, and no `any` without a written reason. */
export const language: Rule = (file) =>
  Object.entries(LANGUAGE).flatMap(([what, pattern]) =>
    findAll(withoutExcused(file), pattern).map((found) => `${found} is ${what}`)
  );

/** Blanks the lines whose `any` is excused by the linter's directive with a reason. */
function withoutExcused(file: SourceFile): SourceFile {
  const lines = file.text.split("\n");
  const code = file.code.split("\n").map((line, index) =>
    ANY_EXCUSED.test(lines[index - 1] ?? "") ? line.replace(/\bany\b/g, "   ") : line
  );
  return { ...file, code: code.join("\n") };
}

function roomOf(path: string): string | undefined {
  return /^(?:lib|transports)\//.test(path) ? posix.dirname(path) : undefined;
}

function localImports(file: SourceFile): string[] {
  return file.imports
    .filter((name) => name.startsWith("."))
    .map((name) => posix.join(posix.dirname(file.path), name));
}

/** The package of a path into it. */
function packageOf(name: string): string {
  return name.split("/", name.startsWith("@") ? 2 : 1).join("/");
}

function isBuiltin(name: string): boolean {
  return name.startsWith("node:") || name.startsWith("bun:") || builtinModules.includes(name);
}

function findAll(file: SourceFile, pattern: RegExp): string[] {
  return [...file.code.matchAll(pattern)].map(({ index, 0: found }) =>
    `${file.path}:${lineAt(file, index)}: "${found.replace(/\s+/g, " ")}"`
  );
}
