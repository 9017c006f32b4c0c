/**
 * References by name: they follow the name, and a policy chooses among several instances.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

class Worker {
  readonly label: string;
  constructor(label: string) {
    this.label = label;
  }
  who(_key: string) {
    return this.label;
  }
}

const logger = pul.silentLogger;
await using one = await pul.actorSystem({ addr: "127.0.0.1:0", logger });
const two = await pul.actorSystem({ addr: "127.0.0.1:0", seeds: [`${one.addr}`], logger });
await one.spawnClass(Worker, { name: "worker", args: ["first"] });
await two.spawnClass(Worker, { name: "worker", args: ["second"] });
await one.resolve("worker", { nodeId: two.nodeId, timeoutMs: 5_000 }); // both are known now

// A lazy reference asks its policy at each call.
const turns = one.resolving().policy(new pul.RoundRobinPolicy()).lazy("worker").asType(Worker);
const answers = [await turns.who(""), await turns.who(""), await turns.who("")];
console.log("in turn:", answers[0] !== answers[1], answers[0] === answers[2]);

const keyOf = ({ payload }: pul.PolicyCall) => String((payload as unknown[])[0]);
const hash = new pul.ConsistentHashPolicy({ keyOf });
const keyed = one.resolving().policy(hash).lazy("worker").asType(Worker);
const owners = new Set<string>();
for (let n = 0; n < 10; n++) owners.add(await keyed.who("alice"));
console.log("one owner of a key:", owners.size);

// A reference that was resolved stays with its instance, and follows the name when that is gone.
const ref = await one.resolve("worker", { nodeId: two.nodeId });
const pinned = (await one.resolving().resolve("worker")).asType(Worker);
console.log("pinned:", await ref.asType(Worker).who(""));
await two.shutdown();
console.log("after the loss:", await pinned.who(""));

const none = await ref.asType(Worker).who("").catch((error: unknown) => error);
if (pul.isPulsingError(none)) console.log("on the lost node:", none.retryable);
