/** Two nodes that dial and probe each other at once, in many orders. */

import assert from "node:assert/strict";
import fc from "fast-check";
import * as pul from "../../mod.ts";
import { sleep } from "../../lib/clock.ts";
import type { Association } from "../../lib/remote/association.ts";
import { keyFence } from "../../lib/remote/passphrase.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";
import { BareNode } from "../leak/bare_node.ts";

class Subject {
  echo(value: unknown): unknown {
    return value;
  }
}

/** How long bytes are on their way, so that handshakes cross. */
const LATENCY_MS = 5;

/** Dials take the times that a test has chosen. */
class SlowDials implements pul.Transport {
  readonly name: string = "slow";
  readonly #inner: pul.Transport;
  readonly #clock: ManualClock;
  readonly #delays: number[];

  constructor(inner: pul.Transport, clock: ManualClock, delays: readonly number[]) {
    this.#inner = inner;
    this.#clock = clock;
    this.#delays = [...delays];
  }

  listen(options: pul.ListenOptions): Promise<pul.Listener> {
    const accept = (connection: pul.Connection) => options.accept(this.#late(connection));
    return this.#inner.listen({ ...options, accept });
  }

  async lookup(address: string, options?: pul.DialOptions): Promise<readonly string[]> {
    return await this.#inner.lookup?.(address, options) ?? [address];
  }

  async dial(address: string, options?: pul.DialOptions): Promise<pul.Connection> {
    await sleep(this.#clock, this.#delays.shift() ?? 0, options?.signal);
    return this.#late(await this.#inner.dial(address, options));
  }

  #late(connection: pul.Connection): pul.Connection {
    const start = connection.start.bind(connection);
    const later = (give: () => void) => void this.#clock.setTimer(give, LATENCY_MS);
    connection.start = (handler, highWaterBytes) =>
      start({
        onBytes: (bytes) => later(() => handler.onBytes(bytes)),
        onDrain: () => handler.onDrain(),
        onClose: (error) => later(() => handler.onClose(error)),
      }, highWaterBytes);
    return connection;
  }
}

const STEP = fc.record({
  side: fc.constantFrom(0, 1),
  way: fc.constantFrom("open", "probe", "dial"),
  afterMs: fc.nat({ max: 12 }),
});
const DELAYS = fc.array(fc.nat({ max: 20 }), { minLength: 4, maxLength: 4 });
const STEPS = fc.array(STEP, { minLength: 2, maxLength: 8 });

const FENCES = { "": undefined, ", with a passphrase": keyFence(new Uint8Array(32)) };

for (const [how, fence] of Object.entries(FENCES)) {
  test(`crossing dials with probes end in one association, the same on both sides${how} (property)`, async () => {
    const run = async (steps: readonly Step[], delays: readonly (readonly number[])[]) => {
      const clock = new ManualClock();
      const network = pul.memory(new pul.MemoryNetwork(clock));
      const nodes = delays.map((own) =>
        new BareNode({ clock, transport: new SlowDials(network, clock, own), fence })
      );
      for (const node of nodes) await node.listen();
      const attempts: Promise<Association>[] = [];
      for (const { side, way, afterMs } of steps) {
        const [from, to] = [nodes[side]!, nodes[1 - side]!.node];
        const attempt = way === "dial"
          ? from.links.dial(to.address!)
          : Promise.resolve(from.links[way](to.nodeId, to.address));
        attempt.catch(() => {});
        attempts.push(attempt);
        await clock.advance(afterMs);
      }
      await clock.advance(1_000);
      await assertOneLink(nodes, attempts, clock);
      const ended = Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
      await clock.advance(2 * pul.DEFAULT_LIMITS.shutdownTimeoutMs);
      await ended;
      assert.equal(clock.pendingTimers, 0);
    };
    await fc.assert(fc.asyncProperty(STEPS, fc.tuple(DELAYS, DELAYS), run), { numRuns: 200 });
  });
}

interface Step {
  readonly side: number;
  readonly way: "open" | "probe" | "dial";
  readonly afterMs: number;
}

async function assertOneLink(
  nodes: readonly BareNode[],
  attempts: readonly Promise<Association>[],
  clock: ManualClock,
): Promise<void> {
  const links = nodes.map(({ links }) => links.all);
  assert.deepEqual(links.map(({ length }) => length), [1, 1]);
  const [one, other] = links.flat();
  assert.ok(one?.isOpen && other?.isOpen);
  assert.notEqual(one.isDialler, other.isDialler, "the two ends of one connection");
  for (const attempt of await Promise.all(attempts)) {
    assert.ok([one.nodeId, other.nodeId].includes(attempt.nodeId));
  }
  const answers: unknown[] = [];
  for (const [side, node] of nodes.entries()) {
    const subject = nodes[1 - side]!.refTo(await node.spawn(Subject)).asType(Subject);
    subject.echo(side).then((answer) => answers.push(answer));
  }
  await clock.advance(10 * LATENCY_MS);
  assert.deepEqual(answers.sort(), [0, 1]);
  assert.deepEqual(nodes.map(({ links }) => links.all), links, "no other link was needed");
}
