/** A test that is killed: starts a cluster, prints the ids of its processes and waits. */

import process from "node:process";
import { ProcessCluster } from "../../lib/testing/mod.ts";

const script = new URL("./process_script.ts", import.meta.url);
const cluster = await ProcessCluster.start({
  script,
  runtimes: ["deno", "bun"],
  output: () => {},
});
process.stdout.write(`${cluster.nodes.map((node) => node.pid).join(" ")}\n`);
