/** A run with a bit of everything, whose history is compared across runs and runtimes. */

import * as pul from "../../../mod.ts";
import { type History, TestCluster, type TestClusterOptions } from "../../../lib/testing/mod.ts";

class Shop {
  readonly #history: History;
  readonly #name: string;

  constructor(history: History, name: string) {
    this.#history = history;
    this.#name = name;
  }

  buy(call: string, from: string): string {
    this.#history.add({ kind: "handled", call, from, to: this.#name });
    if (call.endsWith("3")) throw new pul.PulsingBusinessError(402, "sold out");
    return `${call} sold`;
  }

  async *list(stream: string, count: number): AsyncGenerator<number> {
    const items = Array.from({ length: count }, (_, index) => index);
    yield* this.#history.yielded(stream, items);
  }
}

/**
 * Calls, streams, a kill, a partition, loss, a freeze and a restart.
 *
 * @returns The history, and with it every choice that was made.
 */
export async function runScenario(
  seed: number,
  options: TestClusterOptions = {},
): Promise<History> {
  await using cluster = await TestCluster.start(5, {
    seed,
    delay: { minMs: 1, maxMs: 20 },
    limits: { streamWindowItems: 4 },
    ...options,
  });
  const { history } = cluster;
  for (const index of [0, 1, 2]) {
    const name = `shop-${index}`;
    await cluster.at(index).system.spawnClass(Shop, { name, args: [history, name] });
  }
  const named = () => cluster.systems.every((system) => system.allNamedActors().length === 3);
  await cluster.until(named);
  const shops = await Promise.all(
    [0, 1, 2].map(async (index) =>
      (await cluster.at(4).system.resolve(`shop-${index}`)).asType(Shop)
    ),
  );
  let calls = 0;
  const callAll = () =>
    shops.map((shop, index) => {
      const call = `call-${++calls}`;
      const send = () => shop.$with({ timeoutMs: 2_000 }).buy(call, "node-4");
      return history.call(call, "node-4", `shop-${index}`, send).catch(() => {});
    });
  const stream = (name: string, index: number) => history.taken(name, shops[index]!.list(name, 30));

  await cluster.run(Promise.all([...callAll(), stream("whole", 0), ...callAll()]));
  cluster.loss(0.1);
  cluster.duplicate(0.1);
  const broken = stream("broken", 2);
  await cluster.advance(25);
  cluster.kill(2);
  await cluster.run(Promise.all([...callAll(), broken]));
  cluster.partition([0, 3], [1, 4]);
  const cut = callAll();
  await cluster.advance(5_000);
  cluster.heal();
  cluster.freeze(0, 700);
  await cluster.run(Promise.all([...cut, ...callAll()]));
  await cluster.restart(2);
  await cluster.stop(3);
  await cluster.advance(3_000);
  return cluster.history;
}
