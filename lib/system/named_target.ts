/**
 * Where a reference leads that was found by name: to the actor that has the name now.
 *
 * @module
 */

import type { ActorTarget } from "../actor/actor_ref.ts";
import type { CallOptions } from "../actor/call_options.ts";
import { isDisowned } from "../actor/disowned.ts";
import { currentEnvelope, runAcrossTurns } from "../actor/context.ts";
import type { Watcher } from "../actor/death_watch.ts";
import { Envelope, type OnRefused, refused } from "../actor/envelope.ts";
import { told } from "../actor/told.ts";
import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Candidate, Policy, PolicyCall } from "../cluster/policies.ts";
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
  /** During which message it is sent. */
  readonly from: Envelope | undefined;
  /** When the sender stops waiting, on the clock; 0 for never. */
  readonly deadline: number;
  readonly onRefused: OnRefused | undefined;
  /** Actors that have refused it. */
  readonly tried: ReadonlySet<ActorId>;
  /** What the last of them said. */
  readonly refusal: Error | undefined;
}

/**
 * Sends to the actor that has a name; when it is gone, to the one that has the name then.
 *
 * A message moves on only when surely no actor has handled it. What may have been handled fails
 * with a retryable error, and the next call finds the new actor. What is told to another node is
 * on its way once the link took it, and lost when the actor is gone by then: the next message goes
 * to the new actor as soon as the registry knows of it.
 */
export class NamedTarget implements ActorTarget {
  readonly #resolver: Resolver;
  readonly #clock: Clock;
  readonly #naming: Naming;
  /** The actor that all messages are for, or that the reference stands for as a value. */
  #held: ActorTarget | undefined;
  /** What the reference stood for last: as a value it stays that when nobody has the name. */
  #former: ActorTarget | undefined;
  /** The registry that the held actor was looked up in last. */
  #revision: number;

  /**
   * @param actor The actor that was found; absent when the first use finds it.
   */
  constructor(resolver: Resolver, clock: Clock, naming: Naming, actor?: RemoteActor) {
    this.#resolver = resolver;
    this.#clock = clock;
    this.#naming = naming;
    this.#held = this.#former = actor && resolver.targetOf(actor);
    this.#revision = resolver.revision;
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
   * The actor it leads to now; stays the same while that has the name, and until another has it.
   *
   * @throws {PulsingRuntimeError} kind `"no-instance"`: no actor has had the name yet.
   */
  get instance(): ActorTarget {
    const held = this.#stay(undefined, NOBODY) ?? this.#former;
    if (held === undefined) throw noInstance(this.#naming.path, this.#naming.steps);
    return this.#former = held;
  }

  ask(
    method: string | undefined,
    payload: unknown,
    options?: CallOptions,
    onRefused?: OnRefused,
  ): Promise<unknown> {
    const timeoutMs = options?.timeoutMs ?? Infinity;
    const deadline = timeoutMs === Infinity ? 0 : this.#clock.now() + timeoutMs;
    return this.#ask(firstAttempt(method, payload, options, deadline, onRefused));
  }

  tell(method: string | undefined, payload: unknown, options?: CallOptions): Promise<void> {
    return told(this.#tell(firstAttempt(method, payload, options, 0, undefined)));
  }

  watch(watcher: Watcher): void {
    this.instance.watch(watcher);
  }

  unwatch(watcher: Watcher): void {
    (this.#held ?? this.#former)?.unwatch(watcher);
  }

  #ask(attempt: Attempt): Promise<unknown> {
    const { method, payload, options, deadline, onRefused, refusal } = attempt;
    let target: ActorTarget | undefined;
    try {
      target = this.#next(attempt);
    } catch (error) {
      return Promise.reject(error); // the policy's
    }
    if (target === undefined) return refused(this.#noInstance(attempt), onRefused);
    let left = options;
    if (refusal !== undefined && deadline !== 0) {
      const timeoutMs = deadline - this.#clock.now();
      if (timeoutMs <= 0) return Promise.reject(refusal); // its sender has just given up
      left = { ...options, timeoutMs };
    }
    const { actorId } = target;
    const reply = target.ask(method, payload, left, (error) => {
      if (!isElsewhere(error)) return refused(error, onRefused);
      return this.#moveOn(attempt, actorId, error, (next) => this.#ask(next));
    });
    if (this.#naming.choice === "each-call") this.#resolver.count(actorId, reply);
    return reply;
  }

  #tell(attempt: Attempt): Promise<void> {
    const { method, payload, options } = attempt;
    let target: ActorTarget | undefined;
    try {
      target = this.#next(attempt);
    } catch (error) {
      return Promise.reject(error); // the policy's
    }
    if (target === undefined) return Promise.reject(this.#noInstance(attempt));
    const { actorId } = target;
    return target.tell(method, payload, options).catch((error) => {
      if (!isElsewhere(error)) throw error;
      return this.#moveOn(attempt, actorId, error, (next) => this.#tell(next));
    });
  }

  /** An actor has refused a message because it is gone: sends it to another one, as its sender. */
  #moveOn<R>(
    attempt: Attempt,
    refusedBy: ActorId,
    refusal: Error,
    send: (next: Attempt) => Promise<R>,
  ): Promise<R> {
    if (this.#held?.actorId === refusedBy) this.#held = undefined;
    const next = { ...attempt, tried: new Set([...attempt.tried, refusedBy]), refusal };
    // A refusal comes in anybody's turn: a message of nobody keeps it from counting as theirs.
    return runAcrossTurns(attempt.from ?? new Envelope(undefined, undefined), () => send(next));
  }

  /** The actor that gets the next message; `undefined` when there is none that was not tried. */
  #next({ method, payload, tried }: Attempt): ActorTarget | undefined {
    const call = { method, payload };
    return this.#naming.choice === "once" ? this.#stay(call, tried) : this.#choose(call, tried);
  }

  /** The actor that is held, as long as it has the name and will do; else another one. */
  #stay(call: PolicyCall | undefined, tried: ReadonlySet<ActorId>): ActorTarget | undefined {
    const held = this.#held;
    if (held !== undefined && !tried.has(held.actorId) && !this.#isReplaced(held)) return held;
    return this.#held = this.#choose(call, tried);
  }

  /** Whether, by news since the last look, an actor does not have the name any more. */
  #isReplaced({ actorId }: ActorTarget): boolean {
    const { revision } = this.#resolver;
    if (revision === this.#revision) return false;
    this.#revision = revision;
    const now = this.#resolver.candidates(this.#naming.path);
    return !now.some((candidate) => candidate.actorId === actorId);
  }

  #choose(call: PolicyCall | undefined, tried: ReadonlySet<ActorId>): ActorTarget | undefined {
    const { path, steps, policy } = this.#naming;
    const choices = this.#resolver.choices(path, steps).filter(({ actorId }) =>
      !tried.has(actorId)
    );
    const chosen = chooseBy(policy, choices, call);
    return chosen && this.#resolver.targetOf(chosen);
  }

  /** What the last actor said, when there was one: it says more than that there is none now. */
  #noInstance({ refusal }: Attempt): Error {
    return refusal ?? noInstance(this.#naming.path, this.#naming.steps);
  }
}

function firstAttempt(
  method: string | undefined,
  payload: unknown,
  options: CallOptions | undefined,
  deadline: number,
  onRefused: OnRefused | undefined,
): Attempt {
  const from = currentEnvelope();
  return { method, payload, options, from, deadline, onRefused, tried: NOBODY, refusal: undefined };
}

/**
 * Lets a policy choose.
 *
 * @throws {TypeError} It chose something else than one of them.
 */
export function chooseBy<C extends Candidate>(
  policy: Policy,
  choices: readonly C[],
  call: PolicyCall | undefined,
): C | undefined {
  const chosen = policy.choose(Object.freeze([...choices]), call); // changing it is the policy's error
  if (chosen === undefined || choices.includes(chosen)) return chosen;
  isDisowned(chosen);
  throw new TypeError("Cannot use policy: it chose something else than one of the candidates");
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

/** Whether an error that refused a message says that its actor, or its node, is gone. */
export function isElsewhere(error: unknown): error is Error {
  return isPulsingError(error) && ELSEWHERE.has(error.kind);
}
