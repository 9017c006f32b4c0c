/** Case 23, A asks B asks A: told at once instead of never answered; and what is no cycle. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { ManualNodes } from "./manual_nodes.ts";

type Way = readonly pul.ActorRef[];

/** Asks the next actor of a way, which asks the next, and so on. */
class Walker {
  async walk(way: Way): Promise<string> {
    const [next, ...rest] = way;
    if (next === undefined) return "end";
    return await next.asType(Walker).walk(rest);
  }

  /** Asks all of them at once, each with the same rest of the way. */
  async walkAll(ways: readonly Way[]): Promise<readonly string[]> {
    return await Promise.all(ways.map((way) => this.walk(way)));
  }

  /** Does not wait for the answer. */
  send(way: Way, heard: (answer: unknown) => void): string {
    void this.walk(way).then(heard, heard);
    return "sent";
  }

  /** Does not wait for the answer either, and is async. */
  async sendLater(way: Way, heard: (answer: unknown) => void): Promise<string> {
    await Promise.resolve();
    return this.send(way, heard);
  }

  /** Tells the first one to walk on. */
  async tell([next, ...rest]: Way): Promise<string> {
    await next?.tell({ __call__: "walk", args: [rest] });
    return "told";
  }

  async *items(way: Way): AsyncGenerator<string> {
    yield "first";
    yield await this.walk(way);
  }

  async read([next, ...rest]: Way): Promise<readonly string[]> {
    const items = next?.asType(Walker).items(rest);
    return items === undefined ? [] : await Array.fromAsync(items);
  }
}

/** Actors of these names, each on its node, and references to them from everywhere. */
async function walkers(
  names: Readonly<Record<string, number>>,
  concurrency: "sequential" | "interleaved" = "sequential",
) {
  const nodes = await ManualNodes.listening(Math.max(...Object.values(names)) + 1);
  const cells = new Map<string, Awaited<ReturnType<typeof nodes.nodes[0]["spawn"]>>>();
  for (const [name, node] of Object.entries(names)) {
    cells.set(name, await nodes.at(node).spawn(Walker, `actors/${name}`, { concurrency }));
  }
  /** References as the first node has them. */
  const refs = (...way: readonly string[]): pul.ActorRef[] =>
    way.map((name) => {
      const cell = cells.get(name);
      assert.ok(cell !== undefined, name);
      return cell.nodeId === nodes.at(0).node.nodeId ? cell.ref : nodes.at(0).refTo(cell);
    });
  const walker = (name: string) => refs(name)[0]!.asType(Walker);
  const dispose = () => nodes[Symbol.asyncDispose]();
  return { nodes, refs, walker, [Symbol.asyncDispose]: dispose };
}

const PLACES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "one node": { a: 0, b: 0, c: 0 },
  "two nodes": { a: 0, b: 1, c: 0 },
  "three nodes": { a: 0, b: 1, c: 2 },
};

for (const [places, names] of Object.entries(PLACES)) {
  test(`case 23 A asks B asks A fails at once and names the cycle, over ${places}`, async () => {
    await using at = await walkers(names);
    const error = await at.nodes.failure(at.walker("a").walk(at.refs("b", "a")));
    assert.ok(pul.isPulsingError(error, "call-cycle"), String(error));
    assert.match(error.message, /actors\/a → actors\/b → actors\/a;/);
    assert.equal(await at.nodes.now(at.walker("a").walk([])), "end");
  });

  test(`case 23 a cycle of three is named whole, what led to it is not part, over ${places}`, async () => {
    await using at = await walkers(names);
    const around = at.walker("a").walk(at.refs("b", "c", "a"));
    const error = await at.nodes.failure(around);
    assert.match(error.message, /, actors\/a → actors\/b → actors\/c → actors\/a;/);
    const short = await at.nodes.failure(at.walker("a").walk(at.refs("b", "c", "b")));
    assert.ok(pul.isPulsingError(short, "call-cycle"), String(short));
    assert.match(short.message, /, actors\/b → actors\/c → actors\/b;/);
  });

  test(`case 23 a stream in a cycle fails after its items, over ${places}`, async () => {
    await using at = await walkers(names);
    const error = await at.nodes.failure(at.walker("a").read(at.refs("b", "a")));
    assert.ok(pul.isPulsingError(error, "call-cycle"), String(error));
    assert.equal(await at.nodes.now(at.walker("b").walk([])), "end");
  });

  test(`case 23 interleaved actors answer each other, over ${places}`, async () => {
    await using at = await walkers(names, "interleaved");
    const way = at.refs("b", "a", "c", "a", "b", "a");
    assert.equal(await at.nodes.now(at.walker("a").walk(way)), "end");
  });

  test(`case 23 two parallel calls of one chain to one actor are no cycle, over ${places}`, async () => {
    await using at = await walkers(names);
    const ways = [at.refs("b", "c"), at.refs("b", "c"), at.refs("c"), at.refs("b")];
    const answers = await at.nodes.now(at.walker("a").walkAll(ways));
    assert.deepEqual(answers, ["end", "end", "end", "end"]);
  });

  test(`case 23 a tell breaks the chain: nobody waits for it, over ${places}`, async () => {
    await using at = await walkers(names);
    assert.equal(await at.nodes.now(at.walker("a").tell(at.refs("b", "a"))), "told");
    assert.equal(await at.nodes.now(at.walker("a").tell(at.refs("a", "b", "c"))), "told");
    assert.equal(await at.nodes.now(at.walker("b").walk([])), "end");
  });
}

test("case 23 an actor that asks itself fails at once", async () => {
  await using at = await walkers({ a: 0 });
  const error = await at.nodes.failure(at.walker("a").walk(at.refs("a")));
  assert.ok(pul.isPulsingError(error, "call-cycle"), String(error));
  assert.match(error.message, /actors\/a → actors\/a;/);
});

/** Sends without waiting for the answer; each hears of it in the end. */
const UNAWAITED: Readonly<Record<string, (body: () => void) => unknown>> = {
  "a handler that returns": (send) => send(),
  "an async handler that returns": async (send) => await Promise.resolve().then(send),
  "an async handler that sends in its first turn": (send) => {
    send();
    return Promise.resolve();
  },
  "an async handler that returns soon": async (send) => {
    send();
    for (let n = 0; n < 10; n++) await Promise.resolve();
  },
};

for (const [what, handle] of Object.entries(UNAWAITED)) {
  for (const way of ["itself", "over B", "over B on another node"]) {
    test(`case 23 an ask that ${what} does not await is fine (${way})`, async () => {
      const nodes = await ManualNodes.listening(2);
      await using _ = nodes;
      const heard: unknown[] = [];
      const hear = (answer: unknown) => void heard.push(answer);
      const b = await nodes.at(way === "over B" ? 0 : 1).spawnReceiver({
        receive: (caller) => (caller as pul.ActorRef).ask("ping"),
      });
      const toB = way === "over B" ? b.ref : nodes.at(0).refTo(b);
      const a = await nodes.at(0).spawnReceiver({
        receive(message, { self }) {
          if (message !== "go") return "pong";
          return handle(() =>
            void (way === "itself" ? self.ask("ping") : toB.ask(self)).then(hear, hear)
          );
        },
      });
      assert.equal(await nodes.now(a.ref.ask("go")), undefined);
      assert.deepEqual(heard, ["pong"]);
    });
  }
}

test("case 23 actors with receive take one message at a time, so they are in cycles too", async () => {
  const nodes = await ManualNodes.listening(2);
  await using _ = nodes;
  const b = await nodes.at(1).spawnReceiver({
    receive: (caller) => (caller as pul.ActorRef).ask("ping"),
  }, { name: "b" });
  const toB = nodes.at(0).refTo(b);
  const a = await nodes.at(0).spawnReceiver({
    receive: (message, { self }) => message === "go" ? toB.ask(self) : "pong",
  }, { name: "a" });
  const error = await nodes.failure(a.ref.ask("go"));
  assert.ok(pul.isPulsingError(error, "call-cycle"), String(error));
  assert.match(error.message, /, actors\/a → actors\/b → actors\/a;/);
  assert.equal(await nodes.now(a.ref.ask("other")), "pong");
});

test("case 23 an ask that closes the cycle is answered once, and the mailbox is empty after", async () => {
  await using at = await walkers({ a: 0, b: 1 });
  for (let n = 0; n < 100; n++) {
    await at.nodes.failure(at.walker("a").walk(at.refs("b", "a")));
  }
  assert.deepEqual(at.nodes.nodes.map(({ pendingCount }) => pendingCount), [0, 0]);
  assert.equal(at.nodes.at(0).node.deadLetters.count, 0);
});
