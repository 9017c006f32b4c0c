/** When a node is dialled again: the pure circuit, and the table of the nodes that failed. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { isPulsingError, PulsingRuntimeError } from "../../../lib/errors.ts";
import { DEFAULT_LIMITS, resolveLimits } from "../../../lib/limits.ts";
import {
  type Circuit,
  CircuitBreakers,
  type CircuitLimits,
  HEALTHY,
  isTransportFailure,
  onAttempt,
  onFailure,
  onProbe,
} from "../../../lib/remote/circuit_breaker.ts";
import { HandshakeRejected, isRejected, type Rejection } from "../../../lib/remote/handshake.ts";
import { ManualClock } from "../../../lib/testing/mod.ts";
import { test } from "../../harness.ts";

const LIMITS: CircuitLimits = { breakerFailures: 1, reconnectMinMs: 100, reconnectMaxMs: 1_000 };
const THREE: CircuitLimits = { ...LIMITS, breakerFailures: 3 };

const closed = (failures: number): Circuit => ({ kind: "closed", failures });
const open = (until: number, delayMs: number): Circuit => ({ kind: "open", until, delayMs });
const halfOpen = (delayMs: number): Circuit => ({ kind: "half-open", delayMs });

test("onFailure: the whole table", () => {
  const rows: [string, Circuit, CircuitLimits, Circuit][] = [
    ["one failure opens", HEALTHY, LIMITS, open(150, 100)],
    ["the first of three is counted", HEALTHY, THREE, closed(1)],
    ["the second of three is counted", closed(1), THREE, closed(2)],
    ["the third of three opens", closed(2), THREE, open(150, 100)],
    ["what began before it opened changes nothing", open(70, 20), LIMITS, open(70, 20)],
    ["a failed probe doubles the time", halfOpen(100), LIMITS, open(250, 200)],
    ["one failed probe is enough", halfOpen(100), THREE, open(250, 200)],
    ["the time has a bound", halfOpen(800), LIMITS, open(1_050, 1_000)],
    ["and stays there", halfOpen(1_000), LIMITS, open(1_050, 1_000)],
    ["a first time above the bound", HEALTHY, { ...LIMITS, reconnectMaxMs: 30 }, open(80, 30)],
  ];
  for (const [what, before, limits, after] of rows) {
    assert.deepEqual(onFailure(before, 50, limits), after, what);
  }
});

test("onAttempt: the whole table", () => {
  const rows: [string, Circuit, Circuit, boolean][] = [
    ["healthy", HEALTHY, HEALTHY, true],
    ["below the number of failures", closed(2), closed(2), true],
    ["open", open(51, 20), open(51, 20), false],
    ["its time is over", open(50, 20), halfOpen(20), true],
    ["its time is long over", open(3, 20), halfOpen(20), true],
    ["a probe is under way", halfOpen(20), halfOpen(20), false],
  ];
  for (const [what, before, circuit, mayDial] of rows) {
    assert.deepEqual(onAttempt(before, 50), { circuit, mayDial }, what);
  }
});

test("onProbe: an open circuit need not wait, the others are as they were", () => {
  const rows: [Circuit, Circuit][] = [
    [HEALTHY, HEALTHY],
    [closed(2), closed(2)],
    [open(1_000_000, 20), halfOpen(20)],
    [halfOpen(20), halfOpen(20)],
  ];
  for (const [before, after] of rows) assert.deepEqual(onProbe(before), after, before.kind);
});

test("isTransportFailure: what a node refuses for good says nothing about the way to it", () => {
  const reasons: [Rejection["reason"], boolean][] = [
    ["protocol", false],
    ["cluster", false],
    ["self", false],
    ["other-node", true],
    ["duplicate", true],
    ["busy", true],
    ["shutdown", true],
    ["dead", true],
  ];
  for (const [reason, isFailure] of reasons) {
    const error = new HandshakeRejected({ reason, message: "no" }, "a:1");
    assert.equal(isTransportFailure(error), isFailure, reason);
  }
  for (const error of [new Error("refused"), unreachable()]) {
    assert.equal(isTransportFailure(error), true);
  }
});

const STEPS = fc.array(
  fc.oneof(
    fc.constant({ kind: "call" } as const),
    fc.constant({ kind: "fail" } as const),
    fc.constant({ kind: "up" } as const),
    fc.record({ kind: fc.constant("pass" as const), ms: fc.nat({ max: 2_000 }) }),
  ),
  { maxLength: 80 },
);

const ANY_LIMITS: fc.Arbitrary<CircuitLimits> = fc.record({
  breakerFailures: fc.integer({ min: 1, max: 5 }),
  reconnectMinMs: fc.integer({ min: 1, max: 500 }),
  reconnectMaxMs: fc.integer({ min: 500, max: 2_000 }),
});

test("circuit: no dial while open, one when half-open, times within bounds (property)", () => {
  fc.assert(fc.property(STEPS, ANY_LIMITS, (steps, limits) => {
    const { breakerFailures, reconnectMinMs, reconnectMaxMs } = limits;
    let [circuit, now, inARow, probes] = [HEALTHY, 0, 0, 0];
    for (const step of steps) {
      const before = circuit;
      if (step.kind === "pass") now += step.ms;
      else if (step.kind === "up") [circuit, inARow, probes] = [HEALTHY, 0, 0];
      else if (step.kind === "call") {
        const { circuit: after, mayDial } = onAttempt(circuit, now);
        if (before.kind === "open") assert.equal(mayDial, now >= before.until);
        if (mayDial && before.kind !== "closed") probes++;
        assert.ok(probes <= 1, "a second probe before the first has ended");
        circuit = after;
      } else {
        circuit = onFailure(circuit, now, limits);
        inARow++;
        if (before.kind === "half-open") probes = 0;
        assert.equal(circuit.kind === "closed", inARow < breakerFailures);
      }
      if (circuit.kind === "closed") continue;
      assert.ok(circuit.delayMs >= reconnectMinMs && circuit.delayMs <= reconnectMaxMs);
      if (circuit.kind === "open") assert.ok(circuit.until <= now + circuit.delayMs);
    }
  }));
});

test("circuit: probes that fail are twice as far apart each time, up to the bound (property)", () => {
  fc.assert(fc.property(ANY_LIMITS, fc.integer({ min: 1, max: 12 }), (limits, failures) => {
    let circuit = onFailure(closed(limits.breakerFailures - 1), 0, limits);
    for (let n = 0; n < failures; n++) {
      assert.ok(circuit.kind === "open");
      const expected = Math.min(limits.reconnectMinMs * 2 ** n, limits.reconnectMaxMs);
      assert.equal(circuit.delayMs, expected);
      const { until } = circuit;
      assert.equal(onAttempt(circuit, until - 1).mayDial, false);
      circuit = onFailure(onAttempt(circuit, until).circuit, until, limits);
    }
  }));
});

function unreachable(): PulsingRuntimeError {
  return new PulsingRuntimeError("Cannot reach node at a:1: nobody listens there", {
    kind: "node-unreachable",
    retryable: true,
    address: "a:1",
  });
}

test("CircuitBreakers: the refusal says how long the circuit is open, and why", async () => {
  const clock = new ManualClock();
  const breakers = new CircuitBreakers(clock, DEFAULT_LIMITS);
  assert.equal(breakers.refusal("n"), undefined);
  const cause = unreachable();
  breakers.failed("n", cause);
  await clock.advance(60);
  const error = breakers.refusal("n");
  assert.ok(isPulsingError(error, "node-unreachable") && error.retryable);
  const { message, nodeId, address } = error;
  assert.match(message, /^Cannot link to node n: .* open for 40 ms .*: nobody listens there$/);
  assert.deepEqual({ nodeId, address, cause: error.cause }, { nodeId: "n", address: "a:1", cause });
  assert.equal(breakers.refusal("other"), undefined, "one circuit for each node");
  await clock.advance(40);
  assert.equal(breakers.refusal("n"), undefined);
  assert.ok(breakers.refusal("n"), "the one dial is under way");
});

test("CircuitBreakers: who looks for a node still learns that another one came after it", () => {
  const breakers = new CircuitBreakers(new ManualClock(), DEFAULT_LIMITS);
  breakers.failed("n", new HandshakeRejected({ reason: "other-node", message: "gone" }, "a:1"));
  const error = breakers.refusal("n");
  assert.ok(isRejected(error, "other-node") && isPulsingError(error, "node-unreachable"));
  assert.match(error.message, /open for 100 ms/);
});

test("CircuitBreakers: healthy nodes are not kept, of the others maxMembers at most", () => {
  const clock = new ManualClock();
  const breakers = new CircuitBreakers(clock, resolveLimits({ maxMembers: 3 }));
  for (const nodeId of ["a", "b", "c"]) breakers.failed(nodeId, unreachable());
  breakers.failed("a", unreachable()); // the newest again
  breakers.failed("d", unreachable());
  assert.equal(breakers.size, 3);
  const refused = ["a", "b", "c", "d"].filter((nodeId) => breakers.refusal(nodeId) !== undefined);
  assert.deepEqual(refused, ["a", "c", "d"]);
  for (const nodeId of ["a", "c", "d", "never met"]) breakers.close(nodeId);
  assert.equal(breakers.size, 0);
});

test("CircuitBreakers: below breakerFailures nothing is refused, a link starts the count anew", () => {
  const breakers = new CircuitBreakers(new ManualClock(), resolveLimits({ breakerFailures: 2 }));
  for (let round = 0; round < 3; round++) {
    breakers.failed("n", unreachable());
    assert.equal(breakers.refusal("n"), undefined);
    breakers.close("n");
  }
  for (let n = 0; n < 2; n++) breakers.failed("n", unreachable());
  assert.ok(breakers.refusal("n"));
});

test("CircuitBreakers: a probe is the one dial of an open circuit, and counts as one", () => {
  const breakers = new CircuitBreakers(new ManualClock(), DEFAULT_LIMITS);
  breakers.probed("n");
  assert.equal(breakers.size, 0, "a node without failures is not kept");
  breakers.failed("n", unreachable());
  breakers.probed("n");
  assert.ok(breakers.refusal("n"), "calls wait for the probe, which the caller looks for first");
  breakers.failed("n", unreachable());
  assert.match(breakers.refusal("n")?.message ?? "", /open for 200 ms/);
  breakers.probed("n");
  breakers.close("n");
  assert.equal(breakers.refusal("n"), undefined);
});
