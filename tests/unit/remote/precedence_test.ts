import assert from "node:assert/strict";
import { giveWay, refuseCrossed, refuseDuplicate } from "../../../lib/remote/precedence.ts";
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

test("with a passphrase a dialler gives way to any link that came up meanwhile", () => {
  const nonce = new Uint8Array(32);
  for (const [ours, theirs] of [[SMALL, LARGE], [LARGE, SMALL]] as const) {
    for (const expects of [theirs, undefined]) {
      for (const link of [OURS, THEIRS]) {
        assert.equal(giveWay({ ...hello(ours, expects), nonce }, theirs, link)?.nodeId, theirs);
        assert.equal(giveWay({ ...hello(ours, expects, true), nonce }, theirs, link), undefined);
      }
      assert.equal(giveWay({ ...hello(ours, expects), nonce }, theirs, undefined), undefined);
    }
  }
});

test("of two dials whose proofs cross the one of the smaller id stays, for both", () => {
  for (const expects of [true, false]) {
    const [ofLarge, ofSmall] = [
      hello(LARGE, expects ? SMALL : undefined),
      hello(SMALL, expects ? LARGE : undefined),
    ];
    assert.equal(refuseCrossed(SMALL, ofLarge, OURS)?.nodeId, SMALL);
    assert.equal(refuseCrossed(LARGE, ofSmall, OURS), undefined);
    for (const link of [THEIRS, undefined]) {
      assert.equal(refuseCrossed(SMALL, ofLarge, link), undefined);
      assert.equal(refuseCrossed(LARGE, ofSmall, link), undefined);
    }
  }
  assert.equal(refuseCrossed(SMALL, hello(LARGE, SMALL, true), OURS), undefined);
});
