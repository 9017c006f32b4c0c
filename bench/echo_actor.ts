/**
 * What the processes of a wire bench agree on: the actor, the small message, the way to reach both.
 *
 * @module
 */

import * as pul from "../mod.ts";
import { inFlight, type Row } from "./harness.ts";
import type { EchoLink } from "./raw_tcp.ts";

/** Calls that are under way at a time where a row says "256 in flight". */
export const WIDTH = 256;
const CALLS = 5_000;
const SMALL_BYTES = 32;

/** Where the server process listens. */
export interface EchoServer {
  /** The bare echo's port. */
  readonly rawPort: number;
  /** The port of the bare echo over TCP that batches what it writes. */
  readonly batchedPort: number;
  /** The node's address. */
  readonly addr: string;
}

/** The actor of the server process. */
export class Echo {
  /** Answers a number with itself. */
  echo(value: number): number {
    return value;
  }
  /** Answers bytes with themselves. */
  blob(bytes: Uint8Array): Uint8Array {
    return bytes;
  }
  /** Counts up from 0. */
  *items(count: number): Generator<number, void> {
    for (let item = 0; item < count; item++) yield item;
  }
}

/** A proxy of the server's actor. */
export type EchoProxy = pul.ActorProxy<Echo>;

/** The transport a bench asks for by name. */
export function transportNamed(name: string | undefined): pul.Transport {
  return name === "websocket" ? pul.websocket() : pul.tcp();
}

/** Makes a node of this process, joins the server's and resolves its actor. */
export async function joinEcho(
  server: Pick<EchoServer, "addr">,
  transport: string,
): Promise<{ system: pul.ActorSystem; echo: EchoProxy }> {
  const system = await pul.actorSystem({
    addr: "127.0.0.1:0",
    seeds: [server.addr],
    transport: transportNamed(transport),
  });
  const ref = await system.resolve("echo", { timeoutMs: 10_000 });
  return { system, echo: ref.asType(Echo) };
}

/** Echoes a number through the bare link: its first bytes, in a body of a small call's size. */
export async function askRaw(link: EchoLink, value: number): Promise<number> {
  const body = new Uint8Array(SMALL_BYTES);
  new DataView(body.buffer).setUint32(0, value);
  const answer = await link.ask(body);
  return new DataView(answer.buffer, answer.byteOffset).getUint32(0);
}

/** The row that keeps 256 calls under way. */
export function flightRow(name: string, ask: (value: number) => Promise<number>): Row {
  return { name, run: (record) => inFlight(CALLS, WIDTH, ask, record) };
}
