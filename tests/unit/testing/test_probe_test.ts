import assert from "node:assert/strict";
import * as pul from "../../../mod.ts";
import { ManualClock, TestCluster, TestProbe } from "../../../lib/testing/mod.ts";
import { isSameValue } from "../../../lib/testing/same_value.ts";
import { test } from "../../harness.ts";

test("TestProbe.expect takes the first message that fits and leaves the others", async () => {
  await using cluster = await TestCluster.start(1);
  const probe = await TestProbe.spawn(cluster.systems[0]!);
  for (const message of [1, "two", { three: [3] }, 4]) void probe.ref.tell(message);
  assert.equal((await probe.expect((message) => message === 4)).message, 4);
  assert.equal((await probe.expect({ three: [3] })).sender, undefined);
  assert.equal((await probe.expect()).message, 1);
  assert.equal((await probe.expect("two")).message, "two");
  assert.deepEqual(probe.received.map(({ message }) => message), [1, "two", { three: [3] }, 4]);
});

test("TestProbe.expect waits in the cluster's time and says what came instead", async () => {
  await using cluster = await TestCluster.start(2);
  const [one, two] = cluster.systems;
  const probe = await TestProbe.spawn(one!, { name: "probe" });
  const ref = await cluster.run(two!.resolve("probe", { timeoutMs: 5_000 }));
  cluster.clog(1, 0);
  void ref.tell("late");
  const start = cluster.now();
  await assert.rejects(
    probe.expect("late", { withinMs: 500 }),
    /Cannot see "late": nothing came after 500 ms, at [0-9.]+ ms of seed 1$/,
  );
  assert.equal(cluster.now() - start, 500);
  cluster.unclog(1, 0);
  const { atMs } = await probe.expect("late");
  assert.ok(atMs > start + 500 && atMs <= start + 502, `${atMs - start}`);
  void ref.tell("other");
  void ref.tell(undefined);
  await assert.rejects(probe.expect("late"), (error: Error) => {
    const text =
      /^Cannot see "late": what came is "other", the message undefined after 3000 ms, at /;
    assert.match(error.message, text);
    return pul.isPulsingError(error, "timeout");
  });
});

test("TestProbe.expectNothing fails at the first message, and counts no earlier ones", async () => {
  await using cluster = await TestCluster.start(1);
  const probe = await TestProbe.spawn(cluster.systems[0]!);
  void probe.ref.tell("before");
  await cluster.settle();
  await probe.expectNothing({ forMs: 1_000 });
  void probe.ref.tell("now");
  await assert.rejects(
    probe.expectNothing({ forMs: 1_000 }),
    /Cannot see nothing: "now" came, at [0-9.]+ ms of seed 1$/,
  );
  await assert.rejects(probe.expectNothing({} as never), TypeError);
  await assert.rejects(probe.expectNothing({ forMs: NaN }), RangeError);
  await assert.rejects(probe.expect("x", { withinMs: -1 }), RangeError);
  await assert.rejects(probe.expect("x", { within: 1 } as never), /option "within"/);
});

test("TestProbe.reply answers asks with a value, a function, an error or a stream", async () => {
  await using cluster = await TestCluster.start(1);
  const probe = await TestProbe.spawn(cluster.systems[0]!);
  const ask = (message: unknown) => cluster.run(probe.ref.ask(message));
  assert.equal(await ask("unanswered"), undefined);
  probe.reply(5);
  assert.equal(await ask("?"), 5);
  probe.reply((message: unknown) => Number(message) * 2);
  assert.equal(await ask(21), 42);
  probe.reply(() => {
    throw new pul.PulsingBusinessError(7, "no");
  });
  await assert.rejects(ask(1), /no/);
  probe.reply(function* () {
    yield* [1, 2];
  });
  const items = ask(1) as Promise<AsyncIterable<unknown>>;
  assert.deepEqual(await Array.fromAsync(await items), [1, 2]);
});

test("TestProbe knows its sender, and hears of ends on other nodes", async () => {
  await using cluster = await TestCluster.start(2);
  const [one, two] = cluster.systems;
  const probe = await TestProbe.spawn(one!);
  class Sender {
    async greet(ref: pul.ActorRef): Promise<void> {
      await ref.tell("hello");
    }
  }
  const sender = await two!.spawnClass(Sender, { name: "sender" });
  await cluster.run(sender.greet(probe.ref));
  const hello = await probe.expect("hello");
  assert.equal(hello.sender?.actorId, sender.$ref.actorId);
  const other = await one!.spawn({ receive: () => {} }, { name: "other" });
  probe.watch(hello.sender!);
  probe.watch(other);
  await assert.rejects(
    probe.expectTerminated(other, { withinMs: 100 }),
    /it goes on after 100 ms, at/,
  );
  await one!.stop("other");
  cluster.kill(1);
  const lost = await probe.expectTerminated(hello.sender, { withinMs: 60_000 });
  assert.equal(lost.reason, "node-lost");
  assert.equal((await probe.expectTerminated()).id, other.actorId);
});

test("TestProbe waits in real time for a system of no cluster, or on a clock it is given", async () => {
  await using system = await pul.actorSystem();
  const probe = await TestProbe.spawn(system, { name: "probe" });
  const waiting = probe.expect("soon");
  await (await system.resolve("probe")).tell("soon");
  assert.equal((await waiting).message, "soon");
  await assert.rejects(probe.expect("never", { withinMs: 5 }), /Cannot see "never"/);
  await probe.expectNothing({ forMs: 5 });

  const clock = new ManualClock();
  await using manual = await pul.actorSystem({ clock });
  const timed = await TestProbe.spawn(manual, { clock });
  clock.setTimer(() => void timed.ref.tell("tick"), 2_000);
  assert.equal((await timed.expect("tick")).atMs, 2_000);
});

test("isSameValue compares what values hold", () => {
  const same: [unknown, unknown][] = [
    [NaN, NaN],
    [{ a: [1, { b: 2n }] }, { a: [1, { b: 2n }] }],
    [new Map([[1, { a: 1 }]]), new Map([[1, { a: 1 }]])],
    [new Set(["a"]), new Set(["a"])],
    [new Date(5), new Date(5)],
    [Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
    [undefined, undefined],
  ];
  for (const [one, other] of same) assert.ok(isSameValue(one, other), String(one));
  const different: [unknown, unknown][] = [
    [0, -0],
    [1, "1"],
    [null, {}],
    [{ a: undefined }, {}],
    [{ a: 1 }, { b: 1 }],
    [[1, 2], [1]],
    [[], {}],
    [new Date(5), new Date(6)],
    [new Map([[1, 2]]), new Map([[1, 3]])],
    [Uint8Array.of(1), Uint16Array.of(1)],
    [new (class A {})(), new (class B {})()],
  ];
  for (const [one, other] of different) assert.ok(!isSameValue(one, other), String(one));
});
