/**
 * Where a reference leads that was found by name: to the actor that has the name now.
 *
 * @module
 */

import type { ActorTarget } from "../actor/actor_ref.ts";
import type { CallOptions } from "../actor/call_options.ts";
import type { Watcher } from "../actor/death_watch.ts";
import type { OnRefused } from "../actor/envelope.ts";
import { told } from "../actor/told.ts";
import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Policy } from "../cluster/policies.ts";
import { type ErrorKind, isPulsingError, PulsingRuntimeError } from "../errors.ts";
import type { RemoteActor } from "../remote/remote_ref.ts";
import type { ResolveSteps } from "./builders.ts";
import type { Resolver } from "./resolver.ts";

/** Which actors a reference may lead to, and how one of them is chosen. */
export interface Naming {
  readonly path: ActorPath;
  /** Which of the actors that have the name will do. */
  readonly steps: ResolveSteps;
  readonly policy: Policy;
  /** Whether each call is for the actor that the policy chooses then, or all for one. */
  readonly choice: "each-call" | "once";
}

/** A message on its way to one of several actors. */
interface Attempt {
  readonly method: string | undefined;
  readonly payload: unknown;
  readonly options: CallOptions | undefined;
  /** When the sender stops waiting, on the clock; 0 for never. */
  readonly deadline: number;
  readonly onRefused: OnRefused | undefined;
  /** Actors that have refused it. */
  readonly tried: Set<ActorId>;
}

/**
 * Sends to the actor that has a name; when it is gone, to the one that has the name then.
 *
 * A message moves on only when surely no actor has handled it. What may have been handled fails
 * with a retryable error, and the next call finds the new actor.
 */
export class NamedTarget implements ActorTarget {
  readonly #resolver: Resolver;
  readonly #clock: Clock;
  readonly #naming: Naming;
  #actor: RemoteActor | undefined;
  #target: ActorTarget | undefined;

  /**
   * @param actor The actor that was found; absent when the first call finds it.
   */
  constructor(resolver: Resolver, clock: Clock, naming: Naming, actor?: RemoteActor) {
    this.#resolver = resolver;
    this.#clock = clock;
    this.#naming = naming;
    this.#actor = actor;
    this.#target = actor && resolver.targetOf(actor);
  }

  get path(): ActorPath {
    return this.#naming.path;
  }

  get actorId(): ActorId {
    return this.instance.actorId;
  }

  get nodeId(): NodeId {
    return this.instance.nodeId;
  }

  get address(): string | undefined {
    return this.instance.address;
  }

  get className(): string | undefined {
    return this.instance.className;
  }

  /**
   * The actor it leads to now.
   *
   * @throws {PulsingRuntimeError} kind `"no-instance"`: no actor has the name.
   */
  get instance(): ActorTarget {
    const target = this.#target ?? this.#choose({}, NOBODY);
    if (target === undefined) throw this.#noInstance();
    return target;
  }

  ask(
    method: string | undefined,
    payload: unknown,
    options?: CallOptions,
    onRefused?: OnRefused,
  ): Promise<unknown> {
    const timeoutMs = options?.timeoutMs ?? Infinity;
    const deadline = timeoutMs === Infinity ? 0 : this.#clock.now() + timeoutMs;
    const tried = new Set<ActorId>();
    return this.#ask({ method, payload, options, deadline, onRefused, tried });
  }

  tell(method: string | undefined, payload: unknown, options?: CallOptions): Promise<void> {
    return told(this.#tell(method, payload, options));
  }

  async #tell(
    method: string | undefined,
    payload: unknown,
    options: CallOptions | undefined,
  ): Promise<void> {
    const tried = new Set<ActorId>();
    for (let last: unknown;;) {
      const target = this.#next(method, payload, tried);
      if (target === undefined) throw this.#noInstance(last);
      try {
        return await target.tell(method, payload, options);
      } catch (error) {
        if (!isElsewhere(error)) throw error;
        last = error;
        this.#leave(target, tried);
      }
    }
  }

  watch(watcher: Watcher): void {
    this.instance.watch(watcher);
  }

  unwatch(watcher: Watcher): void {
    this.#target?.unwatch(watcher);
  }

  #ask(attempt: Attempt, last?: Error): Promise<unknown> {
    const { method, payload, options, deadline, onRefused, tried } = attempt;
    const target = this.#next(method, payload, tried);
    if (target === undefined) {
      const error = this.#noInstance(last);
      return onRefused === undefined ? Promise.reject(error) : onRefused(error);
    }
    const left = tried.size === 0 || deadline === 0
      ? options
      : { ...options, timeoutMs: Math.max(0, deadline - this.#clock.now()) };
    const reply = target.ask(method, payload, left, (error) => {
      if (!isElsewhere(error)) {
        return onRefused === undefined ? Promise.reject(error) : onRefused(error);
      }
      this.#leave(target, tried);
      return this.#ask(attempt, error);
    });
    if (this.#naming.choice === "each-call") this.#resolver.count(target.actorId, reply);
    return reply;
  }

  /** The actor that gets the next message; `undefined` when there is none that was not tried. */
  #next(
    method: string | undefined,
    payload: unknown,
    tried: ReadonlySet<ActorId>,
  ): ActorTarget | undefined {
    if (this.#naming.choice === "once" && this.#target !== undefined) return this.#target;
    return this.#choose({ method, payload }, tried);
  }

  #choose(
    call: { readonly method?: string | undefined; readonly payload?: unknown },
    tried: ReadonlySet<ActorId>,
  ): ActorTarget | undefined {
    const { path, steps, policy, choice } = this.#naming;
    const candidates = this.#resolver.candidates(path, steps)
      .filter(({ actorId }) => !tried.has(actorId))
      .map((actor) => ({ ...actorOf(actor), inFlight: this.#resolver.inFlight(actor.actorId) }));
    const chosen = policy.choose(candidates, call);
    if (chosen === undefined) return undefined;
    const isSame = this.#actor?.actorId === chosen.actorId && this.#target !== undefined;
    const target = isSame ? this.#target : this.#resolver.targetOf(chosen);
    if (choice === "each-call" && isSame) return target;
    this.#actor = chosen;
    return this.#target = target;
  }

  /** An actor has refused a message: it is gone. */
  #leave(target: ActorTarget, tried: Set<ActorId>): void {
    tried.add(target.actorId);
    if (this.#target === target) this.#target = undefined;
  }

  /** What the last actor said, when there was one: it says more than that there is none now. */
  #noInstance(last?: unknown): Error {
    return last instanceof Error ? last : noInstance(this.#naming.path, this.#naming.steps);
  }
}

/** The error for a message to a name that no actor has: nothing was sent. */
export function noInstance(
  path: ActorPath,
  { nodeId }: ResolveSteps,
): PulsingRuntimeError {
  const where = nodeId === undefined ? "in the cluster" : `on node ${nodeId}`;
  return new PulsingRuntimeError(`Cannot reach "${path}": no actor ${where} has the name now`, {
    kind: "no-instance",
    retryable: true,
    actor: path,
    ...(nodeId !== undefined && { nodeId }),
  });
}

const NOBODY: ReadonlySet<ActorId> = new Set();

const ELSEWHERE: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  "actor-stopped",
  "actor-not-found",
  "node-unreachable",
  "handshake-failed",
]);

/** Whether an error that refused a message says that its actor is gone. */
function isElsewhere(error: unknown): boolean {
  return isPulsingError(error) && ELSEWHERE.has(error.kind);
}

/** What is said of an actor, without what else its cell can do. */
function actorOf({ actorId, nodeId, path, address, className }: RemoteActor): RemoteActor {
  return { actorId, nodeId, path, address, className };
}
