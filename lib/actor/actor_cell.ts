/**
 * One running actor: takes messages from its mailbox and runs the user's code.
 *
 * How it starts, fails, restarts and stops is the business of its {@link ActorLife}.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { Timer } from "../clock.ts";
import { asActorError, asError, type PulsingRuntimeError } from "../errors.ts";
import type { ActorHooks } from "./actor.ts";
import type { ActorBody } from "./actor_body.ts";
import { ActorLife, type CellState, type LivingCell } from "./actor_life.ts";
import { ActorRef, type ActorTarget } from "./actor_ref.ts";
import { breakCycle } from "./ask_cycle.ts";
import type { CallOptions } from "./call_options.ts";
import type { CellNode, CellOptions } from "./cell_node.ts";
import { type CellContext, contextOf, enterTurn, leaveTurn, runAcrossTurns } from "./context.ts";
import type { Terminated, TerminationReason, Watcher } from "./death_watch.ts";
import type { Runnable } from "./dispatcher.ts";
import { letterOf } from "./dead_letters.ts";
import { Envelope, type OnRefused } from "./envelope.ts";
import { askThrough, type InterceptedWay, tellThrough } from "./intercepted_send.ts";
import { incomingCall } from "./intercepted_call.ts";
import type { Interceptors } from "./interceptors.ts";
import { InstanceExtra } from "./instance_extra.ts";
import { askLocally, type Inbox, tellLocally } from "./local_call.ts";
import { LocalStream } from "./local_stream.ts";
import { Mailbox, mailboxFull } from "./mailbox.ts";
import { type Metadata, metadataOf } from "./metadata.ts";
import { isThenable, learnForm, type Method } from "./methods.ts";
import { iteratorOf, ReplyStream } from "./reply_stream.ts";
import { RunningCalls } from "./running_calls.ts";
import { actorStopped, callInterrupted, type Interruption } from "./stopped_target.ts";

export type { CellState } from "./actor_life.ts";

/** One running actor. */
export class ActorCell implements ActorTarget, Inbox, LivingCell, Runnable {
  readonly node: CellNode;
  readonly actorId: ActorId;
  readonly path: ActorPath | undefined;
  readonly className: string | undefined;
  /** When it was spawned, in whole milliseconds on the node's clock. */
  readonly spawnedAt: number;
  readonly #makeBody: () => ActorBody;
  readonly #mailbox: Mailbox;
  #body: ActorBody | undefined = undefined;
  #state: CellState = "starting";
  #isScheduled = false;
  // Made when they are first needed, which is what makes spawning cheap.
  #life: ActorLife | undefined = undefined;
  #extra: InstanceExtra | undefined = undefined;
  #running: RunningCalls | undefined = undefined;
  #ref: ActorRef | undefined = undefined;

  constructor(node: CellNode, actorId: ActorId, makeBody: () => ActorBody, options: CellOptions) {
    this.node = node;
    this.actorId = actorId;
    this.path = options.path;
    this.className = options.className;
    this.spawnedAt = node.roughTime;
    this.#makeBody = makeBody;
    const capacity = options.mailboxCapacity ?? node.limits.mailboxCapacity;
    this.#mailbox = new Mailbox(capacity, node.limits.mailboxWaiters, options.mailboxOverflow);
    if (options.supervision !== undefined || options.parent !== undefined) {
      this.#life = new ActorLife(this, options.supervision, options.parent);
    }
  }

  get nodeId(): NodeId {
    return this.node.nodeId;
  }

  get address(): string | undefined {
    return this.node.address;
  }

  get state(): CellState {
    return this.#state;
  }

  /** Whether the actor works on the call with a serial. */
  isAtWork(serial: number): boolean {
    for (const running of this.#running ?? []) if (running.serial === serial) return true;
    // An actor that asks itself before it has started waits for its own start.
    return this.#isBeginning && this.#extra?.envelope.serial === serial;
  }

  /** Whether the next message waits until the one before is answered. */
  get isSequential(): boolean {
    return this.#isBeginning || (this.#body?.isSequential ?? false);
  }

  /** Messages that wait, those of waiting senders included. */
  get mailboxLength(): number {
    return this.#mailbox.length;
  }

  get mustWait(): boolean {
    return this.#mailbox.isFull && this.#mailbox.overflow === "wait";
  }

  /** Restarts so far. */
  get restartCount(): number {
    return this.#life?.restartCount ?? 0;
  }

  get hooks(): ActorHooks | undefined {
    return this.#body?.hooks;
  }

  get watcherId(): string {
    return this.actorId;
  }

  /** A reference to this actor. */
  get ref(): ActorRef {
    return this.#ref ??= new ActorRef(this);
  }

  /** Carries the context of hooks, which belong to no message. */
  get lifeEnvelope(): Envelope {
    return this.#extras.envelope;
  }

  /** The name for errors: the path, or the id of an anonymous actor. */
  get label(): string {
    return this.path ?? this.actorId;
  }

  /** The actor's start and end, its kin and who watches it. */
  get life(): ActorLife {
    return this.#life ??= new ActorLife(this, undefined, undefined);
  }

  /**
   * Facts the actor tells about itself, later when its hook is async.
   *
   * @throws {PulsingActorError} The hook threw, or gave something else than texts.
   */
  metadata(): Metadata | Promise<Metadata> {
    return metadataOf(this.hooks, this.label);
  }

  /**
   * Makes the instance, runs `onStart`, then lets messages in.
   *
   * @throws What the constructor or `onStart` threw, as an actor error; the actor is stopped then.
   */
  start(): Promise<void> {
    if (this.#life !== undefined) return this.#life.start();
    try {
      this.renew();
    } catch (error) {
      this.end();
      throw asActorError(error, this.path);
    }
    if (this.hooks?.onStart !== undefined) return this.life.start();
    this.letIn();
    return SETTLED;
  }

  ask(
    method: string | undefined,
    payload: unknown,
    options?: CallOptions,
    onRefused?: OnRefused,
  ): Promise<unknown> {
    const { interceptors } = this.node;
    if (interceptors === undefined) {
      return askLocally(this, method, payload, options, onRefused);
    }
    return askThrough(
      this.#way(interceptors),
      { method, payload, options },
      (payload, options) => askLocally(this, method, payload, options, onRefused),
    );
  }

  tell(method: string | undefined, payload: unknown, options?: CallOptions): Promise<void> {
    const { interceptors } = this.node;
    if (interceptors === undefined) return tellLocally(this, method, payload, options);
    return tellThrough(
      this.#way(interceptors),
      { method, payload, options },
      (payload, options) => tellLocally(this, method, payload, options),
    );
  }

  watch(watcher: Watcher): void {
    if (this.#state !== "stopped") return this.life.addWatcher(watcher);
    const notice = this.#notice;
    queueMicrotask(() => watcher.terminated(notice));
  }

  unwatch(watcher: Watcher): void {
    this.#life?.removeWatcher(watcher);
  }

  /** A watched actor is gone: `onTerminated` is due, ahead of messages. */
  terminated(notice: Terminated): void {
    if (!this.#life?.heardOf(notice)) return;
    const signal = new Envelope(undefined, notice);
    signal.cell = this;
    this.#extras.signals.push(signal);
    this.#wakeUp();
  }

  /** Tells the actor something after a time, unless it has stopped by then. */
  tellLater(delayMs: number, method: string, args: unknown[]): Timer {
    if (this.#state === "stopped") return NEVER; // code that was given up may still run
    return this.#extras.timers.add(
      this.node,
      this.label,
      delayMs,
      () => void this.tell(method, args),
    );
  }

  /**
   * Puts a message in the mailbox.
   *
   * @returns Why it was not taken, after the envelope was refused with the same error; the message
   * stays with the sender. `undefined` when it was taken.
   */
  post(envelope: Envelope): PulsingRuntimeError | undefined {
    if (this.#state === "stopping" || this.#state === "stopped") {
      return this.#refuse(envelope, this.#stoppedError());
    }
    if (envelope.wantsReply && this.isSequential) breakCycle(envelope, this);
    if (!this.#mailbox.push(envelope)) {
      const { overflow } = this.#mailbox;
      const oldest = overflow === "drop-oldest" ? this.#mailbox.shift() : undefined;
      const refusal = this.#refuse(oldest ?? envelope, mailboxFull(this, overflow));
      if (oldest === undefined) return refusal;
      this.#mailbox.push(envelope);
    }
    if (!this.#isScheduled && this.#state === "running") this.#schedule();
    return undefined;
  }

  get hasWork(): boolean {
    const waiting = this.#mailbox.length > 0 || (this.#extra?.signals.length ?? 0) > 0;
    const isReady = waiting && this.#state === "running" && !this.#isBusy;
    this.#isScheduled = isReady;
    return isReady;
  }

  runTurn(budget: number): number {
    let handled = 0;
    while (handled < budget && this.#state === "running" && !this.#isBusy) {
      const signal = this.#extra?.signals.shift();
      const envelope = signal ?? this.#mailbox.shift();
      if (envelope === undefined) break;
      handled++;
      if (signal !== undefined) this.#handleSignal(signal);
      else if (envelope.isCancelled) this.#skip(envelope);
      else this.#handle(envelope);
    }
    this.node.counters.messages += handled;
    return handled;
  }

  /** Ends a start that takes too long: whoever waits for it gets the error of a stopped actor. */
  abandonStart(): void {
    this.#life?.abandonStart();
    this.stop().catch((error) => this.node.logger.error("stop failed", { error }));
  }

  /** A child of this actor is gone. */
  childEnded(child: ActorId, failure: Error | undefined): void {
    this.#life?.childEnded(child, failure);
  }

  /** The actor stops itself; later messages are refused unless it is always restarted. */
  stopItself(): void {
    const stopped = this.life.stopItself(); // the call that says so is not over
    stopped.catch((error) => this.node.logger.error("stop failed", { error }));
  }

  /**
   * Ends the actor: the messages it works on may finish, queued ones fail, `onStop` runs.
   *
   * Idempotent. After `limits.shutdownTimeoutMs` the messages it works on are abandoned: their
   * callers get an error and `context().signal` aborts.
   *
   * @returns When the actor is gone and its name is free.
   */
  stop(reason: TerminationReason = "stopped"): Promise<void> {
    if (this.#state === "stopped") return SETTLED;
    const isInTurn = this.node.dispatcher.current === this;
    const isQuiet = this.#life === undefined && !isInTurn && (this.#running?.size ?? 0) === 0;
    if (!isQuiet || this.hooks?.onStop !== undefined) return this.life.stop(reason);
    this.end();
    return SETTLED;
  }

  /** Ends the actor now: no hook runs, the calls it works on fail. */
  kill(): void {
    this.life.kill();
  }

  enter(state: "restarting" | "stopping"): void {
    if (this.#state === "stopped") return;
    this.#state = state;
    if (state === "stopping") this.#refuseQueued();
  }

  renew(): void {
    this.#body = this.#makeBody();
  }

  letIn(): void {
    this.#state = "running";
    this.#wakeUp();
  }

  async runHook(hook: (hooks: ActorHooks, context: CellContext) => unknown): Promise<void> {
    const { hooks } = this;
    if (hooks === undefined) return;
    const context = contextOf(this);
    await runAcrossTurns(this.lifeEnvelope, () => hook(hooks, context));
  }

  async finishRunning(): Promise<void> {
    const { clock, limits } = this.node;
    this.#running?.failStreams(() => this.#stoppedError());
    const error = () => callInterrupted(this.label, this.nodeId, "was stopped");
    await this.#running?.finish(clock, limits.shutdownTimeoutMs, error);
  }

  abandonRunning(why: Interruption, cause?: Error): void {
    this.#running?.abandon(() => callInterrupted(this.label, this.nodeId, why, cause));
  }

  retire(): void {
    this.#extra?.retire(() => this.#stoppedError());
    this.#extra = undefined;
    this.#running = undefined;
    this.#body = undefined;
  }

  end(cause?: Error): void {
    this.#state = "stopped";
    this.#refuseQueued(cause);
    this.retire();
    this.node.release(this);
  }

  get #isBeginning(): boolean {
    return this.#state === "starting" || this.#state === "restarting";
  }

  get #extras(): InstanceExtra {
    return this.#extra ??= new InstanceExtra(this);
  }

  get #isBusy(): boolean {
    if (this.#extra?.isHeld) return true;
    const running = this.#running?.size ?? 0;
    return running > 0 && (this.isSequential || running >= this.node.limits.runningCalls);
  }

  get #notice(): Terminated {
    const { actorId: id, nodeId, path } = this;
    const ended = this.#life?.notice;
    return ended ?? { id, nodeId, reason: "stopped", ...(path !== undefined && { path }) };
  }

  #schedule(): void {
    this.#isScheduled = true;
    this.node.dispatcher.schedule(this);
  }

  #handle(envelope: Envelope): void {
    const body = this.#body as ActorBody; // a running actor has one
    envelope.cell = this;
    const previous = enterTurn(envelope);
    try {
      const method = body.lookup(envelope);
      const { interceptors } = this.node;
      if (interceptors === undefined) {
        const result = this.#run(body, method, envelope);
        if (method.form !== "sync" || typeof result === "object") learnForm(method, result);
        this.#succeed(envelope, result);
      } else {
        this.#answerLater(envelope, this.#runIntercepted(interceptors, body, method, envelope));
      }
    } catch (error) {
      this.#fail(envelope, error);
    } finally {
      leaveTurn(previous);
    }
  }

  #run(body: ActorBody, method: Method, envelope: Envelope): unknown {
    try {
      return method.form === "sync" || method.form === "stream"
        ? body.run(method, envelope)
        : runAcrossTurns(envelope, () => body.run(method, envelope));
    } catch (error) {
      this.#failed(body, envelope, error); // now: the next message is for the next instance
      throw error;
    }
  }

  #way(interceptors: Interceptors): InterceptedWay {
    const { clock, random } = this.node;
    return { interceptors, clock, random, target: this };
  }

  #runIntercepted(
    interceptors: Interceptors,
    body: ActorBody,
    method: Method,
    envelope: Envelope,
  ): Promise<unknown> {
    const call = incomingCall(this, envelope, this.node.random);
    let held: InstanceExtra | undefined; // of this instance: the next one has its own
    // A call that nobody wants any more is over before its interceptors are.
    const unbind = envelope.whenCancelled((reason) => {
      if (!this.#running?.has(envelope)) return;
      if (held !== undefined) held.isHeld = false;
      envelope.fail(reason);
      this.#done(envelope);
    });
    const run = (payload: unknown) => {
      unbind();
      if (envelope.isCancelled) throw envelope.reason;
      if (body !== this.#body) {
        throw callInterrupted(this.label, this.nodeId, "failed in another call");
      }
      envelope.payload = payload;
      return body.run(method, envelope);
    };
    return runAcrossTurns(envelope, () =>
      interceptors.runIncoming(call, run, {
        hold: () => {
          held = this.#extras;
          held.isHeld = true;
        },
        letGo: () => {
          if (held !== undefined) held.isHeld = false;
          this.#wakeUp();
        },
        failed: (error) => this.#failed(body, envelope, error),
      }));
  }

  #succeed(envelope: Envelope, value: unknown): void {
    if (typeof value === "object" && value !== null) return this.#answer(envelope, value);
    const { clone } = this.node;
    envelope.succeed(clone === undefined ? value : clone(value)); // refuses functions and symbols
    envelope.done();
  }

  /** Answers with an object; throws what looking at it throws, before anything was answered. */
  #answer(envelope: Envelope, result: object): void {
    if (isThenable(result)) {
      const body = this.#body;
      return this.#answerLater(envelope, result, (error) => {
        if (body !== undefined) this.#failed(body, envelope, error);
      });
    }
    const iterator = iteratorOf(result);
    if (iterator === undefined) {
      const value = this.#body === undefined ? result : this.#body.unwrap(envelope, result);
      envelope.succeed(this.node.clone === undefined ? value : this.node.clone(value));
      return envelope.done();
    }
    const running = this.#running ??= new RunningCalls();
    const stream = new LocalStream(this, envelope, iterator, () => this.#done(envelope));
    if (!envelope.wantsReply) return void stream.cancel();
    running.addStream(envelope, stream);
    envelope.succeed(new ReplyStream(stream));
  }

  /**
   * @param failed Told of a throw that is a failure of the actor.
   */
  #answerLater(
    envelope: Envelope,
    result: PromiseLike<unknown>,
    failed?: (error: unknown) => void,
  ): void {
    const running = this.#body === undefined ? undefined : this.#running ??= new RunningCalls();
    running?.add(envelope);
    void Promise.resolve(result).then((value) => {
      if (!running?.has(envelope)) return void this.#dropLate(envelope, value);
      try {
        this.#succeed(envelope, value);
      } catch (error) {
        this.#fail(envelope, error);
      }
      if (!running.isStream(envelope)) this.#done(envelope);
    }, (error) => {
      if (!running?.has(envelope)) return this.failedLate(envelope, error);
      this.#fail(envelope, error);
      this.#done(envelope);
      failed?.(error);
    });
    if (running === undefined) throw callInterrupted(this.label, this.nodeId, "was killed");
  }

  #handleSignal(signal: Envelope): void {
    const body = this.#body as ActorBody; // a running actor has one
    const notice = signal.payload as Terminated; // made in `terminated`
    const running = this.#running ??= new RunningCalls();
    const over = () => this.#done(signal);
    running.add(signal);
    const hook = runAcrossTurns(signal, async () => await body.hooks.onTerminated?.(notice));
    void hook.then(over, (error) => {
      over();
      this.node.logger.error("actor's onTerminated failed", { actor: this.label, error });
      this.#failed(body, signal, error);
    });
  }

  /** A throw left the user's code; what it does to the actor is the policy's business. */
  failedStream(envelope: Envelope, error: unknown): void {
    if (this.#body !== undefined) this.#failed(this.#body, envelope, error);
  }

  /** A throw of a call that was given up before: nobody else hears of it. */
  failedLate(envelope: Envelope, error: unknown): void {
    if (passesOn(envelope, error)) return;
    const { method } = envelope;
    this.node.logger.warn("a call failed after it was given up", {
      actor: this.label,
      method,
      error,
    });
  }

  #failed(body: ActorBody | undefined, envelope: Envelope, error: unknown): void {
    if (this.#life === undefined || body === undefined || body !== this.#body) return;
    if (!passesOn(envelope, error)) this.#life.failed(error);
  }

  #fail(envelope: Envelope, error: unknown): void {
    const failure = asActorError(error, this.label);
    if (!envelope.wantsReply) {
      this.node.logger.error("a told message failed", {
        actor: this.label,
        method: envelope.method,
        error: failure,
      });
    } else if (envelope.isCancelled) this.failedLate(envelope, error);
    envelope.fail(failure);
    envelope.done();
  }

  /** What comes after the call was given up: a stream must not stay open. */
  async #dropLate(envelope: Envelope, value: unknown): Promise<void> {
    if (typeof value !== "object" || value === null) return;
    try {
      await iteratorOf(value)?.return?.();
    } catch (error) {
      this.failedLate(envelope, error);
    }
  }

  #skip(envelope: Envelope): void {
    envelope.fail(envelope.reason);
    envelope.done();
  }

  #undelivered(what: string, { method }: Envelope, error: unknown): void {
    this.node.logger.debug(what, { actor: this.label, method, error });
  }

  #done(envelope: Envelope): void {
    envelope.done();
    if (this.#running?.remove(envelope)) this.#wakeUp();
  }

  #wakeUp(): void {
    if (!this.#isScheduled && this.#state === "running" && this.hasWork) this.#schedule();
  }

  #refuseQueued(cause?: Error): void {
    if (this.#mailbox.length === 0) return;
    for (const envelope of this.#mailbox.drain()) this.#refuse(envelope, this.#stoppedError(cause));
  }

  #refuse(envelope: Envelope, error: PulsingRuntimeError): PulsingRuntimeError {
    if (!envelope.wantsReply) this.#undelivered("dead letter", envelope, error);
    if (!envelope.movesOn) this.node.deadLetters.add(() => letterOf(envelope, this, error));
    envelope.accepted(error);
    envelope.refuse(error);
    return error;
  }

  #stoppedError(cause?: Error): PulsingRuntimeError {
    return actorStopped(this.label, this.nodeId, cause ?? this.#life?.failure);
  }
}

const NEVER: Timer = Object.freeze({ cancel: () => {} });
const SETTLED: Promise<void> = Promise.resolve();

/** Whether an error only tells the actor's caller that the caller has given up. */
function passesOn(envelope: Envelope, error: unknown): boolean {
  if (!envelope.isCancelled) return false;
  return error === envelope.reason || asError(error).name === "AbortError";
}
