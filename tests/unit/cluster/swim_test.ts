/** Probes without a clock or a socket: who is asked when, and what comes of silence. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { NodeId } from "../../../lib/address.ts";
import type { ClusterMessage } from "../../../lib/cluster/gossip.ts";
import {
  type ClusterSettings,
  DEFAULT_CLUSTER_SETTINGS as SETTINGS,
} from "../../../lib/cluster/settings.ts";
import { Prober } from "../../../lib/cluster/swim.ts";
import { test } from "../../harness.ts";
import { id, numberOf } from "./cast.ts";

const { probeIntervalMs: INTERVAL, probeTimeoutMs: TIMEOUT, lastProbeMs: LAST } = SETTINGS;

/** A prober whose turns are given, and what it did. */
class Probing {
  readonly sent: (readonly [to: number, ClusterMessage])[] = [];
  readonly verdicts: string[] = [];
  turns: number[] = [];
  helpers: number[];
  readonly prober: Prober;

  constructor(helpers: number[] = [], settings: Partial<ClusterSettings> = {}) {
    this.helpers = helpers;
    const verdict = (word: string) => (nodeId: NodeId) =>
      void this.verdicts.push(`${word} ${numberOf(nodeId)}`);
    this.prober = new Prober({ ...SETTINGS, ...settings }, {
      turn: () => this.turns.length > 0 ? id(this.turns.shift()!) : undefined,
      helpers: (count, target) =>
        this.helpers.map(id).filter((one) => one !== target).slice(0, count),
      send: (to, message) => void this.sent.push([numberOf(to), message]),
      failed: verdict("failed"),
      failedLast: verdict("failed last"),
      passedLast: verdict("passed last"),
    }, 0);
  }

  /** What was sent since this was asked last. */
  take(): (readonly [to: number, ClusterMessage])[] {
    return this.sent.splice(0);
  }

  /** Begins a probe of a member at time 0; the number of the probe. */
  begin(target = 2): number {
    this.turns = [target];
    this.prober.tick(0);
    const [[to, message] = []] = this.take();
    assert.equal(to, target);
    assert.ok(message?.kind === "probe");
    return message.seq;
  }
}

test("member that answers is left alone, and this node is healthy", () => {
  const probing = new Probing([3]);
  const seq = probing.begin();
  probing.prober.acked(seq, id(2));
  probing.prober.tick(TIMEOUT);
  assert.deepEqual([probing.take(), probing.verdicts], [[], []]);
  assert.equal(probing.prober.health.multiplier, 1);
});

test("silent member is probed through others before it is suspect", () => {
  const probing = new Probing([3, 4, 5, 6]);
  const seq = probing.begin();
  probing.prober.tick(TIMEOUT - 1);
  assert.deepEqual(probing.take(), []);
  probing.prober.tick(TIMEOUT);
  const asked = { kind: "probe-for", seq, target: id(2) };
  assert.deepEqual(probing.take(), [[3, asked], [4, asked], [5, asked]]);
  probing.prober.tick(INTERVAL - 1);
  assert.deepEqual(probing.verdicts, []);
  probing.prober.tick(INTERVAL);
  assert.deepEqual(probing.verdicts, ["failed 2"]);
});

test("silent member that answers through another one is not suspect", () => {
  for (const from of [3, 2]) { // also a late answer of its own
    const probing = new Probing([3]);
    const seq = probing.begin();
    probing.prober.tick(TIMEOUT);
    probing.prober.acked(seq, id(from));
    probing.prober.tick(INTERVAL);
    assert.deepEqual(probing.verdicts, []);
  }
});

test("an answer by a node that was not asked counts for nobody", () => {
  const probing = new Probing([3]);
  const seq = probing.begin();
  probing.prober.acked(seq, id(3)); // before it was asked
  probing.prober.acked(seq + 7, id(2));
  probing.prober.tick(TIMEOUT);
  probing.prober.acked(seq, id(9));
  probing.prober.tick(INTERVAL);
  assert.deepEqual(probing.verdicts, ["failed 2"]);
});

test("nack from every helper and a closed way makes it suspect at once", () => {
  const probing = new Probing([3, 4]);
  const seq = probing.begin();
  probing.prober.unreachable(id(2), 1);
  assert.deepEqual(probing.take().map(([to]) => to), [3, 4], "others are asked at once");
  probing.prober.nacked(seq, id(3));
  probing.prober.nacked(seq, id(3));
  assert.deepEqual(probing.verdicts, [], "one is not all");
  probing.prober.nacked(seq, id(4));
  assert.deepEqual(probing.verdicts, ["failed 2"]);
  assert.equal(probing.prober.health.multiplier, 1, "no reason to doubt this node");
});

test("nack from every helper makes a silent member suspect before its time is over", () => {
  const probing = new Probing([3]);
  const seq = probing.begin();
  probing.prober.tick(TIMEOUT);
  probing.prober.nacked(seq, id(3));
  assert.deepEqual(probing.verdicts, ["failed 2"]);
  assert.equal(probing.prober.health.multiplier, 1, "no reason to doubt this node");
});

test("closed way without any helper makes it suspect at once", () => {
  const probing = new Probing([]);
  probing.begin();
  probing.prober.unreachable(id(2), 1);
  assert.deepEqual(probing.verdicts, ["failed 2"]);
  assert.equal(probing.prober.health.multiplier, 1);
});

test("missing nacks make this node slower", () => {
  const probing = new Probing([3, 4, 5]);
  const seq = probing.begin();
  probing.prober.tick(TIMEOUT);
  probing.prober.nacked(seq, id(4));
  probing.prober.tick(INTERVAL);
  assert.equal(probing.prober.health.multiplier, 3, "two of three said nothing at all");
  probing.take();
  probing.turns = [2];
  const turnAt = probing.prober.wakeAt;
  assert.equal(turnAt, 4 * INTERVAL, "it probes less often");
  probing.prober.tick(turnAt);
  assert.equal(probing.take().length, 1);
  probing.prober.tick(turnAt + 3 * TIMEOUT - 1);
  assert.deepEqual(probing.take(), [], "and gives three times as long");
  probing.prober.tick(turnAt + 3 * TIMEOUT);
  assert.equal(probing.take().length, 3);
});

test("silence that nobody else has heard makes this node slower, an answer faster", () => {
  const probing = new Probing([]);
  probing.begin();
  probing.prober.tick(INTERVAL);
  assert.equal(probing.prober.health.multiplier, 2);
  probing.turns = [2];
  probing.prober.tick(probing.prober.wakeAt);
  const [, message] = probing.take().at(-1)!;
  assert.ok(message.kind === "probe");
  probing.prober.acked(message.seq, id(2));
  assert.equal(probing.prober.health.multiplier, 1);
});

test("member that is probed already is not probed twice", () => {
  const probing = new Probing([]);
  probing.begin();
  probing.prober.doubt(id(2), 1);
  assert.deepEqual(probing.take(), []);
});

test("members in doubt are probed at once, a few at a time", () => {
  const probing = new Probing([]);
  probing.prober.tick(0);
  for (const n of [2, 3, 4, 5, 6]) probing.prober.doubt(id(n), 1);
  const first = probing.take();
  assert.deepEqual(first.map(([to]) => to), [2, 3, 4]);
  probing.prober.unreachable(id(3), 2);
  assert.deepEqual(probing.take().map(([to]) => to), [5]);
  probing.prober.drop(id(6));
  probing.prober.tick(1 + INTERVAL);
  assert.deepEqual(probing.take(), [], "it has gone");
  assert.deepEqual(probing.verdicts, ["failed 3", "failed 2", "failed 4"]);
});

test("suspect at its end that answers the last probe is not declared dead", () => {
  const probing = new Probing([3]);
  probing.prober.last(id(2), 0);
  const [[, message] = []] = probing.take();
  assert.ok(message?.kind === "probe");
  probing.prober.last(id(2), 1);
  assert.deepEqual(probing.take(), [], "one is enough");
  probing.prober.acked(message.seq, id(2));
  probing.prober.tick(LAST);
  assert.deepEqual(probing.verdicts, ["passed last 2"]);
});

test("suspect at its end that is silent or unreachable is dead when the last probe is over", () => {
  for (const isClosed of [false, true]) {
    const probing = new Probing([3]);
    probing.prober.last(id(2), 0);
    const asked = probing.sent.filter(([, { kind }]) => kind === "probe-for").map(([to]) => to);
    assert.deepEqual(asked, [3], "others are asked at the same time");
    if (isClosed) probing.prober.unreachable(id(2), 1);
    probing.prober.nacked(1, id(3));
    assert.deepEqual(probing.verdicts, [], "it has its time in any case");
    probing.prober.tick(LAST);
    assert.deepEqual(probing.verdicts, ["failed last 2"]);
  }
});

test("suspect at its end that another node reaches is not declared dead", () => {
  const probing = new Probing([3]);
  probing.prober.last(id(2), 0);
  probing.prober.acked(1, id(3));
  probing.prober.tick(LAST);
  assert.deepEqual(probing.verdicts, ["passed last 2"]);
});

test("helper passes an answer on under the number of the one that asked", () => {
  const probing = new Probing();
  probing.prober.probeFor(id(5), 77, id(2), 0);
  const [[to, message] = []] = probing.take();
  assert.equal(to, 2);
  assert.ok(message?.kind === "probe");
  probing.prober.acked(message.seq, id(9));
  assert.deepEqual(probing.take(), [], "of another one");
  probing.prober.acked(message.seq, id(2));
  assert.deepEqual(probing.take(), [[5, { kind: "ack", seq: 77 }]]);
  probing.prober.tick(INTERVAL);
  assert.deepEqual(probing.take().filter(([, { kind }]) => kind === "nack"), []);
});

test("helper tells before the time is over that it had no answer, at once when the way is closed", () => {
  const probing = new Probing();
  const nack = [[5, { kind: "nack", seq: 77 }]];
  probing.prober.tick(0);
  probing.prober.probeFor(id(5), 77, id(2), 0);
  probing.take();
  const endsAt = probing.prober.wakeAt;
  assert.ok(endsAt < INTERVAL - TIMEOUT);
  probing.prober.tick(endsAt);
  assert.deepEqual(probing.take(), nack);
  probing.prober.probeFor(id(5), 77, id(2), endsAt);
  probing.take();
  probing.prober.unreachable(id(2), endsAt);
  assert.deepEqual(probing.take(), nack);
});

test("helper begins no more probes for others than its bound", () => {
  const probing = new Probing();
  for (let seq = 0; seq < 2_000; seq++) probing.prober.probeFor(id(5), seq, id(2), 0);
  assert.equal(probing.take().length, 1_024);
});

test("member that has gone is not judged any more", () => {
  const probing = new Probing([]);
  probing.begin();
  probing.prober.drop(id(2));
  probing.prober.tick(INTERVAL);
  assert.deepEqual(probing.verdicts, []);
});

test("Prober.wakeAt is never in the past after a tick (property)", () => {
  const step = fc.record({
    kind: fc.constantFrom("wake", "doubt", "last", "for", "closed", "ack", "nack", "drop"),
    n: fc.integer({ min: 2, max: 6 }),
    ms: fc.double({ min: 0, max: 700, noNaN: true }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const probing = new Probing([2, 3, 4, 5, 6]);
    const { prober } = probing;
    let now = 0;
    for (const { kind, n, ms } of steps) {
      probing.turns = [n];
      now = kind === "wake" ? Math.max(now, prober.wakeAt) : now + ms;
      const seqs = probing.sent.flatMap(([, one]) => "seq" in one ? [one.seq] : []);
      const seq = seqs[n % Math.max(1, seqs.length)] ?? 0;
      if (kind === "doubt") prober.doubt(id(n), now);
      else if (kind === "last") prober.last(id(n), now);
      else if (kind === "for") prober.probeFor(id(7), n, id(n), now);
      else if (kind === "closed") prober.unreachable(id(n), now);
      else if (kind === "ack") prober.acked(seq, id(n));
      else if (kind === "nack") prober.nacked(seq, id(n));
      else if (kind === "drop") prober.drop(id(n));
      prober.tick(now);
      assert.ok(prober.wakeAt > now, `${prober.wakeAt} is not after ${now}`);
    }
  }));
});
