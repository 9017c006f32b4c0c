/** A node of a process cluster; its arguments say what goes wrong with it. */

import process from "node:process";
import { TICKET_VARIABLE } from "../../lib/testing/node_ticket.ts";
import { joinTestCluster } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";
import { QUICK_GOSSIP } from "./quick_gossip.ts";

/** What a test asks a node. */
export class Subject {
  where(): { pid: number; runtime: string; nodeId: string } {
    const runtime = "Bun" in globalThis ? "bun" : "deno";
    return { pid: process.pid, runtime, nodeId: pul.context().nodeId };
  }
  ticket(): string | undefined {
    return process.env[TICKET_VARIABLE];
  }
  echo(value: unknown): unknown {
    return value;
  }
  crash(): void {
    process.stderr.write("the last words\n");
    process.exit(7);
  }
}

/** A node that does not end when it is asked to. */
class Deaf {
  onStop(): Promise<void> {
    return new Promise(() => {});
  }
}

/** The settings of all nodes of a test. */
export const GOSSIP: pul.ClusterSettings = QUICK_GOSSIP;

if (import.meta.main) await main(process.argv[2]);

async function main(flaw: string | undefined): Promise<void> {
  if (flaw === "broken") throw new Error("broken on purpose");
  if (flaw === "silent") {
    process.stdout.write("waiting for ever\n");
    return void setInterval(() => {}, 1_000);
  }
  process.stdout.write("half a line ");
  const limits = flaw === "deaf" ? { shutdownTimeoutMs: 60_000 } : {};
  const system = await joinTestCluster({ gossip: GOSSIP, limits });
  if (flaw === "deaf") await system.spawnClass(Deaf);
  await system.spawnClass(Subject, { name: "subject" });
  process.stderr.write("serving\n");
}
