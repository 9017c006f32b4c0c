/** Calls and streams over a TCP link that end badly leave nothing behind on either node. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import type { Clock, Timer } from "../../lib/clock.ts";
import { eventually, test } from "../harness.ts";
import { BareNode } from "./bare_node.ts";
import { CountedSignal } from "./counted_signal.ts";

class Worker {
  wait(): Promise<never> {
    const { signal } = pul.context();
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  }
  fail(): never {
    throw new Error("no");
  }
  ready(): boolean {
    return true;
  }
  async *count(): AsyncGenerator<number> {
    const stream = {};
    open.add(stream);
    try {
      for (let n = 0;; n++) yield n;
    } finally {
      open.delete(stream);
    }
  }
  async first(items: AsyncIterable<number>): Promise<number> {
    for await (const item of items) if (item === 5) return item;
    return -1;
  }
}

const open = new Set<object>();

/** The machine's clock with its timers counted. */
class CountedClock implements Clock {
  pendingTimers = 0;
  now = pul.systemClock.now;
  wallTime = pul.systemClock.wallTime;
  defer = pul.systemClock.defer;
  setTimer(callback: () => void, delayMs: number): Timer {
    this.pendingTimers++;
    let isPending = true;
    const over = () => {
      if (isPending) this.pendingTimers--;
      isPending = false;
    };
    const timer = pul.systemClock.setTimer(() => {
      over();
      callback();
    }, delayMs);
    return {
      cancel: () => {
        over();
        timer.cancel();
      },
    };
  }
}

/** Two nodes with one TCP link; the keep-alive of each has one timer, and so has the cluster. */
async function linked() {
  const clock = new CountedClock();
  const transport = pul.tcp();
  const limits = { linkIdleMs: 60_000, linkTimeoutMs: 120_000 };
  const server = new BareNode({ clock, transport, limits });
  const client = new BareNode({ clock, transport, limits });
  await server.listen();
  const cell = await server.spawn(Worker, "actors/worker");
  const worker = client.refTo(cell).asType(Worker);
  assert.equal(await worker.ready(), true);
  const dispose = async () => {
    await client[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    assert.equal(clock.pendingTimers, 0);
    assert.deepEqual([client.links.all.length, server.links.all.length], [0, 0]);
  };
  return { clock, server, client, cell, worker, [Symbol.asyncDispose]: dispose };
}

async function isQuiet({ clock, server, client }: Awaited<ReturnType<typeof linked>>) {
  await eventually(() => server.pendingCount + client.pendingCount === 0, {
    what: "nothing pending on either side",
  });
  await eventually(() => clock.pendingTimers === 3, {
    what: "one timer for each side's links, and one for the membership of the side that listens",
  });
}

test("100 000 calls over TCP cancelled, failed and timed out leave nothing pending", async () => {
  await using both = await linked();
  const { worker } = both;
  const signal = new CountedSignal();
  let ended = 0;
  const count = () => void ended++;
  for (let batch = 0; batch < 50; batch++) {
    for (let n = 0; n < 500; n++) {
      worker.$with({ signal: signal.signal, timeoutMs: 60_000 }).wait().then(undefined, count);
      worker.$with({ signal: signal.signal, timeoutMs: 60_000 }).fail().then(undefined, count);
      worker.$with({ signal: signal.signal, timeoutMs: 1 }).wait().then(undefined, count);
      worker.$with({ timeoutMs: 1 }).wait().then(undefined, count);
    }
    await worker.ready();
    signal.renew(new Error("enough"));
    await eventually(() => ended === (batch + 1) * 2_000, { what: "the end of all calls" });
  }
  await isQuiet(both);
  assert.deepEqual([signal.listeners, both.cell.mailboxLength], [0, 0]);
});

test("2 000 streams over TCP broken off half way leave no stream and no generator", async () => {
  await using both = await linked();
  const signal = new CountedSignal();
  const worker = both.worker.$with({ signal: signal.signal, timeoutMs: 60_000 });
  const read = async (): Promise<void> => {
    for await (const n of worker.count()) if (n === 5) break;
  };
  for (let batch = 0; batch < 40; batch++) await Promise.all(Array.from({ length: 50 }, read));
  await isQuiet(both);
  await eventually(() => open.size === 0, { what: "the end of all generators" });
  assert.equal(signal.listeners, 0);
});

test("2 000 stream arguments over TCP broken off half way leave no stream", async () => {
  await using both = await linked();
  let closed = 0;
  async function* numbers(): AsyncGenerator<number> {
    try {
      for (let n = 0;; n++) yield n;
    } finally {
      closed++;
    }
  }
  const send = () => both.worker.first(numbers());
  for (let batch = 0; batch < 40; batch++) {
    assert.ok((await Promise.all(Array.from({ length: 50 }, send))).every((n) => n === 5));
  }
  await isQuiet(both);
  await eventually(() => closed === 2_000, { what: "the end of all generators" });
});

test("200 links that end with a call under way leave no link, no call and no timer", async () => {
  await using both = await linked();
  const { server, client, cell, worker } = both;
  for (let round = 0; round < 200; round++) {
    assert.equal(await worker.ready(), true);
    const links = [...server.links.all, ...client.links.all];
    const call = client.refTo(cell).asType(Worker).wait();
    const failed = assert.rejects(call, (error) => pul.isPulsingError(error, "node-lost"));
    await eventually(() => server.pendingCount === 1, { what: "the call at its callee" });
    for (const link of client.links.all) link.close();
    await failed;
    await eventually(() => links.every((link) => !link.isOpen && link.pendingCount === 0), {
      what: "the end of both sides of the link",
    });
  }
  assert.equal(await worker.ready(), true);
  await isQuiet(both);
  assert.deepEqual([client.links.all.length, server.links.all.length], [1, 1]);
});
