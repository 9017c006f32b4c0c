/**
 * One running actor: takes messages from its mailbox and runs the user's code.
 *
 * ```text
 *   starting ──onStart──► running ──stop──► stopping ──onStop──► stopped
 *      └──────── onStart throws ─────────────────────────────────┘
 * ```
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import { endsWithin, type Timer } from "../clock.ts";
import { asActorError, PulsingRuntimeError } from "../errors.ts";
import type { ActorBody } from "./actor_body.ts";
import { ActorRef, type ActorTarget } from "./actor_ref.ts";
import { type CallOptions, checkTimeout, withCallOptions } from "./call_options.ts";
import type { CellNode, CellOptions } from "./cell_node.ts";
import {
  type CellContext,
  contextOf,
  currentEnvelope,
  enterTurn,
  leaveTurn,
  runAcrossTurns,
} from "./context.ts";
import type { Runnable } from "./dispatcher.ts";
import { Envelope, LocalAsk } from "./envelope.ts";
import { LocalStream } from "./local_stream.ts";
import { Mailbox } from "./mailbox.ts";
import type { Method } from "./methods.ts";
import { iteratorOf, ReplyStream } from "./reply_stream.ts";
import { RunningCalls } from "./running_calls.ts";
import { actorStopped } from "./stopped_target.ts";

/** Where an actor is in its life. */
export type CellState = "starting" | "running" | "stopping" | "stopped";

/** One running actor. */
export class ActorCell implements ActorTarget, Runnable {
  readonly node: CellNode;
  readonly actorId: ActorId;
  readonly path: ActorPath | undefined;
  readonly className: string | undefined;
  readonly #body: ActorBody;
  readonly #mailbox: Mailbox;
  #state: CellState = "starting";
  #isScheduled = false;
  // Made when they are first needed, which is what makes spawning cheap.
  #running: RunningCalls | undefined = undefined;
  #lifeEnvelope: Envelope | undefined = undefined;
  #timers: Set<Timer> | undefined = undefined;
  #ref: ActorRef | undefined = undefined;
  #started: Promise<void> | undefined = undefined;
  #giveUpStart: (() => void) | undefined = undefined;
  #stopped: Promise<void> | undefined = undefined;

  constructor(node: CellNode, actorId: ActorId, body: ActorBody, options: CellOptions) {
    this.node = node;
    this.actorId = actorId;
    this.path = options.path;
    this.className = options.className;
    this.#body = body;
    const capacity = options.mailboxCapacity ?? node.limits.mailboxCapacity;
    this.#mailbox = new Mailbox(capacity, node.limits.mailboxWaiters);
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

  /** Messages that wait, those of waiting senders included. */
  get mailboxLength(): number {
    return this.#mailbox.length;
  }

  /** A reference to this actor. */
  get ref(): ActorRef {
    return this.#ref ??= new ActorRef(this);
  }

  /** Carries the context of hooks, which belong to no message. */
  get lifeEnvelope(): Envelope {
    if (this.#lifeEnvelope === undefined) {
      this.#lifeEnvelope = new Envelope(undefined, undefined);
      this.#lifeEnvelope.cell = this;
    }
    return this.#lifeEnvelope;
  }

  /** The name for errors: the path, or the id of an anonymous actor. */
  get label(): string {
    return this.path ?? this.actorId;
  }

  /**
   * Facts the actor tells about itself.
   *
   * @throws {PulsingActorError} The hook threw, or gave something else than texts.
   */
  metadata(): Record<string, string> {
    try {
      const metadata: unknown = this.#body.hooks.metadata?.() ?? {};
      if (isTexts(metadata)) return { ...metadata };
    } catch (error) {
      throw asActorError(error, this.label);
    }
    throw asActorError(new TypeError("Cannot read metadata: expected texts by name"), this.label);
  }

  /**
   * Runs `onStart`, then lets messages in.
   *
   * @throws What `onStart` threw, as an actor error; the actor is stopped then.
   */
  start(): Promise<void> {
    if (this.#body.hooks.onStart !== undefined) return this.#started = this.#startLater();
    this.#letIn();
    return SETTLED;
  }

  ask(method: string | undefined, payload: unknown, options?: CallOptions): Promise<unknown> {
    let envelope: LocalAsk;
    try {
      envelope = new LocalAsk(method, this.node.clone?.(payload) ?? payload);
    } catch (error) {
      return Promise.reject(error); // only copying it can fail
    }
    envelope.caller = currentEnvelope()?.cell?.ref;
    if (options === undefined) {
      this.post(envelope);
      return envelope.reply;
    }
    return withCallOptions(this.node.clock, options, method ?? "ask", (deadline) => {
      envelope.deadline = deadline;
      this.post(envelope);
      return { reply: envelope.reply, cancel: (reason) => envelope.cancel(reason) };
    });
  }

  tell(method: string | undefined, payload: unknown): Promise<void> {
    let envelope: Envelope;
    try {
      envelope = new Envelope(method, this.node.clone?.(payload) ?? payload);
    } catch (error) {
      return Promise.reject(error); // only copying it can fail
    }
    envelope.caller = currentEnvelope()?.cell?.ref;
    const mustWait = this.#mailbox.isFull;
    const refusal = this.post(envelope);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (!mustWait) return SETTLED;
    return new Promise((resolve, reject) =>
      envelope.whenAccepted((refusal) => refusal === undefined ? resolve() : reject(refusal))
    );
  }

  /**
   * Tells the actor something after a time, unless it has stopped by then.
   *
   * @throws {PulsingRuntimeError} kind `"limit-exceeded"`: too many wait already.
   */
  tellLater(delayMs: number, method: string, args: unknown[]): Timer {
    checkTimeout(delayMs);
    const timers = this.#timers ??= new Set();
    if (timers.size >= this.node.limits.delayedCalls) throw this.#tooManyTimers();
    const timer = this.node.clock.setTimer(() => {
      timers.delete(timer);
      // A refusal is logged as a dead letter.
      this.tell(method, args).catch(() => {});
    }, delayMs);
    timers.add(timer);
    const cancel = () => {
      timers.delete(timer);
      timer.cancel();
    };
    return { cancel };
  }

  /**
   * Puts a message in the mailbox.
   *
   * @returns Why it was not taken, after the envelope was failed with the same error; the message
   * stays with the sender. `undefined` when it was taken.
   */
  post(envelope: Envelope): PulsingRuntimeError | undefined {
    if (this.#state === "stopping" || this.#state === "stopped") {
      return this.#refuse(envelope, this.#stoppedError());
    }
    if (!this.#mailbox.push(envelope)) return this.#refuse(envelope, this.#fullError());
    if (!this.#isScheduled && this.#state === "running") this.#schedule();
    return undefined;
  }

  get hasWork(): boolean {
    const isReady = this.#mailbox.length > 0 && this.#state === "running" && !this.#isBusy;
    this.#isScheduled = isReady;
    return isReady;
  }

  runTurn(budget: number): number {
    let handled = 0;
    while (handled < budget && this.#state === "running" && !this.#isBusy) {
      const envelope = this.#mailbox.shift();
      if (envelope === undefined) break;
      handled++;
      if (envelope.isCancelled) envelope.fail(envelope.reason);
      else this.#handle(envelope);
    }
    return handled;
  }

  /** Ends a start that takes too long: whoever waits for it gets the error of a stopped actor. */
  abandonStart(): void {
    this.#giveUpStart?.();
    this.requestStop();
  }

  /** Begins to stop, without waiting for the end; later messages are refused. */
  requestStop(): void {
    this.stop().catch((error) => this.node.logger.error("stop failed", { error }));
  }

  /**
   * Ends the actor: the messages it works on may finish, queued ones fail, `onStop` runs.
   *
   * Idempotent. After `limits.shutdownTimeoutMs` the messages it works on are abandoned: their
   * callers get an error and `context().signal` aborts.
   *
   * @returns When the actor is gone and its name is free.
   */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  get #isBusy(): boolean {
    const running = this.#running?.size ?? 0;
    return running > 0 && (this.#body.isSequential || running >= this.node.limits.runningCalls);
  }

  async #startLater(): Promise<void> {
    const { promise: givenUp, reject: giveUp } = Promise.withResolvers<never>();
    this.#giveUpStart = () => giveUp(this.#stoppedError());
    try {
      const hook = this.#runHook((context) => this.#body.hooks.onStart?.(this.actorId, context));
      await Promise.race([hook, givenUp]);
    } catch (error) {
      this.#end();
      throw asActorError(error, this.label);
    }
    this.#letIn();
  }

  #letIn(): void {
    if (this.#state !== "starting") return;
    this.#state = "running";
    if (this.#mailbox.length > 0) this.#schedule();
  }

  #schedule(): void {
    this.#isScheduled = true;
    this.node.dispatcher.schedule(this);
  }

  #handle(envelope: Envelope): void {
    envelope.cell = this;
    const previous = enterTurn(envelope);
    try {
      const method = this.#body.lookup(envelope);
      const result = method.form === "sync" || method.form === "stream"
        ? this.#body.run(method, envelope)
        : runAcrossTurns(envelope, () => this.#body.run(method, envelope));
      if (method.form !== "sync" || typeof result === "object") learnForm(method, result);
      this.#succeed(envelope, result);
    } catch (error) {
      this.#fail(envelope, error);
    } finally {
      leaveTurn(previous);
    }
  }

  #succeed(envelope: Envelope, value: unknown): void {
    if (typeof value === "object" && value !== null) return this.#answer(envelope, value);
    const { clone } = this.node;
    envelope.succeed(clone === undefined ? value : clone(value)); // refuses functions and symbols
  }

  /** Answers with an object; throws what looking at it throws, before anything was answered. */
  #answer(envelope: Envelope, result: object): void {
    if (isThenable(result)) return this.#answerLater(envelope, result);
    const iterator = iteratorOf(result);
    if (iterator === undefined) {
      const value = this.#body.unwrap(envelope, result);
      return envelope.succeed(this.node.clone === undefined ? value : this.node.clone(value));
    }
    const running = this.#running ??= new RunningCalls();
    const stream = new LocalStream(this, envelope, iterator, () => this.#done(envelope));
    if (!envelope.wantsReply) return void stream.cancel();
    running.addStream(envelope, stream);
    envelope.succeed(new ReplyStream(stream));
  }

  #answerLater(envelope: Envelope, result: PromiseLike<unknown>): void {
    const running = this.#running ??= new RunningCalls();
    running.add(envelope);
    void Promise.resolve(result).then((value) => {
      try {
        this.#succeed(envelope, value);
      } catch (error) {
        this.#fail(envelope, error);
      }
      if (!running.isStream(envelope)) this.#done(envelope);
    }, (error) => {
      this.#fail(envelope, error);
      this.#done(envelope);
    });
  }

  #fail(envelope: Envelope, error: unknown): void {
    const failure = asActorError(error, this.label);
    if (!envelope.wantsReply) this.#undelivered("a told message failed", envelope, failure);
    envelope.fail(failure);
  }

  #undelivered(what: string, { method }: Envelope, error: Error): void {
    this.node.logger.debug(what, { actor: this.label, method, error });
  }

  #done(envelope: Envelope): void {
    if (!this.#running?.remove(envelope)) return;
    if (!this.#isScheduled && this.#mailbox.length > 0 && this.#state === "running") {
      this.#schedule();
    }
  }

  async #runHook(hook: (context: CellContext) => unknown): Promise<void> {
    const context = contextOf(this);
    await runAcrossTurns(this.lifeEnvelope, () => hook(context));
  }

  #stop(): Promise<void> {
    if (this.#state === "stopped") return SETTLED;
    const isQuiet = this.#state === "running" && (this.#running?.size ?? 0) === 0;
    this.#state = "stopping";
    this.#refuseQueued();
    if (!isQuiet || this.#body.hooks.onStop !== undefined) return this.#stopLater();
    this.#end();
    return SETTLED;
  }

  async #stopLater(): Promise<void> {
    const { clock, limits, logger } = this.node;
    const { shutdownTimeoutMs } = limits;
    if (this.#started !== undefined) {
      const started = this.#started.catch(() => {}); // whoever spawned it hears of the failure
      if (!await endsWithin(clock, started, shutdownTimeoutMs)) this.#giveUpStart?.();
      await started;
    }
    if (this.state === "stopped") return;
    const error = () => this.#stoppedError();
    this.#running?.failStreams(error);
    await this.#running?.finish(clock, shutdownTimeoutMs, error);
    const hook = this.#runHook(() => this.#body.hooks.onStop?.()).catch((error) =>
      logger.error("actor's onStop failed", { actor: this.label, error })
    );
    if (!await endsWithin(clock, hook, shutdownTimeoutMs)) {
      logger.error("actor's onStop was abandoned", { actor: this.label, shutdownTimeoutMs });
    }
    this.#end();
  }

  #end(): void {
    this.#state = "stopped";
    this.#refuseQueued();
    if (this.#timers !== undefined) { for (const timer of this.#timers) timer.cancel(); }
    if (this.#lifeEnvelope?.isObserved) this.#lifeEnvelope.cancel(this.#stoppedError());
    this.node.release(this);
  }

  #refuseQueued(): void {
    if (this.#mailbox.length === 0) return;
    for (const envelope of this.#mailbox.drain()) this.#refuse(envelope, this.#stoppedError());
  }

  #refuse(envelope: Envelope, error: PulsingRuntimeError): PulsingRuntimeError {
    if (!envelope.wantsReply) this.#undelivered("dead letter", envelope, error);
    envelope.accepted(error);
    envelope.fail(error);
    return error;
  }

  #stoppedError(): PulsingRuntimeError {
    return actorStopped(this.label, this.nodeId);
  }

  #tooManyTimers(): PulsingRuntimeError {
    return new PulsingRuntimeError(
      `Cannot delay call to actor "${this.label}": too many wait for their time`,
      { kind: "limit-exceeded", retryable: true, actor: this.label },
    );
  }

  #fullError(): PulsingRuntimeError {
    return new PulsingRuntimeError(
      `Cannot send to actor "${this.label}": its mailbox and the places of waiting senders are full`,
      { kind: "mailbox-full", retryable: true, actor: this.label, nodeId: this.nodeId },
    );
  }
}

const SETTLED: Promise<void> = Promise.resolve();

function isTexts(value: unknown): value is Record<string, string> {
  return typeof value === "object" && value !== null &&
    Object.values(value).every((text) => typeof text === "string");
}

function learnForm(method: Method, result: unknown): void {
  if (method.form === "async" || method.form === "stream") return;
  if (typeof result === "object" && result !== null && isThenable(result)) method.form = "async";
  else if (method.form === "unknown") method.form = "sync";
}

function isThenable(value: object): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>>).then === "function"; // absent is not one
}
