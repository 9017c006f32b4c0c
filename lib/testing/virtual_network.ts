/**
 * A network that exists only in memory, with everything that can go wrong in a real one.
 *
 * Connections are ordered and lose nothing, as TCP's are: what a real network loses TCP sends
 * again, so loss is delay, and a cut is a silence after which everything arrives. Only a side that
 * is gone resets a connection, and that news does not cross a cut either.
 *
 * @module
 */

import { formatHostPort, parseHostPort } from "../address.ts";
import type { Clock } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { Random } from "../random.ts";
import type { Connection, DialOptions, Listener, ListenOptions, Transport } from "../transport.ts";
import { NodeClock } from "./node_clock.ts";
import { Pipe } from "./pipe.ts";
import { FAIR_WEATHER, Route, type Weather } from "./route.ts";
import { VirtualConnection } from "./virtual_connection.ts";

const FIRST_FREE_PORT = 40_000;

/** One machine of the network, on which at most one node runs. */
export class VirtualHost {
  /** The host part of its addresses. */
  readonly name: string;
  /** The event loop of its node. */
  clock: NodeClock;
  readonly connections: Set<VirtualConnection> = new Set();
  readonly listeners: Map<string, ListenOptions> = new Map();

  constructor(name: string, clock: NodeClock) {
    this.name = name;
    this.clock = clock;
  }

  /** Ends its node without a word: it listens no more, and its connections are reset. */
  crash(): void {
    this.clock.kill();
    this.listeners.clear();
    const error = new Error(`Cannot use connection to ${this.name}: it was reset`);
    for (const connection of [...this.connections]) connection.reset(error);
  }
}

/** Hosts and the routes between them. */
export class VirtualNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #hosts = new Map<string, VirtualHost>();
  readonly #names = new Map<string, readonly string[]>();
  readonly #routes = new Map<VirtualHost, Map<VirtualHost, Route>>();
  #weather = FAIR_WEATHER;
  #lastPort = FIRST_FREE_PORT;

  /**
   * @param clock Decides when something arrives.
   * @param random Draws delays and losses.
   */
  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The host of a name, made when there is none. */
  host(name: string): VirtualHost {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const host = new VirtualHost(name, new NodeClock(this.#clock));
    this.#hosts.set(name, host);
    return host;
  }

  /**
   * Says what a host name stands for from now on; a host that was never named stands for itself.
   *
   * @param name The name, without a port.
   * @param hosts The hosts it stands for; none: nobody knows the name.
   */
  name(name: string, hosts: readonly string[]): void {
    this.#names.set(name, [...hosts]);
  }

  /** All routes that something went over or is known of. */
  get routes(): readonly Route[] {
    return [...this.#routes.values()].flatMap((routes) => [...routes.values()]);
  }

  /** Changes the weather of all routes, also of those that are not known yet. */
  setWeather(weather: Partial<Weather>): void {
    this.#weather = { ...this.#weather, ...weather };
    for (const route of this.routes) Object.assign(route, weather);
  }

  /** The way from one host to another one. */
  route(from: VirtualHost, to: VirtualHost): Route {
    let routes = this.#routes.get(from);
    if (routes === undefined) this.#routes.set(from, routes = new Map());
    let route = routes.get(to);
    if (route === undefined) {
      route = Object.assign(new Route(this.#clock, this.#random), this.#weather);
      routes.set(to, route);
    }
    return route;
  }

  /** The network as a node of a host sees it. */
  transport(host: VirtualHost): Transport {
    return {
      name: "virtual",
      listen: (options) => Promise.resolve().then(() => this.#listen(host, options)),
      dial: (address, options) => this.#dial(host, address, options),
      lookup: (address, options) => this.#lookup(host, address, options),
    };
  }

  #listen(host: VirtualHost, options: ListenOptions): Listener {
    const address = options.address.replace(/:0$/, () => `:${++this.#lastPort}`);
    if (host.listeners.has(address)) {
      throw new PulsingRuntimeError(`Cannot listen on ${address}: the address is in use`, {
        kind: "listen-failed",
        address,
      });
    }
    host.listeners.set(address, options);
    const close = () => {
      // A second close must not take the address from whoever bound it since.
      if (host.listeners.get(address) === options) host.listeners.delete(address);
      return Promise.resolve();
    };
    return { address, close, [Symbol.asyncDispose]: close };
  }

  #addressesOf(address: string): readonly string[] {
    const { host, port } = parseHostPort(address);
    const hosts = this.#names.get(host) ?? [host];
    return [...new Set(hosts.map((one) => formatHostPort({ host: one, port })))];
  }

  /** Takes no time and no route: what names stand for is known everywhere. */
  #lookup(
    from: VirtualHost,
    address: string,
    { signal }: DialOptions = {},
  ): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      parseHostPort(address); // a malformed one rejects here, not in a turn that nobody awaits
      from.clock.defer(() => {
        if (signal?.aborted) return reject(signal.reason);
        const addresses = this.#addressesOf(address);
        if (addresses.length > 0) resolve(addresses);
        else reject(unreachable(`Cannot look up ${address}: nobody knows the name`, address));
      });
    });
  }

  #dial(from: VirtualHost, name: string, { signal }: DialOptions = {}): Promise<Connection> {
    const { clock } = from;
    return new Promise((resolve, reject) => {
      const addresses = this.#addressesOf(name);
      const listens = (one: string) => this.#hostAt(one).listeners.has(one);
      const address = addresses.find(listens) ?? addresses[0] ?? name;
      const to = this.#hostAt(address);
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const answer = (settle: () => void) =>
        this.route(to, from).carry(() =>
          clock.arrive(() => {
            signal?.removeEventListener("abort", onAbort);
            settle();
          })
        );
      this.route(from, to).carry(() => {
        if (signal?.aborted || clock.isKilled) return;
        const listener = to.listeners.get(address);
        if (listener === undefined) {
          const why = `Cannot reach node at ${address}: nobody listens there`;
          return answer(() => reject(unreachable(why, address)));
        }
        answer(() => {
          if (signal?.aborted) return; // the promise is settled: nobody would own the connection
          resolve(this.#connect(from, to, address, listener));
        });
      });
    });
  }

  #hostAt(address: string): VirtualHost {
    return this.host(parseHostPort(address).host);
  }

  /** The kernel of the other side accepts at once, its node when it has its turn. */
  #connect(
    from: VirtualHost,
    to: VirtualHost,
    address: string,
    listener: ListenOptions,
  ): Connection {
    const there = new Pipe(this.#clock, this.route(from, to), true);
    const back = new Pipe(this.#clock, this.route(to, from), false);
    const end = (host: VirtualHost, remoteAddress: string, incoming: Pipe, outgoing: Pipe) => {
      const onOver = (over: VirtualConnection) => void host.connections.delete(over);
      const { clock } = host;
      const one = new VirtualConnection({ remoteAddress, clock, incoming, outgoing, onOver });
      host.connections.add(one);
      return one;
    };
    const near = end(from, address, back, there);
    const far = end(to, formatHostPort({ host: from.name, port: 0 }), there, back);
    if (to.listeners.get(address) === listener) to.clock.arrive(() => listener.accept(far));
    else far.abort(); // it has stopped listening meanwhile
    return near;
  }
}

function unreachable(message: string, address: string): PulsingRuntimeError {
  return new PulsingRuntimeError(message, { kind: "node-unreachable", retryable: true, address });
}
