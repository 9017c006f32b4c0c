/** A node with one actor; prints its address, then serves until it is ended. */

import process from "node:process";
import * as pul from "../../mod.ts";

const Subject = pul.remote(
  class Subject {
    echo(value: unknown): unknown {
      return value;
    }
    refuse(): never {
      throw new pul.PulsingBusinessError(402, "no", { left: 3 });
    }
    fail(): never {
      throw new TypeError("broken", { cause: new Error("deep") });
    }
    async *count(n: number): AsyncGenerator<number> {
      for (let i = 0; i < n; i++) yield i;
    }
    async sum(numbers: AsyncIterable<number>): Promise<number> {
      let sum = 0;
      for await (const n of numbers) sum += n;
      return sum;
    }
    async askBack(other: pul.AnyProxy): Promise<unknown> {
      return await other.echo?.("back");
    }
    hop(): { traceparent: string; tenant: string | undefined; hasDeadline: boolean } {
      const { traceparent, headers, deadlineMs } = pul.context();
      return { traceparent, tenant: headers.tenant, hasDeadline: deadlineMs !== undefined };
    }
    async child(): Promise<pul.ActorRef> {
      const receive = (message: unknown) => {
        if (message === "fail") throw new RangeError("on purpose");
        return message;
      };
      const name = "child";
      const options = { name, restartPolicy: "on-failure", maxRestarts: 0 } as const;
      return await pul.context().spawn(() => ({ receive }), options);
    }
    async forever(): Promise<never> {
      await new Promise(() => {});
      throw new Error("never");
    }
  },
  { name: "Subject" },
);

const [, , name, passphrase = ""] = process.argv;
const transport = name === "websocket" ? pul.websocket() : pul.tcp();
const { silentLogger: logger } = pul;
const system = await pul.actorSystem({ addr: "127.0.0.1:0", transport, logger, passphrase });
await Subject.spawn({ system, name: "subject" });
// deno-lint-ignore no-console -- the first line is what the test waits for
console.log(system.addr);
