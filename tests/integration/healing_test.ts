/** References that were found by a name go on with the actor that has it now. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";
import { Mortal } from "./mortal_transport.ts";
import { NamedNodes } from "./named_nodes.ts";
import { QUICK_GOSSIP } from "./quick_gossip.ts";

/** Where calls of `untilAborted` were aborted. */
const aborted: string[] = [];

/** Counts in `runs` how often each call ran, whoever ran it. */
function service(runs: Map<unknown, number>, gates: (() => void)[] = []) {
  return class Service {
    where(): string {
      return pul.context().nodeId;
    }
    count(key: unknown): string {
      runs.set(key, (runs.get(key) ?? 0) + 1);
      return pul.context().id;
    }
    async hold(key: unknown): Promise<string> {
      this.count(key);
      await new Promise<void>((resolve) => gates.push(resolve));
      return pul.context().id;
    }
    callers() {
      const { caller, deadlineMs, nodeId } = pul.context();
      return { caller: caller?.actorId, deadlineMs, nodeId };
    }
    async untilAborted(): Promise<void> {
      const { signal, nodeId } = pul.context();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      aborted.push(nodeId);
    }
    quit(): void {
      pul.context().stop();
    }
    async sum(numbers: AsyncIterable<number>): Promise<number> {
      this.count("sum");
      let sum = 0;
      for await (const n of numbers) sum += n;
      return sum;
    }
    raise(kind: pul.ErrorKind, nodeId?: string): never {
      this.count("raise");
      throw new pul.PulsingRuntimeError("Cannot go on: passed on", {
        kind,
        retryable: true,
        ...(nodeId !== undefined && { nodeId }),
      });
    }
  };
}

test("a call finds the instance that was spawned anew on the same node", async () => {
  await using all = await NamedNodes.start(2);
  const Service = service(new Map());
  for (const [asking, serving] of [[0, 1], [1, 1]] as const) {
    await all.at(serving).spawnClass(Service, { name: "service" });
    await all.gossip();
    const proxy = (await all.at(asking).resolve("service")).asType(Service);
    const first = proxy.$ref.actorId;
    await all.at(serving).stop("service");
    const gone = await all.failure(proxy.where());
    // The actor's own node knows at once that nobody has the name, others find it out.
    assert.equal(gone.kind, asking === serving ? "no-instance" : "actor-stopped");
    assert.ok(gone.retryable);
    const nobody = await all.failure(proxy.where());
    await all.gossip();
    assert.equal((await all.failure(proxy.where())).kind, "no-instance");
    assert.ok(nobody.retryable);
    await all.at(serving).spawnClass(Service, { name: "service" });
    await all.gossip();
    assert.equal(await all.soon(proxy.where()), all.at(serving).nodeId);
    assert.notEqual(proxy.$ref.actorId, first);
    await all.at(serving).stop("service");
    await all.gossip();
  }
});

test("a call finds the instance on another node", async () => {
  await using all = await NamedNodes.start(3);
  const Service = service(new Map());
  await all.at(1).spawnClass(Service, { name: "service" });
  await all.gossip();
  const proxy = (await all.at(0).resolve("service")).asType(Service);
  await all.at(2).spawnClass(Service, { name: "service" });
  await all.gossip();
  assert.equal(await all.soon(proxy.where()), all.at(1).nodeId);
  await all.at(1).stop("service");
  assert.equal(await all.soon(proxy.where()), all.at(2).nodeId);
  assert.equal(proxy.$ref.nodeId, all.at(2).nodeId);
});

test("queued calls move on exactly once, running ones fail and are not repeated", async () => {
  await using all = await NamedNodes.start(3);
  for (let round = 0; round < 20; round++) {
    const runs = new Map<unknown, number>();
    const gates: (() => void)[] = [];
    const Service = service(runs, gates);
    const isLocal = round % 3 === 0;
    const [asking, first, second] = isLocal ? [0, 0, 1] : [0, 1, 2];
    const options = { name: "service", concurrency: "sequential" } as const;
    await all.at(first).spawnClass(Service, options);
    await all.gossip();
    const proxy = (await all.at(asking).resolve("service")).asType(Service);
    await all.at(second).spawnClass(Service, options);
    await all.gossip();
    const isKilled = round % 2 === 0;
    const running = proxy.hold("running").then(() => "done", (error) => error);
    await all.clock.settle();
    const queued = Array.from({ length: 10 + round }, (_, key) => proxy.count(key));
    await all.clock.settle();
    assert.equal(runs.size, 1);
    if (isKilled) all.at(first).kill("service");
    else void all.at(first).stop("service");
    await all.clock.settle();
    const ids = await all.soon(Promise.all(queued));
    assert.equal(new Set(ids).size, 1);
    for (const open of gates) open();
    const outcome = await all.soon(running);
    if (!isKilled) assert.equal(outcome, "done");
    else assert.ok(pul.isPulsingError(outcome, "call-interrupted") && outcome.retryable, outcome);
    assert.deepEqual(new Set(runs.values()), new Set([1]), `round ${round}`);
    assert.equal(runs.size, queued.length + 1);
    await all.at(second).stop("service");
    await all.gossip();
  }
});

test("an error that the actor passes on is no refusal, also on the call that opens the link", async () => {
  for (const kind of ["actor-stopped", "node-unreachable", "handshake-failed"] as const) {
    await using all = await NamedNodes.start(2);
    const runs = new Map<unknown, number>();
    const Service = service(runs);
    for (const index of [0, 1]) await all.at(index).spawnClass(Service, { name: "service" });
    await all.gossip();
    const newcomer = await all.add(); // has no link to the second node yet
    const { nodeId } = all.at(1);
    for (const system of [newcomer, all.at(0), all.at(1)]) {
      const proxy = (await system.resolve("service", { nodeId })).asType(Service);
      const lazy = system.resolving().lazy("service").asType(Service);
      for (const one of [proxy, proxy, lazy, lazy]) {
        const before = runs.get("raise") ?? 0;
        assert.equal((await all.failure(one.raise(kind, nodeId))).kind, kind);
        assert.equal(runs.get("raise"), before + 1);
      }
    }
  }
});

test("calls to a killed node fail with node-lost, the next one goes to another instance", async () => {
  await using all = await NamedNodes.start(3);
  const runs = new Map<unknown, number>();
  const Service = service(runs);
  await all.at(1).spawnClass(Service, { name: "service" });
  await all.gossip();
  const proxy = (await all.at(0).resolve("service")).asType(Service);
  await all.at(2).spawnClass(Service, { name: "service" });
  await all.gossip();
  const running = proxy.hold("running");
  const lost = all.failure(running);
  await all.clock.settle();
  await all.kill(1);
  const error = await lost;
  assert.ok(error.kind === "node-lost" && error.retryable, String(error));
  assert.equal(await all.soon(proxy.where()), all.at(2).nodeId);
  assert.equal(runs.get("running"), 1);
});

test("a first call moves on when the node cannot be dialled", async () => {
  await using all = await NamedNodes.start(2);
  const runs = new Map<unknown, number>();
  const Service = service(runs);
  for (const index of [0, 1]) await all.at(index).spawnClass(Service, { name: "service" });
  await all.gossip();
  const newcomer = await all.add(); // has no link to the second node yet
  const { nodeId } = all.at(1);
  const refs = [];
  while (refs.length < 4) {
    const ref = await newcomer.resolve("service");
    if (ref.nodeId === nodeId) refs.push(ref);
  }
  await all.kill(1);
  const lazy = newcomer.resolving().lazy("service");
  for (const [key, ref] of [...refs, lazy, lazy].entries()) {
    const proxy = ref.asType(Service);
    const answers = [proxy.count(key), proxy.where()];
    assert.equal((await all.soon(Promise.all(answers)))[1], all.at(0).nodeId);
    assert.equal(runs.get(key), 1);
  }
});

test("the deadline holds over all attempts, an abort stops the one under way", async () => {
  await using all = await NamedNodes.start(3);
  const runs = new Map<unknown, number>();
  const Service = service(runs);
  const options = { name: "service", concurrency: "sequential" } as const;
  await all.at(1).spawnClass(Service, options);
  await all.gossip();
  const proxy = (await all.at(0).resolve("service")).asType(Service);
  await all.at(2).spawnClass(Service, options);
  await all.gossip();
  const controller = new AbortController();
  void proxy.hold("first").catch(() => {});
  await all.clock.settle();
  const start = all.clock.now();
  const limited = proxy.$with({ timeoutMs: 300 }).hold("limited").catch((error: unknown) => error);
  const aborted = proxy.$with({ signal: controller.signal }).hold("aborted")
    .catch((error: unknown) => error);
  await all.clock.advance(200);
  all.at(1).kill("service");
  await all.clock.settle();
  assert.equal(runs.get("limited"), 1);
  await all.clock.advance(100);
  const late = await limited;
  assert.ok(late instanceof pul.PulsingTimeoutError, String(late));
  assert.deepEqual([late.durationMs, all.clock.now() - start], [300, 300]);
  const reason = new Error("enough");
  controller.abort(reason);
  assert.equal(await aborted, reason);
  assert.deepEqual([...runs.values()], [1, 1]);
});

test("a call that was given up while its node is dialled goes nowhere", async () => {
  await using all = await NamedNodes.start(3);
  const runs = new Map<unknown, number>();
  const Service = service(runs);
  await all.at(1).spawnClass(Service, { name: "service" });
  await all.gossip();
  const proxy = (await all.at(0).resolve("service")).asType(Service);
  await all.at(2).spawnClass(Service, { name: "service" });
  await all.gossip();
  await all.kill(1);
  const controller = new AbortController();
  const call = proxy.$with({ signal: controller.signal }).count("given up");
  controller.abort(new Error("enough"));
  await assert.rejects(call, /enough/);
  await all.gossip();
  assert.equal(runs.size, 0);
});

test("a call that moves on is still its sender's: caller, deadline and abort", async () => {
  await using all = await NamedNodes.start(3);
  const gates: (() => void)[] = [];
  const Service = service(new Map(), gates);
  class Sender {
    #service: pul.ActorProxy<InstanceType<typeof Service>> | undefined;
    async find(): Promise<void> {
      this.#service = (await pul.context().system.resolve("service")).asType(Service);
    }
    async ask() {
      return await this.#service!.callers();
    }
    async hold() {
      await this.#service!.untilAborted();
    }
  }
  const sender = await all.at(0).spawnClass(Sender);
  for (const first of [0, 1]) {
    await all.at(first).spawnClass(Service, { name: "service" });
    await all.gossip();
    await all.soon(sender.find());
    const direct = (await all.at(0).resolve("service")).asType(Service);
    await all.at(2).spawnClass(Service, { name: "service" });
    await all.gossip();
    await all.soon(direct.where());
    const quit = direct.quit(); // its turn refuses what is queued behind it
    const calls = [direct.callers(), sender.$with({ timeoutMs: 500 }).ask()];
    const holding = sender.$with({ timeoutMs: 500 }).hold().catch((error) => error);
    const [own, theirs] = await all.soon(Promise.all(calls));
    await all.soon(quit);
    assert.deepEqual([own!.nodeId, theirs!.nodeId], Array(2).fill(all.at(2).nodeId));
    assert.deepEqual([own!.caller, own!.deadlineMs], [undefined, undefined]);
    assert.equal(theirs!.caller, sender.$ref.actorId);
    assert.ok(theirs!.deadlineMs! <= 500, String(theirs!.deadlineMs));
    assert.equal(aborted.length, 0);
    await all.clock.advance(500);
    assert.ok(await holding instanceof pul.PulsingTimeoutError);
    assert.deepEqual(aborted.splice(0), [all.at(2).nodeId]);
    await all.at(2).stop("service");
    await all.gossip();
  }
});

test("a call with a stream in it is not sent twice, and the reference heals all the same", async () => {
  await using all = await NamedNodes.start(3);
  const runs = new Map<unknown, number>();
  const Service = service(runs);
  await all.at(1).spawnClass(Service, { name: "service" });
  await all.gossip();
  const proxy = (await all.at(0).resolve("service")).asType(Service);
  await all.at(2).spawnClass(Service, { name: "service" });
  await all.gossip();
  let made = 0;
  async function* numbers() {
    for (let n = 1; n <= 3; n++) {
      made++;
      yield await Promise.resolve(n);
    }
  }
  await all.at(1).stop("service");
  const error = await all.failure(proxy.sum(numbers()));
  assert.ok(error.kind === "actor-stopped" && error.retryable, String(error));
  assert.equal(runs.size, 0);
  await all.gossip();
  made = 0;
  assert.equal(await all.soon(proxy.sum(numbers())), 6);
  assert.deepEqual([made, runs.get("sum")], [3, 1]);
});

test("tells move on, are in order while nothing moves, and need not be looked at", async () => {
  await using all = await NamedNodes.start(3);
  const heard: [string, unknown][] = [];
  const ear = () => ({
    receive: (message: unknown, context: { nodeId: string }) =>
      void heard.push([context.nodeId, message]),
  });
  for (const [asking, first, second] of [[0, 1, 2], [0, 0, 1]] as const) {
    await all.at(first).spawn(ear(), { name: "ear" });
    await all.gossip();
    const ref = await all.at(asking).resolve("ear");
    const told = Array.from({ length: 100 }, (_, n) => ref.tell(n));
    await all.soon(Promise.all(told));
    await all.clock.settle();
    assert.deepEqual(heard.map(([, message]) => message), [...Array(100).keys()]);
    await all.at(second).spawn(ear(), { name: "ear" });
    await all.gossip();
    await all.at(first).stop("ear");
    await all.gossip();
    heard.length = 0;
    await all.soon(Promise.all([ref.tell("a"), ref.tell("b")]));
    await all.clock.settle();
    const there = all.at(second).nodeId;
    assert.deepEqual(heard.splice(0), [[there, "a"], [there, "b"]]);
    await all.at(second).stop("ear");
    await all.gossip();
    void ref.tell("nobody looks");
    assert.ok(["actor-stopped", "no-instance"].includes((await all.failure(ref.tell(1))).kind));
    heard.length = 0;
  }
});

test("a tell moves on when its node cannot be reached", async () => {
  await using all = await NamedNodes.start(3);
  const heard: unknown[] = [];
  const ear = () => ({ receive: (message: unknown) => void heard.push(message) });
  await all.at(1).spawn(ear(), { name: "ear" });
  await all.gossip();
  const ref = await all.at(0).resolve("ear");
  await all.at(2).spawn(ear(), { name: "ear" });
  await all.gossip();
  await all.kill(1);
  await all.soon(ref.tell("once"));
  await all.gossip();
  assert.deepEqual(heard, ["once"]);
});

test("a reference of a name is passed on, watched and printed as its instance", async () => {
  await using all = await NamedNodes.start(3);
  const Service = service(new Map());
  const spawned = await all.at(1).spawnClass(Service, { name: "service" });
  await all.gossip();
  const ended: pul.Terminated[] = [];
  class Witness {
    tell(ref: pul.ActorRef): string[] {
      return [ref.actorId, ref.nodeId, String(ref)];
    }
    see(ref: pul.ActorRef): void {
      pul.context().watch(ref);
    }
    onTerminated(notice: pul.Terminated): void {
      ended.push(notice);
    }
  }
  const witness = await all.at(0).spawnClass(Witness);
  const far = await all.soon(all.at(2).spawnClass(Witness, { name: "far" }));
  await all.gossip();
  const { actorId, nodeId } = spawned.$ref;
  for (const ref of [await all.at(0).resolve("service"), all.at(0).resolving().lazy("service")]) {
    assert.match(String(ref), /^actor:\/\/\/actors\/service$/);
    const other = (await all.at(0).resolve("far")).asType(Witness);
    const seen = await all.soon(other.tell(ref));
    assert.deepEqual(seen, [actorId, nodeId, `actor:///actors/service@${nodeId}`]);
  }
  const ref = await all.at(0).resolve("service");
  await witness.see(ref);
  await all.clock.settle();
  await all.at(1).stop("service");
  await all.gossip();
  assert.deepEqual(ended.map(({ id, reason }) => [id, reason]), [[actorId, "stopped"]]);
  await witness.see(ref);
  await all.gossip();
  assert.equal(ended.length, 2);
  const lazy = all.at(0).resolving().lazy("service");
  const error = await all.failure(witness.see(lazy));
  assert.equal(error.kind, "no-instance");
  void far;
});

test("a reference from spawn does not heal", async () => {
  await using all = await NamedNodes.start(2);
  const Service = service(new Map());
  const direct = await all.at(0).spawnClass(Service, { name: "service" });
  await all.at(0).stop("service");
  await all.at(0).spawnClass(Service, { name: "service" });
  for (let i = 0; i < 2; i++) {
    assert.equal((await all.failure(direct.where())).kind, "actor-stopped");
  }
});

test("many calls while instances come and go: nothing runs twice", async () => {
  await using all = await NamedNodes.start(4);
  const runs = new Map<unknown, number>();
  const Service = service(runs);
  for (const index of [1, 2, 3]) await all.at(index).spawnClass(Service, { name: "service" });
  await all.gossip();
  const proxies = [];
  for (let i = 0; i < 4; i++) proxies.push((await all.at(0).resolve("service")).asType(Service));
  proxies.push(all.at(0).resolving().lazy("service").asType(Service));
  let key = 0;
  let done = 0;
  const calls: Promise<void>[] = [];
  for (let round = 0; round < 30; round++) {
    for (const proxy of proxies) {
      for (let i = 0; i < 5; i++) {
        calls.push(
          proxy.count(key++).then(() => void done++, (error) => {
            assert.ok(pul.isPulsingError(error) && error.retryable, String(error));
          }),
        );
      }
    }
    const system = all.at(1 + round % 3);
    if (round % 2 === 0) system.kill("service");
    else await system.spawnClass(Service, { name: "service" }).catch(() => {});
    await all.clock.advance(round % 5 * 50);
  }
  await all.soon(Promise.all(calls));
  assert.deepEqual(new Set(runs.values()), new Set([1]));
  assert.equal(runs.size, done);
});

test("over tcp: a killed node, a stopped actor and one that comes back", async () => {
  const runs = new Map<unknown, number>();
  const Service = service(runs);
  const mortal = new Mortal(pul.tcp());
  const common = {
    addr: "127.0.0.1:0",
    gossip: QUICK_GOSSIP,
    logger: pul.silentLogger,
  };
  await using asking = await pul.actorSystem(common);
  const seeds = [asking.addr!];
  await using dying = await pul.actorSystem({ ...common, seeds, transport: mortal });
  await using staying = await pul.actorSystem({ ...common, seeds });
  await dying.spawnClass(Service, { name: "service" });
  const wait = { timeoutMs: 5_000 };
  const proxy = (await asking.resolve("service", wait)).asType(Service);
  assert.equal(await proxy.where(), dying.nodeId);
  await staying.spawnClass(Service, { name: "service" });
  await asking.resolve("service", { ...wait, nodeId: staying.nodeId });
  await mortal.kill();
  const isHealed = async () => await proxy.where() === staying.nodeId;
  await eventually(isHealed, { what: "an answer of the other instance" });
  await staying.stop("service");
  await assert.rejects(proxy.where(), (error) => pul.isPulsingError(error) && error.retryable);
  await staying.spawnClass(Service, { name: "service" });
  await eventually(isHealed, { what: "an answer of the new instance" });
});
