import assert from "node:assert/strict";
import { isPulsingError } from "../../../lib/errors.ts";
import { seededRandom } from "../../../lib/random.ts";
import { ManualClock } from "../../../lib/testing/mod.ts";
import { VirtualNetwork } from "../../../lib/testing/virtual_network.ts";
import type { Connection } from "../../../lib/transport.ts";
import { FrameKind, MAGIC } from "../../../lib/wire/frame.ts";
import { test } from "../../harness.ts";

/** One end and what it heard: pieces by their first byte, `closed`, `drain`. */
class End {
  readonly connection: Connection;
  readonly heard: string[] = [];
  constructor(connection: Connection, now: () => number) {
    this.connection = connection;
    connection.start({
      onBytes: (bytes) => void this.heard.push(`${bytes[0]}@${Math.floor(now())}`),
      onDrain: () => void this.heard.push("drain"),
      onClose: (error) => void this.heard.push(error === undefined ? "closed" : "reset"),
    });
  }
  write(...bytes: number[]): boolean {
    return this.connection.write(Uint8Array.from(bytes));
  }
}

/** Two hosts; the second one listens. */
function network(seed = 1) {
  const clock = new ManualClock();
  const net = new VirtualNetwork(clock, seededRandom(seed));
  const [a, b] = [net.host("a"), net.host("b")];
  net.setWeather({ delay: { minMs: 10, maxMs: 10 } });
  const now = () => clock.now();
  const accepted: End[] = [];
  const accept = (connection: Connection) => void accepted.push(new End(connection, now));
  const listen = () =>
    net.transport(b).listen({ address: "b:1", accept, handshakeTimeoutMs: 1_000 });
  const dial = (signal?: AbortSignal) =>
    net.transport(a).dial("b:1", signal === undefined ? {} : { signal });
  const pair = async () => {
    await listen();
    const dialled = dial();
    await clock.advance(20);
    const near = new End(await dialled, now);
    near.connection.write(MAGIC);
    await clock.advance(10);
    accepted[0]!.heard.length = 0;
    return [near, accepted[0]!] as const;
  };
  const there = net.route(a, b);
  const back = net.route(b, a);
  return { clock, net, a, b, accepted, listen, dial, pair, there, back };
}

const failureOf = (promise: Promise<unknown>) => {
  let failure: unknown;
  promise.catch((error) => failure = error);
  return () => failure;
};

test("virtual network: each write has its delay and none overtakes another", async () => {
  const { clock, pair, net } = network();
  const [near, far] = await pair();
  net.setWeather({ delay: { minMs: 1, maxMs: 50 } });
  for (let n = 1; n <= 20; n++) {
    near.write(n);
    await clock.advance(10);
  }
  await clock.advance(50);
  const [numbers, times] = [0, 1].map((part) => far.heard.map((it) => Number(it.split("@")[part])));
  assert.deepEqual(numbers, [...Array(21).keys()].slice(1));
  const delays = times!.map((time, index) => time - 30 - 10 * index);
  assert.ok(Math.min(...delays) < 15 && Math.max(...delays) > 35, String(delays));
  assert.ok(delays.every((delay) => delay >= 0 && delay <= 50), String(delays));
});

test("virtual network: a cut holds back one direction and nobody hears of it", async () => {
  const { clock, pair, there } = network();
  const [near, far] = await pair();
  near.write(1); // on its way when the cut comes
  await clock.advance(5);
  there.cut();
  near.write(2);
  far.write(3);
  near.write(4);
  await clock.advance(60_000);
  assert.deepEqual([near.heard, far.heard], [["3@45"], []]);
  assert.equal(near.connection.bufferedBytes, 3);
  there.heal();
  await clock.advance(10);
  assert.deepEqual(far.heard, ["1@60045", "2@60045", "4@60045"]);
  assert.equal(near.connection.bufferedBytes, 0);
});

test("virtual network: a reset does not cross a cut", async () => {
  const { clock, pair, back, b } = network();
  const [near] = await pair();
  back.cut();
  b.crash();
  await clock.advance(60_000);
  assert.deepEqual(near.heard, []);
  back.heal();
  await clock.advance(10);
  assert.deepEqual(near.heard, ["reset"]);
});

test("virtual network: a crash lets arrive what was written, then resets after the delay", async () => {
  const { clock, pair, b, dial } = network();
  const [near, far] = await pair();
  far.write(7);
  b.crash();
  near.write(1);
  await clock.advance(9);
  assert.deepEqual(near.heard, []);
  await clock.advance(1);
  assert.deepEqual(near.heard, ["7@40", "reset"]);
  assert.equal(near.write(2), true);
  await clock.advance(1_000);
  assert.deepEqual(far.heard, [], "its code never runs again");
  const failure = failureOf(dial());
  await clock.advance(20);
  assert.ok(isPulsingError(failure(), "node-unreachable"));
});

test("virtual network: a dial across a cut hangs, and comes through or is given up", async () => {
  for (const cut of ["there", "back"] as const) {
    const { clock, listen, dial, accepted, [cut]: route } = network();
    await listen();
    route.cut();
    const given = new AbortController();
    const failure = failureOf(dial(given.signal));
    let up = false;
    void dial().then(() => up = true);
    await clock.advance(60_000);
    assert.deepEqual([failure(), up, accepted.length], [undefined, false, 0]);
    given.abort(new Error("too long"));
    await clock.settle();
    assert.match(String(failure()), /too long/);
    route.heal();
    await clock.advance(20);
    assert.deepEqual([up, accepted.length], [true, 1], "the one given up connects nobody");
  }
});

test("virtual network: heal does not unclog, and both ways must be open", async () => {
  const { clock, pair, there } = network();
  const [near, far] = await pair();
  there.clog();
  there.cut();
  near.write(1);
  there.heal();
  await clock.advance(100);
  assert.deepEqual(far.heard, []);
  there.unclog();
  await clock.advance(10);
  assert.deepEqual(far.heard, ["1@140"]);
});

test("virtual network: a frozen reader lets the writer's buffer fill up", async () => {
  const { clock, pair, b } = network();
  const [near, far] = await pair();
  b.clock.freeze();
  near.write(1);
  near.connection.write(new Uint8Array(2_000_000));
  near.write(2);
  await clock.advance(1_000);
  assert.deepEqual([near.heard, far.heard, near.connection.bufferedBytes], [[], [], 2_000_002]);
  b.clock.thaw();
  await clock.settle();
  assert.deepEqual(far.heard, ["1@1030", "0@1030", "2@1030"]);
  assert.deepEqual([near.heard, near.connection.bufferedBytes], [["drain"], 0]);
});

test("virtual network: a frozen listener accepts when it is thawed", async () => {
  const { clock, listen, dial, accepted, b } = network();
  await listen();
  b.clock.freeze();
  const dialled = dial();
  await clock.advance(20);
  const near = await dialled;
  near.start({ onBytes() {}, onDrain() {}, onClose() {} });
  near.write(MAGIC);
  await clock.advance(1_000);
  assert.equal(accepted.length, 0);
  b.clock.thaw();
  await clock.settle();
  assert.deepEqual(accepted[0]?.heard, ["240@1020"]);
});

test("virtual network: an abort drops what has not arrived, a close does not", async () => {
  for (const verb of ["abort", "close"] as const) {
    const { clock, pair, there } = network();
    const [near, far] = await pair();
    there.cut();
    near.write(1);
    near.connection[verb]();
    there.heal();
    await clock.advance(30);
    assert.deepEqual(far.heard, verb === "abort" ? ["closed"] : ["1@40", "closed"]);
    assert.deepEqual(near.heard, ["closed"]);
  }
});

const control = (n: number) => Uint8Array.of(0, 0, 0, 3, FrameKind.control, n, n);
const tell = (n: number) => Uint8Array.of(0, 0, 0, 3, FrameKind.tell, n, n);

test("virtual network: loss drops control frames and delays all others in their order", async () => {
  const { clock, pair, net } = network();
  const [near, far] = await pair();
  net.setWeather({ lossRate: 1 });
  near.connection.write(control(1));
  near.connection.write(tell(1));
  await clock.advance(200_000);
  assert.equal(far.heard.length, 1, "the tell came after all its retransmissions");
  assert.ok(Number(far.heard[0]!.split("@")[1]) > 30_000, far.heard[0]);
  net.setWeather({ lossRate: 0.3 });
  const [before, start] = [far.heard.length, clock.now()];
  for (let n = 0; n < 200; n++) near.connection.write(n % 2 === 0 ? tell(n) : control(n));
  await clock.advance(200_000);
  const came = far.heard.length - before;
  assert.ok(came > 100 + 50 && came < 100 + 90, `${came} of 200 came`);
  const last = Number(far.heard.at(-1)!.split("@")[1]) - start;
  assert.ok(last >= 200 && last < 60_000, `the last after ${last} ms`);
});

test("virtual network: duplicates come right behind, and stop in the middle of it all", async () => {
  const { clock, pair, net } = network();
  const [near, far] = await pair();
  const pieces: number[][] = [];
  far.connection.start({ onBytes: (bytes) => pieces.push([...bytes]), onDrain() {}, onClose() {} });
  net.setWeather({ duplicateRate: 1 });
  near.connection.write(control(1).slice(0, 6)); // the rest of it follows
  await clock.advance(10);
  assert.deepEqual(pieces, []);
  net.setWeather({ duplicateRate: 0 });
  near.connection.write(Uint8Array.of(1, ...tell(2)));
  near.connection.write(control(3));
  await clock.advance(10);
  assert.deepEqual(pieces.flat(), [control(1), tell(2), control(3)].flatMap((part) => [...part]));
  net.setWeather({ duplicateRate: 1 });
  pieces.length = 0;
  near.connection.write(Uint8Array.of(...tell(4), ...control(5)));
  await clock.advance(10);
  assert.deepEqual(pieces.flat(), [tell(4), control(5), control(5)].flatMap((part) => [...part]));
});

test("virtual network: equal seeds draw equal delays, others do not", async () => {
  const timesOf = async (seed: number) => {
    const { clock, pair, net } = network(seed);
    const [near, far] = await pair();
    net.setWeather({ delay: { minMs: 0, maxMs: 1_000 } });
    for (let n = 0; n < 10; n++) {
      near.write(n);
      await clock.advance(1_000);
    }
    return far.heard;
  };
  assert.deepEqual(await timesOf(5), await timesOf(5));
  assert.notDeepEqual(await timesOf(5), await timesOf(6));
});

test("virtual network: a dial by name reaches who listens, and names may change", async () => {
  const { clock, net, a, listen } = network();
  await listen();
  net.name("all", ["nobody", "b"]);
  const transport = net.transport(a);
  const found = transport.lookup!("all:1");
  const dialled = transport.dial("all:1");
  await clock.advance(20);
  assert.deepEqual(await found, ["nobody:1", "b:1"]);
  assert.equal((await dialled).remoteAddress, "b:1");
  net.name("all", []);
  const failure = failureOf(transport.lookup!("all:1"));
  await clock.settle();
  assert.ok(isPulsingError(failure(), "node-unreachable"));
});
