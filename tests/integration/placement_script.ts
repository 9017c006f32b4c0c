/** A node that joins the one at the given address and knows one class; serves until it is ended. */

import process from "node:process";
import * as pul from "../../mod.ts";

pul.remote(
  class Known {
    where(): string {
      return pul.context().nodeId;
    }
  },
  { name: "KnownThere" },
);

const seed = process.argv[2] ?? "";
const system = await pul.actorSystem({ addr: "127.0.0.1:0", seeds: [seed] });
// deno-lint-ignore no-console -- the first line is what the test waits for
console.log(system.nodeId);
