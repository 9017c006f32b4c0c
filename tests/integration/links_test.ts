/** The link of two nodes: order, large messages, credit, limits, crossing dials. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";

class Subject {
  readonly log: unknown[] = [];
  produced = 0;
  aborted = false;
  take(value: Uint8Array | string): void {
    this.log.push(typeof value === "string" ? value : value.length);
  }
  heard(): unknown[] {
    return this.log;
  }
  echo(value: unknown): unknown {
    return value;
  }
  *count(n: number): Generator<number> {
    for (; this.produced < n; this.produced++) yield this.produced;
  }
  async wait(): Promise<void> {
    const { signal } = pul.context();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    this.aborted = true;
  }
  state(): { produced: number; aborted: boolean } {
    return { produced: this.produced, aborted: this.aborted };
  }
}

async function pair(
  limits: Partial<pul.Limits> = {},
  transport: pul.Transport = pul.memory(new pul.MemoryNetwork(pul.systemClock)),
) {
  const options = { addr: "127.0.0.1:0", transport, limits };
  const server = await pul.actorSystem(options);
  const client = await pul.actorSystem({ ...options, seeds: [server.addr!] });
  await server.spawnClass(Subject, { name: "subject" });
  const ref = await client.resolve("subject", { timeoutMs: 5_000 });
  const dispose = async () => {
    await client.shutdown();
    await server.shutdown();
  };
  return { server, client, subject: ref.asType(Subject), [Symbol.asyncDispose]: dispose };
}

test("a small message does not overtake a large one to the same actor", async () => {
  await using both = await pair();
  const { subject } = both;
  const large = new Uint8Array(3_000_000);
  const calls = [subject.take("a"), subject.take(large), subject.take("b"), subject.take(large)];
  await Promise.all([...calls, subject.take("c")]);
  assert.deepEqual(await subject.heard(), ["a", 3_000_000, "b", 3_000_000, "c"]);
});

for (const transport of [undefined, pul.tcp(), pul.websocket()]) {
  test(`${transport?.name ?? "memory"}: a large buffer arrives as one of its own`, async () => {
    await using both = await pair({}, transport);
    for (const length of [70_000, 1_048_576, 2_500_000]) {
      const bytes = await both.subject.echo(new Uint8Array(length).fill(3)) as Uint8Array;
      const floats = await both.subject.echo(new Float64Array(length / 4)) as Float64Array;
      assert.equal(bytes.constructor, Uint8Array, "a plain Uint8Array, not a socket's Buffer");
      for (const value of [bytes, floats]) {
        assert.equal(value.buffer.byteLength, value.byteLength);
      }
    }
  });
}

test("large messages arrive whole: buffers, text, both ways, many at once", async () => {
  await using both = await pair();
  const value = (seed: number) => ({
    bytes: new Uint8Array(2_500_000).fill(seed),
    floats: new Float64Array(20_000).fill(seed / 3),
    text: String(seed).repeat(100_000),
  });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, seed) => both.subject.echo(value(seed))),
  );
  answers.forEach((answer, seed) => assert.deepEqual(answer, value(seed)));
});

for (const transport of [undefined, pul.tcp(), pul.websocket()]) {
  test(`${transport?.name ?? "memory"}: a buffer changed after the call is sent as it was`, async () => {
    await using both = await pair({}, transport);
    const bytes = new Uint8Array(1_600_000);
    for (let round = 0; round < 3; round++) {
      const calls = Array.from({ length: 10 }, (_, seed) => both.subject.echo(bytes.fill(seed)));
      bytes.fill(99);
      const answers = await Promise.all(calls) as Uint8Array[];
      answers.forEach((answer, seed) => {
        assert.equal(answer.length, bytes.length);
        assert.ok(answer.every((byte) => byte === seed), `buffer ${seed} was mixed up`);
      });
    }
  });
}

test("a message above maxMessageBytes fails alone and says what to do", async () => {
  await using both = await pair({ maxMessageBytes: 100_000 });
  const error = await both.subject.echo(new Uint8Array(200_000)).catch((e: unknown) => e);
  assert.ok(pul.isPulsingError(error, "limit-exceeded") && /stream/.test(error.message));
  assert.equal(await both.subject.echo(1), 1);
});

test("a producer is never more than one window ahead of a slow consumer", async () => {
  await using both = await pair({ streamWindowItems: 16 });
  const stream = await both.subject.count(1_000);
  const iterator = stream[Symbol.asyncIterator]();
  for (let taken = 1; taken <= 100; taken++) {
    assert.deepEqual(await iterator.next(), { done: false, value: taken - 1 });
    const { produced } = await both.subject.state();
    assert.ok(produced <= taken + 16, `${produced} produced, ${taken} taken`);
  }
  await stream.cancel();
});

test("a signal aborts the callee's context on the other node", async () => {
  await using both = await pair();
  const controller = new AbortController();
  const reason = new Error("enough");
  const call = both.subject.$with({ signal: controller.signal }).wait();
  await both.subject.echo(1);
  controller.abort(reason);
  await assert.rejects(call, reason);
  await eventually(async () => (await both.subject.state()).aborted, { what: "the abort" });
});

test("calls above maxPendingCalls fail as retryable, the others are answered", async () => {
  await using both = await pair({ maxPendingCalls: 10 });
  const calls = Array.from({ length: 30 }, (_, n) => both.subject.echo(n));
  const results = await Promise.allSettled(calls);
  const refused = results.filter((result) => result.status === "rejected");
  assert.equal(refused.length, 20);
  for (const { reason } of refused) {
    assert.ok(pul.isPulsingError(reason, "limit-exceeded") && reason.retryable);
  }
  assert.equal(await both.subject.echo("later"), "later");
});

test("names beyond maxInternedNames travel in full", async () => {
  await using both = await pair({ maxInternedNames: 2 });
  assert.equal(await both.subject.echo(1), 1);
  assert.deepEqual(await both.subject.heard(), []);
  assert.equal((await both.subject.state()).produced, 0);
});

test("two nodes that dial each other at once end with calls both ways", async () => {
  for (let round = 0; round < 20; round++) {
    const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
    const options = { addr: "127.0.0.1:0", transport };
    await using seed = await pul.actorSystem(options);
    const seeds = [seed.addr!];
    await using one = await pul.actorSystem({ ...options, seeds });
    await using other = await pul.actorSystem({ ...options, seeds });
    await one.spawnClass(Subject, { name: "one" });
    await other.spawnClass(Subject, { name: "other" });
    const there = await one.resolve("other", { timeoutMs: 5_000 });
    const here = await other.resolve("one", { timeoutMs: 5_000 });
    const answers = await Promise.all([
      there.asType(Subject).echo(1),
      here.asType(Subject).echo(2),
    ]);
    assert.deepEqual(answers, [1, 2]);
  }
});

test("unreachable node: a call fails typed, and joining says which seed failed why", async () => {
  const error = await pul.actorSystem({
    addr: "127.0.0.1:0",
    seeds: ["127.0.0.1:9", "127.0.0.1:10"],
    joinTimeoutMs: 300,
  }).catch((e: unknown) => e);
  assert.ok(pul.isPulsingError(error, "join-failed"), String(error));
  assert.match(error.message, /127\.0\.0\.1:9.*127\.0\.0\.1:10|127\.0\.0\.1:10.*127\.0\.0\.1:9/);
});

test("nodes of different clusters refuse each other and say so", async () => {
  await using one = await pul.actorSystem({ addr: "127.0.0.1:0", cluster: "blue" });
  const error = await pul.actorSystem({
    addr: "127.0.0.1:0",
    cluster: "green",
    seeds: [one.addr!],
    joinTimeoutMs: 300,
  }).catch((e: unknown) => e);
  assert.ok(
    pul.isPulsingError(error, "join-failed") && /"blue"/.test(error.message),
    String(error),
  );
  assert.equal(one.members().length, 1);
});

class Sink {
  runs = 0;
  take(bytes: Uint8Array): number {
    return bytes.length;
  }
  async sum(numbers: AsyncIterable<number>): Promise<number> {
    let sum = 0;
    for await (const n of numbers) sum += n;
    return sum;
  }
  run(): void {
    this.runs++;
  }
  fail(): never {
    throw new pul.PulsingBusinessError(413, "x".repeat(3_000_000), new Uint8Array(3_000_000));
  }
  state(): number {
    return this.runs;
  }
}

async function sinkPair() {
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const server = await pul.actorSystem({ addr: "127.0.0.1:0", transport });
  const client = await pul.actorSystem({ addr: "127.0.0.1:0", transport, seeds: [server.addr!] });
  await server.spawnClass(Sink, { name: "sink" });
  const sink = (await client.resolve("sink", { timeoutMs: 5_000 })).asType(Sink);
  const dispose = async () => {
    await client.shutdown();
    await server.shutdown();
  };
  return { sink, [Symbol.asyncDispose]: dispose };
}

test("a stream argument sent right behind a large message arrives whole", async () => {
  await using both = await sinkPair();
  const numbers = (async function* () {
    for (let n = 0; n < 100; n++) yield n;
  })();
  const results = await Promise.all([
    both.sink.take(new Uint8Array(20_000_000)),
    both.sink.sum(numbers),
  ]);
  assert.deepEqual(results, [20_000_000, 4_950]);
});

test("an error too large for a frame arrives without its details and harms nobody", async () => {
  await using both = await sinkPair();
  const other = both.sink.take(new Uint8Array(1));
  const error = await both.sink.fail().catch((e: unknown) => e);
  assert.ok(error instanceof pul.PulsingBusinessError);
  assert.deepEqual([error.code, error.details, error.message.length], [413, undefined, 10_000]);
  assert.equal(await other, 1);
});

test("a call cancelled while it waits behind a large message is never run", async () => {
  await using both = await sinkPair();
  const controller = new AbortController();
  const large = both.sink.take(new Uint8Array(20_000_000));
  const call = both.sink.$with({ signal: controller.signal }).run();
  controller.abort(new Error("no longer"));
  await assert.rejects(call, /no longer/);
  await large;
  assert.equal(await both.sink.state(), 0);
});

test("shutdown does not wait for a dial that is still in its handshake", async () => {
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  let ended = 0;
  const silent = { onBytes() {}, onDrain() {}, onClose: () => void ended++ };
  await using listener = await transport.listen({
    address: "127.0.0.1:0",
    handshakeTimeoutMs: 60_000,
    accept: (connection) => connection.start(silent),
  });
  const limits = { handshakeTimeoutMs: 60_000, shutdownTimeoutMs: 60_000 };
  const seeds = [listener.address];
  const system = await pul.actorSystem({
    addr: "127.0.0.1:0",
    transport,
    seeds,
    limits,
    joinTimeoutMs: 0,
  });
  const caller = await transport.dial(system.addr!);
  caller.start(silent);
  caller.write(new Uint8Array([0xf0, 0x50, 0x55, 0x4c])); // magic, but no hello
  await new Promise((resolve) => setTimeout(resolve));
  let isDown = false;
  const shutdown = system.shutdown().then(() => isDown = true);
  await eventually(() => isDown);
  await shutdown;
  await eventually(() => ended === 2);
});

class Courier {
  to: unknown = undefined;
  /** Sends at once, in the turn of this method, and then changes what it has sent. */
  async send(listener: { heard(value: unknown[], buffer: Uint8Array): Promise<unknown> }) {
    const value = ["as it was"];
    const buffer = new Uint8Array(100_000).fill(1);
    const answer = listener.heard(value, buffer);
    value[0] = "changed";
    buffer.fill(2);
    return await answer;
  }
  forward(listener: { heard(value: unknown[], buffer: Uint8Array): Promise<unknown> }): void {
    this.to = listener.heard(["forwarded"], new Uint8Array(1)); // synchronous: no scope follows
  }
  async forwarded(): Promise<unknown> {
    return await this.to;
  }
}

class Post {
  kept: unknown = undefined;
  put(value: unknown): void {
    this.kept = value;
  }
  get(): unknown {
    return this.kept;
  }
}

class Listener {
  heard(value: unknown[], buffer: Uint8Array) {
    return { value, byte: buffer[0], from: pul.context().caller?.path };
  }
}

for (const method of ["send", "forward"] as const) {
  test(`a first call waits for its link as it was sent, and its caller is known (${method})`, async () => {
    const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
    const options = { addr: "127.0.0.1:0", transport };
    const gossip = { gossipIntervalMs: 3_600_000 }; // the two below never meet by themselves
    await using seed = await pul.actorSystem(options);
    const seeds = [seed.addr!];
    await using one = await pul.actorSystem({ ...options, seeds, gossip });
    await using two = await pul.actorSystem({ ...options, seeds, gossip });
    await seed.spawnClass(Post, { name: "post" });
    const post = async (system: pul.ActorSystem) =>
      (await system.resolve("post", { timeoutMs: 5_000 })).asType(Post);
    await (await post(two)).put(await two.spawnClass(Listener));
    const courier = await one.spawnClass(Courier, { name: "courier" });
    const listener = await (await post(one)).get() as pul.ActorProxy<Listener>;
    const from = "actors/courier";
    if (method === "send") {
      assert.deepEqual(await courier.send(listener), { value: ["as it was"], byte: 1, from });
    } else {
      await courier.forward(listener);
      assert.deepEqual(await courier.forwarded(), { value: ["forwarded"], byte: 0, from });
    }
  });
}
