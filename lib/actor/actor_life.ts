/**
 * What happens to an actor besides its messages: start, failure, restart, stop, kin and watch.
 *
 * ```text
 *   starting ──onStart──► running ──stop──► stopping ──onStop──► stopped
 *      │                   │   ▲               ▲
 *      └─── it fails ──────┤   │ onStart       │ stop, or no restart is left
 *                          ▼   │               │
 *                         restarting ──────────┘        kill: from everywhere, at once
 * ```
 *
 * @module
 */

import type { ActorId, ActorPath } from "../address.ts";
import { endsWithin } from "../clock.ts";
import { asActorError, PulsingRuntimeError } from "../errors.ts";
import type { ActorHooks } from "./actor.ts";
import type { ActorCell } from "./actor_cell.ts";
import type { ActorTarget } from "./actor_ref.ts";
import type { CellNode } from "./cell_node.ts";
import type { CellContext } from "./context.ts";
import { isDisowned } from "./disowned.ts";
import type { Terminated, TerminationReason, Watcher } from "./death_watch.ts";
import { actorStopped, type Interruption } from "./stopped_target.ts";
import { decideRestart, type Supervision } from "./supervision.ts";

/** Where an actor is in its life. */
export type CellState = "starting" | "running" | "restarting" | "stopping" | "stopped";

/** The actor as its life sees it. */
export interface LivingCell extends Watcher {
  readonly node: CellNode;
  readonly actorId: ActorId;
  readonly path: ActorPath | undefined;
  readonly label: string;
  readonly state: CellState;
  /** The hooks of the instance; `undefined` while there is none. */
  readonly hooks: ActorHooks | undefined;
  /** Goes over to a state; queued messages fail when it is `"stopping"`. */
  enter(state: "restarting" | "stopping"): void;
  /** Makes an instance; throws what its constructor throws. */
  renew(): void;
  /** The instance is ready: messages come in. */
  letIn(): void;
  /** Runs a hook as code of the actor. */
  runHook(hook: (hooks: ActorHooks, context: CellContext) => unknown): Promise<void>;
  /** Waits for the calls under way, and fails those that take too long. */
  finishRunning(): Promise<void>;
  /** Fails the calls under way now. */
  abandonRunning(why: Interruption, cause?: Error): void;
  /** The instance is over: its timers and its signal end. */
  retire(): void;
  /** The actor is over: its queue fails and its name is free. */
  end(cause?: Error): void;
}

/** What an actor failed with. */
interface Failure {
  readonly error: Error;
}

/** How an actor ends. */
interface Verdict {
  readonly reason: TerminationReason;
  readonly failure: Failure | undefined;
}

/** The life of one actor; made when it has one worth managing. */
export class ActorLife {
  readonly #cell: LivingCell;
  readonly #supervision: Supervision | undefined;
  readonly #parent: ActorCell | undefined;
  /** In the order in which they were started. */
  readonly #children = new Map<ActorId, ActorCell>();
  readonly #watchers = new Map<string, Watcher>();
  readonly #watching = new Map<ActorId, ActorTarget>();
  #restarts: readonly number[] = [];
  #restartCount = 0;
  /** Whether the instance has started, so that its `onStop` is due. */
  #isUp: boolean;
  #starting: Promise<void> | undefined = undefined;
  #isBeginning = false;
  #giveUpStart: (() => void) | undefined = undefined;
  #recovering: Promise<void> | undefined = undefined;
  #endBackoff: (() => void) | undefined = undefined;
  #giveUpHook: (() => void) | undefined = undefined;
  /** Set once no restart is left: no later stop changes why the actor ends. */
  #verdict: Verdict | undefined = undefined;
  #stopped: Promise<void> | undefined = undefined;
  #notice: Terminated | undefined = undefined;

  constructor(
    cell: LivingCell,
    supervision: Supervision | undefined,
    parent: ActorCell | undefined,
  ) {
    this.#cell = cell;
    this.#supervision = supervision;
    this.#parent = parent;
    this.#isUp = cell.state === "running";
  }

  /** Restarts so far. */
  get restartCount(): number {
    return this.#restartCount;
  }

  /** Children, watchers and watched actors, all together. */
  get ties(): number {
    return this.#children.size + this.#watchers.size + this.#watching.size;
  }

  /** What it failed with for good. */
  get failure(): Error | undefined {
    return this.#notice?.error ?? this.#verdict?.failure?.error;
  }

  /** How the actor ended, once it has. */
  get notice(): Terminated | undefined {
    return this.#notice;
  }

  /**
   * Starts the first instance.
   *
   * @throws What its constructor or `onStart` threw, as an actor error, when the actor is never
   * restarted; otherwise a failed start is followed by a restart.
   */
  async start(): Promise<void> {
    try {
      await this.#begin();
    } catch (thrown) {
      const error = asActorError(thrown, this.#cell.label);
      if (this.#cell.state !== "starting" || this.#supervision === undefined) {
        await this.#endStart({ error });
        throw error;
      }
      return this.#recover(this.#supervision, { error });
    }
    if (this.#cell.state === "starting") this.#cell.letIn();
  }

  /** Ends a start that takes too long: whoever waits for it gets the error of a stopped actor. */
  abandonStart(): void {
    this.#giveUpStart?.();
    if (this.#cell.state !== "starting" || this.#children.size > 0) return;
    this.#stopped ??= Promise.resolve();
    this.#end("stopped", undefined); // now: its name is free before its spawn rejects
  }

  /** A throw left the actor's code: the instance may have to go. */
  failed(thrown: unknown): void {
    const spec = this.#supervision;
    if (spec === undefined || this.#cell.state !== "running") return;
    try {
      const verdict = spec.restartOn(thrown);
      if (!verdict) return;
      if (isDisowned(verdict)) throw new TypeError("Cannot use restartOn: it gave a promise");
    } catch (error) {
      this.#cell.node.logger.error("an actor's restartOn failed", {
        actor: this.#cell.label,
        error,
      });
    }
    this.#recover(spec, { error: asActorError(thrown, this.#cell.label) });
  }

  /** The actor stops itself. */
  stopItself(): Promise<void> {
    const spec = this.#supervision;
    const { state } = this.#cell;
    if (spec?.restartPolicy !== "always" || this.#isBeginning) return this.stop();
    if (state === "running") this.#recover(spec, undefined);
    return Promise.resolve();
  }

  /** Ends the actor, its children first, the last started one first. */
  stop(reason: TerminationReason = "stopped"): Promise<void> {
    return this.#stopped ??= this.#stop(reason, undefined);
  }

  /** Ends the actor and its children now; no hook runs. */
  kill(): void {
    if (this.#cell.state === "stopped") return;
    this.#stopped ??= Promise.resolve();
    this.#cell.abandonRunning("was killed");
    for (const child of [...this.#children.values()].reverse()) child.kill();
    this.#end("killed", undefined);
    this.#giveUpStart?.();
    this.#endBackoff?.();
    this.#giveUpHook?.();
  }

  /** Whether there is an instance that children can belong to. */
  get canHaveChildren(): boolean {
    return this.#cell.hooks !== undefined;
  }

  /** An actor was started by this one. */
  addChild(child: ActorCell): void {
    this.#children.set(child.actorId, child);
  }

  /** Tells somebody of this actor's end. */
  addWatcher(watcher: Watcher): void {
    this.#watchers.set(watcher.watcherId, watcher);
  }

  /** Undoes {@link ActorLife.addWatcher}. */
  removeWatcher(watcher: Watcher): void {
    this.#watchers.delete(watcher.watcherId);
  }

  /**
   * Lets this actor hear of another one's end.
   *
   * @throws {PulsingRuntimeError} kind `"limit-exceeded"`: it watches too many.
   */
  watch(target: ActorTarget): void {
    const { state, label, node } = this.#cell;
    if (state === "stopped" || this.#watching.has(target.actorId)) return;
    if (this.#watching.size >= node.limits.watches) throw tooManyWatches(label);
    target.watch(this.#cell); // may be refused
    this.#watching.set(target.actorId, target);
  }

  /** Undoes {@link ActorLife.watch}. */
  unwatch(target: ActorTarget): void {
    if (this.#watching.delete(target.actorId)) target.unwatch(this.#cell);
  }

  /** Undoes {@link ActorLife.watch} for whoever had a name then. */
  unwatchName(path: ActorPath | undefined): void {
    for (const target of [...this.#watching.values()]) {
      if (target.path === path) this.unwatch(target);
    }
  }

  /** Takes note of a watched actor's end; `false` when it is not watched any more. */
  heardOf(notice: Terminated): boolean {
    return this.#watching.delete(notice.id);
  }

  /** Starts an instance; a stop that comes while `onStart` has not returned yet knows of it. */
  #begin(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#starting = promise;
    this.#isBeginning = true;
    this.#startInstance().then(resolve, reject);
    return promise.finally(() => this.#isBeginning = false);
  }

  async #startInstance(): Promise<void> {
    const cell = this.#cell;
    if (cell.hooks === undefined) cell.renew();
    if (cell.hooks?.onStart !== undefined) {
      const { promise: givenUp, reject } = Promise.withResolvers<never>();
      this.#giveUpStart = () => reject(actorStopped(cell.label, cell.node.nodeId));
      try {
        await Promise.race([
          cell.runHook((hooks, context) => hooks.onStart?.(cell.actorId, context)),
          givenUp,
        ]);
      } finally {
        this.#giveUpStart = undefined;
      }
    }
    this.#isUp = true;
  }

  /** A start that failed is the actor's end; what it started before goes first. */
  async #endStart(failure: Failure): Promise<void> {
    if (this.#children.size > 0) await this.#stopChildren("stopped");
    if (this.#cell.state === "starting") this.#end("failed", failure);
  }

  #recover(spec: Supervision, failure: Failure | undefined): void {
    const recovering = this.#recovering = this.#restart(spec, failure).then(() => {
      this.#recovering = undefined;
      const lost = this.#verdict;
      if (lost !== undefined) void (this.#stopped ??= this.#stop(lost.reason, lost.failure));
    });
    recovering.catch((error) => this.#cell.node.logger.error("a restart failed", { error }));
  }

  /** Makes new instances until one starts, or none is left. */
  async #restart(spec: Supervision, first: Failure | undefined): Promise<void> {
    const cell = this.#cell;
    const { clock, random, logger } = cell.node;
    for (let failure = first;;) {
      const decision = decideRestart(spec, this.#restarts, clock.now(), random);
      if (decision.kind === "give-up") {
        this.#verdict = { reason: failure === undefined ? "stopped" : "failed", failure };
        return this.#giveUp(failure);
      }
      cell.enter("restarting");
      const { delayMs } = decision;
      this.#restarts = decision.restarts;
      this.#restartCount++;
      cell.node.counters.restarts++;
      logger.warn("actor restarts", { actor: cell.label, delayMs, error: failure?.error });
      await this.#tearDown(failure === undefined ? "stopped" : "failed", failure);
      await this.#backOff(delayMs);
      if (cell.state !== "restarting") return;
      try {
        await this.#begin();
      } catch (thrown) {
        if (cell.state !== "restarting") return;
        failure = { error: asActorError(thrown, cell.label) };
        continue;
      }
      if (cell.state === "restarting") cell.letIn();
      return;
    }
  }

  /** No restart is left. Without anything to wait for the name is free before callers hear of it. */
  #giveUp(failure: Failure | undefined): void {
    const cell = this.#cell;
    if (this.#parent === undefined) { // of a child its parent hears, or says
      const [restarts, error] = [this.#restartCount, failure?.error];
      cell.node.logger.error("actor is out of restarts", { actor: cell.label, restarts, error });
    }
    const waits = failure === undefined || this.#isUp && cell.hooks?.onStop !== undefined ||
      this.#children.size > 0;
    if (waits) return cell.enter("stopping");
    cell.abandonRunning("failed in another call", failure.error);
    this.#stopped ??= Promise.resolve();
    this.#end("failed", failure);
  }

  /** Ends the instance: its calls, its children, its hook, its timers and its watches. */
  async #tearDown(reason: TerminationReason, failure: Failure | undefined): Promise<void> {
    const cell = this.#cell;
    if (failure === undefined) await cell.finishRunning();
    else cell.abandonRunning("failed in another call", failure.error);
    const why = reason === "shutdown" ? reason : "stopped";
    await this.#stopChildren(why);
    if (this.#isUp && cell.state !== "stopped") await this.#runOnStop(reason);
    await this.#stopChildren(why); // those that the hook has started
    this.#isUp = false;
    this.#unwatchAll();
    cell.retire();
  }

  async #stopChildren(reason: TerminationReason): Promise<void> {
    while (this.#children.size > 0) { // what is started meanwhile is one of them
      for (const child of [...this.#children.values()].reverse()) {
        const stopped = child.stop(reason);
        if (child.state !== "stopped") await stopped;
        this.#children.delete(child.actorId);
      }
    }
  }

  async #runOnStop(reason: TerminationReason): Promise<void> {
    const cell = this.#cell;
    if (cell.hooks?.onStop === undefined) return;
    const { clock, limits: { shutdownTimeoutMs }, logger } = cell.node;
    const hook = cell.runHook((hooks) => hooks.onStop?.(reason)).catch((error) =>
      logger.error("actor's onStop failed", { actor: cell.label, error })
    );
    const killed = new Promise<void>((resolve) => this.#giveUpHook = resolve);
    if (await endsWithin(clock, Promise.race([hook, killed]), shutdownTimeoutMs)) return;
    logger.error("actor's onStop was abandoned", { actor: cell.label, shutdownTimeoutMs });
  }

  #backOff(delayMs: number): Promise<void> {
    if (this.#cell.state !== "restarting") return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#cell.node.clock.setTimer(resolve, delayMs);
      this.#endBackoff = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  async #stop(because: TerminationReason, given: Failure | undefined): Promise<void> {
    const cell = this.#cell;
    const { clock, limits } = cell.node;
    cell.enter("stopping");
    this.#endBackoff?.();
    if (this.#starting !== undefined) {
      const started = this.#starting.catch(() => {}); // whoever spawned it hears of the failure
      if (!await endsWithin(clock, started, limits.shutdownTimeoutMs)) this.#giveUpStart?.();
      await started;
    }
    await this.#recovering;
    if (cell.state === "stopped") return;
    const { reason, failure } = this.#verdict ?? { reason: because, failure: given };
    await this.#tearDown(reason, failure);
    if (cell.state === "stopping") this.#end(reason, failure);
  }

  #end(because: TerminationReason, given: Failure | undefined): void {
    const { reason, failure } = this.#verdict ?? { reason: because, failure: given };
    const { actorId: id, path, node } = this.#cell;
    const notice: Terminated = this.#notice = {
      id,
      nodeId: node.nodeId,
      reason,
      ...(path !== undefined && { path }),
      ...(failure !== undefined && { error: failure.error }),
    };
    this.#unwatchAll();
    this.#cell.end(failure?.error);
    node.ended(notice);
    const watchers = [...this.#watchers.values()];
    this.#watchers.clear();
    const escalates = failure !== undefined && this.#supervision !== undefined;
    this.#parent?.childEnded(id, escalates ? failure.error : undefined);
    for (const watcher of watchers) queueMicrotask(() => watcher.terminated(notice));
  }

  /** A child is gone; when it failed for good, and nobody here watches it, that is our failure. */
  childEnded(child: ActorId, failure: Error | undefined): void {
    this.#children.delete(child);
    if (failure === undefined || this.#watching.has(child)) return;
    const { node, label, state } = this.#cell;
    if (this.#supervision !== undefined && state === "running") {
      return this.#recover(this.#supervision, { error: failure });
    }
    node.logger.error("a child failed for good and its parent does not watch it", {
      actor: label,
      child,
      error: failure,
    });
  }

  #unwatchAll(): void {
    for (const target of this.#watching.values()) target.unwatch(this.#cell);
    this.#watching.clear();
  }
}

function tooManyWatches(label: string): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot watch from actor "${label}": it watches too many already, unwatch some first`,
    { kind: "limit-exceeded", actor: label },
  );
}
