/** Nodes that cannot be reached: who is dialled when, what calls get meanwhile, how it heals. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { currentEnvelope } from "../../lib/actor/context.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { eventually, test } from "../harness.ts";
import { BareNode } from "../leak/bare_node.ts";

class Subject {
  readonly heard: unknown[] = [];
  echo(value: unknown): unknown {
    this.heard.push(value);
    return value;
  }
  log(): unknown[] {
    return this.heard;
  }
  fail(): never {
    throw new pul.PulsingBusinessError(400, "bad request");
  }
  wait(): Promise<never> {
    return new Promise(() => {});
  }
  async send(to: { echo(value: unknown): Promise<unknown> }): Promise<unknown> {
    return await to.echo("sent");
  }
}

/** A way to the network that counts its dials, and fails, hangs or is cut when told to. */
class Fickle implements pul.Transport {
  readonly name: string = "fickle";
  dials = 0;
  mode: "up" | "down" | "hanging" = "up";
  readonly #inner: pul.Transport;
  readonly #held: PromiseWithResolvers<void>[] = [];
  readonly #dialled: pul.Connection[] = [];

  constructor(inner: pul.Transport) {
    this.#inner = inner;
  }

  listen(options: pul.ListenOptions): Promise<pul.Listener> {
    return this.#inner.listen(options);
  }

  async lookup(address: string, options?: pul.DialOptions): Promise<readonly string[]> {
    return await this.#inner.lookup?.(address, options) ?? [address];
  }

  async dial(address: string, options?: pul.DialOptions): Promise<pul.Connection> {
    this.dials++;
    if (this.mode === "down") throw new Error("the cable is out");
    if (this.mode === "hanging") {
      const held = Promise.withResolvers<void>();
      this.#held.push(held);
      await held.promise;
    }
    const connection = await this.#inner.dial(address, options);
    this.#dialled.push(connection);
    return connection;
  }

  /** Ends the hanging dials: they go on, or fail with the error. */
  release(error?: Error): void {
    this.mode = "up";
    for (const { resolve, reject } of this.#held.splice(0)) {
      if (error === undefined) resolve();
      else reject(error);
    }
  }

  /** Ends what was dialled without a word. */
  cut(): void {
    for (const connection of this.#dialled.splice(0)) connection.abort();
  }
}

interface Outcome {
  value?: unknown;
  error?: unknown;
}

function outcomeOf(call: Promise<unknown>): Outcome {
  const outcome: Outcome = {};
  call.then((value) => outcome.value = value, (error) => outcome.error = error);
  return outcome;
}

/** A client whose way to the network is fickle, and a server with an actor. */
async function nodes(limits: Partial<pul.Limits> = {}) {
  const clock = new ManualClock();
  const inner = pul.memory(new pul.MemoryNetwork(clock));
  const way = new Fickle(inner);
  const client = new BareNode({ clock, transport: way, limits });
  const server = new BareNode({ clock, transport: inner, limits });
  await server.listen();
  const cell = await server.spawn(Subject);
  const ref = client.refTo(cell);
  const subject = ref.asType(Subject);
  /** Makes calls at once, and tells what has become of them when nothing moves any more. */
  const calls = async (count: number): Promise<Outcome[]> => {
    const outcomes = Array.from({ length: count }, (_, n) => outcomeOf(subject.echo(n)));
    await clock.settle();
    return outcomes;
  };
  const dispose = async () => {
    const ended = Promise.all([client, server].map((node) => node[Symbol.asyncDispose]()));
    await clock.advance(2 * pul.DEFAULT_LIMITS.shutdownTimeoutMs);
    await ended;
  };
  return { clock, way, client, server, ref, subject, calls, [Symbol.asyncDispose]: dispose };
}

type Nodes = Awaited<ReturnType<typeof nodes>>;

const numbers = (count: number) => Array.from({ length: count }, (_, value) => ({ value }));

function assertOpenFor(ms: number, outcomes: readonly Outcome[]): void {
  for (const { error } of outcomes) {
    assert.ok(pul.isPulsingError(error, "node-unreachable") && error.retryable, String(error));
    assert.match(error.message, new RegExp(`circuit is open for ${ms} ms`));
  }
}

test("an open circuit dials nothing for 100 calls, then once for all of them, and heals", async () => {
  await using at = await nodes();
  const { clock, way, calls } = at;
  way.mode = "down";
  const [first] = await calls(1);
  assert.match(String(first?.error), /the cable is out/);
  assert.equal(way.dials, 1);
  assertOpenFor(100, await calls(100));
  await clock.advance(99);
  assertOpenFor(1, await calls(100));
  assert.equal(way.dials, 1);
  await clock.advance(1);
  for (const { error } of await calls(50)) assert.match(String(error), /^Error: the cable is out/);
  assert.equal(way.dials, 2);
  assertOpenFor(200, await calls(100)); // twice the time
  way.mode = "up";
  await clock.advance(200);
  assert.deepEqual(await calls(100), numbers(100));
  assert.deepEqual(await calls(100), numbers(100));
  assert.equal(way.dials, 3);
  way.mode = "down";
  way.cut(); // and the time is the first one again, twice it after each probe of the lost member
  await clock.settle();
  assert.equal(way.dials, 5);
  assertOpenFor(400, await calls(1));
});

test("a link to a member that is lost is dialled at once, and no call is refused", async () => {
  await using at = await nodes();
  await at.calls(1);
  at.way.cut();
  await at.clock.settle();
  assert.equal(at.way.dials, 2, "by membership, which looks whether it is there");
  assert.deepEqual(await at.calls(10), numbers(10));
});

test("calls that come while the one dial is under way wait for it and keep their order", async () => {
  await using at = await nodes();
  const { clock, way, subject, calls } = at;
  way.mode = "down";
  await calls(1);
  way.mode = "hanging";
  await clock.advance(100);
  const early = await calls(10);
  const late = await calls(10);
  assert.deepEqual([...early, ...late], Array(20).fill({}), "none has failed, none is answered");
  assert.equal(way.dials, 2);
  way.release();
  await clock.settle();
  assert.deepEqual([...early, ...late], [...numbers(10), ...numbers(10)]);
  assert.equal(way.dials, 2);
  const log = outcomeOf(subject.log());
  await clock.settle();
  assert.deepEqual(log.value, [...numbers(10), ...numbers(10)].map(({ value }) => value));
});

test("breakerFailures lets that many dials fail before calls are refused", async () => {
  await using at = await nodes({ breakerFailures: 3 });
  at.way.mode = "down";
  for (let n = 0; n < 3; n++) await at.calls(5);
  assert.equal(at.way.dials, 3);
  assertOpenFor(100, await at.calls(5));
  assert.equal(at.way.dials, 3);
});

test("a link that is cut opens the circuit, and probes of the lost member are its trials", async () => {
  const cuts = [
    ({ way }: Nodes) => way.cut(),
    ({ client }: Nodes) => client.links.all[0]?.abort(new Error("it broke the rules")),
  ];
  for (const cut of cuts) {
    await using at = await nodes();
    const { clock, way, calls } = at;
    await calls(1);
    const { dials } = way;
    way.mode = "down";
    cut(at);
    await clock.settle();
    // Two probes have failed: one to see whether it is there, one to tell it that it is suspect.
    assert.equal(way.dials, dials + 2);
    assertOpenFor(400, await calls(10));
    way.mode = "up";
    await clock.advance(400);
    assert.deepEqual(await calls(10), numbers(10));
    assert.equal(way.dials, dials + 3);
  }
});

for (const side of ["client", "server"] as const) {
  test(`a link that the ${side} ends with a goodbye is dialled again at once`, async () => {
    await using at = await nodes();
    await at.calls(1);
    for (const link of at[side].links.all) link.close();
    await at.clock.settle();
    assert.deepEqual(await at.calls(10), numbers(10));
    assert.equal(at.way.dials, 2);
  });
}

test("a probe dials through an open circuit and closes it, at most one dial at a time", async () => {
  await using at = await nodes();
  const { clock, way, client, server, ref, calls } = at;
  const probe = () => client.links.probe(ref.nodeId, server.node.address);
  way.mode = "down";
  await calls(1);
  assertOpenFor(100, await calls(1));
  const failed = outcomeOf(Promise.resolve(probe()));
  await clock.settle();
  assert.match(String(failed.error), /the cable is out/);
  assert.equal(way.dials, 2);
  assertOpenFor(200, await calls(1)); // the probe was its trial: twice the time
  way.mode = "hanging";
  const probing = probe();
  assert.equal(probe(), probing);
  assert.equal(client.links.open(ref.nodeId, server.node.address), probing);
  const waiting = await calls(3);
  way.release();
  await clock.settle();
  assert.equal(way.dials, 3);
  assert.deepEqual(waiting, numbers(3));
  assert.equal(probe(), await probing, "a link that is up is what a probe needs");
  assert.deepEqual(await calls(10), numbers(10));
  for (const link of client.links.all) link.close();
  await clock.settle();
  assert.deepEqual(await calls(1), numbers(1)); // its circuit is closed
  assert.equal(way.dials, 4);
  const nowhere = outcomeOf(Promise.resolve(client.links.probe("f".repeat(32), undefined)));
  await clock.settle();
  assert.match(String(nowhere.error), /it does not listen/);
});

test("a link that the other side dials closes the circuit", async () => {
  await using at = await nodes();
  const { clock, way, client, server, calls } = at;
  const address = await client.listen();
  way.mode = "down";
  await calls(1);
  assertOpenFor(100, await calls(1));
  const opening = server.links.open(client.node.nodeId, address);
  await clock.settle();
  await opening;
  assert.deepEqual(await calls(10), numbers(10));
  assert.equal(way.dials, 1);
});

test("a dial that fails when the other side's has come through fails no call", async () => {
  await using at = await nodes();
  const { clock, way, client, server, calls } = at;
  const address = await client.listen();
  way.mode = "hanging";
  const waiting = await calls(3);
  const introduction = { ...server.host.introduce(), isOnlyLink: true };
  server.host.introduce = () => introduction;
  const opening = server.links.open(client.node.nodeId, address);
  await clock.settle();
  await opening;
  way.release(new Error("too late"));
  way.mode = "down";
  await clock.settle();
  assert.deepEqual(waiting, numbers(3));
  for (const link of client.links.all) link.close();
  await clock.settle();
  // Its circuit was closed: it is dialled to see whether it is there, then to say that it is suspect.
  assert.equal(way.dials, 3);
});

test("errors of the actor and calls above maxPendingCalls never open the circuit", async () => {
  await using at = await nodes({ maxPendingCalls: 5 });
  const { clock, way, subject, calls } = at;
  await calls(1);
  for (let n = 0; n < 20; n++) {
    const { error } = await (async () => {
      const outcome = outcomeOf(subject.fail());
      await clock.settle();
      return outcome;
    })();
    assert.ok(pul.isPulsingError(error, "business"));
  }
  for (let n = 0; n < 5; n++) outcomeOf(subject.wait());
  for (const { error } of await calls(5)) assert.ok(pul.isPulsingError(error, "limit-exceeded"));
  for (const link of at.client.links.all) link.close();
  await clock.settle();
  assert.deepEqual(await calls(5), numbers(5));
  assert.equal(way.dials, 2);
});

test("a node that refuses for good is asked each time, its answer is the error", async () => {
  await using at = await nodes();
  const { clock, way, client, server } = at;
  server.host.introduce = () => ({
    ...client.host.introduce(),
    nodeId: server.node.nodeId,
    cluster: "other",
  });
  for (let n = 1; n <= 3; n++) {
    const [outcome] = await at.calls(1);
    assert.ok(pul.isPulsingError(outcome?.error, "handshake-failed"), String(outcome?.error));
    assert.equal(way.dials, n);
  }
  await clock.settle();
});

test("messages above maxPendingCalls do not wait for a dial", async () => {
  await using at = await nodes({ maxPendingCalls: 3 });
  const { clock, way, client, server, ref } = at;
  way.mode = "hanging";
  const opening = client.links.open(ref.nodeId, server.node.address);
  for (let n = 0; n < 3; n++) client.links.waitForDial(ref.nodeId);
  assert.throws(() => client.links.waitForDial(ref.nodeId), (error) => {
    return pul.isPulsingError(error, "limit-exceeded") && error.retryable;
  });
  way.release();
  await clock.settle();
  await opening;
  client.links.waitForDial(ref.nodeId);
});

test("unencodable message to a node with an open circuit ended the process", async () => {
  await using at = await nodes();
  at.way.mode = "down";
  await at.calls(1);
  for (const send of [() => at.ref.ask(() => 1), () => at.ref.tell(() => 1)]) {
    const outcome = outcomeOf(send());
    await at.clock.settle();
    assert.ok(pul.isPulsingError(outcome.error), String(outcome.error));
  }
});

const TRANSPORTS = {
  tcp: () => pul.tcp(),
  websocket: () => pul.websocket(),
  memory: () => pul.memory(new pul.MemoryNetwork(pul.systemClock)),
} as const;

for (const [name, transport] of Object.entries(TRANSPORTS)) {
  test(`context leak over ${name}: a link saw the call of the actor that dialled it`, async () => {
    const common = { clock: pul.systemClock, transport: transport() };
    await using client = new BareNode(common);
    await using server = new BareNode(common);
    await server.listen();
    const seen: string[] = [];
    const note = (what: string) => {
      const inside = currentEnvelope()?.cell?.path ?? "no actor";
      seen.push(`${what}: ${inside}`);
    };
    const { onUp, cellWithId } = client.host;
    client.host.onUp = (link) => {
      note("up");
      onUp(link);
    };
    client.host.cellWithId = (actorId) => {
      note("inbound call");
      return cellWithId(actorId);
    };
    const far = await server.spawn(Subject, "actors/far");
    const near = await client.spawn(Subject, "actors/near");
    const to = client.refTo(far).asType(Subject);
    assert.equal(await near.ref.asType(Subject).send(to), "sent");
    assert.equal(await server.refTo(near).asType(Subject).echo("back"), "back");
    await eventually(() => seen.length === 2, { what: "the link and the call" });
    assert.deepEqual(seen, ["up: no actor", "inbound call: no actor"]);
  });
}
