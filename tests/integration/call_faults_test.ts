/** Calls that went wrong in ways that are not listed elsewhere: each test is named after the fault. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";
import { BareNode } from "../leak/bare_node.ts";
import { fields, rawFrame, RawPeer } from "../hostile/raw_peer.ts";
import { FrameKind } from "../../lib/wire/frame.ts";
import { methodsOf } from "../../lib/actor/methods.ts";
import { StoppedTarget } from "../../lib/actor/stopped_target.ts";
import { ManualNodes } from "./manual_nodes.ts";
import { unhandled } from "./unhandled.ts";

class Sync {
  echo(n: number): number {
    return n;
  }
  async slow(gate: Promise<void>): Promise<void> {
    await gate;
    throw new Error("own");
  }
}

test("a sync method stays one though interceptors saw it", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  const cell = await nodes.at(0).spawn(Sync);
  await cell.ref.asType(Sync).echo(1);
  assert.equal(methodsOf(Sync).get("echo")?.form, "sync");
  using __ = nodes.at(0).node.intercept((_call, next) => next());
  await cell.ref.asType(Sync).echo(1);
  assert.equal(methodsOf(Sync).get("echo")?.form, "sync");
});

for (const change of ["added", "removed"]) {
  test(`an interceptor ${change} while a call runs does not keep its throw from restarting the actor`, async () => {
    const nodes = await ManualNodes.listening(1);
    await using _ = nodes;
    const options = { restartPolicy: "on-failure", minBackoffMs: 1, maxBackoffMs: 1 } as const;
    const cell = await nodes.at(0).spawn(Sync, "actors/s", options);
    const gate = Promise.withResolvers<void>();
    const use = change === "removed"
      ? nodes.at(0).node.intercept((_call, next) => next())
      : undefined;
    const call = cell.ref.asType(Sync).slow(gate.promise).catch((e: unknown) => e);
    await nodes.clock.settle();
    use?.[Symbol.dispose]();
    using __ = change === "added" ? nodes.at(0).node.intercept((_call, next) => next()) : undefined;
    gate.resolve();
    await nodes.now(call);
    await nodes.clock.advance(10);
    assert.equal(cell.restartCount, 1);
  });
}

test("un-awaited tell to a stopped actor with an interceptor", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  const cell = await nodes.at(0).spawn(Sync);
  await nodes.now(cell.stop());
  using __ = nodes.at(0).node.intercept((_call, next) => next());
  assert.deepEqual(await unhandled(() => void cell.ref.tell(1)), []);
});
test("un-awaited tell to another node that is unreachable", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  const ref = nodes.at(0).refs.refTo({
    actorId: "1".repeat(32),
    nodeId: "2".repeat(32),
    path: undefined,
    address: "127.0.0.1:9",
    className: undefined,
  });
  assert.deepEqual(
    await unhandled(async () => {
      void ref.tell(1);
      await nodes.clock.settle();
    }),
    [],
  );
});
test("un-awaited tell that cannot be encoded", async () => {
  const nodes = await ManualNodes.listening(2);
  await using _ = nodes;
  const ref = nodes.at(0).refTo(await nodes.at(1).spawn(Sync));
  await nodes.now(ref.asType(Sync).echo(1));
  assert.deepEqual(
    await unhandled(async () => {
      void ref.tell(() => 1);
      await nodes.clock.settle();
    }),
    [],
  );
});
test("un-awaited tell through a reference that came back after the stop", async () => {
  const end = { id: "1".repeat(32), nodeId: "2".repeat(32), reason: "stopped" } as const;
  const target = new StoppedTarget({
    path: undefined,
    actorId: end.id,
    nodeId: end.nodeId,
    address: undefined,
    className: undefined,
  }, end);
  assert.deepEqual(await unhandled(() => void new pul.ActorRef(target).tell(1)), []);
});
test("delayed call refused by an interceptor", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  class D {
    later() {
      pul.context().delayed(1).echo!();
    }
    echo() {}
  }
  const cell = await nodes.at(0).spawn(D);
  await nodes.now(cell.ref.asType(D).later());
  using __ = nodes.at(0).node.intercept(() => {
    throw new Error("refused");
  });
  assert.deepEqual(
    await unhandled(async () => {
      await nodes.clock.advance(1);
    }),
    [],
  );
});
test("watching one actor again at the limit does not cut the link", async () => {
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  await using node = new BareNode({ clock: pul.systemClock, transport, limits: { watches: 1 } });
  const peer = await RawPeer.link(transport, await node.listen(), "leak");
  const { actorId } = await node.spawn(Sync);
  for (let n = 0; n < 2; n++) peer.send(rawFrame(FrameKind.watch, fields(actorId)));
  peer.send(rawFrame(FrameKind.ping, new Uint8Array(0)));
  await eventually(() => peer.isEnded || peer.ofKind(FrameKind.pong).length > 0);
  const isEnded = peer.isEnded;
  await peer.end();
  assert.equal(isEnded, false);
});
test("onStart that asks its own actor fails at once", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  class S {
    async onStart(): Promise<void> {
      await pul.context().self.ask({ __call__: "echo" });
    }
    echo() {}
  }
  const spawned = nodes.at(0).spawn(S).catch((e: unknown) => e);
  const pending = await nodes.isPending(spawned);
  assert.equal(pending, false);
});
test("an interceptor that is held when its actor is restarted does not run the old instance", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  const ran: string[] = [];
  class R {
    run(w: string) {
      ran.push(w);
    }
    async slow(g: Promise<void>) {
      await g;
      throw new Error("own");
    }
  }
  const options = { restartPolicy: "on-failure", minBackoffMs: 1, maxBackoffMs: 1 } as const;
  const cell = await nodes.at(0).spawn(R, "actors/r", options);
  const gate = Promise.withResolvers<void>();
  const gate2 = Promise.withResolvers<void>();
  using __ = nodes.at(0).node.intercept(async (call, next) => {
    if (call.direction === "incoming" && (call.payload as unknown[])[0] === "held") {
      await gate2.promise;
    }
    return await next();
  });
  const slow = cell.ref.asType(R).slow(gate.promise).catch((e: unknown) => e);
  await nodes.clock.settle();
  const held = cell.ref.asType(R).run("held").catch((e: unknown) => e);
  await nodes.clock.settle();
  gate.resolve();
  await nodes.clock.advance(10);
  assert.equal(cell.restartCount, 1);
  gate2.resolve();
  for (const failed of [await nodes.now(slow), await nodes.now(held)]) {
    assert.ok(pul.isPulsingError(failed), String(failed));
  }
  assert.deepEqual(ran, []);
});
