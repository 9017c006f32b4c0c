/**
 * What happened in a run, in its order: for checkers, and to compare two runs of one seed.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { MemberStatus } from "../cluster/member.ts";
import { PulsingRuntimeError } from "../errors.ts";

/** Something that happened. */
export type HistoryEvent =
  /** A node began, was held up, or ended. A node that is restarted has another name. */
  | {
    readonly kind: "node";
    readonly node: string;
    readonly nodeId: NodeId;
    readonly state: NodeState;
  }
  /** What a node believes of a member has changed; `forgotten` when it believes nothing more. */
  | {
    readonly kind: "member";
    readonly node: string;
    readonly nodeId: NodeId;
    readonly addr: string;
    readonly status: MemberStatus | "forgotten";
    readonly incarnation: number;
  }
  /** A node sees an actor of a name, or does not see it any more. */
  | {
    readonly kind: "name";
    readonly node: string;
    readonly path: ActorPath;
    readonly actorId: ActorId;
    readonly nodeId: NodeId;
    readonly state: "up" | "gone";
  }
  /** A call was sent, or an actor began to handle it. */
  | {
    readonly kind: "sent" | "handled";
    readonly call: string;
    readonly from: string;
    readonly to: string;
  }
  /** Its sender got the answer. */
  | { readonly kind: "answered"; readonly call: string }
  /** Its sender got an error. */
  | { readonly kind: "failed"; readonly call: string; readonly error: string }
  /** A producer gave an item of a stream, or a consumer took one. */
  | { readonly kind: "yielded" | "taken"; readonly stream: string; readonly item: string }
  /** A consumer saw the end of a stream, with an error when it broke. */
  | { readonly kind: "ended"; readonly stream: string; readonly error?: string }
  /** Anything else, for those who read it: a fault, a line of the log. */
  | { readonly kind: "note"; readonly text: string };

/** Where a node of a cluster under test is in its life. */
export type NodeState = "running" | "frozen" | "killed" | "stopped";

/** Something that happened, and when. */
export type HistoryEntry = HistoryEvent & {
  /** Milliseconds of the clock of the run. */
  readonly atMs: number;
};

/** Entries of one history; above, {@link History.add} fails. They take some 200 MB. */
const MAX_ENTRIES = 1_000_000;

/**
 * Records what happens in a run.
 *
 * @example Records calls, for the checkers
 * ```ts
 * import { atMostOnce, History, ManualClock } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = new ManualClock();
 * const history = new History(() => clock.now());
 * const handle = (call: string) => {
 *   history.add({ kind: "handled", call, from: "me", to: "it" });
 *   return Promise.resolve("done");
 * };
 * assert.equal(await history.call("call-1", "me", "it", () => handle("call-1")), "done");
 * assert.deepEqual(atMostOnce(history.entries), []);
 * assert.equal(
 *   history.text(),
 *   "0.000 sent call-1 me -> it\n0.000 handled call-1 me -> it\n0.000 answered call-1\n",
 * );
 * ```
 */
export class History {
  readonly #now: () => number;
  readonly #entries: HistoryEntry[] = [];

  /**
   * Makes an empty history.
   *
   * @param now Gives the time of the run, in milliseconds.
   */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** All entries so far. */
  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  /**
   * Adds what happened, in the order of the times.
   *
   * @param atMs When, for what is noticed late; now when absent.
   * @throws {PulsingRuntimeError} kind `"limit-exceeded"`: it has a million entries.
   */
  add(event: HistoryEvent, atMs: number = this.#now()): void {
    if (this.#entries.length >= MAX_ENTRIES) {
      throw new PulsingRuntimeError(`Cannot add to history: it has ${MAX_ENTRIES} entries`, {
        kind: "limit-exceeded",
      });
    }
    const entries = this.#entries;
    let place = entries.length;
    while (place > 0 && timeOf(entries[place - 1]) > atMs) place--;
    if (place === entries.length) entries.push({ ...event, atMs });
    else entries.splice(place, 0, { ...event, atMs });
  }

  /**
   * Sends a call and records how it went; its actor records with `add` that it handles it.
   *
   * @param call Names the call; no other call of the run has the name.
   * @param from Who sends; calls of one sender to one actor are expected in their order.
   * @param to The actor.
   * @param send Sends it.
   * @returns What `send` comes to.
   */
  async call<T>(call: string, from: string, to: string, send: () => PromiseLike<T>): Promise<T> {
    this.add({ kind: "sent", call, from, to });
    try {
      const answer = await send();
      this.add({ kind: "answered", call });
      return answer;
    } catch (error) {
      this.add({ kind: "failed", call, error: nameOf(error) });
      throw error;
    }
  }

  /**
   * Passes the items of a stream on and records each before the producer gives it.
   *
   * @param stream Names the stream; no other stream of the run has the name.
   */
  async *yielded<T>(stream: string, items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of items) {
      this.add({ kind: "yielded", stream, item: textOf(item) });
      yield item;
    }
  }

  /**
   * Reads a stream to its end and records what came.
   *
   * @param stream The name the producer records it under.
   * @returns The items; those that came before an error, which is recorded and not thrown.
   */
  async taken<T>(stream: string, items: AsyncIterable<T>): Promise<readonly T[]> {
    const all: T[] = [];
    try {
      for await (const item of items) {
        this.add({ kind: "taken", stream, item: textOf(item) });
        all.push(item);
      }
      this.add({ kind: "ended", stream });
    } catch (error) {
      this.add({ kind: "ended", stream, error: nameOf(error) });
    }
    return all;
  }

  /**
   * The history as text, one line per entry: equal runs give equal bytes, on every runtime.
   *
   * @param last How many of the last lines; all when absent.
   */
  text(last: number = this.#entries.length): string {
    const entries = last > 0 ? this.#entries.slice(-last) : [];
    return entries.map((entry) => `${lineOf(entry)}\n`).join("");
  }
}

function timeOf(entry: HistoryEntry | undefined): number {
  return entry?.atMs ?? -Infinity;
}

/** The canonical text of an entry. */
export function lineOf(entry: HistoryEntry): string {
  return `${entry.atMs.toFixed(3)} ${eventText(entry)}`;
}

function eventText(event: HistoryEvent): string {
  switch (event.kind) {
    case "node":
      return `node ${event.node} ${shortId(event.nodeId)} ${event.state}`;
    case "member": {
      const { node, addr, nodeId, status, incarnation } = event;
      return `member ${node} sees ${addr} ${shortId(nodeId)} ${status} ${incarnation}`;
    }
    case "name": {
      const { node, path, actorId, nodeId, state } = event;
      return `name ${node} sees ${path} ${shortId(actorId)} at ${shortId(nodeId)} ${state}`;
    }
    case "sent":
    case "handled":
      return `${event.kind} ${event.call} ${event.from} -> ${event.to}`;
    case "answered":
      return `answered ${event.call}`;
    case "failed":
      return `failed ${event.call} ${event.error}`;
    case "yielded":
    case "taken":
      return `${event.kind} ${event.stream} ${event.item}`;
    case "ended":
      return `ended ${event.stream}${event.error === undefined ? "" : ` ${event.error}`}`;
    case "note":
      return `note ${event.text.replaceAll("\n", " ")}`;
    default:
      return event satisfies never;
  }
}

/** Eight digits tell the ids of a run apart for a reader. */
function shortId(id: string): string {
  return id.slice(0, 8);
}

/** An error's kind or name: the texts of errors that engines make differ. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "kind" in error ? String(error.kind) : error.name;
}

function textOf(item: unknown): string {
  return typeof item === "object" ? JSON.stringify(item) : String(item);
}
