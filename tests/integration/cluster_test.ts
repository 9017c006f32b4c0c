/** Two and three nodes behave as one: AC-39, AC-58 and what a link must do, on every transport. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";
import { Mortal } from "./mortal_transport.ts";

class Subject {
  produced = 0;
  finished = 0;
  abortedWith: unknown = undefined;
  echo(value: unknown): unknown {
    return value;
  }
  where(): string {
    return pul.context().nodeId;
  }
  refuse(): void {
    throw new pul.PulsingBusinessError(402, "balance too low", { left: 3n });
  }
  fail(): void {
    throw new TypeError("broken", { cause: new RangeError("deeper", { cause: "deepest" }) });
  }
  failEmpty(): void {
    throw new Error("");
  }
  unencodable(): unknown {
    return () => 1;
  }
  async *count(n: number): AsyncGenerator<number> {
    try {
      for (let i = 0; i < n; i++) {
        this.produced++;
        yield await Promise.resolve(i);
      }
    } finally {
      this.finished++;
    }
  }
  async *failAt(n: number): AsyncGenerator<number> {
    yield* this.count(n);
    throw new Error(`stream error at ${n}`);
  }
  async sum(numbers: AsyncIterable<number>): Promise<number> {
    let sum = 0;
    for await (const n of numbers) sum += n;
    return sum;
  }
  async wait(): Promise<void> {
    const { signal } = pul.context();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    this.abortedWith = signal.reason;
  }
  async ask(others: { readonly ref: pul.ActorRef; readonly proxy: pul.AnyProxy }) {
    const answers = [
      await others.ref.ask({ __call__: "where" }),
      await others.proxy.where!(),
    ];
    return { ...others, answers };
  }
  async *refs(others: readonly pul.ActorRef[]): AsyncGenerator<pul.ActorRef> {
    yield* await Promise.resolve(others);
  }
  state() {
    const { produced, finished, abortedWith } = this;
    return { produced, finished, aborted: abortedWith !== undefined };
  }
}

const TRANSPORTS = {
  tcp: () => pul.tcp(),
  websocket: () => pul.websocket(),
  memory: () => pul.memory(new pul.MemoryNetwork(pul.systemClock)),
} as const;

const WAIT = { timeoutMs: 5_000 };

/** A cluster of nodes; the first one has the actor "subject". */
async function cluster(count: number, makeTransport: () => pul.Transport) {
  const options = { addr: "127.0.0.1:0", transport: new Mortal(makeTransport()) };
  const stack = new AsyncDisposableStack();
  const nodes: pul.ActorSystem[] = [];
  for (let index = 0; index < count; index++) {
    const seeds = nodes.slice(0, 1).map((node) => node.addr!);
    nodes.push(stack.use(await pul.actorSystem({ ...options, seeds })));
  }
  await nodes[0]!.spawnClass(Subject, { name: "subject" });
  const subject = (await nodes.at(-1)!.resolve("subject", WAIT)).asType(Subject);
  const dispose = async () => {
    await stack.disposeAsync();
    await eventually(() => options.transport.isQuiet, { what: "all connections ended" });
  };
  return { nodes, subject, [Symbol.asyncDispose]: dispose };
}

const failureOf = (call: Promise<unknown>) => call.then(() => undefined, (error) => error);

for (const [name, transport] of Object.entries(TRANSPORTS)) {
  test(`AC-58 over ${name}: three nodes see each other and resolve from anywhere`, async () => {
    await using all = await cluster(3, transport);
    const ids = all.nodes.map((node) => node.nodeId).sort();
    for (const node of all.nodes) {
      await eventually(() => node.members().length === 3, { what: "three members" });
      const members = node.members();
      assert.deepEqual(members.map((member) => member.nodeId).sort(), ids);
      assert.ok(members.every((member) => member.status === "alive"));
      const ref = await node.resolve("subject", WAIT);
      assert.equal(ref.nodeId, all.nodes[0]!.nodeId);
      assert.equal(await ref.asType(Subject).where(), all.nodes[0]!.nodeId);
    }
  });

  test(`AC-58 over ${name}: repeated resolves use the instances in turn`, async () => {
    await using all = await cluster(2, transport);
    const [one, two] = all.nodes as [pul.ActorSystem, pul.ActorSystem];
    await two.spawnClass(Subject, { name: "subject" });
    for (const node of all.nodes) {
      await eventually(() => node.allNamedActors()[0]?.instances.length === 2);
      const used: string[] = [];
      for (let i = 0; i < 4; i++) {
        used.push(await (await node.resolve("subject")).asType(Subject).where());
      }
      assert.notEqual(used[0], used[1]);
      assert.deepEqual(used.slice(2), used.slice(0, 2));
      const chosen = await node.resolve("subject", { nodeId: one.nodeId });
      assert.equal(chosen.nodeId, one.nodeId);
    }
  });

  test(`AC-39 over ${name}: a business error arrives with code and details`, async () => {
    await using all = await cluster(2, transport);
    const refusal = await failureOf(all.subject.refuse());
    assert.ok(refusal instanceof pul.PulsingBusinessError, String(refusal));
    assert.deepEqual(
      [refusal.code, refusal.message, refusal.details],
      [402, "balance too low", { left: 3n }],
    );
  });

  test(`AC-39 over ${name}: a foreign error arrives with name, message and cause chain`, async () => {
    await using all = await cluster(2, transport);
    const failure = await failureOf(all.subject.fail());
    assert.ok(failure instanceof pul.PulsingActorError, String(failure));
    assert.deepEqual([failure.errorName, failure.message], ["TypeError", "broken"]);
    const chain: string[] = [];
    for (let next = failure.cause; next !== undefined; next = (next as Error).cause) {
      chain.push(next instanceof Error ? next.message : String(next));
    }
    assert.deepEqual(chain, ["broken", "deeper", "deepest"]);
    const empty = await failureOf(all.subject.failEmpty());
    assert.ok(empty instanceof pul.PulsingActorError && empty.message === "", String(empty));
    const unknown = await failureOf(all.subject.$any().nothing!());
    assert.ok(pul.isPulsingError(unknown, "method-not-found"), String(unknown));
  });

  test(`over ${name}: streams go both ways, in order, with errors after their items`, async () => {
    await using all = await cluster(2, transport);
    const { subject } = all;
    const items = await Array.fromAsync(subject.count(3_000));
    assert.deepEqual(items, [...Array(3_000).keys()]);
    assert.equal(await subject.sum(new Subject().count(3_000)), 4_498_500);
    const taken: number[] = [];
    const error = await failureOf((async () => {
      for await (const item of subject.failAt(3)) taken.push(item);
    })());
    assert.deepEqual(taken, [0, 1, 2]);
    assert.ok(error instanceof pul.PulsingActorError && /stream error at 3/.test(error.message));
  });

  test(`over ${name}: break runs the finally over there`, async () => {
    await using all = await cluster(2, transport);
    for await (const item of all.subject.count(1_000_000)) if (item === 1) break;
    const finished = async () => (await all.subject.state()).finished === 1;
    await eventually(finished, { what: "the remote finally" });
    assert.ok((await all.subject.state()).produced <= 2 + pul.DEFAULT_LIMITS.streamWindowItems * 2);
  });

  test(`over ${name}: refs and proxies arrive live as arguments, results and items`, async () => {
    await using all = await cluster(3, transport);
    const [first, second, third] = all.nodes as [pul.ActorSystem, pul.ActorSystem, pul.ActorSystem];
    const mine = await third.spawnClass(Subject);
    const other = await second.spawnClass(Subject, { name: "other" });
    await third.resolve("other", WAIT);
    const reply = await all.subject.ask({ ref: mine.$ref, proxy: mine.$any() });
    assert.deepEqual(reply.answers, [third.nodeId, third.nodeId]);
    assert.ok(reply.ref instanceof pul.ActorRef);
    assert.equal(await reply.proxy.where!(), third.nodeId);
    const passed = await first.spawnClass(Subject);
    for await (const ref of all.subject.refs([passed.$ref, other.$ref])) {
      assert.equal(await ref.asType(Subject).where(), ref.nodeId);
    }
  });

  test(`over ${name}: signal and deadline reach the callee's context`, async () => {
    await using all = await cluster(2, transport);
    const controller = new AbortController();
    const call = failureOf(all.subject.$with({ signal: controller.signal }).wait());
    await all.subject.echo(0);
    const reason = new Error("enough");
    controller.abort(reason);
    assert.equal(await call, reason);
    await eventually(async () => (await all.subject.state()).aborted, { what: "the abort" });
    const late = await failureOf(all.subject.$with({ timeoutMs: 30 }).wait());
    assert.ok(late instanceof pul.PulsingTimeoutError && late.durationMs === 30, String(late));
  });

  test(`over ${name}: what cannot be encoded fails its own call only`, async () => {
    await using all = await cluster(2, transport);
    const { subject } = all;
    const calls = [subject.echo(1), failureOf(subject.echo(() => 1)), subject.echo(2)];
    const [before, argument, after] = await Promise.all(calls);
    assert.deepEqual([before, after], [1, 2]);
    assert.ok(pul.isPulsingError(argument, "not-encodable"), String(argument));
    const result = await failureOf(subject.unencodable());
    assert.ok(pul.isPulsingError(result, "not-encodable"), String(result));
    assert.equal(await subject.echo(3), 3);
  });

  test(`over ${name}: a stopped actor answers actor-stopped, its name goes everywhere`, async () => {
    await using all = await cluster(2, transport);
    await all.nodes[0]!.stop("subject");
    const error = await failureOf(all.subject.echo(1));
    assert.ok(pul.isPulsingError(error, "actor-stopped"), String(error));
    await eventually(() => all.nodes[1]!.allNamedActors().length === 0, { what: "the name gone" });
  });
}
