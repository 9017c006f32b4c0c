/**
 * What a `ProcessCluster` and the scripts it starts tell each other: a ticket in the environment
 * one way, a marked line of output the other way.
 *
 * @module
 */

import type { NodeId } from "../address.ts";

/** What a process needs to know to become a node of its cluster. */
export interface NodeTicket {
  /** Where to listen; port 0 the first time, the same port again after a restart. */
  readonly addr: string;
  readonly seeds: readonly string[];
  readonly cluster: string;
  readonly joinTimeoutMs: number;
  /** The process that waits for the report; a node does not outlive it. */
  readonly parentPid: number;
}

/** What a process says once it is a node. */
export interface NodeReport {
  readonly nodeId: NodeId;
  readonly addr: string;
}

/** The environment variable that holds the ticket. */
export const TICKET_VARIABLE = "PULSING_TEST_NODE";

/** No text of people begins with a control character. */
const MARK = "\u0001pulsing-test-node ";

/** The ticket as text. */
export function writeTicket(ticket: NodeTicket): string {
  return JSON.stringify(ticket);
}

/** Reads a ticket that {@link writeTicket} wrote. */
export function readTicket(text: string): NodeTicket {
  return JSON.parse(text) as NodeTicket; // the same version of this file wrote it
}

/** The report as a line, with its end. */
export function writeReport(report: NodeReport): string {
  return `${MARK}${JSON.stringify(report)}\n`;
}

/**
 * Looks for a report in a line of output.
 *
 * @returns The report, and what a script wrote into the same line before it; `undefined` for a line
 * without one.
 */
export function readReport(line: string): { report: NodeReport; before: string } | undefined {
  const at = line.indexOf(MARK);
  if (at < 0) return undefined;
  const report = JSON.parse(line.slice(at + MARK.length)) as NodeReport; // as above
  return { report, before: line.slice(0, at) };
}
