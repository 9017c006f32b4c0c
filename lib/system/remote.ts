/**
 * `remote`: makes a class an actor class.
 *
 * @module
 */

import type { ActorClass, ActorProxy } from "../actor/proxy.ts";
import { type ClassOptions, defineClass } from "../actor/remote_class.ts";
import type { ClassSpawnOptions } from "../actor/spawn_options.ts";
import type { ActorSystem } from "./actor_system.ts";
import { getSystem } from "./global.ts";
import type { ResolveOptions } from "./resolve_options.ts";

/** Options of `Class.spawn`. */
export interface RemoteSpawnOptions<A extends readonly unknown[]> extends ClassSpawnOptions<A> {
  /**
   * The system to use.
   *
   * @default the global system
   */
  readonly system?: ActorSystem;
}

/** Options of `Class.resolve`. */
export interface RemoteResolveOptions extends ResolveOptions {
  /**
   * The system to use.
   *
   * @default the global system
   */
  readonly system?: ActorSystem;
}

/** What `remote` adds to a class. */
export interface RemoteStatics<C extends ActorClass> {
  /**
   * Starts an actor of the class; see {@link ActorSystem.spawnClass}.
   *
   * @param options Arguments, name, system.
   */
  spawn(
    options?: RemoteSpawnOptions<ConstructorParameters<C>>,
  ): Promise<ActorProxy<InstanceType<C>>>;
  /**
   * Finds an actor by name and takes it for one of this class; see {@link ActorSystem.resolve}.
   *
   * @param name A name or path.
   * @param options Node, wait, system.
   */
  resolve(name: string, options?: RemoteResolveOptions): Promise<ActorProxy<InstanceType<C>>>;
}

/** A class that can be spawned; `new` still makes an ordinary object. */
export type RemoteClass<C extends ActorClass> = C & RemoteStatics<C>;

/**
 * Makes a class an actor class: adds `spawn` and `resolve` to it and returns it.
 *
 * Also a decorator, `@pul.remote` or `@pul.remote({ … })`. TypeScript does not let decorators
 * change the type of a class, so with a decorator use `system.spawnClass(Counter)`, or name the
 * result: `const Remote = pul.remote(Counter)`.
 *
 * @param cls The class.
 * @param options What holds for all its actors.
 * @throws {TypeError} The class has a static `spawn` or `resolve` or a method named `then`.
 *
 * @example Spawn, call, stream
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const Counter = pul.remote(class Counter {
 *   value: number;
 *   constructor(value = 0) {
 *     this.value = value;
 *   }
 *   incr(by = 1) {
 *     return this.value += by;
 *   }
 *   *countTo(n: number) {
 *     for (let i = 1; i <= n; i++) yield i;
 *   }
 * });
 * await using system = await pul.actorSystem();
 * const counter = await Counter.spawn({ system, args: [10] });
 * assert.equal(await counter.incr(), 11);
 * assert.deepEqual(await Array.fromAsync(counter.countTo(3)), [1, 2, 3]);
 * ```
 */
export function remote<C extends ActorClass>(
  cls: C,
  options?: ClassOptions | ClassDecoratorContext,
): RemoteClass<C>;
/**
 * The form for decorators with options: `@pul.remote({ concurrency: "sequential" })`.
 *
 * @param options What holds for all its actors.
 */
export function remote(
  options: ClassOptions,
): <C extends ActorClass>(cls: C, context: ClassDecoratorContext) => RemoteClass<C>;
export function remote<C extends ActorClass>(
  target: C | ClassOptions,
  options: ClassOptions | ClassDecoratorContext = {},
): RemoteClass<C> | (<D extends ActorClass>(cls: D) => RemoteClass<D>) {
  if (typeof target !== "object" && typeof target !== "function" || target === null) {
    throw new TypeError(`Cannot make an actor class of "${String(target)}": expected a class`);
  }
  if (typeof target !== "function") return (cls) => declare(cls, target);
  return declare(target, "kind" in options ? {} : options);
}

function declare<C extends ActorClass>(cls: C, options: ClassOptions): RemoteClass<C> {
  for (const name of ["spawn", "resolve"]) {
    const own = Object.getOwnPropertyDescriptor(cls, name);
    if (own !== undefined && own.value !== STATICS[name as keyof typeof STATICS]) {
      throw new TypeError(`Cannot make actor class "${cls.name}": it has a static "${name}"`);
    }
    const value = STATICS[name as keyof typeof STATICS]; // the list above names both
    Object.defineProperty(cls, name, { value, configurable: true, writable: true });
  }
  defineClass(cls, options);
  return cls as RemoteClass<C>; // both statics were added above
}

const STATICS = {
  /** Not async: one promise less is a tenth of what a spawn costs (`bench/local_bench.ts`). */
  spawn(
    this: ActorClass,
    { system, ...options }: RemoteSpawnOptions<unknown[]> = {},
  ): Promise<unknown> {
    try {
      return (system ?? getSystem()).spawnClass(this, options);
    } catch (error) {
      return Promise.reject(error); // there is no global system
    }
  },
  async resolve(
    this: ActorClass,
    name: string,
    { system, ...options }: RemoteResolveOptions = {},
  ): Promise<unknown> {
    return (await (system ?? getSystem()).resolve(name, options)).asType(this);
  },
};
