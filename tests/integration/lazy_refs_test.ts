/** References that ask a policy at each call among the actors that have the name then. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { NamedNodes } from "./named_nodes.ts";

class Service {
  #gate: PromiseWithResolvers<void> | undefined;
  where(_key?: unknown): string {
    return pul.context().nodeId;
  }
  async work(isSlow: string[]): Promise<string> {
    const { nodeId } = pul.context();
    if (isSlow.includes(nodeId)) await (this.#gate ??= Promise.withResolvers<void>()).promise;
    return nodeId;
  }
  open(): void {
    this.#gate?.resolve();
  }
  *items(): Generator<string> {
    yield pul.context().nodeId;
  }
}

/** Nodes of which all but the first have the service. */
async function served(count: number): Promise<NamedNodes> {
  const all = await NamedNodes.start(count);
  for (let index = 1; index < count; index++) {
    await all.at(index).spawnClass(Service, { name: "service" });
  }
  await all.gossip();
  return all;
}

const lazyOf = (all: NamedNodes, policy?: pul.Policy) => {
  const resolving = all.at(0).resolving();
  return (policy === undefined ? resolving : resolving.policy(policy)).lazy("service");
};

test("a lazy reference finds its actor on first use, and later ones at once", async () => {
  await using all = await NamedNodes.start(3);
  const service = lazyOf(all).asType(Service);
  const error = await all.failure(service.where());
  assert.ok(error.kind === "no-instance" && error.retryable, String(error));
  assert.match(error.message, /^Cannot reach "actors\/service": no actor/);
  assert.throws(() => service.$ref.actorId, { kind: "no-instance" });
  assert.equal(service.$ref.path, "actors/service");
  void service.$ref.tell("nobody looks");
  await all.at(1).spawnClass(Service, { name: "service" });
  await all.gossip();
  assert.equal(await all.soon(service.where()), all.at(1).nodeId);
  await all.at(2).spawnClass(Service, { name: "service" });
  await all.gossip();
  const used = new Set([await all.soon(service.where()), await all.soon(service.where())]);
  assert.equal(used.size, 2);
  await all.at(1).stop("service");
  for (let i = 0; i < 4; i++) assert.equal(await all.soon(service.where()), all.at(2).nodeId);
});

test("a bad path throws when the lazy reference is made", async () => {
  await using all = await NamedNodes.start(1);
  const resolving = all.at(0).resolving();
  for (const name of ["", "a//b", "a/b!c"]) assert.throws(() => resolving.lazy(name), TypeError);
  for (const name of ["", "a//b"]) {
    await assert.rejects(resolving.list(name), TypeError);
    await assert.rejects(resolving.resolve(name), TypeError);
  }
});

test("round robin: exactly each in turn, calls, tells and streams alike", async () => {
  await using all = await served(4);
  const service = lazyOf(all).asType(Service);
  const used: string[] = [];
  for (let i = 0; i < 9; i++) used.push(await all.soon(service.where()));
  assert.equal(new Set(used.slice(0, 3)).size, 3);
  assert.deepEqual(used, [...used.slice(0, 3), ...used.slice(0, 3), ...used.slice(0, 3)]);
  const together = await all.soon(Promise.all(Array.from({ length: 6 }, () => service.where())));
  assert.deepEqual(together, used.slice(0, 6));
  const items = [];
  for (let i = 0; i < 3; i++) items.push(...await all.soon(Array.fromAsync(service.items())));
  assert.deepEqual(items, used.slice(0, 3));
  const other = lazyOf(all).asType(Service);
  assert.equal(await all.soon(other.where()), used[0]);
});

test("power of two: a slow instance gets few calls, and the counts return to 0", async () => {
  await using all = await served(4);
  const counts: number[] = [];
  const choosing = new pul.PowerOfTwoPolicy(pul.seededRandom(3));
  const policy: pul.Policy = {
    choose<C extends pul.Candidate>(candidates: readonly C[]) {
      counts.push(candidates.reduce((sum, { inFlight = 0 }) => sum + inFlight, 0));
      return choosing.choose(candidates);
    },
  };
  const service = lazyOf(all, policy).asType(Service);
  const slow = all.at(1).nodeId;
  const stuck: Promise<string>[] = [];
  let fast = 0;
  for (let i = 0; i < 100; i++) {
    const call = service.work([slow]);
    let isDone = false;
    void call.then(() => isDone = true, () => {});
    await all.clock.settle();
    if (isDone) fast++;
    else stuck.push(call);
  }
  assert.ok(stuck.length > 0 && stuck.length <= 3, String(stuck.length));
  assert.equal(fast + stuck.length, 100);
  assert.equal(counts.at(-1), stuck.length);
  await all.soon((await all.at(1).resolve("service", { nodeId: slow })).asType(Service).open());
  await all.soon(Promise.all(stuck));
  await all.soon(Promise.allSettled([
    service.$any().noSuchMethod!(),
    service.$with({ timeoutMs: 10 }).work([...all.at(0).members()].map((one) => one.nodeId)),
  ]));
  await all.soon(service.where());
  assert.equal(counts.at(-1), 0);
});

test("consistent hash: a key stays with its instance until that one goes", async () => {
  await using all = await served(5);
  const keyOf = ({ payload }: pul.PolicyCall) => String((payload as string[])[0]);
  const service = lazyOf(all, new pul.ConsistentHashPolicy({ keyOf })).asType(Service);
  const keys = Array.from({ length: 40 }, (_, index) => `user-${index}`);
  const places = () => all.soon(Promise.all(keys.map((key) => service.where(key))));
  const before = await places();
  assert.ok(new Set(before).size > 1);
  assert.deepEqual(await places(), before);
  const gone = before[0]!;
  const index = [1, 2, 3, 4].find((at) => all.at(at).nodeId === gone)!;
  await all.at(index).stop("service");
  const after = await places();
  for (const [at, place] of after.entries()) {
    if (before[at] === gone) assert.notEqual(place, gone);
    else assert.equal(place, before[at]);
  }
});

test("cache-aware: a prompt goes where its prefix went", async () => {
  await using all = await served(4);
  const textOf = ({ payload }: pul.PolicyCall) => String((payload as string[])[0]);
  const service = lazyOf(all, new pul.CacheAwarePolicy({ textOf })).asType(Service);
  const stem = "You are a helpful assistant. ".repeat(20);
  const first = await all.soon(service.where(`${stem}Question one`));
  for (let i = 0; i < 10; i++) {
    assert.equal(await all.soon(service.where(`${stem}Question ${i}`)), first);
  }
});

test("what a policy throws fails its call only, and cannot harm who refuses", async () => {
  await using all = await served(3);
  let mood: "good" | "throws" | "stranger" = "throws";
  const policy: pul.Policy = {
    choose<C extends pul.Candidate>(candidates: readonly C[]) {
      if (mood === "throws") throw new RangeError("no mood");
      if (mood === "stranger") return { nodeId: "x", actorId: "y" } as C;
      return candidates[0];
    },
  };
  const ref = lazyOf(all, policy);
  const call = ref.asType(Service).where(); // a rejection, not a throw
  await assert.rejects(call, /no mood/);
  await assert.rejects(ref.tell(1), /no mood/);
  mood = "stranger";
  await assert.rejects(ref.asType(Service).where(), TypeError);
  mood = "good";
  const served0 = await all.soon(ref.asType(Service).where());
  await all.at(0).spawnClass(Service, { name: "own", concurrency: "sequential" });
  const own = all.at(0).resolving().policy(policy).lazy("own").asType(Service);
  const running = own.work([all.at(0).nodeId]);
  const queued = own.where().catch((error: unknown) => error);
  await all.clock.settle();
  mood = "throws";
  const stopping = all.at(0).stop("own");
  assert.match(String(await queued), /no mood/);
  mood = "good";
  all.at(0).kill("own");
  await all.failure(running);
  await all.soon(stopping);
  assert.equal(await all.soon(ref.asType(Service).where()), served0);
});

test("node, filterAlive and list choose among the instances", async () => {
  await using all = await served(4);
  const [, one, two, three] = [0, 1, 2, 3].map((index) => all.at(index).nodeId);
  const resolving = all.at(0).resolving();
  const only = resolving.node(two!).lazy("service").asType(Service);
  for (let i = 0; i < 3; i++) assert.equal(await all.soon(only.where()), two);
  assert.equal((await resolving.node(three!).resolve("service")).nodeId, three);
  const refs = await resolving.list("service");
  assert.deepEqual(refs.map((ref) => ref.nodeId), [one, two, three].sort());
  for (const ref of refs) assert.equal(await all.soon(ref.asType(Service).where()), ref.nodeId);
  assert.deepEqual(await resolving.list("nobody"), []);
  assert.deepEqual((await resolving.node(one!).list("service")).map((ref) => ref.nodeId), [one]);
  const elsewhere = await all.failure(resolving.node(all.at(0).nodeId).lazy("service").ask(1));
  assert.match(elsewhere.message, new RegExp(`on node ${all.at(0).nodeId}`));
  await all.kill(1);
  const status = () => all.at(0).members().find(({ nodeId }) => nodeId === one)?.status;
  assert.equal(status(), "suspect");
  assert.equal((await resolving.list("service")).length, 3);
  assert.equal((await resolving.filterAlive(true).list("service")).length, 2);
  const suspect = await all.failure(resolving.node(one!).filterAlive(true).resolve("service"));
  assert.ok(suspect.kind === "no-instance" && suspect.retryable);
  const alive = resolving.filterAlive(true).lazy("service").asType(Service);
  for (let i = 0; i < 4; i++) assert.notEqual(await all.soon(alive.where()), one);
});

test("resolve with a policy chooses once, and again when its actor is gone", async () => {
  await using all = await served(4);
  const asked: (pul.PolicyCall | undefined)[] = [];
  const policy: pul.Policy = {
    choose<C extends pul.Candidate>(candidates: readonly C[], call?: pul.PolicyCall) {
      asked.push(call);
      return candidates.at(-1);
    },
  };
  const ref = await all.at(0).resolving().policy(policy).resolve("service");
  assert.deepEqual(asked, [undefined]);
  const service = ref.asType(Service);
  const first = await all.soon(service.where());
  assert.equal(await all.soon(service.where()), first);
  assert.equal(asked.length, 1);
  const index = [1, 2, 3].find((at) => all.at(at).nodeId === first)!;
  await all.at(index).stop("service");
  assert.notEqual(await all.soon(service.where()), first);
  assert.equal(asked.length, 2);
});

test("a private name of this node is found by every form of resolving", async () => {
  await using all = await NamedNodes.start(2);
  await all.at(0).spawnClass(Service, { name: "mine", public: false });
  await all.gossip();
  const lazy = all.at(0).resolving().lazy("mine").asType(Service);
  assert.equal(await all.soon(lazy.where()), all.at(0).nodeId);
  assert.equal((await all.at(0).resolving().list("mine")).length, 1);
  assert.deepEqual(await all.at(1).resolving().list("mine"), []);
  const found = (await all.at(0).resolve("mine")).asType(Service);
  await all.at(0).stop("mine");
  await all.at(0).spawnClass(Service, { name: "mine", public: false });
  assert.equal(await all.soon(found.where()), all.at(0).nodeId);
  assert.equal(await all.soon(lazy.where()), all.at(0).nodeId);
});

test("a node that waits for a name gets it from resolve with wait", async () => {
  await using all = await NamedNodes.start(2);
  const waiting = all.at(0).resolving().wait(5_000).resolve("service");
  await all.at(1).spawnClass(Service, { name: "service" });
  assert.equal((await all.soon(waiting)).nodeId, all.at(1).nodeId);
  assert.throws(() => all.at(0).resolving().wait(-1), RangeError);
  const controller = new AbortController();
  const aborted = all.at(0).resolving().wait(5_000, controller.signal).resolve("other");
  controller.abort(new Error("enough"));
  await assert.rejects(aborted, /enough/);
});
