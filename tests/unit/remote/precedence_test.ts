import assert from "node:assert/strict";
import { giveWay, refuseDuplicate } from "../../../lib/remote/precedence.ts";
import { test } from "../../harness.ts";

const [SMALL, LARGE] = ["0".repeat(32), "f".repeat(32)];
const OURS = { isDialler: true };
const THEIRS = { isDialler: false };

function hello(nodeId: string, expects?: string, isOnlyLink = false) {
  return { nodeId, isOnlyLink, ...(expects !== undefined && { expects }) };
}

test("of two dials that cross the one of the smaller id stays, linked already or not", () => {
  for (const link of [OURS, undefined]) {
    assert.equal(refuseDuplicate(SMALL, hello(LARGE, SMALL), link, () => true)?.nodeId, SMALL);
    assert.equal(refuseDuplicate(LARGE, hello(SMALL, LARGE), link, () => true), undefined);
  }
  assert.equal(refuseDuplicate(SMALL, hello(LARGE, SMALL), undefined, () => false), undefined);
  assert.equal(refuseDuplicate(SMALL, hello(LARGE, SMALL), THEIRS, () => true), undefined);
});

test("who takes anybody is refused by a node that it is linked to, whoever dialled", () => {
  for (const [ours, theirs] of [[SMALL, LARGE], [LARGE, SMALL]] as const) {
    for (const link of [OURS, THEIRS]) {
      assert.equal(refuseDuplicate(ours, hello(theirs), link, () => false)?.nodeId, ours);
    }
  }
});

test("the only link of its dialler is never refused", () => {
  for (const expects of [SMALL, undefined]) {
    assert.equal(refuseDuplicate(SMALL, hello(LARGE, expects, true), OURS, () => true), undefined);
    assert.equal(giveWay(hello(LARGE, expects, true), SMALL, THEIRS), undefined);
  }
});

test("a dialler that takes anybody gives way to the dial of a smaller id", () => {
  assert.equal(giveWay(hello(LARGE), SMALL, THEIRS)?.nodeId, SMALL);
  assert.equal(giveWay(hello(SMALL), LARGE, THEIRS), undefined);
  assert.equal(giveWay(hello(LARGE), SMALL, OURS), undefined);
  assert.equal(giveWay(hello(LARGE), SMALL, undefined), undefined);
  assert.equal(giveWay(hello(LARGE, SMALL), SMALL, THEIRS), undefined);
});
