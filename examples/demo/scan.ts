/**
 * The files below a folder and their contents.
 *
 * @module
 */

import { createReadStream, type Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { isNotText, notText } from "./word_counter.ts";

/** A file to index. */
export interface SourceFile {
  /** Its number in the index. */
  readonly index: number;
  /** Where it is. */
  readonly path: string;
  /** Its size when it was found. */
  readonly bytes: number;
  /** When it was last written, as of when it was found. */
  readonly mtimeMs: number;
}

/** Why files are left out, by path. */
export type Skipped = Map<string, string>;

/** Files up to this size are read at once and travel together. */
export const SMALL_FILE_BYTES: number = 256 * 1024;

const PIECE_BYTES = 64 * 1024;
const SNIFFED_BYTES = 8 * 1024;
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set([".git", "node_modules"]);

/**
 * Finds the ordinary files below a folder, except in `.git` and `node_modules`.
 *
 * Symbolic links are not followed, so that no file comes twice and no loop has no end.
 *
 * @param root The folder.
 * @param skipped Gets what cannot be read.
 * @throws {Error} The folder itself cannot be read.
 */
export async function findFiles(root: string, skipped: Skipped): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  await readdir(root);
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const here = folder;
    const entries = await orSkip(here, skipped, () => readdir(here, { withFileTypes: true }));
    for (const entry of entries ?? []) {
      const path = join(here, entry.name);
      if (entry.isFile()) await addFile(path, files, skipped);
      else if (!entry.isDirectory()) skipped.set(path, kindOf(entry));
      else if (!SKIPPED_FOLDERS.has(entry.name)) folders.push(path);
    }
  }
  return files;
}

/**
 * Reads a file in pieces; a large one never is in memory whole.
 *
 * @param range What to read of a large file, all of it unless told.
 * @throws {Error} It cannot be read, or it is binary: see {@link skipReason}.
 */
export async function* readPieces(
  file: SourceFile,
  range: { readonly from: number; readonly to: number } = { from: 0, to: Infinity },
): AsyncGenerator<Uint8Array, void, void> {
  if (file.bytes <= SMALL_FILE_BYTES) return yield await readSmall(file);
  const { from, to } = range;
  let isFirst = from === 0;
  const options = { start: from, end: to - 1, highWaterMark: PIECE_BYTES };
  for await (const piece of createReadStream(file.path, options)) {
    if (isFirst && isBinary(piece)) throw notText("binary");
    isFirst = false;
    yield plainView(piece);
  }
}

/** Reads a small file whole; fails as {@link readPieces} does. */
export async function readSmall(file: SourceFile): Promise<Uint8Array> {
  const bytes = plainView(await readFile(file.path));
  if (isBinary(bytes)) throw notText("binary");
  return bytes;
}

/** Whether a file that begins so is binary. */
export function isBinary(beginning: Uint8Array): boolean {
  return beginning.subarray(0, SNIFFED_BYTES).includes(0);
}

/** The files that are not as they were when they were found. */
export async function changedFiles(files: readonly SourceFile[]): Promise<Set<number>> {
  const changed = new Set<number>();
  for (const { index, path, bytes, mtimeMs } of files) {
    const now = await stat(path).catch(() => undefined);
    if (now?.size !== bytes || now.mtimeMs !== mtimeMs) changed.add(index);
  }
  return changed;
}

/** Why a file is left out because of an error; `undefined` when the error is not the file's. */
export function skipReason(error: unknown): string | undefined {
  if (isNotText(error)) return error.message;
  const isFileError = error instanceof Error && "syscall" in error && "code" in error;
  return isFileError ? `cannot be read (${error.code})` : undefined;
}

/** The same bytes without the methods of `Buffer`. */
function plainView(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

async function addFile(path: string, files: SourceFile[], skipped: Skipped): Promise<void> {
  const found = await orSkip(path, skipped, () => stat(path));
  if (found === undefined) return;
  files.push({ index: files.length, path, bytes: found.size, mtimeMs: found.mtimeMs });
}

function kindOf(entry: Dirent): string {
  return entry.isSymbolicLink() ? "symbolic link" : "not an ordinary file";
}

/** Reads something, or says in `skipped` why it cannot be read. */
export async function orSkip<T>(
  path: string,
  skipped: Skipped,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const reason = skipReason(error);
    if (reason === undefined) throw error;
    skipped.set(path, reason);
    return undefined;
  }
}
