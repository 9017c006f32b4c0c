/** The ids of call chains, and their text form by the rules of W3C Trace Context. */

import assert from "node:assert/strict";
import { CallChain, formatTraceparent, parseTraceparent } from "../../../lib/actor/call_chain.ts";
import { type Random, seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const POINT = {
  trace: [0x0af76519, 0x16cd43dd, 0x8448eb21, 0x1c80319c],
  span: [0xb7ad6b71, 0x69203331],
  flags: 1,
} as const;

/** Texts that are read, and with which flags. */
const WELL_FORMED: Readonly<Record<string, readonly [text: string, flags: number]>> = {
  "sampled": [`00-${TRACE}-${SPAN}-01`, 1],
  "not sampled": [`00-${TRACE}-${SPAN}-00`, 0],
  "flags of later versions": [`00-${TRACE}-${SPAN}-ff`, 255],
  "a later version": [`01-${TRACE}-${SPAN}-01`, 1],
  "a later version with more fields": [`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, 1],
};

const MALFORMED: Readonly<Record<string, string>> = {
  "nothing": "",
  "a word": "traceparent",
  "the forbidden version": `ff-${TRACE}-${SPAN}-01`,
  "a version of one digit": `0-${TRACE}-${SPAN}-01`,
  "no hex digits in the version": `0x-${TRACE}-${SPAN}-01`,
  "more fields in version 00": `00-${TRACE}-${SPAN}-01-more`,
  "a dash at the end of version 00": `00-${TRACE}-${SPAN}-01-`,
  "something behind without a dash": `01-${TRACE}-${SPAN}-01more`,
  "a trace of zeros": `00-${"0".repeat(32)}-${SPAN}-01`,
  "a span of zeros": `00-${TRACE}-${"0".repeat(16)}-01`,
  "upper case": `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  "a short trace": `00-${TRACE.slice(1)}-${SPAN}-01`,
  "a long trace": `00-0${TRACE}-${SPAN}-01`,
  "a short span": `00-${TRACE}-${SPAN.slice(1)}-01`,
  "flags of one digit": `00-${TRACE}-${SPAN}-1`,
  "no flags": `00-${TRACE}-${SPAN}`,
  "other separators": `00_${TRACE}_${SPAN}_01`,
  "space in front": ` 00-${TRACE}-${SPAN}-01`,
  "space behind": `00-${TRACE}-${SPAN}-01 `,
  "a line end behind": `00-${TRACE}-${SPAN}-01\n`,
  "a line end behind a later version": `01-${TRACE}-${SPAN}-01\n`,
  "other digits": `00-${TRACE}-${SPAN}-٠١`,
};

for (const [what, [text, flags]] of Object.entries(WELL_FORMED)) {
  test(`parseTraceparent reads ${what}`, () => {
    assert.deepEqual(parseTraceparent(text), { ...POINT, flags });
  });
}

for (const [what, text] of Object.entries(MALFORMED)) {
  test(`parseTraceparent ignores ${what}`, () => {
    assert.equal(parseTraceparent(text), undefined);
  });
}

test("formatTraceparent writes what parseTraceparent reads, leading zeros included", () => {
  assert.equal(formatTraceparent(POINT), `00-${TRACE}-${SPAN}-01`);
  const small = { trace: [0, 0, 0, 1], span: [0, 1], flags: 0 } as const;
  assert.equal(formatTraceparent(small), `00-${"0".repeat(31)}1-${"0".repeat(15)}1-00`);
  assert.deepEqual(parseTraceparent(formatTraceparent(small)), small);
  const high = 0xffff_ffff;
  const large = { trace: [high, high, high, high], span: [high, high], flags: 255 } as const;
  assert.deepEqual(parseTraceparent(formatTraceparent(large)), large);
});

test("the points of one chain share its id, each has a span of its own", () => {
  const random = seededRandom(1);
  const chain = new CallChain();
  const points = Array.from({ length: 100 }, () => chain.point(random));
  assert.equal(new Set(points.map(({ trace }) => trace.join())).size, 1);
  assert.equal(new Set(points.map(({ span }) => span.join())).size, 100);
  assert.ok(points.every((point) => point.flags === 1));
  assert.notDeepEqual(new CallChain().point(random).trace, points[0]?.trace);
});

test("a chain that comes from elsewhere keeps its id and flags", () => {
  const point = new CallChain({ ...POINT, flags: 0 }).point(seededRandom(1));
  assert.deepEqual([point.trace, point.flags], [POINT.trace, 0]);
  assert.notDeepEqual(point.span, POINT.span);
});

test("no id is all zeros, whatever the random numbers are", () => {
  const zeros: Random = { next: () => 0 };
  const text = formatTraceparent(new CallChain().point(zeros));
  assert.notEqual(parseTraceparent(text), undefined);
});
