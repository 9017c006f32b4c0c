/** A node of this runtime and a node of the other one behave as two of a kind. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";
import { otherRuntime, startScript } from "../other_runtime.ts";

const script = new URL("./node_script.ts", import.meta.url);
const TRANSPORTS = { tcp: pul.tcp, websocket: pul.websocket } as const;

class Echo {
  echo(value: unknown): unknown {
    return value;
  }
}

class Watching {
  readonly #heard: pul.Terminated[] = [];
  #waiting: ((notice: pul.Terminated) => void) | undefined = undefined;
  watch(ref: pul.ActorRef): void {
    pul.context().watch(ref);
  }
  onTerminated(notice: pul.Terminated): void {
    if (this.#waiting === undefined) this.#heard.push(notice);
    else this.#waiting(notice);
    this.#waiting = undefined;
  }
  async next(): Promise<pul.Terminated> {
    return this.#heard.shift() ?? await new Promise((resolve) => this.#waiting = resolve);
  }
}

for (const name of ["tcp", "websocket"] as const) {
  const start = async () => {
    const child = await startScript(otherRuntime, script, [name]);
    const system = await pul.actorSystem({
      addr: "127.0.0.1:0",
      seeds: [child.line],
      transport: TRANSPORTS[name](),
    });
    const ref = await system.resolve("subject", { timeoutMs: 10_000 });
    return { child, system, subject: ref.asAny() };
  };

  test(`a ${otherRuntime} node over ${name}: values, errors, streams and references`, async () => {
    const { child, system, subject } = await start();
    await using _child = child;
    await using _system = system;
    const value = { big: 2n ** 70n, at: new Date(3), bytes: new Uint8Array(200_000).fill(5) };
    assert.deepEqual(await subject.echo!(value), value);
    const refusal = await subject.refuse!().catch((error: unknown) => error);
    assert.ok(refusal instanceof pul.PulsingBusinessError);
    assert.deepEqual([refusal.code, refusal.details], [402, { left: 3 }]);
    const failure = await subject.fail!().catch((error: unknown) => error);
    assert.ok(failure instanceof pul.PulsingActorError);
    assert.deepEqual([failure.errorName, failure.message], ["TypeError", "broken"]);
    assert.equal((await Array.fromAsync(subject.count!(5_000))).length, 5_000);
    const numbers = (async function* () {
      for (let i = 0; i < 3_000; i++) yield i;
    })();
    assert.equal(await subject.sum!(numbers), 4_498_500);
    const mine = await system.spawnClass(Echo);
    assert.equal(await subject.askBack!(mine), "back");
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => subject.echo!(i)));
    assert.deepEqual(answers, Array.from({ length: 1_000 }, (_, i) => i));
  });

  test(`a ${otherRuntime} node over ${name}: watching, traces, headers and deadlines`, async () => {
    const { child, system, subject } = await start();
    await using _child = child;
    await using _system = system;
    const watching = await system.spawnClass(Watching);
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const traceparent = `00-${trace}-b7ad6b7169203331-01`;
    const options = { traceparent, headers: { tenant: "t" }, timeoutMs: 5_000 };
    const hop = await subject.$with(options).hop!();
    assert.equal(hop.traceparent.split("-")[1], trace);
    assert.deepEqual([hop.tenant, hop.hasDeadline], ["t", true]);
    const ref = await subject.child!();
    await watching.watch(ref);
    await watching.watch(subject.$ref);
    await assert.rejects(ref.ask("fail"), /on purpose/);
    const failed = await watching.next();
    assert.deepEqual([failed.path, failed.reason], ["actors/child", "failed"]);
    assert.equal(failed.error?.message, "on purpose");
    child.kill();
    const lost = await watching.next();
    assert.deepEqual([lost.path, lost.reason], ["actors/subject", "node-lost"]);
  });

  test(`a ${otherRuntime} node over ${name} is linked by its passphrase, and by no other`, async () => {
    const secret = "grün \u2603";
    await using child = await startScript(otherRuntime, script, [name, secret]);
    const options = { addr: "127.0.0.1:0", seeds: [child.line], transport: TRANSPORTS[name]() };
    for (const passphrase of ["Grün \u2603", ""]) {
      const started = pul.actorSystem({ ...options, passphrase, joinTimeoutMs: 500 });
      const error = await started.catch((thrown: unknown) => thrown);
      assert.ok(pul.isPulsingError(error, "join-failed"), String(error));
      assert.match(error.message, /different passphrases|wants a passphrase/);
    }
    await using system = await pul.actorSystem({ ...options, passphrase: secret });
    const subject = (await system.resolve("subject", { timeoutMs: 10_000 })).asAny();
    assert.equal(await subject.echo!("in"), "in");
  });

  test(`a ${otherRuntime} node over ${name} that is killed fails its calls at once`, async () => {
    const { child, system, subject } = await start();
    await using _child = child;
    await using _system = system;
    const call = subject.forever!().catch((error: unknown) => error);
    await subject.echo!(1);
    child.kill();
    const error = await call;
    assert.ok(pul.isPulsingError(error, "node-lost") && error.retryable, String(error));
    await eventually(
      () => system.members().some((member) => member.status === "dead"),
      { what: "the lost node is dead", timeoutMs: 10_000 },
    );
    assert.deepEqual(system.allNamedActors(), []);
  });
}
