/**
 * An actor seen as its methods: the same object over every distance.
 *
 * Typed proxies are instances of a class generated once per actor class, so that calls through
 * them are as fast as calls of any other class. Untyped ones are ES proxies: any name is a method.
 *
 * @module
 */

import type { ActorRef, ActorTarget } from "./actor_ref.ts";
import type { ActorHooks } from "./actor.ts";
import { type CallOptions, checkCallOptions } from "./call_options.ts";
import { type MethodForm, methodsOf, type MethodTable, READ_ATTRIBUTE } from "./methods.ts";
import type { ReplyStream } from "./reply_stream.ts";
import { type AnyCall, iterable, StreamCall } from "./stream_call.ts";

/** A class whose instances can be actors. */
// deno-lint-ignore no-explicit-any -- only `any` lets constructors of all parameter lists in
export type ActorClass = abstract new (...args: any[]) => object;

/** The names of the methods that a proxy of `T` has. */
export type MethodName<T> = {
  [K in keyof T & string]: K extends `_${string}` | `$${string}` | keyof ActorHooks ? never
    : T[K] extends (...args: never[]) => unknown ? K
    : never;
}[keyof T & string];

/** What a value becomes on its way to the caller: iterables of items become reply streams. */
export type Arrived<V> = V extends AsyncIterable<infer T> | Generator<infer T, unknown, unknown>
  ? ReplyStream<T>
  : V;

/** What calling a method that returns `R` gives through a proxy. */
export type Answer<R> = 0 extends 1 & R ? AnyCall<R>
  : [R] extends [never] ? Promise<never>
  : [R] extends [AsyncIterable<infer T> | Generator<infer T, unknown, unknown>] ? StreamCall<T>
  : Promise<Arrived<Awaited<R>>>;

/**
 * What every proxy has besides the actor's methods.
 *
 * @typeParam Self The proxy.
 */
export interface ProxyOperations<Self> {
  /** The reference behind the proxy. */
  readonly $ref: ActorRef;
  /** The same proxy whose calls have a deadline or a signal. */
  $with(options: CallOptions): Self;
  /** The same actor with the methods of a class; nothing is checked on the other side. */
  $as<C extends ActorClass>(cls: C): ActorProxy<InstanceType<C>>;
  /** The same actor with any method name. */
  $any(): AnyProxy;
}

/**
 * A typed proxy: exactly the public methods of `T`.
 *
 * A call is sent at once; a call of a generator method is sent when it is iterated or awaited.
 */
export type ActorProxy<T> =
  & {
    readonly [K in MethodName<T>]: T[K] extends (...args: infer A) => infer R
      ? (...args: A) => Answer<R>
      : never;
  }
  & ProxyOperations<ActorProxy<T>>;

/**
 * An untyped proxy: any name is a method; the actor says at the call if it has none.
 *
 * A call can be awaited or iterated. Awaiting the name without a call reads the attribute of the
 * actor, a getter included.
 */
// deno-lint-ignore no-explicit-any -- an untyped proxy is the place where nothing is known
export type AnyProxy = { readonly [method: string]: any } & ProxyOperations<AnyProxy>;

const PROXIED = Symbol.for("@pulsing/core/proxied");
/** Names that JavaScript itself asks every object for. */
const PASSIVE_NAMES: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  "then",
  "toJSON",
  "prototype",
]);
/** What `console.log` of Node, Bun and Deno looks for. */
const INSPECT = [Symbol.for("nodejs.util.inspect.custom"), Symbol.for("Deno.customInspect")];

type ProxyConstructor = new (ref: ActorRef, options?: CallOptions) => ProxyBase;

const classes = new WeakMap<MethodTable, ProxyConstructor>();

class ProxyBase {
  readonly #ref: ActorRef;
  readonly #options: CallOptions | undefined;

  constructor(ref: ActorRef, options?: CallOptions) {
    this.#ref = ref;
    this.#options = options;
  }

  /** Sends a call of a generated method. */
  static ask(proxy: ProxyBase, name: string, args: unknown[]): Promise<unknown> {
    if (proxy === undefined) throw withoutProxy(name);
    return proxy.#ref.target.ask(name, args, proxy.#options);
  }

  /** Prepares a call of a generated method whose answer is a stream. */
  static stream(proxy: ProxyBase, name: string, args: unknown[]): StreamCall<unknown> {
    if (proxy === undefined) throw withoutProxy(name);
    return new StreamCall(proxy.#ref.target, name, args, proxy.#options);
  }

  /** The options of a proxy with others on top. */
  static merged(proxy: ProxyBase, options: CallOptions): CallOptions {
    checkCallOptions(options);
    return { ...proxy.#options, ...options };
  }

  get [PROXIED](): ActorRef {
    return this.#ref;
  }

  get $ref(): ActorRef {
    return this.#ref;
  }

  $with(options: CallOptions): ProxyBase {
    const Same = this.constructor as ProxyConstructor; // every subclass is generated below
    return new Same(this.#ref, ProxyBase.merged(this, options));
  }

  $as(cls: ActorClass): unknown {
    return typedProxy(this.#ref, cls, methodsOf(cls), this.#options);
  }

  $any(): AnyProxy {
    return anyProxy(this.#ref, this.#options);
  }

  /** What people see of the proxy: whose it is. */
  toString(): string {
    return `${this.constructor.name}(${this.#ref})`;
  }

  toJSON(): string {
    return `${this.#ref}`;
  }
}

for (const name of INSPECT) {
  const value = function (this: ProxyBase) {
    return this.toString();
  };
  Object.defineProperty(ProxyBase.prototype, name, { value });
}

/** What stands behind the `Proxy` of an untyped proxy. */
class AnyProxyBase extends ProxyBase {
  override $with(options: CallOptions): ProxyBase {
    return anyProxy(this.$ref, ProxyBase.merged(this, options)) as unknown as ProxyBase; // as typed
  }
}

// Every promise that is resolved with a proxy looks for `then`: found here, it does not reach the
// trap below, which is a fifth of the cost of a spawn on Bun (`bench/local_bench.ts`).
Object.defineProperty(ProxyBase.prototype, "then", { value: undefined });
Object.setPrototypeOf(
  ProxyBase.prototype,
  new Proxy(Object.prototype, {
    get(prototype, name, proxy: object) {
      if (typeof name === "symbol" || PASSIVE_NAMES.has(name) || isIndex(name)) {
        return Reflect.get(prototype, name, proxy);
      }
      throw unknownMethod(name, proxy.constructor.name);
    },
  }),
);

/**
 * Makes a typed proxy.
 *
 * @param ref The actor.
 * @param cls Gives the proxy its name and type.
 * @param methods The methods of the class.
 * @param options For every call through the proxy.
 */
export function typedProxy<C extends ActorClass>(
  ref: ActorRef,
  cls: C,
  methods: MethodTable,
  options?: CallOptions,
): ActorProxy<InstanceType<C>> {
  let Generated = classes.get(methods);
  if (Generated === undefined) {
    Generated = generateClass(cls.name, methods);
    classes.set(methods, Generated);
  }
  // The generated class has one method for each entry of the table, which is the type's list.
  return new Generated(ref, options) as unknown as ActorProxy<InstanceType<C>>;
}

/**
 * Makes an untyped proxy.
 *
 * @param ref The actor.
 * @param options For every call through the proxy.
 */
export function anyProxy(ref: ActorRef, options?: CallOptions): AnyProxy {
  const base = new AnyProxyBase(ref, options);
  const get = (target: ProxyBase, name: string | symbol): unknown => {
    if (typeof name === "symbol" || name[0] === "$" || PASSIVE_NAMES.has(name)) {
      const operation: unknown = Reflect.get(target, name, target);
      return typeof operation === "function" ? operation.bind(target) : operation;
    }
    if (isIndex(name)) return undefined;
    if (name[0] === "_") throw privateMethod(name);
    return anyMethod(ref.target, name, options);
  };
  return new Proxy(base, { get }) as unknown as AnyProxy; // `get` answers every name
}

/** The reference behind a proxy; `undefined` when the value is none. */
export function refOfProxy(value: object): ActorRef | undefined {
  return (value as { readonly [PROXIED]?: ActorRef })[PROXIED]; // absent on other objects
}

function generateClass(name: string, methods: MethodTable): ProxyConstructor {
  const Generated = class extends ProxyBase {};
  Object.defineProperty(Generated, "name", { value: `${name}Proxy` });
  for (const method of methods.values()) {
    const body = proxyMethod(method.name, method.form);
    Object.defineProperty(body, "name", { value: method.name });
    Object.defineProperty(Generated.prototype, method.name, { value: body, writable: true });
  }
  return Generated;
}

function proxyMethod(name: string, form: MethodForm): (...args: unknown[]) => unknown {
  switch (form) {
    case "stream":
      return function (this: ProxyBase, ...args) {
        return ProxyBase.stream(this, name, args);
      };
    case "async":
      return function (this: ProxyBase, ...args) {
        return ProxyBase.ask(this, name, args);
      };
    case "sync":
    case "unknown":
      return function (this: ProxyBase, ...args) {
        return iterable(ProxyBase.ask(this, name, args));
      };
  }
}

function anyMethod(target: ActorTarget, name: string, options?: CallOptions): unknown {
  const call = (...args: unknown[]) => iterable(target.ask(name, args, options));
  // Only awaiting the method itself, without a call, gets here: that reads the attribute.
  const then: PromiseLike<unknown>["then"] = (onValue, onError) =>
    target.ask(READ_ATTRIBUTE, [name], options).then(onValue, onError);
  return Object.assign(call, { then });
}

function isIndex(name: string): boolean {
  const code = name.charCodeAt(0);
  return code >= 0x30 && code <= 0x39; // what inspectors ask for; no method name begins so
}

function withoutProxy(name: string): TypeError {
  return new TypeError(
    `Cannot call "${name}" without its proxy: call it as proxy.${name}(), or pass ` +
      `(...args) => proxy.${name}(...args)`,
  );
}

function unknownMethod(name: string, proxyName: string): TypeError {
  if (name[0] === "_") return privateMethod(name);
  if (name[0] === "$") {
    return new TypeError(`Cannot call "${name}": names that start with "$" belong to the proxy`);
  }
  const className = proxyName.replace(/Proxy$/, "");
  return new TypeError(`Cannot call "${name}": No method "${name}" in actor class "${className}"`);
}

function privateMethod(name: string): TypeError {
  return new TypeError(`Cannot call "${name}": names that start with "_" are private`);
}
