/** Whose systems link to each other with a passphrase, what they are told, and what they log. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { loadFences } from "../../lib/remote/fence.ts";
import { isRejected } from "../../lib/remote/handshake.ts";
import { keyFence } from "../../lib/remote/passphrase.ts";
import { TestCluster } from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";
import { ManualNodes } from "./manual_nodes.ts";
import { assertJoined, systemOf, Town } from "./town.ts";

await loadFences(); // towns stand still while something is loaded

const TRANSPORTS = { tcp: pul.tcp, websocket: pul.websocket } as const;
const SECRET = "correct horse";

class Echo {
  echo(value: unknown): unknown {
    return value;
  }
}

test("nodes of one passphrase join and call each other", async () => {
  await using town = new Town(1);
  town.start("a:1", { passphrase: SECRET });
  const other = town.start("b:1", { passphrase: SECRET, seeds: ["a:1"] });
  await town.clock.advance(1_000);
  assertJoined(other, 2);
  const [one, two] = town.systems;
  await one!.spawnClass(Echo, { name: "echo" });
  const resolving = two!.resolve("echo", { timeoutMs: 5_000 });
  await town.clock.advance(5_000);
  const answer = (await resolving).asAny().echo!("hello");
  await town.clock.settle();
  assert.equal(await answer, "hello");
});

const STRANGERS = {
  "another passphrase": [SECRET, "Correct horse", /the two nodes have different passphrases/],
  "no passphrase": [SECRET, "", /listening node wants a passphrase, the dialling one has none/],
  "a passphrase where none is wanted": ["", SECRET, /dialling node wants a passphrase/],
} as const;
for (const [what, [ofSeed, ofDialler, message]] of Object.entries(STRANGERS)) {
  test(`joining with ${what} fails as join-failed and says so`, async () => {
    await using town = new Town(1);
    const seed = town.start("a:1", { passphrase: ofSeed });
    await town.clock.settle();
    const joining = { seeds: ["a:1"], joinTimeoutMs: 1_000 };
    const dialler = town.start("b:1", { ...joining, passphrase: ofDialler });
    await town.clock.advance(joining.joinTimeoutMs);
    const { outcome } = dialler;
    assert.ok(pul.isPulsingError(outcome, "join-failed"), String(outcome));
    assert.match(outcome.message, message);
    const [cause] = (outcome.cause as AggregateError).errors;
    assert.ok(isRejected(cause, "passphrase"), String(cause));
    assert.deepEqual([cause.kind, cause.retryable], ["handshake-failed", false]);
    assertJoined(seed, 1);
  });
}

test("clusters of one name with different passphrases never merge, though their seeds name each other", async () => {
  for (const seed of [1, 2, 3]) {
    await using town = new Town(seed);
    const seeds = ["a:1", "b:1", "c:1", "d:1"];
    const options = { seeds, joinTimeoutMs: 0, gossip: { seedProbeIntervalMs: 500 } };
    const nodes = seeds.map((addr, index) =>
      town.start(addr, { ...options, passphrase: index < 2 ? "one" : "two" })
    );
    await town.clock.advance(5_000);
    const [one, , two] = nodes.map(systemOf);
    await one!.spawnClass(Echo, { name: "echo" });
    for (let minute = 0; minute < 2; minute++) {
      await town.clock.advance(60_000);
      for (const node of nodes) assertJoined(node, 2);
    }
    assert.deepEqual(two!.allNamedActors(), []);
    assert.ok(town.dialledBy("c:1").filter((address) => address === "a:1").length > 10);
  }
});

for (const [name, transport] of Object.entries(TRANSPORTS)) {
  test(`over ${name}: a passphrase lets in who knows it, and nobody else`, async () => {
    const options = { addr: "127.0.0.1:0", transport: transport(), logger: pul.silentLogger };
    await using one = await pul.actorSystem({ ...options, passphrase: SECRET });
    const joining = { ...options, seeds: [one.addr!] };
    const stranger = pul.actorSystem({ ...joining, passphrase: "guess", joinTimeoutMs: 300 });
    await assert.rejects(stranger, /different passphrases/);
    await using two = await pul.actorSystem({ ...joining, passphrase: SECRET });
    await Promise.all(
      [one, two].map((system, index) =>
        system.spawn({ receive: (value: unknown) => value }, { name: `echo-${index}` })
      ),
    );
    const big = new Uint8Array(3_000_000).fill(7);
    for (const [near, far] of [[one, "echo-1"], [two, "echo-0"]] as const) {
      const echo = await near.resolve(far, { timeoutMs: 5_000 });
      assert.deepEqual(await echo.ask(big), big);
    }
  });
}

test("with a passphrase one line at the start says what it is not, on open addresses only", async () => {
  const warnings = async (addr: string, passphrase: string) => {
    const warned: string[] = [];
    const logger = { ...pul.silentLogger, warn: (text: string) => void warned.push(text) };
    const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
    await using _ = await pul.actorSystem({ addr, passphrase, logger, transport });
    return warned;
  };
  const [warning, ...others] = await warnings("host:1", SECRET);
  assert.match(warning!, /^listening authenticated, not encrypted: /);
  assert.deepEqual(others, []);
  assert.deepEqual(await warnings("127.0.0.1:0", SECRET), []);
  assert.match((await warnings("host:1", "")).join(), /^listening without authentication: /);
});

test("a passphrase that is no text is a TypeError that does not show it", async () => {
  for (const passphrase of [7, null, ["old secret", "new secret"]]) {
    const options = { passphrase } as unknown as pul.InitOptions;
    await assert.rejects(pul.actorSystem(options), (error) => {
      assert.ok(error instanceof TypeError);
      assert.equal(error.message, 'Cannot set option "passphrase": expected a text');
      return true;
    });
  }
});

test("TestCluster: the systems prove the passphrase to each other", async () => {
  await using cluster = await TestCluster.start(3, { passphrase: SECRET });
  await cluster.at(0).system.spawn({ receive: (value: unknown) => value }, { name: "echo" });
  const echo = await cluster.run(cluster.at(2).system.resolve("echo", { timeoutMs: 5_000 }));
  assert.equal(await cluster.run(echo.ask("in")), "in");
  cluster.kill(1);
  await cluster.restart(1);
  const isWhole = () => cluster.systems.every((system) => alive(system) === 3);
  await cluster.until(isWhole, { what: "three see three" });
});

function alive(system: pul.ActorSystem): number {
  return system.members().filter(({ status }) => status === "alive").length;
}

const FENCE = keyFence(new Uint8Array(32));

test("a dead incarnation is refused with a proof, refutes and is linked with a higher one", async () => {
  await using nodes = await ManualNodes.listening(2, { fence: FENCE });
  const [dialler, listener] = [nodes.at(0), nodes.at(1)];
  listener.host.judge = ({ incarnation }) => {
    if (incarnation > 41) return undefined;
    return { reason: "dead", message: "it was declared dead", incarnation: 41 };
  };
  const { nodeId, address } = listener.node;
  const link = await nodes.now(Promise.resolve(dialler.links.open(nodeId, address)));
  assert.ok(link.isOpen);
  assert.equal(dialler.cluster.incarnation, 42);
  assert.equal(listener.links.get(dialler.node.nodeId)?.peer.incarnation, 42);
});

test("who is declared dead while its proof is on the way is not linked", async () => {
  await using nodes = await ManualNodes.listening(2, { fence: FENCE });
  const [dialler, listener] = [nodes.at(0), nodes.at(1)];
  const { nodeId, address } = listener.node;
  dialler.freeze(); // the welcome waits
  const opening = Promise.resolve(dialler.links.open(nodeId, address));
  await nodes.clock.settle();
  listener.host.judge = ({ incarnation }) =>
    incarnation > 0 ? undefined : { reason: "dead", message: "declared dead", incarnation: 0 };
  const linked: number[] = [];
  const { onUp } = listener.host;
  listener.host.onUp = (link) => {
    linked.push(link.peer.incarnation);
    onUp(link);
  };
  dialler.thaw();
  const link = await nodes.now(opening);
  assert.ok(!link.isOpen, "the listener has closed it");
  await nodes.clock.advance(pul.DEFAULT_LIMITS.reconnectMinMs);
  const again = await nodes.now(Promise.resolve(dialler.links.open(nodeId, address)));
  assert.deepEqual([again.isOpen, linked], [true, [1]]);
});
