/**
 * The global system and the functions that use it.
 *
 * @module
 */

import type { Receiver } from "../actor/actor.ts";
import type { ActorRef } from "../actor/actor_ref.ts";
import { currentContext } from "../actor/context.ts";
import type { ActorClass, ActorProxy, AnyProxy } from "../actor/proxy.ts";
import type { ActorId } from "../address.ts";
import { PulsingRuntimeError } from "../errors.ts";
import { type ActorContext, ActorSystem, type MountOptions } from "./actor_system.ts";
import { defaultTransport } from "./default_transport.ts";
import { type InitOptions, isSameOptions } from "./options.ts";
import type { SpawnOptions } from "../actor/spawn_options.ts";
import type { ResolveOptions } from "./resolve_options.ts";

/** Options of {@link resolve}. */
export interface TypedResolveOptions<C extends ActorClass> extends ResolveOptions {
  /** The class whose methods the proxy gets. */
  readonly cls: C;
}

interface GlobalSystem {
  readonly options: InitOptions;
  readonly starting: Promise<ActorSystem>;
  /** Ends the joining of one that is still starting. */
  readonly joining: AbortController;
  system: ActorSystem | undefined;
  /** Settles when the system has ended, once somebody has begun to shut it down. */
  ending: Promise<void> | undefined;
}

let global: GlobalSystem | undefined;
/**
 * Makes the global system, or returns it when it is there.
 *
 * One that is being shut down is waited for, and a new one is made.
 *
 * @param options How; without options any running global system will do.
 * @returns The system; with `seeds` after one of them has answered, with `headAddr` after the head
 * has.
 * @throws {PulsingRuntimeError} kind `"already-initialized"`: it runs with other options; kind
 * `"join-failed"`: no seed, or not the head, answered in time; kind `"listen-failed"`: the address
 * is not free.
 */
export function init(options?: InitOptions): Promise<ActorSystem> {
  if (global === undefined) return startGlobal(options ?? {});
  if (global.ending !== undefined) return global.ending.then(() => init(options));
  if (options === undefined || isSameOptions(global.options, options)) return global.starting;
  return Promise.reject(
    new PulsingRuntimeError(
      "Cannot initialize the global system: it runs with other options, shut it down first or " +
        "use actorSystem() for a second one",
      { kind: "already-initialized" },
    ),
  );
}

/** Ends the global system, if there is one. */
export async function shutdown(): Promise<void> {
  if (global !== undefined) await end(global);
}

/**
 * The global system.
 *
 * @throws {PulsingRuntimeError} kind `"not-initialized"`.
 */
export function getSystem(): ActorSystem {
  if (isRunning(global)) return global.system;
  throw new PulsingRuntimeError(
    "Cannot get the global system: not initialized, call init() first",
    { kind: "not-initialized" },
  );
}

/** Whether the global system runs. */
export function isInitialized(): boolean {
  return isRunning(global);
}

/**
 * Makes a system of its own; the global one is not touched.
 *
 * @param options How.
 * @returns The system, to be shut down by the caller; `await using` does it.
 * @throws As {@link init}.
 */
export async function actorSystem(options: InitOptions = {}): Promise<ActorSystem> {
  return await ActorSystem.start(options, defaultTransport);
}

/**
 * Starts an actor that takes its messages itself, in the global system.
 *
 * @param actor Any object with `receive`; a function that makes one when it is to be restarted.
 * @param options Name, mailbox, supervision.
 */
export async function spawn(
  actor: Receiver | (() => Receiver),
  options?: SpawnOptions,
): Promise<ActorRef> {
  return await getSystem().spawn(actor, options);
}

/**
 * Makes an existing object an actor of the global system; see {@link ActorSystem.mount}.
 *
 * @param instance Its public methods, or its `receive`, become the messages.
 * @param options The name, and whether other nodes find it.
 */
export function mount(instance: object, options: MountOptions): void {
  getSystem().mount(instance, options);
}

/**
 * Stops a mounted actor; does nothing when there is none, or no global system.
 *
 * @param name The name it was mounted with.
 */
export function unmount(name: string): void {
  if (isRunning(global)) global.system.unmount(name);
}

/**
 * Finds an actor by name in the cluster of the global system.
 *
 * @param name A name or path; without `/` it means `actors/<name>`.
 * @param options Class, node, wait.
 * @returns A proxy: typed with `cls`, else one that takes any method.
 */
export function resolve<C extends ActorClass>(
  name: string,
  options: TypedResolveOptions<C>,
): Promise<ActorProxy<InstanceType<C>>>;
/**
 * The untyped form: the proxy takes any method name.
 *
 * @param name A name or path.
 * @param options Node and wait.
 */
export function resolve(name: string, options?: ResolveOptions): Promise<AnyProxy>;
export async function resolve(
  name: string,
  options: ResolveOptions & { readonly cls?: ActorClass } = {},
): Promise<unknown> {
  const ref = await getSystem().resolve(name, options);
  return options.cls === undefined ? ref.asAny() : ref.asType(options.cls);
}

/**
 * Makes a reference of an actor id, in the global system.
 *
 * @param actorId 32 hex digits.
 */
export async function refer(actorId: ActorId): Promise<ActorRef> {
  return await getSystem().refer(actorId);
}

/**
 * The context of the running method: who am I, who called, how long do I have.
 *
 * @throws {PulsingRuntimeError} kind `"unsupported"`: the code was not called by an actor.
 */
export function context(): ActorContext {
  return currentContext() as ActorContext; // cells of a system carry that system
}

function startGlobal(options: InitOptions): Promise<ActorSystem> {
  const onShutdown = () => void end(started);
  const joining = new AbortController();
  const starting = ActorSystem.start(options, defaultTransport, onShutdown, joining.signal);
  const started: GlobalSystem = {
    options,
    starting,
    joining,
    system: undefined,
    ending: undefined,
  };
  global = started;
  starting.then((system) => started.system = system, () => forget(started));
  return starting;
}

/** Shuts a global system down, also one that is still starting. */
function end(ending: GlobalSystem): Promise<void> {
  ending.joining.abort(
    new PulsingRuntimeError("Cannot initialize the global system: it is shut down meanwhile", {
      kind: "shutdown",
    }),
  );
  return ending.ending ??= ending.starting
    .then((system) => system.shutdown(), () => {}) // whoever started it was told
    .finally(() => forget(ending));
}

function forget(ended: GlobalSystem): void {
  if (global === ended) global = undefined;
}

function isRunning(
  candidate: GlobalSystem | undefined,
): candidate is GlobalSystem & { readonly system: ActorSystem } {
  return candidate?.system !== undefined && candidate.ending === undefined;
}
