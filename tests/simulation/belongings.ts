/**
 * What a node has taken of its clock and its network, to see that it gives all of it back.
 *
 * A test network takes everything from a node that has ended, so what is left is counted around
 * the node and not in it.
 */

import type { Clock, Timer } from "../../lib/clock.ts";
import type { Connection, ConnectionHandler, Transport } from "../../lib/transport.ts";
import { TappedConnection } from "./tapped_connection.ts";

/** Counts what one node has. */
export class Belongings {
  /** How often it has dialled in all. */
  dials = 0;
  #timers = 0;
  #listeners = 0;
  #connections = 0;

  /** How many connections it has. */
  get connections(): number {
    return this.#connections;
  }

  /** What the node has now, in words; empty when it has nothing. */
  left(): readonly string[] {
    const counts = {
      timers: this.#timers,
      listeners: this.#listeners,
      connections: this.#connections,
    };
    return Object.entries(counts).filter(([, count]) => count !== 0)
      .map(([what, count]) => `${count} ${what}`);
  }

  /** A clock whose timers are counted. */
  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      defer: (callback) => clock.defer(callback),
      setTimer: (callback, delayMs) => this.#setTimer(clock, callback, delayMs),
    };
  }

  /** A transport whose listeners and connections are counted. */
  transport(transport: Transport): Transport {
    const { lookup } = transport;
    return {
      name: transport.name,
      ...(lookup !== undefined && { lookup: (...args) => lookup.apply(transport, args) }),
      dial: async (address, options) => {
        this.dials++;
        return this.#counted(await transport.dial(address, options));
      },
      listen: async (options) => {
        const accept = (connection: Connection) => options.accept(this.#counted(connection));
        const listener = await transport.listen({ ...options, accept });
        this.#listeners++;
        let isOpen = true;
        const close = () => {
          if (isOpen) this.#listeners--;
          isOpen = false;
          return listener.close();
        };
        return { address: listener.address, close, [Symbol.asyncDispose]: close };
      },
    };
  }

  #setTimer(clock: Clock, callback: () => void, delayMs: number): Timer {
    this.#timers++;
    let isSet = true;
    const over = () => {
      if (isSet) this.#timers--;
      isSet = false;
    };
    const timer = clock.setTimer(() => {
      over();
      callback();
    }, delayMs);
    const cancel = () => {
      over();
      timer.cancel();
    };
    return { cancel };
  }

  #counted(connection: Connection): Connection {
    this.#connections++;
    const onClose = (handler: ConnectionHandler, error?: Error) => {
      this.#connections--;
      handler.onClose(error);
    };
    return new TappedConnection(connection, { onClose });
  }
}
