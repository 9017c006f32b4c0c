/**
 * Texts remembered by their beginnings, within a bound.
 *
 * @module
 */

/** One piece of text and what follows it; only the root's piece is empty. */
interface Branch {
  /** UTF-16 units, copied: a part of a string would keep the whole string in memory. */
  piece: Uint16Array;
  parent: Branch | undefined;
  /** What follows, by first unit. */
  readonly children: Map<number, Branch>;
}

/**
 * The beginnings that a set of texts has in common with any other text.
 *
 * Holds at most `maxChars` characters; shared beginnings count once. Above, the branches go that
 * were unused for longest. Characters are UTF-16 units, as in `String.length`.
 */
export class PrefixTree {
  readonly #maxChars: number;
  readonly #root: Branch = { piece: new Uint16Array(0), parent: undefined, children: new Map() };
  /**
   * All branches but the root, the one unused for longest first.
   *
   * A branch is used after what follows it, so the first never has anything that follows it.
   */
  readonly #byUse = new Set<Branch>();
  #chars = 0;
  #hasEvicted = false;

  /**
   * Makes an empty tree.
   *
   * @param maxChars What it holds at most; of a longer text only the beginning is kept.
   */
  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  /** Characters that are held. */
  get chars(): number {
    return this.#chars;
  }

  /**
   * Characters that are held, or the bound once something had to go.
   *
   * The pieces that go leave gaps by chance; full trees compare as equal.
   */
  get fill(): number {
    return this.#hasEvicted ? this.#maxChars : this.#chars;
  }

  /** Pieces that are held; each has at least one character. */
  get pieces(): number {
    return this.#byUse.size;
  }

  /**
   * Counts the characters a text begins with that some remembered text begins with, too.
   *
   * A half of a surrogate pair does not count. Looking is no use: it changes nothing.
   */
  match(text: string): number {
    let branch = this.#root;
    let matched = 0;
    for (;;) {
      const next = childAt(branch, text, matched);
      if (next === undefined) break;
      const common = commonLength(next.piece, text, matched);
      matched += common;
      if (common < next.piece.length) break;
      branch = next;
    }
    return isInsidePair(text, matched) ? matched - 1 : matched;
  }

  /** Remembers a text, which is now the last one used. */
  insert(text: string): void {
    const kept = text.slice(0, this.#maxChars);
    let branch = this.#root;
    let at = 0;
    while (at < kept.length) {
      const next = childAt(branch, kept, at);
      if (next === undefined) {
        branch = this.#grow(branch, kept, at);
        break;
      }
      const common = commonLength(next.piece, kept, at);
      at += common;
      branch = common < next.piece.length ? this.#split(next, common) : next;
    }
    this.#use(branch);
    this.#evict();
  }

  /** Adds the rest of a text behind a branch; nothing follows that branch with the same unit. */
  #grow(branch: Branch, text: string, at: number): Branch {
    const rest = unitsOf(text, at);
    this.#chars += rest.length;
    if (branch.parent === undefined || branch.children.size > 0) {
      return attach({ piece: rest, parent: branch, children: new Map() }, branch);
    }
    // Nothing follows it and it is used with the rest: texts that grow bit by bit stay one piece.
    const longer = new Uint16Array(branch.piece.length + rest.length);
    longer.set(branch.piece);
    longer.set(rest, branch.piece.length);
    branch.piece = longer;
    return branch;
  }

  /** Cuts a branch in two; the lower one keeps its place in the order of use. */
  #split(lower: Branch, length: number): Branch {
    const parent = lower.parent ?? this.#root; // the root's piece is too short to be cut
    const upper = attach(
      { piece: lower.piece.slice(0, length), parent, children: new Map() },
      parent,
    );
    lower.piece = lower.piece.slice(length);
    attach(lower, upper);
    return upper;
  }

  #use(last: Branch): void {
    for (let branch = last; branch.parent !== undefined; branch = branch.parent) {
      this.#byUse.delete(branch);
      this.#byUse.add(branch);
    }
  }

  #evict(): void {
    for (const branch of this.#byUse) {
      if (this.#chars <= this.#maxChars) return;
      this.#byUse.delete(branch);
      branch.parent?.children.delete(firstUnit(branch));
      this.#chars -= branch.piece.length;
      this.#hasEvicted = true;
    }
  }
}

function attach(branch: Branch, parent: Branch): Branch {
  branch.parent = parent;
  parent.children.set(firstUnit(branch), branch);
  return branch;
}

function unitsOf(text: string, from: number): Uint16Array {
  const units = new Uint16Array(text.length - from);
  for (let at = 0; at < units.length; at++) units[at] = text.charCodeAt(from + at);
  return units;
}

function firstUnit({ piece }: Branch): number {
  return piece[0] as number; // only the root's piece is empty
}

/** What goes on as the text does; the end of the text is `NaN`, which no branch begins with. */
function childAt(branch: Branch, text: string, at: number): Branch | undefined {
  return branch.children.get(text.charCodeAt(at));
}

function commonLength(piece: Uint16Array, text: string, at: number): number {
  const longest = Math.min(piece.length, text.length - at);
  let length = 0;
  while (length < longest && piece[length] === text.charCodeAt(at + length)) length++;
  return length;
}

function isInsidePair(text: string, at: number): boolean {
  return isSurrogate(text.charCodeAt(at - 1), 0xd800) && isSurrogate(text.charCodeAt(at), 0xdc00);
}

/** @param first Of the 1 024 high or low surrogates. */
function isSurrogate(unit: number, first: number): boolean {
  return unit >= first && unit < first + 0x400;
}
