/** The trace of a call over all its hops, without any set-up. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { ManualNodes } from "./manual_nodes.ts";

const GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/** One hop after the other, each with its trace. */
class Hop {
  readonly #next: pul.ActorRef | undefined;
  readonly #told: string[];

  constructor(next: pul.ActorRef | undefined, told: string[]) {
    this.#next = next;
    this.#told = told;
  }

  /** Synchronous up to the next hop. */
  pass(): Promise<string[]> | string[] {
    const { traceparent } = pul.context();
    const rest = this.#next?.asType(Hop).pass();
    if (rest === undefined) return [traceparent];
    return rest.then((others) => [traceparent, ...others]);
  }

  /** Asynchronous before the next hop, and told of the trace once more after it. */
  async passLater(gate?: Promise<void>): Promise<string[]> {
    const { traceparent } = pul.context();
    await (gate ?? Promise.resolve());
    const rest = await this.#next?.asType(Hop).passLater() ?? [];
    assert.equal(pul.context().traceparent, traceparent);
    return [traceparent, ...rest];
  }

  async tellOn(): Promise<string> {
    await this.#next?.tell({ __call__: "tellOn", args: [] });
    this.#told.push(pul.context().traceparent);
    return pul.context().traceparent;
  }

  *items(): Generator<string> {
    yield pul.context().traceparent;
    yield pul.context().traceparent;
  }

  later(delayMs: number): string {
    const { traceparent, delayed } = pul.context();
    assert.equal(typeof delayed, "function");
    pul.context().delayed(delayMs).tellOn!();
    return traceparent;
  }

  async laterAsync(delayMs: number): Promise<string> {
    await Promise.resolve();
    return this.later(delayMs);
  }
}

const PLACES: Readonly<Record<string, readonly number[]>> = {
  "one node": [0, 0, 0],
  "three nodes": [0, 1, 2],
};

/** Three hops; the first is asked from its own node. */
async function hops(places: readonly number[] = [0, 0, 0]) {
  const nodes = await ManualNodes.listening(Math.max(...places) + 1);
  const told: string[] = [];
  let next: Awaited<ReturnType<typeof nodes.nodes[0]["spawn"]>> | undefined;
  for (const index of places.toReversed()) {
    const node = nodes.at(index);
    const isHere = next === undefined || next.nodeId === node.node.nodeId;
    const to = next === undefined || isHere ? next?.ref : node.refTo(next);
    next = await node.spawn(Hop, undefined, { args: [to, told] });
  }
  assert.ok(next !== undefined);
  const dispose = () => nodes[Symbol.asyncDispose]();
  return { nodes, told, first: next.ref.asType(Hop), [Symbol.asyncDispose]: dispose };
}

function traceOf(text: string): string {
  const match = /^00-([0-9a-f]{32})-[0-9a-f]{16}-0[01]$/.exec(text);
  assert.ok(match !== null && !/^0+$/.test(match[1]!), text);
  return match[1]!;
}

/** All belong to one trace, and each is a span of its own; returns the trace. */
function assertOneTrace(texts: readonly string[], count: number): string {
  assert.equal(texts.length, count);
  assert.equal(new Set(texts).size, count);
  const [trace, ...others] = new Set(texts.map(traceOf));
  assert.deepEqual(others, []);
  return trace!;
}

for (const [where, places] of Object.entries(PLACES)) {
  for (const method of ["pass", "passLater"] as const) {
    test(`one trace over three hops, a span for each, a new trace for each root call (${method}, ${where})`, async () => {
      await using at = await hops(places);
      const traces = new Set<string>();
      for (let n = 0; n < 3; n++) {
        traces.add(assertOneTrace(await at.nodes.now(at.first[method]()), 3));
      }
      assert.equal(traces.size, 3);
    });

    test(`$with({ traceparent }) is taken over with its flags, a malformed one ignored (${method}, ${where})`, async () => {
      await using at = await hops(places);
      const texts = await at.nodes.now(at.first.$with({ traceparent: GIVEN })[method]());
      assert.equal(assertOneTrace(texts, 3), traceOf(GIVEN));
      assert.ok(texts.every((text) => text !== GIVEN && text.endsWith("-00")));
      for (const traceparent of ["", "nonsense", GIVEN.toUpperCase(), `ff${GIVEN.slice(2)}`]) {
        const own = await at.nodes.now(at.first.$with({ traceparent })[method]());
        assert.notEqual(assertOneTrace(own, 3), traceOf(GIVEN));
      }
    });
  }

  test(`concurrent calls of interleaved handlers do not mix their traces (${where})`, async () => {
    await using at = await hops(places);
    const gates = Array.from({ length: 20 }, () => Promise.withResolvers<void>());
    const calls = gates.map(({ promise }) => at.first.passLater(promise));
    await at.nodes.clock.settle();
    for (const { resolve } of gates.toReversed()) resolve();
    const all = await at.nodes.now(Promise.all(calls));
    assert.equal(new Set(all.map((texts) => assertOneTrace(texts, 3))).size, 20);
  });

  test(`tells carry the trace (${where})`, async () => {
    await using at = await hops(places);
    const first = await at.nodes.now(at.first.tellOn());
    await at.nodes.clock.settle();
    assert.equal(assertOneTrace(at.told, 3), traceOf(first));
    at.told.length = 0;
    await at.nodes.now(
      at.first.$ref.tell({ __call__: "tellOn", args: [] }, { traceparent: GIVEN }),
    );
    await at.nodes.clock.settle();
    assert.equal(assertOneTrace(at.told, 3), traceOf(GIVEN));
  });

  for (const method of ["later", "laterAsync"] as const) {
    test(`delayed calls carry the trace of the call that set them (${method}, ${where})`, async () => {
      await using at = await hops(places);
      const one = await at.nodes.now(at.first[method](10));
      const two = await at.nodes.now(at.first[method](20));
      await at.nodes.clock.advance(10);
      assert.equal(assertOneTrace(at.told.splice(0), 3), traceOf(one));
      await at.nodes.clock.advance(10);
      assert.equal(assertOneTrace(at.told.splice(0), 3), traceOf(two));
      assert.notEqual(traceOf(one), traceOf(two));
    });
  }
}

test("a delayed call has the actor itself as its caller, and no deadline of the call that set it", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  const seen: unknown[] = [];
  class Self {
    set(): void {
      pul.context().delayed(100).look!();
    }
    look(): void {
      const { caller, self, deadlineMs, signal } = pul.context();
      seen.push(caller?.actorId === self.actorId, deadlineMs, signal.aborted);
    }
  }
  const self = (await nodes.at(0).spawn(Self)).ref.asType(Self);
  await nodes.now(self.$with({ timeoutMs: 50 }).set());
  await nodes.clock.advance(100);
  assert.deepEqual(seen, [true, undefined, false]);
});

test("the items of one stream are one span, and code outside of actors has no trace", async () => {
  await using at = await hops();
  const items = await at.nodes.now(Array.fromAsync(at.first.items()));
  assert.equal(items.length, 2);
  assert.equal(items[0], items[1]);
  assert.throws(() => pul.context(), { kind: "unsupported" });
});
