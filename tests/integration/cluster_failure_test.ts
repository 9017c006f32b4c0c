/** What nodes notice when others leave, die, refuse or are slow, on every transport. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";
import { Mortal } from "./mortal_transport.ts";

class Subject {
  produced = 0;
  finished = 0;
  echo(value: unknown): unknown {
    return value;
  }
  forever(): Promise<void> {
    return new Promise(() => {});
  }
  async *count(n: number): AsyncGenerator<number> {
    try {
      for (; this.produced < n; this.produced++) yield await Promise.resolve(this.produced);
    } finally {
      this.finished++;
    }
  }
  async takeTwo(numbers: AsyncIterable<number>): Promise<number[]> {
    const taken: number[] = [];
    for await (const n of numbers) if (taken.push(n) === 2) break;
    return taken;
  }
  state(): { produced: number; finished: number } {
    return { produced: this.produced, finished: this.finished };
  }
}

const TRANSPORTS = {
  tcp: () => pul.tcp(),
  websocket: () => pul.websocket(),
  memory: () => pul.memory(new pul.MemoryNetwork(pul.systemClock)),
} as const;

const ADDR = "127.0.0.1:0";
const WAIT = { timeoutMs: 5_000 };
const GOSSIP = { gossipIntervalMs: 50, suspicionTimeoutMs: 200 };

/** Two nodes; the first one has the actor "subject" and can be killed. */
async function pair(inner: pul.Transport, limits: Partial<pul.Limits> = {}) {
  const [mortal, other] = [new Mortal(inner), new Mortal(inner)];
  const common = { addr: ADDR, gossip: GOSSIP, limits, logger: pul.silentLogger };
  const stack = new AsyncDisposableStack();
  const server = stack.use(await pul.actorSystem({ ...common, transport: mortal }));
  await server.spawnClass(Subject, { name: "subject" });
  const seeds = [server.addr!];
  const client = stack.use(await pul.actorSystem({ ...common, transport: other, seeds }));
  const subject = (await client.resolve("subject", WAIT)).asType(Subject);
  const dispose = async () => {
    await stack.disposeAsync();
    await eventually(() => mortal.isQuiet && other.isQuiet, { what: "all connections ended" });
  };
  return { mortal, server, client, subject, [Symbol.asyncDispose]: dispose };
}

const failureOf = (call: Promise<unknown>) => call.then(() => undefined, (error) => error);

for (const [name, transport] of Object.entries(TRANSPORTS)) {
  test(`over ${name}: a killed peer fails calls and streams at once with node-lost`, async () => {
    await using both = await pair(transport(), { shutdownTimeoutMs: 50 });
    const { subject, client, mortal } = both;
    const stream = await subject.count(1_000_000);
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    const calls = Array.from({ length: 20 }, () => failureOf(subject.forever()));
    await subject.echo(0);
    const start = pul.systemClock.now();
    await mortal.kill();
    for (const error of await Promise.all(calls)) {
      assert.ok(pul.isPulsingError(error, "node-lost") && error.retryable, String(error));
    }
    const drained = await failureOf((async () => {
      while (!(await iterator.next()).done);
    })());
    assert.ok(pul.isPulsingError(drained, "node-lost"), String(drained));
    assert.ok(pul.systemClock.now() - start < 2_000, "at once");
    const isDead = () => client.members().some((member) => member.status === "dead");
    await eventually(isDead, { what: "the killed node is dead" });
    assert.deepEqual(client.allNamedActors(), []);
    const later = await failureOf(subject.echo(1));
    assert.ok(pul.isPulsingError(later) && later.retryable, String(later));
  });

  test(`over ${name}: an announced leave is seen within a gossip round`, async () => {
    await using both = await pair(transport());
    const { server, client } = both;
    await server.shutdown();
    const status = () => client.members().find((one) => one.nodeId === server.nodeId)?.status;
    await eventually(() => status() === "left", { what: "the leave", timeoutMs: 2_000 });
    assert.deepEqual(client.allNamedActors(), []);
    await assert.rejects(client.resolve("subject"), { kind: "actor-not-found" });
  });

  test(`over ${name}: a slow consumer keeps the producer at most a window ahead`, async () => {
    const window = 16;
    await using both = await pair(transport(), { streamWindowItems: window });
    const iterator = both.subject.count(1_000)[Symbol.asyncIterator]();
    for (let taken = 1; taken <= 60; taken++) {
      assert.deepEqual(await iterator.next(), { done: false, value: taken - 1 });
      const { produced } = await both.subject.state();
      assert.ok(produced <= taken + window, `${produced} produced, ${taken} taken`);
    }
    await iterator.return?.();
    const isFinished = async () => (await both.subject.state()).finished === 1;
    await eventually(isFinished, { what: "the producer's finally" });
  });

  test(`over ${name}: an upload its reader leaves early runs the sender's finally`, async () => {
    await using both = await pair(transport());
    const source = new Subject();
    assert.deepEqual(await both.subject.takeTwo(source.count(1_000_000)), [0, 1]);
    await eventually(() => source.finished === 1, { what: "the sender's finally" });
    assert.ok(source.produced < 10_000, `${source.produced} produced`);
  });

  test(`over ${name}: a seed that nobody listens on is named with its error`, async () => {
    const options = { addr: ADDR, transport: transport(), seeds: ["127.0.0.1:9"] };
    const error = await failureOf(pul.actorSystem({ ...options, joinTimeoutMs: 200 }));
    assert.ok(pul.isPulsingError(error, "join-failed") && error.retryable, String(error));
    assert.match(error.message, /127\.0\.0\.1:9/);
  });

  test(`over ${name}: nodes of different clusters refuse each other by name`, async () => {
    const common = { addr: ADDR, transport: transport(), joinTimeoutMs: 200 };
    await using blue = await pul.actorSystem({ ...common, cluster: "blue" });
    const seeds = [blue.addr!];
    const error = await failureOf(pul.actorSystem({ ...common, cluster: "green", seeds }));
    assert.ok(pul.isPulsingError(error, "join-failed"), String(error));
    assert.match(error.message, /"blue"/);
    assert.equal(blue.members().length, 1);
  });
}

test("joinTimeoutMs 0 starts alone and joins once the seed is there", async () => {
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const seeds = ["127.0.0.1:4000"];
  await using early = await pul.actorSystem({ addr: ADDR, transport, seeds, joinTimeoutMs: 0 });
  assert.equal(early.members().length, 1);
  await using _seed = await pul.actorSystem({ addr: "127.0.0.1:4000", transport });
  await eventually(() => early.members().length === 2, { what: "the late seed" });
});
