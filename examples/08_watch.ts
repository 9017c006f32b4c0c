/**
 * Children and watchers: who starts whom, who hears of whose end, also across nodes.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

class Job {
  run(input: number) {
    if (input < 0) throw new RangeError("negative");
    return input * 2;
  }
}

const Pool = pul.remote(
  class Pool {
    readonly ends = Promise.withResolvers<string>();
    onTerminated({ path, reason, error }: pul.Terminated) {
      console.log("heard:", path, reason, error?.message ?? "");
      if (reason === "shutdown") this.ends.resolve("the other node is gone");
    }
    async start(name: string) {
      const job = await pul.context().spawn(Job, {
        name,
        restartPolicy: "on-failure",
        maxRestarts: 0,
      });
      pul.context().watch(job);
      return job;
    }
    async outlive(actor: pul.ActorRef) {
      pul.context().watch(actor);
      return await this.ends.promise;
    }
  },
);

const logger = pul.silentLogger;
await using one = await pul.actorSystem({ addr: "127.0.0.1:0", logger });
const two = await pul.actorSystem({ addr: "127.0.0.1:0", seeds: [`${one.addr}`], logger });
const pool = await Pool.spawn({ system: one, name: "pool" });

const job = await pool.start("job-1");
console.log("job:", await job.run(21));
await job.run(-1).catch((error) => console.log("job failed:", error.message));

await pool.start("job-2");
await two.spawnClass(Job, { name: "far" });
const far = (await one.resolve("far", { timeoutMs: 5_000 })).asType(Job);
const outlived = pool.outlive(far.$ref);
await far.run(1); // arrives behind the watch
await two.shutdown();
console.log(await outlived);

await one.stop("pool"); // its children stop with it
console.log("left:", one.allNamedActors().length);
