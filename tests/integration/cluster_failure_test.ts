/** What nodes notice when others leave, die, refuse or are slow, on every transport. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import type { Association } from "../../lib/remote/association.ts";
import { openLink } from "../../lib/remote/link_opening.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { eventually, test } from "../harness.ts";
import { BareNode } from "../leak/bare_node.ts";
import { Mortal } from "./mortal_transport.ts";
import { QUICK_GOSSIP } from "./quick_gossip.ts";

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
const GOSSIP = QUICK_GOSSIP;

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

class Waiting {
  echo(value: unknown): unknown {
    return value;
  }
  /** Until its caller has gone. */
  async wait(): Promise<void> {
    const { signal } = pul.context();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  }
}

test("a call through a stale reference leaves the link to the node that came after alone", async () => {
  const clock = new ManualClock();
  const transport = pul.memory(new pul.MemoryNetwork(clock));
  const common = { clock, transport, gossip: GOSSIP, logger: pul.silentLogger };
  const one = await pul.actorSystem({ ...common, addr: "a:1" });
  const start = async () => {
    const started = pul.actorSystem({ ...common, addr: "b:1", seeds: ["a:1"] });
    await clock.settle();
    const system = await started;
    await system.spawnClass(Waiting, { name: "subject" });
    await clock.advance(GOSSIP.gossipIntervalMs);
    // For one actor, where a reference by name would follow the name to the next node.
    const [ref] = await one.resolving().list("subject");
    assert.ok(ref);
    return { system, subject: ref.asType(Waiting) };
  };
  const end = async (system: pul.ActorSystem) => {
    const ended = system.shutdown();
    await clock.advance(2 * pul.DEFAULT_LIMITS.shutdownTimeoutMs);
    await ended;
  };
  const before = await start();
  await end(before.system);
  const { system, subject } = await start();
  let failed: unknown;
  subject.wait().catch((error: unknown) => failed = error);
  for (let round = 0; round < 3; round++) {
    let stale: unknown;
    before.subject.echo(round).catch((error: unknown) => stale = error);
    await clock.settle();
    assert.ok(pul.isPulsingError(stale, "node-unreachable"), String(stale));
    await clock.advance(pul.DEFAULT_LIMITS.reconnectMaxMs); // it may be dialled again
  }
  assert.equal(failed, undefined);
  let answer: unknown;
  subject.echo("alive").then((value) => answer = value);
  await clock.settle();
  assert.equal(answer, "alive");
  await end(system);
  await end(one);
  assert.ok(pul.isPulsingError(failed), "the link ended with the node");
});

test("a node that came back under its address without seeds is met by those who lost it", async () => {
  const inner = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const mortal = new Mortal(inner);
  const common = { gossip: GOSSIP, logger: pul.silentLogger, limits: { shutdownTimeoutMs: 50 } };
  await using first = await pul.actorSystem({ ...common, addr: "b:1", transport: mortal });
  const seeds = ["b:1"];
  await using other = await pul.actorSystem({ ...common, addr: "a:1", transport: inner, seeds });
  await mortal.kill();
  await using again = await pul.actorSystem({ ...common, addr: "b:1", transport: inner });
  const statusOf = (nodeId: string) => other.members().find((one) => one.nodeId === nodeId)?.status;
  await eventually(() => statusOf(again.nodeId) === "alive", { what: "the new node" });
  assert.equal(statusOf(first.nodeId), "dead");
});

/** Two nodes without timers of their own, linked by the second one. */
async function bareNodes() {
  const clock = new ManualClock();
  const transport = pul.memory(new pul.MemoryNetwork(clock));
  const [one, two] = [new BareNode({ clock, transport }), new BareNode({ clock, transport })];
  const address = await one.listen();
  await two.listen();
  /** Links the second node to the first one, which then takes an older link as dead. */
  const link = async (onUp: (link: Association) => void) => {
    const dialling = transport.dial(address);
    await clock.settle();
    const opening = openLink({
      host: two.host,
      connection: await dialling,
      isDialler: true,
      introduction: { ...two.host.introduce(), isOnlyLink: true },
      signal: new AbortController().signal,
      refuse: () => undefined,
      giveWay: () => undefined,
      onUp,
      onEnded: () => {},
    });
    let outcome: unknown;
    opening.then((link) => outcome = link, (error) => outcome = error);
    await clock.settle();
    return outcome;
  };
  const dispose = async () => {
    const ended = Promise.all([one, two].map((node) => node[Symbol.asyncDispose]()));
    await clock.settle();
    await ended;
  };
  return { clock, one, two, link, [Symbol.asyncDispose]: dispose };
}

test("calls on a link whose place a newer one takes fail with node-lost", async () => {
  await using both = await bareNodes();
  const { clock, one, two, link } = both;
  const cell = await two.spawn(Waiting);
  await link(() => {});
  let failure: unknown;
  one.refTo(cell).asType(Waiting).wait().catch((error: unknown) => failure = error);
  await clock.settle();
  await link(() => {});
  assert.ok(pul.isPulsingError(failure, "node-lost") && failure.retryable, String(failure));
});

test("a member whose link is replaced by a newer one is not suspected", async () => {
  await using both = await bareNodes();
  const { clock, one, two, link } = both;
  one.cluster.start();
  await link(() => {});
  await link(() => {});
  await clock.advance(1_000);
  const member = one.cluster.members().find(({ nodeId }) => nodeId === two.node.nodeId);
  assert.equal(member?.status, "alive");
  assert.equal(two.cluster.incarnation, 0, "it had a suspicion to refute");
});

test("who waits for a link gets it though its first use fails", async () => {
  await using both = await bareNodes();
  const link = await both.link(() => {
    throw new RangeError("no news today");
  });
  assert.ok(link instanceof Object && "nodeId" in link, String(link));
  assert.equal(link.nodeId, both.one.node.nodeId);
});

test("names beyond maxRegistryEntries are ignored and logged, own ones are kept", async () => {
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const logged: (pul.LogFields | undefined)[] = [];
  const warn = (text: string, fields?: pul.LogFields) => {
    if (text.startsWith("news ignored")) logged.push(fields);
  };
  const common = { addr: ADDR, transport, gossip: { ...GOSSIP, pushPullIntervalMs: 50 } };
  await using many = await pul.actorSystem({ ...common, logger: pul.silentLogger });
  for (let n = 0; n < 20; n++) await many.spawnClass(Subject, { name: `many${n}` });
  await using few = await pul.actorSystem({
    ...common,
    seeds: [many.addr!],
    limits: { maxRegistryEntries: 10 },
    logger: { ...pul.silentLogger, warn },
  });
  await eventually(() => few.allNamedActors().length === 10, { what: "ten names" });
  for (let n = 0; n < 5; n++) await few.spawnClass(Subject, { name: `own${n}` });
  assert.equal(few.allNamedActors().length, 15);
  await eventually(() => logged.length > 0, { what: "the log line" });
  assert.equal(logged[0]?.members, 0);
  assert.ok(Number(logged[0]?.entries) > 0);
});

test("the turns of a name end with the name", async () => {
  await using both = await bareNodes();
  const { clock, one, two, link } = both;
  for (const node of [one, two]) node.cluster.start();
  await link(() => {});
  const choices: string[] = [];
  for (let round = 0; round < 2; round++) {
    const cells = [];
    for (const node of [one, two]) cells.push(await node.spawn(Waiting, "actors/some"));
    await clock.advance(1_000);
    choices.push((await one.cluster.resolve("actors/some")).nodeId);
    await Promise.all(cells.map((cell) => cell.stop()));
    await clock.advance(1_000);
  }
  assert.equal(choices[0], choices[1]);
});
