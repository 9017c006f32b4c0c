/** Nodes that listen on every interface, and where others dial them. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { isWildcardHost, parseHostPort } from "../../lib/address.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { eventually, test } from "../harness.ts";
import { BareNode } from "../leak/bare_node.ts";

class Subject {
  echo(value: unknown): unknown {
    return value;
  }
}

for (const transport of [pul.tcp(), pul.websocket()]) {
  test(`${transport.name}: a wildcard address is corrected on both sides`, async () => {
    const common = { addr: "0.0.0.0:0", transport, logger: pul.silentLogger };
    await using seed = await pul.actorSystem(common);
    const { port } = parseHostPort(seed.addr ?? "");
    assert.ok(isWildcardHost(parseHostPort(seed.addr ?? "").host), "nobody has seen it yet");
    const seeds = [`127.0.0.1:${port}`];
    await using other = await pul.actorSystem({ ...common, seeds });
    const own = parseHostPort(other.addr ?? "");
    assert.equal(own.host, "127.0.0.1", "the seed has told how it sees it");
    const at = (system: pul.ActorSystem, { nodeId }: pul.ActorSystem) =>
      system.members().find((member) => member.nodeId === nodeId)?.addr;
    await eventually(() => at(seed, other) === other.addr, { what: "the address at the seed" });
    assert.equal(at(other, other), other.addr);
    assert.equal(at(other, seed), seeds[0]);
    await other.spawnClass(Subject, { name: "subject" });
    const subject = await seed.resolve("subject", { timeoutMs: 5_000 });
    assert.equal(await subject.asType(Subject).echo(1), 1);
  });
}

test("a node keeps the first host by which it is seen, but not its own machine's", async () => {
  const clock = new ManualClock();
  const transport = pul.memory(new pul.MemoryNetwork(clock));
  const tell = (bound: string, hosts: readonly string[]) => {
    const node = new BareNode({ clock, transport });
    node.node.address = bound;
    node.cluster.start();
    const addresses = hosts.map((host) => {
      node.host.onSeenAs(host);
      return node.node.address;
    });
    const { addr, incarnation } = node.cluster.members()[0] ?? {};
    assert.equal(addr, node.node.address, "the others are told the same");
    const ended = node[Symbol.asyncDispose]();
    return { addresses, incarnation, ended };
  };
  const wild = tell("0.0.0.0:7000", ["127.0.0.1", "::1", "10.0.0.2", "10.0.0.3", "127.0.0.1"]);
  const better = "10.0.0.2:7000";
  assert.deepEqual(wild.addresses, ["127.0.0.1:7000", "127.0.0.1:7000", better, better, better]);
  assert.equal(wild.incarnation, 2, "it rises with each change, so that the others believe it");
  const named = tell("10.0.0.9:7000", ["10.0.0.2"]);
  assert.deepEqual([named.addresses, named.incarnation], [["10.0.0.9:7000"], 0]);
  await clock.advance(2 * pul.DEFAULT_LIMITS.shutdownTimeoutMs);
  await Promise.all([wild.ended, named.ended]);
});
