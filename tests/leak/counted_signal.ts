/**
 * An abort signal whose listeners are counted.
 *
 * @module
 */

/** Makes signals one after another and counts the listeners on all of them. */
export class CountedSignal {
  /** Listeners added and neither removed nor spent by an abort. */
  listeners = 0;
  #controller = this.#make();

  /** The current signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts the current signal and makes a new one. */
  renew(reason: unknown): void {
    const old = this.#controller;
    this.#controller = this.#make();
    old.abort(reason);
  }

  #make(): AbortController {
    const controller = new AbortController();
    const { signal } = controller;
    const held = new Set<unknown>();
    const forget = (listener: unknown) => {
      if (held.delete(listener)) this.listeners--;
    };
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      const [, listener, options] = args;
      if (!held.has(listener)) this.listeners++;
      held.add(listener);
      add(...args);
      const isOnce = typeof options === "object" && options.once === true;
      if (isOnce) add("abort", () => forget(listener), { once: true });
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      forget(args[1]);
      remove(...args);
    };
    return controller;
  }
}
