/** A transport of one node that knows when its connections have ended, and can be killed. */

import type * as pul from "../../mod.ts";

/** A transport whose node can vanish without a word, as if its process were killed. */
export class Mortal implements pul.Transport {
  readonly name: string = "mortal";
  readonly #inner: pul.Transport;
  readonly #connections = new Set<pul.Connection>();
  #listener: pul.Listener | undefined = undefined;
  #isDead = false;

  constructor(inner: pul.Transport) {
    this.#inner = inner;
  }

  async listen(options: pul.ListenOptions): Promise<pul.Listener> {
    const accept = (connection: pul.Connection) => {
      this.#watch(connection);
      options.accept(connection);
    };
    return this.#listener = await this.#inner.listen({ ...options, accept });
  }

  async lookup(address: string, options?: pul.DialOptions): Promise<readonly string[]> {
    if (this.#isDead) throw new Error("dead nodes look nothing up");
    return await this.#inner.lookup?.(address, options) ?? [address];
  }

  async dial(address: string, options?: pul.DialOptions): Promise<pul.Connection> {
    if (this.#isDead) throw new Error("dead nodes do not dial");
    const connection = await this.#inner.dial(address, options);
    this.#watch(connection);
    return connection;
  }

  /** Whether every connection of the node has ended. */
  get isQuiet(): boolean {
    return this.#connections.size === 0;
  }

  /** Ends all connections at once; new ones can be made. */
  cut(): void {
    for (const connection of this.#connections) connection.abort();
  }

  /** Ends all connections and the listener at once; later dials fail. */
  async kill(): Promise<void> {
    this.#isDead = true;
    for (const connection of this.#connections) connection.abort();
    await this.#listener?.close();
  }

  #watch(connection: pul.Connection): void {
    this.#connections.add(connection);
    const start = connection.start.bind(connection);
    connection.start = (handler, highWaterBytes) =>
      start({
        onBytes: (bytes) => handler.onBytes(bytes),
        onDrain: () => handler.onDrain(),
        onClose: (error) => {
          this.#connections.delete(connection);
          handler.onClose(error);
        },
      }, highWaterBytes);
  }
}
