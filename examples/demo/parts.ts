/**
 * Large files in parts, so that several workers count one file.
 *
 * @module
 */

import { type FileHandle, open } from "node:fs/promises";
import { isBinary, type SourceFile } from "./scan.ts";
import { type Entry, notText } from "./word_counter.ts";

/** The bytes of a file from one place up to another. */
export interface FilePart {
  readonly file: SourceFile;
  readonly from: number;
  readonly to: number;
  /** How many parts the file has. */
  readonly of: number;
}

const PART_BYTES = 8 * 1_048_576;
const SEARCHED_BYTES = 64 * 1024;

/** A whole file as one part. */
export function wholeFile(file: SourceFile): FilePart {
  return { file, from: 0, to: file.bytes, of: 1 };
}

/**
 * Cuts a file into parts whose counts add up to those of the whole file.
 *
 * @throws {Error} It cannot be read, or it is binary: see `skipReason`.
 */
export async function partsOf(file: SourceFile): Promise<readonly FilePart[]> {
  if (file.bytes <= PART_BYTES) return [wholeFile(file)];
  const cuts = [0, ...await cutsIn(file), file.bytes];
  const of = cuts.length - 1;
  return cuts.slice(1).map((to, at) => ({ file, from: cuts[at] ?? 0, to, of }));
}

/** Puts the counts of each file's parts together. */
export class FileResults {
  readonly #open = new Map<SourceFile, { counts: Map<string, number>; left: number }>();

  /** Takes in a part; gives the counts of the file when it was the last one. */
  add({ file, of }: FilePart, counts: Iterable<Entry>): Iterable<Entry> | undefined {
    if (of === 1) return counts;
    const result = this.#open.get(file) ?? { counts: new Map<string, number>(), left: of };
    for (const [term, count] of counts) {
      result.counts.set(term, (result.counts.get(term) ?? 0) + count);
    }
    result.left--;
    if (result.left > 0) this.#open.set(file, result);
    else this.#open.delete(file);
    return result.left > 0 ? undefined : result.counts;
  }
}

async function cutsIn(file: SourceFile): Promise<number[]> {
  const cuts: number[] = [];
  const handle = await open(file.path);
  try {
    if (isBinary(await read(handle, 0))) throw notText("binary");
    for (let at = PART_BYTES; at < file.bytes - SEARCHED_BYTES; at += PART_BYTES) {
      const last = (await read(handle, at)).findIndex(isBetweenWords);
      if (last >= 0) cuts.push(at + last + 1); // else the part before becomes longer
    }
  } finally {
    await handle.close();
  }
  return cuts;
}

async function read(handle: FileHandle, position: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(SEARCHED_BYTES);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, position);
  return bytes.subarray(0, bytesRead);
}

/** An ASCII character that no word has; no other character contains its byte in UTF-8. */
function isBetweenWords(byte: number): boolean {
  return byte < 0x80 && !/\w/.test(String.fromCharCode(byte));
}
