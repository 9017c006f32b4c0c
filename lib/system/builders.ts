/**
 * The builders: the same options one after the other, for those who come from Rust.
 *
 * @module
 */

import type { Receiver } from "../actor/actor.ts";
import type { ActorRef } from "../actor/actor_ref.ts";
import { checkTimeout } from "../actor/call_options.ts";
import type { MailboxOverflow } from "../actor/mailbox.ts";
import type { SpawnOptions } from "../actor/spawn_options.ts";
import { resolveSupervision, type SupervisionOptions } from "../actor/supervision.ts";
import type { NodeId } from "../address.ts";
import type { Policy } from "../cluster/policies.ts";
import type { InitOptions } from "./options.ts";

/**
 * How an actor is restarted, said step by step; each step gives a new specification.
 *
 * @example Restart at most five times a minute
 * ```ts
 * import { SupervisionSpec } from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const spec = SupervisionSpec.onFailure().maxRestarts(5).restartWindowMs(60_000);
 * assert.deepEqual(spec.options, {
 *   restartPolicy: "on-failure",
 *   maxRestarts: 5,
 *   restartWindowMs: 60_000,
 * });
 * ```
 */
export class SupervisionSpec {
  /** The same as options of `spawn`. */
  readonly options: SupervisionOptions;

  /**
   * Begins with options; the static methods begin with a policy.
   *
   * @param options The same as options of `spawn`.
   * @throws {TypeError} The policy is none.
   * @throws {RangeError} A number is out of range.
   */
  constructor(options: SupervisionOptions) {
    resolveSupervision(options);
    this.options = Object.freeze({ ...options });
  }

  /** Never restarted. */
  static never(): SupervisionSpec {
    return new SupervisionSpec({ restartPolicy: "never" });
  }

  /** Restarted when it fails; 3 times when nothing else is said. */
  static onFailure(): SupervisionSpec {
    return new SupervisionSpec({ restartPolicy: "on-failure" });
  }

  /** Restarted when it fails, and when it stops itself. */
  static always(): SupervisionSpec {
    return new SupervisionSpec({ restartPolicy: "always" });
  }

  /** Restarts within the window. */
  maxRestarts(maxRestarts: number): SupervisionSpec {
    return this.#with({ maxRestarts });
  }

  /** Milliseconds in which restarts are counted. */
  restartWindowMs(restartWindowMs: number): SupervisionSpec {
    return this.#with({ restartWindowMs });
  }

  /** Shortest and longest wait before a restart, in milliseconds. */
  backoffMs(minBackoffMs: number, maxBackoffMs: number): SupervisionSpec {
    return this.#with({ minBackoffMs, maxBackoffMs });
  }

  /** Which errors are failures. */
  restartOn(restartOn: (error: unknown) => boolean): SupervisionSpec {
    return this.#with({ restartOn });
  }

  #with(options: SupervisionOptions): SupervisionSpec {
    return new SupervisionSpec({ ...this.options, ...options });
  }
}

/** Options of a new system, one after the other. */
export class SystemBuilder<System> {
  readonly #start: (options: InitOptions) => Promise<System>;
  readonly #options: InitOptions;

  /**
   * Use `ActorSystem.builder()`.
   *
   * @param start Makes the system.
   * @param options What was said already.
   */
  constructor(start: (options: InitOptions) => Promise<System>, options: InitOptions = {}) {
    this.#start = start;
    this.#options = options;
  }

  /** `host:port` to listen on. */
  addr(addr: string): SystemBuilder<System> {
    return this.with({ addr });
  }

  /** Nodes to join the cluster through. */
  seeds(seeds: readonly string[]): SystemBuilder<System> {
    return this.with({ seeds });
  }

  /** The node is the head of its cluster; takes back {@link SystemBuilder.headAddr}. */
  headNode(): SystemBuilder<System> {
    const { headAddr: _, ...others } = this.#options;
    return new SystemBuilder(this.#start, { ...others, isHeadNode: true });
  }

  /** `host:port` of the head whose worker it is; takes back {@link SystemBuilder.headNode}. */
  headAddr(headAddr: string): SystemBuilder<System> {
    const { isHeadNode: _, ...others } = this.#options;
    return new SystemBuilder(this.#start, { ...others, headAddr });
  }

  /** Messages a mailbox holds. */
  mailboxCapacity(mailboxCapacity: number): SystemBuilder<System> {
    return this.with({ mailboxCapacity });
  }

  /** Any options of `actorSystem`. */
  with(options: InitOptions): SystemBuilder<System> {
    return new SystemBuilder(this.#start, { ...this.#options, ...options });
  }

  /** Makes the system; throws what `actorSystem` throws. */
  build(): Promise<System> {
    return this.#start(this.#options);
  }
}

/** What the builder of an actor gives its options to. */
export type Spawn = (
  actor: Receiver | (() => Receiver),
  options: SpawnOptions,
) => Promise<ActorRef>;

/** Options of a new actor, one after the other. */
export class SpawnBuilder {
  readonly #spawn: Spawn;
  readonly #options: SpawnOptions;

  /**
   * Use `system.spawning()`.
   *
   * @param spawn Starts the actor.
   * @param options What was said already.
   */
  constructor(spawn: Spawn, options: SpawnOptions = {}) {
    this.#spawn = spawn;
    this.#options = options;
  }

  /** Makes the actor resolvable. */
  name(name: string): SpawnBuilder {
    return this.with({ name });
  }

  /** How it is restarted; needs a function that makes the actor. */
  supervision(spec: SupervisionSpec): SpawnBuilder {
    return this.with(spec.options);
  }

  /** Messages the mailbox holds. */
  mailboxCapacity(mailboxCapacity: number): SpawnBuilder {
    return this.with({ mailboxCapacity });
  }

  /** What a full mailbox does. */
  mailboxOverflow(mailboxOverflow: MailboxOverflow): SpawnBuilder {
    return this.with({ mailboxOverflow });
  }

  /** Any options of `spawn`. */
  with(options: SpawnOptions): SpawnBuilder {
    return new SpawnBuilder(this.#spawn, { ...this.#options, ...options });
  }

  /**
   * Starts the actor.
   *
   * @param actor Any object with `receive`; a function that makes one when it is to be restarted.
   */
  spawn(actor: Receiver | (() => Receiver)): Promise<ActorRef> {
    return this.#spawn(actor, this.#options);
  }
}

/** How a name is resolved, as the builder collects it. */
export interface ResolveSteps {
  /** Only an actor on this node will do. */
  readonly nodeId?: NodeId;
  /** How one of several is chosen. */
  readonly policy?: Policy;
  /** Whether suspects will not do. */
  readonly filterAlive?: boolean;
  /** How long to wait for the name, in milliseconds. */
  readonly timeoutMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/** What the builder of a reference gives its options to. */
export interface Resolving {
  /** One actor of a name. */
  resolve(name: string, steps: ResolveSteps): Promise<ActorRef>;
  /** A reference that chooses at each call. */
  lazy(name: string, steps: ResolveSteps): ActorRef;
  /** All actors of a name. */
  list(name: string, steps: ResolveSteps): readonly ActorRef[];
}

/** How a name is resolved, one thing after the other. */
export class ResolveBuilder {
  readonly #resolving: Resolving;
  readonly #steps: ResolveSteps;

  /**
   * Use `system.resolving()`.
   *
   * @param resolving Finds the actors.
   * @param steps What was said already.
   */
  constructor(resolving: Resolving, steps: ResolveSteps = {}) {
    this.#resolving = resolving;
    this.#steps = steps;
  }

  /** Only the actor on this node will do. */
  node(nodeId: NodeId): ResolveBuilder {
    return this.#with({ nodeId });
  }

  /**
   * How one of several actors is chosen.
   *
   * @param policy A policy of its own: it may remember what it chose.
   * @default each in turn
   */
  policy(policy: Policy): ResolveBuilder {
    if (typeof policy?.choose !== "function") {
      throw new TypeError(`Cannot use policy "${String(policy)}": it has no method choose`);
    }
    return this.#with({ policy });
  }

  /**
   * Whether only actors on members that are alive will do, or also on suspects.
   *
   * @default false
   */
  filterAlive(filterAlive: boolean): ResolveBuilder {
    return this.#with({ filterAlive });
  }

  /**
   * How long `resolve` waits for the name, in milliseconds, and what ends the wait.
   *
   * @throws {RangeError} The time is below 0 or no number.
   */
  wait(timeoutMs: number, signal?: AbortSignal): ResolveBuilder {
    checkTimeout(timeoutMs);
    return this.#with({ timeoutMs, ...(signal !== undefined && { signal }) });
  }

  /**
   * Finds an actor; the reference stays with it until it is gone.
   *
   * @throws {PulsingRuntimeError} kind `"actor-not-found"`: nothing of that name appeared in time;
   * kind `"no-instance"`: none of those there is on a member that is alive.
   */
  resolve(name: string): Promise<ActorRef> {
    return this.#resolving.resolve(name, this.#steps);
  }

  /**
   * A reference that asks the policy at each call, among the actors that have the name then.
   *
   * @param name A name or path; there need be no such actor yet.
   * @throws {TypeError} The name does not follow the grammar.
   */
  lazy(name: string): ActorRef {
    return this.#resolving.lazy(name, this.#steps);
  }

  /** A reference to each actor of a name. */
  async list(name: string): Promise<readonly ActorRef[]> {
    return await this.#resolving.list(name, this.#steps);
  }

  #with(steps: ResolveSteps): ResolveBuilder {
    return new ResolveBuilder(this.#resolving, { ...this.#steps, ...steps });
  }
}
