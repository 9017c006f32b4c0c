/**
 * What a system can be told when it is made.
 *
 * @module
 */

import { isLoopbackHost, parseHostPort } from "../address.ts";
import { type Clock, systemClock } from "../clock.ts";
import {
  type ClusterSettings,
  type GossipOptions,
  resolveClusterSettings,
} from "../cluster/settings.ts";
import { type Limits, resolveLimits } from "../limits.ts";
import { consoleLogger, type Logger } from "../logger.ts";
import { checkNames } from "../option_names.ts";
import { type Random, systemRandom } from "../random.ts";
import type { NodeRole } from "../remote/handshake.ts";
import type { Transport } from "../transport.ts";
import { checkAddresses, checkHead } from "./address_options.ts";

/** Options of `init` and `actorSystem`. */
export interface InitOptions {
  /**
   * `host:port` to listen on; port 0 lets the operating system choose.
   *
   * @default none: the system is standalone and opens nothing
   */
  readonly addr?: string;
  /**
   * Nodes to join the cluster through, `host:port` each; one that answers is enough.
   *
   * A host may be a name that stands for many nodes, or a load balancer: names are looked up
   * afresh at each try, and every address counts. The list may name this node itself. Once joined,
   * the addresses at which no member is known are dialled one by one, every
   * `gossip.seedProbeIntervalMs`, which heals partitions and finds seeds that come late.
   *
   * @default none: the system is the first of its cluster
   */
  readonly seeds?: readonly string[];
  /**
   * Makes this node the head of its cluster: the one that knows all members and names, instead of
   * gossip among all of them. The others name it with `headAddr`; a cluster has one head.
   *
   * @default false
   */
  readonly isHeadNode?: boolean;
  /**
   * `host:port` of the head: this node is one of its workers, tells it of itself and hears from it
   * of all others.
   *
   * While the head is away the worker goes on with what it knows, and it is back as soon as a head
   * answers there, the same one or a new one. A name is looked up afresh at each try. `init` waits
   * for the head's answer as it does for a seed.
   *
   * @default none
   */
  readonly headAddr?: string;
  /**
   * `host:port` told to the others when it differs from `addr`: for `0.0.0.0`, NAT, containers.
   *
   * @default addr with the port that was bound
   */
  readonly advertise?: string;
  /**
   * Name of the cluster; nodes of different clusters refuse each other.
   *
   * @default "pulsing"
   */
  readonly cluster?: string;
  /**
   * Secret of the cluster: nodes that do not know it are linked to none that does.
   *
   * Both sides of a new link prove that they know it, without sending anything of which it could be
   * read or that could be used again. Nothing is encrypted: who is on the way between two nodes can
   * read what they send, and change it. A node that answers proves it first, so whoever reaches the
   * port can try passphrases on its own machine, at a tenth of a second each: take a long random
   * one. `GET /health` is answered to all.
   *
   * The start takes a tenth of a second longer, during which the process does nothing else. Texts
   * that look the same are the same (Unicode NFC); `""` is none.
   *
   * @default none: every host that reaches the port can call every actor
   */
  readonly passphrase?: string;
  /**
   * How long `init` waits for a seed or the head, in milliseconds; 0 starts alone and keeps trying.
   *
   * @default 10_000
   */
  readonly joinTimeoutMs?: number;
  /**
   * How nodes reach each other.
   *
   * @default framed TCP; the same port also speaks HTTP and WebSocket
   */
  readonly transport?: Transport;
  /**
   * Messages a mailbox holds; a short form of `limits.mailboxCapacity`.
   *
   * @default 256
   */
  readonly mailboxCapacity?: number;
  /**
   * `"clone"` copies every message between actors of this node as if it crossed the network, so
   * that values that cannot cross are found early; `"reference"` passes messages as they are.
   *
   * @default "reference"
   */
  readonly isolate?: "reference" | "clone";
  /**
   * Where the runtime reports what nobody waits for.
   *
   * @default warnings and errors to the standard error stream
   */
  readonly logger?: Logger;
  /**
   * Time and timers.
   *
   * @default the machine's clock
   */
  readonly clock?: Clock;
  /**
   * Random numbers for ids and choices.
   *
   * @default the machine's cryptographic random numbers
   */
  readonly random?: Random;
  /** Bounds to change; see `Limits`. */
  readonly limits?: Partial<Limits>;
  /**
   * How nodes find out about each other: `"local"` for nodes of one machine, `"lan"`, `"wan"` for
   * several sites, or single settings to change; see `ClusterSettings`. All nodes should say the
   * same.
   *
   * @default "lan"
   */
  readonly gossip?: GossipOptions;
}

/** Options with every default filled in. */
export interface SystemOptions {
  readonly addr: string | undefined;
  readonly seeds: readonly string[];
  /** What it is in a cluster with a head; without a role it finds the others by gossip. */
  readonly role: NodeRole | undefined;
  readonly headAddr: string | undefined;
  readonly advertise: string | undefined;
  readonly cluster: string;
  readonly passphrase: string | undefined;
  readonly joinTimeoutMs: number;
  readonly transport: Transport | undefined;
  readonly isolate: "reference" | "clone";
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly gossip: ClusterSettings;
}

/** The name crosses in every handshake. */
const LONGEST_CLUSTER_NAME = 256;

const NAMES: ReadonlySet<string> = new Set<keyof InitOptions>([
  "addr",
  "seeds",
  "isHeadNode",
  "headAddr",
  "advertise",
  "cluster",
  "passphrase",
  "joinTimeoutMs",
  "transport",
  "mailboxCapacity",
  "isolate",
  "logger",
  "clock",
  "random",
  "limits",
  "gossip",
]);

/**
 * Checks options and fills in the defaults.
 *
 * @throws {TypeError} An option is unknown, malformed, or contradicts another one. An unknown
 * name is an error so that a misspelt or unsupported option is never silently without effect.
 */
export function resolveOptions(options: InitOptions): SystemOptions {
  checkNames("the system", options, NAMES);
  const role = roleOf(options);
  if (options.seeds !== undefined && !Array.isArray(options.seeds)) {
    throw new TypeError(`Cannot set option "seeds" to "${options.seeds}": expected a list`);
  }
  const { cluster = "pulsing", passphrase = "" } = options;
  checkFence(cluster, passphrase);
  checkAddresses(options, role);
  checkHead(options);
  const { addr, seeds = [], headAddr, advertise, mailboxCapacity, isolate = "reference" } = options;
  if (isolate !== "reference" && isolate !== "clone") {
    throw new TypeError(
      `Cannot set option "isolate" to "${isolate}": expected "reference" or "clone"`,
    );
  }
  const short = mailboxCapacity === undefined ? {} : { mailboxCapacity };
  return {
    addr,
    seeds,
    role,
    headAddr,
    advertise,
    cluster,
    passphrase: passphrase === "" ? undefined : passphrase,
    joinTimeoutMs: checkTimeout(options.joinTimeoutMs ?? 10_000),
    transport: options.transport,
    isolate,
    logger: options.logger ?? consoleLogger(),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    limits: resolveLimits({ ...resolveLimits(options.limits), ...short }),
    gossip: resolveClusterSettings(options.gossip),
  };
}

function checkFence(cluster: unknown, passphrase: unknown): void {
  if (typeof cluster !== "string" || cluster === "" || cluster.length > LONGEST_CLUSTER_NAME) {
    throw new TypeError(
      `Cannot set option "cluster": expected a text of 1 to ${LONGEST_CLUSTER_NAME} characters`,
    );
  }
  if (typeof passphrase !== "string") {
    throw new TypeError('Cannot set option "passphrase": expected a text');
  }
}

/** What a node is to be in a cluster with a head. */
function roleOf({ isHeadNode = false, headAddr, seeds = [] }: InitOptions): NodeRole | undefined {
  if (typeof isHeadNode !== "boolean") {
    throw new TypeError(`Cannot set option "isHeadNode" to "${isHeadNode}": expected a boolean`);
  }
  if (isHeadNode && headAddr !== undefined) {
    throw new TypeError('Cannot set both "headAddr" and "isHeadNode": a node is one or the other');
  }
  if (!isHeadNode && headAddr === undefined) return undefined;
  if (seeds.length > 0) {
    const head = isHeadNode ? "isHeadNode" : "headAddr";
    throw new TypeError(
      `Cannot set both "seeds" and "${head}": seeds are for nodes that gossip, leave one of them out`,
    );
  }
  return isHeadNode ? "head" : "worker";
}

/** Whether two sets of options ask for the same system. */
export function isSameOptions(one: InitOptions, other: InitOptions): boolean {
  for (const name of NAMES as ReadonlySet<keyof InitOptions>) {
    if (!isSameValue(one[name], other[name])) return false;
  }
  return true;
}

/** Whether an address can be reached from other machines. */
export function isOpenToOthers(address: string): boolean {
  return !isLoopbackHost(parseHostPort(address).host);
}

function isSameValue(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!isPlain(one) || !isPlain(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && one[name] === other[name]);
}

/** Lists and records are compared by what they hold, everything else must be the same object. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function checkTimeout(timeoutMs: unknown): number {
  if (typeof timeoutMs !== "number") {
    throw new TypeError(`Cannot set option "joinTimeoutMs" to "${timeoutMs}": expected a number`);
  }
  if (timeoutMs >= 0) return timeoutMs;
  throw new RangeError(`Cannot wait ${timeoutMs} ms to join: expected 0 or more`);
}
