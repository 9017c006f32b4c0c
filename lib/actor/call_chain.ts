/**
 * What belongs together: the calls that one call led to, over all hops.
 *
 * The ids are those of W3C Trace Context: the chain is the trace, each message is a span of it.
 * They are drawn when somebody looks or a message leaves the node, so that a local call that
 * nobody traces costs nothing.
 *
 * @module
 */

import type { Random } from "../random.ts";

/** The place of one message in its chain, as numbers of 32 bits. */
export interface TracePoint {
  /** The 128 bits of the chain's id. */
  readonly trace: readonly [number, number, number, number];
  /** The 64 bits of the message's id. */
  readonly span: readonly [number, number];
  /** The flags of W3C Trace Context. */
  readonly flags: number;
}

const SAMPLED = 1;
const FORM = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)/;

/** One chain of calls. */
export class CallChain {
  #trace: TracePoint["trace"] | undefined;
  readonly #flags: number;

  /**
   * @param origin Where the chain comes from; absent when it begins here.
   */
  constructor(origin?: Pick<TracePoint, "trace" | "flags">) {
    this.#trace = origin?.trace;
    this.#flags = origin?.flags ?? SAMPLED;
  }

  /** A new place in this chain. */
  point(random: Random): TracePoint {
    const trace = this.#trace ??= [random.next(), random.next(), random.next(), nonZero(random)];
    return { trace, span: [random.next(), nonZero(random)], flags: this.#flags };
  }
}

/** The text form: the value of a `traceparent` header. */
export function formatTraceparent({ trace, span, flags }: TracePoint): string {
  return `00-${trace.map(word).join("")}-${span.map(word).join("")}-${
    flags.toString(16).padStart(2, "0")
  }`;
}

/** Reads a `traceparent` header; `undefined` when it is malformed, as the standard wants it. */
export function parseTraceparent(text: string): TracePoint | undefined {
  const match = FORM.exec(text);
  if (match === null || text.startsWith("ff")) return undefined;
  const [, trace = "", span = "", flags = ""] = match;
  if (text.startsWith("00") && text.length !== 55) return undefined;
  if (/^0+$/.test(trace) || /^0+$/.test(span)) return undefined;
  const at = (digits: string, index: number) =>
    parseInt(digits.slice(index * 8, index * 8 + 8), 16);
  return {
    trace: [at(trace, 0), at(trace, 1), at(trace, 2), at(trace, 3)],
    span: [at(span, 0), at(span, 1)],
    flags: parseInt(flags, 16),
  };
}

function word(value: number): string {
  return value.toString(16).padStart(8, "0");
}

/** An id of zeros only means "none" in the standard. */
function nonZero(random: Random): number {
  return random.next() || 1;
}
