/** One node of a cluster that a test starts; see `17_processes.ts`. */

import * as pul from "../mod.ts";
import { joinTestCluster } from "../lib/testing/mod.ts";

const Greeter = pul.remote(
  class Greeter {
    greet(name: string): string {
      const runtime = "Bun" in globalThis ? "Bun" : "Deno";
      return `hello ${name} from ${runtime}`;
    }
  },
);

const system = await joinTestCluster();
await Greeter.spawn({ system, name: "greeter" });
