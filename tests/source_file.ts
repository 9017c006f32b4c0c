/**
 * The project's own source as data, for the tests that check the house rules.
 *
 * A small scanner instead of `deno info --json`: it needs no child process and no Deno on Bun,
 * sees type-only imports as well, and rules can be proven on text that is not a file.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A string or template literal; the holes of a template read `…`. */
export interface Literal {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

/** One file, taken apart. */
export interface SourceFile {
  /** The path from the project's root, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The text with comments, strings and regular expressions blanked; positions are kept. */
  readonly code: string;
  /** The literals by the position of their opening quote. */
  readonly literals: ReadonlyMap<number, Literal>;
  /** What is imported or re-exported, as written. */
  readonly imports: readonly string[];
}

/** The project's root folder, ending with `/`. */
export const ROOT: string = fileURLToPath(new URL("../", import.meta.url));

/** Every TypeScript file below the named folders or files of the project. */
export function sourceFiles(...places: string[]): SourceFile[] {
  return places.flatMap(listFiles).sort().map((path) => {
    return sourceFile(path, readFileSync(ROOT + path, "utf8"));
  });
}

/** Takes one file's text apart. */
export function sourceFile(path: string, text: string): SourceFile {
  const literals = new Map<number, Literal>();
  const code = text.split("");
  new Scanner(text, code, literals).scan(0, false);
  const masked = code.join("");
  const imports: string[] = [];
  for (const match of masked.matchAll(/(?<![.\w$])(?:from|import)\b\s*\(?\s*(?=["'`])/g)) {
    const literal = literals.get(match.index + match[0].length);
    if (literal) imports.push(literal.value);
  }
  return { path, text, code: masked, literals, imports };
}

/** The line of a position, counted from 1. */
export function lineAt({ text }: SourceFile, position: number): number {
  return text.slice(0, position).split("\n").length;
}

function listFiles(place: string): string[] {
  if (place.endsWith(".ts")) return [place];
  return readdirSync(ROOT + place, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${place}/${name.replaceAll("\\", "/")}`);
}

/** A slash begins a regular expression after one of these, else it divides. */
const BEFORE_REGEXP = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|await|yield))$/;

class Scanner {
  readonly #text: string;
  readonly #code: string[];
  readonly #literals: Map<number, Literal>;

  constructor(text: string, code: string[], literals: Map<number, Literal>) {
    this.#text = text;
    this.#code = code;
    this.#literals = literals;
  }

  /** Scans code from `at` to the end of the text, or to the `}` that closes a template's hole. */
  scan(at: number, inHole: boolean): number {
    let depth = 0;
    while (at < this.#text.length) {
      const char = this.#text[at];
      if (inHole && char === "}" && depth-- === 0) return at;
      if (char === "{") depth++;
      at = this.#skip(at, char) ?? at + 1;
    }
    return at;
  }

  #skip(at: number, char: string | undefined): number | undefined {
    if (char === '"' || char === "'") return this.#string(at, char);
    if (char === "`") return this.#template(at);
    if (char !== "/") return undefined;
    const next = this.#text[at + 1];
    if (next === "/") return this.#blankTo(at, this.#indexAfter("\n", at) - 1);
    if (next === "*") return this.#blankTo(at, this.#indexAfter("*/", at + 2));
    const before = this.#code.slice(Math.max(0, at - 80), at).join("").trimEnd();
    return BEFORE_REGEXP.test(before) ? this.#regexp(at) : undefined;
  }

  #string(start: number, quote: string): number {
    let at = start + 1;
    while (at < this.#text.length && this.#text[at] !== quote) {
      at += this.#text[at] === "\\" ? 2 : 1;
    }
    this.#keep(start, at + 1, this.#text.slice(start + 1, at));
    return this.#blankTo(start + 1, at) + 1;
  }

  #template(start: number): number {
    let value = "";
    let at = start + 1;
    while (at < this.#text.length && this.#text[at] !== "`") {
      if (this.#text.startsWith("${", at)) {
        value += "…";
        at = this.scan(at + 2, true) + 1;
        continue;
      }
      const end = at + (this.#text[at] === "\\" ? 2 : 1);
      value += this.#text.slice(at, end);
      at = this.#blankTo(at, end);
    }
    this.#keep(start, at + 1, value);
    return at + 1;
  }

  #regexp(start: number): number {
    let inClass = false;
    let at = start + 1;
    for (; at < this.#text.length && this.#text[at] !== "\n"; at++) {
      const char = this.#text[at];
      if (char === "\\") at++;
      else if (char === "[") inClass = true;
      else if (char === "]") inClass = false;
      else if (char === "/" && !inClass) break;
    }
    return this.#blankTo(start + 1, at) + 1;
  }

  #keep(start: number, end: number, raw: string): void {
    this.#literals.set(start, { start, end, value: raw.replace(/\\(.)/gs, "$1") });
  }

  #blankTo(from: number, to: number): number {
    for (let at = from; at < to; at++) {
      if (this.#code[at] !== "\n") this.#code[at] = " ";
    }
    return to;
  }

  #indexAfter(what: string, from: number): number {
    const at = this.#text.indexOf(what, from);
    return at < 0 ? this.#text.length + 1 : at + what.length;
  }
}
