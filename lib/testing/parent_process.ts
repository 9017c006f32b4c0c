/**
 * The process that started this one, as a node of a `ProcessCluster` sees it.
 *
 * Reads the world: the environment, the standard output, signals. Imported only where a script
 * joins, so that the rest of the test kit stays free of it.
 *
 * @module
 */

import process from "node:process";
import { setInterval } from "node:timers";
import {
  type NodeReport,
  type NodeTicket,
  readTicket,
  TICKET_VARIABLE,
  writeReport,
} from "./node_ticket.ts";

/** How often a node looks whether its parent is still there, in milliseconds. */
const PARENT_POLL_MS = 500;

/**
 * Takes the ticket that the parent left, once: programs started from here do not find it.
 *
 * From then on the process ends with its parent, so that no test that was killed leaves nodes
 * behind.
 *
 * @returns `undefined` when nobody left one.
 */
export function takeTicket(): NodeTicket | undefined {
  const text = process.env[TICKET_VARIABLE];
  if (text === undefined || text === "") return undefined;
  delete process.env[TICKET_VARIABLE];
  const ticket = readTicket(text);
  // Not the end of the standard input: Deno cannot wait for it without staying alive for it.
  setInterval(() => {
    if (process.ppid !== ticket.parentPid) process.exit(1);
  }, PARENT_POLL_MS).unref();
  return ticket;
}

/** Tells the parent that this process is a node. */
export function tellParent(report: NodeReport): void {
  process.stdout.write(writeReport(report));
}

/**
 * Ends the process with code 0 when it is asked to end, after its work is wound up.
 *
 * @param windUp What to do before; the code is 1 and the error is shown when it fails.
 */
export function onAskedToEnd(windUp: () => Promise<void>): void {
  process.once("SIGTERM", () => {
    windUp().then(() => process.exit(0), (error) => {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      process.exit(1);
    });
  });
}
