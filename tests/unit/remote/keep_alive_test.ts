/** Who looks after links that went silent, and when. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Care, type CaredLink, KeepAlive, Silence } from "../../../lib/remote/keep_alive.ts";
import { ManualClock } from "../../../lib/testing/mod.ts";
import { test } from "../../harness.ts";

const LIMITS = { linkIdleMs: 5, linkTimeoutMs: 15 };

test("silence: the whole table", () => {
  // For each look: whether the link matters, bytes sent since the last one, whether it was heard.
  type Look = [matters: boolean, sent: number, heard: boolean, care: Care];
  const rows: Readonly<Record<string, Look[]>> = {
    "whoever only listens gives a sign of life": [[true, 0, true, "ping"], [true, 0, true, "ping"]],
    "whoever sends and hears needs none": [[true, 9, true, "none"], [true, 9, true, "none"]],
    "silence is asked about, then given up": [
      [true, 9, false, "none"],
      [true, 9, false, "ping"],
      [true, 9, false, "ping"],
      [true, 9, false, "give-up"],
    ],
    "a piece that is heard ends the silence": [
      [true, 9, false, "none"],
      [true, 9, false, "ping"],
      [true, 9, true, "none"],
      [true, 9, false, "ping"],
    ],
    "what does not matter is left alone": [
      [false, 0, false, "none"],
      [false, 9, false, "none"],
      [false, 0, false, "none"],
      [false, 0, false, "none"],
      [false, 0, false, "none"],
    ],
    "silence counts from when the link matters": [
      [false, 0, false, "none"],
      [false, 0, false, "none"],
      [false, 0, false, "none"],
      [false, 0, false, "none"],
      [true, 9, false, "none"],
      [true, 9, false, "ping"],
      [true, 9, false, "ping"],
      [true, 9, false, "give-up"],
    ],
    "and anew each time": [
      [true, 9, false, "none"],
      [true, 9, false, "ping"],
      [true, 9, false, "ping"],
      [false, 9, false, "none"],
      [true, 9, false, "none"],
    ],
  };
  for (const [what, looks] of Object.entries(rows)) {
    const silence = new Silence();
    let sentBytes = 0;
    for (const [index, [matters, sent, heard, care]] of looks.entries()) {
      if (heard) silence.heard();
      assert.equal(
        silence.look(matters, sentBytes += sent, LIMITS),
        care,
        `${what}, look ${index}`,
      );
    }
  }
});

test("silence: no link is given up before linkTimeoutMs in which it mattered (property)", () => {
  const look = fc.record({ matters: fc.boolean(), heard: fc.boolean(), sent: fc.nat({ max: 1 }) });
  fc.assert(fc.property(fc.array(look, { maxLength: 60 }), (looks) => {
    const silence = new Silence();
    let [silentMs, sentBytes] = [0, 0];
    for (const { matters, heard, sent } of looks) {
      if (heard) silence.heard();
      if (heard || !matters) silentMs = 0;
      const care = silence.look(matters, sentBytes += sent, LIMITS);
      assert.equal(care === "give-up", matters && silentMs >= LIMITS.linkTimeoutMs);
      if (!matters) assert.equal(care, "none");
      if (matters) silentMs += LIMITS.linkIdleMs;
    }
  }));
});

/** A thousand links that count the looks at them. */
function watched(probed: (nodeId: string) => boolean) {
  const clock = new ManualClock();
  const links = new Map<string, CaredLink>();
  const looks: [string, boolean][] = [];
  for (let n = 0; n < 1_000; n++) {
    const nodeId = `node-${n}`;
    links.set(nodeId, { nodeId, careFor: (isProbed) => void looks.push([nodeId, isProbed]) });
  }
  const keepAlive = new KeepAlive({
    clock,
    limits: LIMITS,
    links: () => links.values(),
    isProbed: probed,
  });
  return { clock, links, looks, keepAlive };
}

test("KeepAlive: one timer for a thousand links, one look at each every linkIdleMs", async () => {
  const { clock, looks, keepAlive } = watched((nodeId) => nodeId === "node-7");
  assert.equal(clock.pendingTimers, 0);
  for (let n = 0; n < 1_000; n++) keepAlive.start();
  assert.equal(clock.pendingTimers, 1);
  await clock.advance(LIMITS.linkIdleMs - 1);
  assert.equal(looks.length, 0);
  await clock.advance(1);
  assert.equal(looks.length, 1_000);
  assert.deepEqual(looks.filter(([, isProbed]) => isProbed), [["node-7", true]]);
  await clock.advance(2 * LIMITS.linkIdleMs);
  assert.deepEqual([looks.length, clock.pendingTimers], [3_000, 1]);
  keepAlive.stop();
  assert.equal(clock.pendingTimers, 0);
});

test("KeepAlive: the last link that is given up during a look stops it", async () => {
  const { clock, links, keepAlive } = watched(() => false);
  for (const link of links.values()) {
    link.careFor = () => {
      links.delete(link.nodeId);
      if (links.size === 0) keepAlive.stop();
    };
  }
  keepAlive.start();
  await clock.advance(LIMITS.linkIdleMs);
  assert.deepEqual([links.size, clock.pendingTimers], [0, 0]);
  keepAlive.start();
  assert.equal(clock.pendingTimers, 1);
  keepAlive.stop();
});
