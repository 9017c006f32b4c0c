/** Actors against a simple model of their life: random spawns, calls, crashes, stops, kills, time. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { ActorRef } from "../../lib/actor/actor_ref.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { BareNode } from "../leak/bare_node.ts";
import { Observer } from "./one_node.ts";

const BACKOFF_MS = 100;
const SHUTDOWN_MS = 500;
const MAX_RESTARTS = 2;
/** A step that no timer reaches, however many are taken, and one in which all of them fire. */
const [SHORT_MS, LONG_MS] = [1, 10_000];
const MAX_STEPS = 40;
const NAMES = ["a", "b"] as const;

type Name = typeof NAMES[number];
type Policy = pul.RestartPolicy;
type CallKind = "incr" | "crash" | "hang" | "stopItself";

interface SpawnOp {
  readonly kind: "spawn";
  readonly name: Name;
  readonly policy: Policy;
  /** Whether `onStart` waits for a release. */
  readonly isSlow: boolean;
  /** Starts that fail, the first ones. */
  readonly failures: number;
}

type Op =
  | SpawnOp
  | { readonly kind: CallKind | "stop" | "kill" | "watch" | "unwatch"; readonly name: Name }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "release" };

interface Call {
  readonly id: string;
  readonly kind: CallKind;
}

/** What one name should be like. */
interface Slot {
  state: "none" | "starting" | "running" | "restarting" | "stopping";
  wasSpawned: boolean;
  policy: Policy;
  isSlow: boolean;
  failures: number;
  starts: number;
  restarts: number;
  value: number;
  /** Whether an onStart waits for a release. */
  isHeld: boolean;
  /** The outcome of the spawn that is not known yet. */
  spawnId: string | undefined;
  queue: Call[];
  hanging: Call[];
  /** When something happens by itself, and what. */
  due: { readonly at: number; readonly then: () => void } | undefined;
  isWatched: boolean;
  lastReason: string;
  notices: string[];
}

function newSlot(): Slot {
  return {
    state: "none",
    wasSpawned: false,
    policy: "never",
    isSlow: false,
    failures: 0,
    starts: 0,
    restarts: 0,
    value: 0,
    isHeld: false,
    spawnId: undefined,
    queue: [],
    hanging: [],
    due: undefined,
    isWatched: false,
    lastReason: "",
    notices: [],
  };
}

/** What should happen. */
class Model {
  now = 0;
  steps = 0;
  readonly slots: Record<Name, Slot> = { a: newSlot(), b: newSlot() };
  readonly outcomes: Record<string, string> = {};

  apply(op: Op, id: string): void {
    switch (op.kind) {
      case "spawn":
        return this.#spawn(op, id);
      case "advance":
        return this.#advance(op.ms);
      case "release":
        for (const slot of Object.values(this.slots)) if (slot.isHeld) this.#released(slot);
        return;
      case "stop":
        return this.#stop(this.slots[op.name]);
      case "kill":
        return this.#kill(this.slots[op.name]);
      case "watch":
        return this.#watch(this.slots[op.name]);
      case "unwatch":
        this.slots[op.name].isWatched = false;
        return;
      default:
        return this.#call(this.slots[op.name], { id, kind: op.kind });
    }
  }

  #spawn({ name, policy, isSlow, failures }: SpawnOp, id: string): void {
    if (this.slots[name].state !== "none") return void (this.outcomes[id] = "actor-exists");
    const { notices } = this.slots[name];
    const state = { ...newSlot(), wasSpawned: true, policy, isSlow, failures, notices };
    const slot = this.slots[name] = { ...state, state: "starting" as const, spawnId: id };
    this.#start(slot);
  }

  #start(slot: Slot): void {
    slot.starts++;
    slot.due = undefined;
    if (slot.isSlow) slot.isHeld = true;
    else this.#started(slot);
  }

  #released(slot: Slot): void {
    slot.isHeld = false;
    if (slot.state === "stopping") {
      this.#spawned(slot, slot.starts <= slot.failures ? "actor-error" : "ok");
      this.#end(slot, "stopped");
    } else this.#started(slot);
  }

  #started(slot: Slot): void {
    const isFirst = slot.state === "starting";
    const hasFailed = slot.starts <= slot.failures;
    this.#spawned(slot, hasFailed && slot.policy === "never" ? "actor-error" : "ok");
    if (!hasFailed) return this.#letIn(slot);
    if (isFirst && slot.policy === "never") this.#end(slot, "failed");
    else this.#recover(slot, "failed");
  }

  #spawned(slot: Slot, outcome: string): void {
    if (slot.spawnId !== undefined) this.outcomes[slot.spawnId] = outcome;
    slot.spawnId = undefined;
  }

  #letIn(slot: Slot): void {
    slot.state = "running";
    slot.value = 0;
    while (slot.state === "running") {
      const call = slot.queue.shift();
      if (call === undefined) return;
      this.#handle(slot, call);
    }
  }

  #call(slot: Slot, call: Call): void {
    if (!slot.wasSpawned) return;
    if (slot.state === "none" || slot.state === "stopping") {
      this.outcomes[call.id] = "actor-stopped";
    } else if (slot.state === "running") this.#handle(slot, call);
    else slot.queue.push(call);
  }

  #handle(slot: Slot, { id, kind }: Call): void {
    if (kind === "hang") return void slot.hanging.push({ id, kind });
    if (kind === "incr") return void (this.outcomes[id] = `${++slot.value}`);
    this.outcomes[id] = kind === "crash" ? "actor-error" : "undefined";
    if (kind === "crash" && slot.policy !== "never") this.#recover(slot, "failed");
    if (kind === "stopItself") {
      if (slot.policy === "always") this.#recover(slot, "stopped");
      else this.#stop(slot);
    }
  }

  /** After a failure calls are interrupted; after a stop of its own they may finish. */
  #recover(slot: Slot, reason: "failed" | "stopped"): void {
    const isOver = slot.restarts >= MAX_RESTARTS;
    slot.state = isOver ? "stopping" : "restarting";
    if (isOver) this.#refuseAll(slot);
    else slot.restarts++;
    const goOn = () => {
      this.#interrupt(slot);
      if (slot.state === "stopping") this.#end(slot, reason);
      else slot.due = { at: this.now + BACKOFF_MS, then: () => this.#start(slot) };
    };
    if (reason === "failed" || slot.hanging.length === 0) goOn();
    else slot.due = { at: this.now + SHUTDOWN_MS, then: goOn };
  }

  #stop(slot: Slot): void {
    const { state } = slot;
    if (state === "none" || state === "stopping") return;
    slot.state = "stopping";
    this.#refuseAll(slot);
    if (slot.isHeld) {
      const giveUp = () => {
        this.#spawned(slot, "actor-stopped");
        this.#end(slot, "stopped");
      };
      slot.due = { at: this.now + SHUTDOWN_MS, then: giveUp };
    } else if (slot.hanging.length > 0) {
      const at = state === "restarting" ? slot.due?.at : undefined; // it waits for them already
      slot.due = { at: at ?? this.now + SHUTDOWN_MS, then: () => this.#end(slot, "stopped") };
    } else this.#end(slot, "stopped");
  }

  #kill(slot: Slot): void {
    if (slot.state === "none") return;
    this.#spawned(slot, "actor-stopped");
    this.#end(slot, "killed");
  }

  #watch(slot: Slot): void {
    if (!slot.wasSpawned) return;
    if (slot.state === "none") slot.notices.push(slot.lastReason);
    else slot.isWatched = true;
  }

  #end(slot: Slot, reason: string): void {
    this.#interrupt(slot);
    this.#refuseAll(slot);
    slot.state = "none";
    slot.isHeld = false;
    slot.due = undefined;
    slot.lastReason = reason;
    if (slot.isWatched) slot.notices.push(reason);
    slot.isWatched = false;
  }

  #interrupt(slot: Slot): void {
    for (const { id } of slot.hanging.splice(0)) this.outcomes[id] = "call-interrupted";
  }

  #refuseAll(slot: Slot): void {
    for (const { id } of slot.queue.splice(0)) this.outcomes[id] = "actor-stopped";
  }

  #advance(ms: number): void {
    const target = this.now + ms;
    for (const slot of Object.values(this.slots)) {
      const start = this.now;
      for (let due = slot.due; due !== undefined && due.at <= target; due = slot.due) {
        this.now = due.at;
        slot.due = undefined;
        due.then();
      }
      this.now = start;
    }
    this.now = target;
  }
}

/** The gate that slow starts wait for. */
class Gate {
  #waiting: (() => void)[] = [];
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  open(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

class Subject {
  readonly #gate: Gate;
  readonly #op: SpawnOp;
  readonly #log: { starts: number };
  value = 0;
  constructor(gate: Gate, op: SpawnOp, log: { starts: number }) {
    this.#gate = gate;
    this.#op = op;
    this.#log = log;
  }
  async onStart(): Promise<void> {
    const start = ++this.#log.starts;
    if (this.#op.isSlow) await this.#gate.wait();
    if (start <= this.#op.failures) throw new Error(`start ${start}`);
  }
  incr(): number {
    return ++this.value;
  }
  crash(): never {
    throw new Error("boom");
  }
  hang(): Promise<never> {
    return new Promise(() => {});
  }
  stopItself(): void {
    pul.context().stop();
  }
}

/** What does happen. */
class Real {
  readonly clock: ManualClock = new ManualClock();
  readonly node: BareNode;
  readonly outcomes: Record<string, string> = {};
  readonly #gate = new Gate();
  readonly #refs: Partial<Record<Name, ActorRef>> = {};
  readonly #starts: Partial<Record<Name, { starts: number }>> = {};
  readonly #observers: Partial<Record<Name, Observer>> = {};
  readonly #watch: Partial<Record<Name, pul.ActorProxy<Observer>>> = {};

  constructor() {
    const limits = { shutdownTimeoutMs: SHUTDOWN_MS };
    const transport = pul.memory(new pul.MemoryNetwork(this.clock));
    this.node = new BareNode({ clock: this.clock, transport, limits });
  }

  async open(): Promise<this> {
    for (const name of NAMES) {
      const observer = this.#observers[name] = new Observer();
      class Watching extends Observer {
        override readonly heard = observer.heard;
      }
      this.#watch[name] = (await this.node.spawn(Watching)).ref.asType(Watching);
    }
    return this;
  }

  async apply(op: Op, id: string): Promise<void> {
    switch (op.kind) {
      case "spawn":
        this.#spawn(op, id);
        break;
      case "advance":
        await this.clock.advance(op.ms);
        break;
      case "release":
        this.#gate.open();
        break;
      case "stop":
        void this.node.node.cellAt(`actors/${op.name}`)?.stop();
        break;
      case "kill":
        this.node.node.cellAt(`actors/${op.name}`)?.kill();
        break;
      case "watch":
      case "unwatch": {
        const ref = this.#refs[op.name];
        if (ref !== undefined) await this.#watch[op.name]?.[op.kind](ref);
        break;
      }
      default: {
        const subject = this.#refs[op.name]?.asType(Subject);
        if (subject !== undefined) this.#note(id, Promise.resolve(subject[op.kind]()));
      }
    }
    await this.clock.settle();
  }

  #spawn(op: SpawnOp, id: string): void {
    const path = `actors/${op.name}`;
    const before = this.node.node.cellAt(path);
    const log = { starts: 0 };
    const spawned = this.node.spawn(Subject as pul.ActorClass, path, {
      args: [this.#gate, op, log],
      restartPolicy: op.policy,
      maxRestarts: MAX_RESTARTS,
      minBackoffMs: BACKOFF_MS,
      maxBackoffMs: BACKOFF_MS,
    });
    this.#note(id, spawned.then(() => "ok"));
    const cell = this.node.node.cellAt(path);
    if (before !== undefined || cell === undefined) return;
    this.#refs[op.name] = cell.ref;
    this.#starts[op.name] = log;
  }

  #note(id: string, promise: Promise<unknown>): void {
    promise.then(
      (value) => this.outcomes[id] = `${value}`,
      (error) => this.outcomes[id] = pul.isPulsingError(error) ? error.kind : String(error),
    );
  }

  /** What the model says too. */
  seen(name: Name): unknown {
    const cell = this.node.node.cellAt(`actors/${name}`);
    return {
      state: cell?.state ?? "none",
      restarts: cell?.restartCount ?? 0,
      starts: cell === undefined ? 0 : this.#starts[name]?.starts,
      notices: this.#observers[name]?.heard.map(({ reason }) => reason),
    };
  }

  /** Ends everything; nothing may be left. */
  async close(): Promise<void> {
    const closing = this.node[Symbol.asyncDispose]();
    await this.clock.advance(LONG_MS);
    await closing;
    assert.deepEqual([this.node.node.size, this.clock.pendingTimers], [0, 0]);
  }
}

class Step implements fc.AsyncCommand<Model, Real> {
  readonly #op: Op;
  constructor(op: Op) {
    this.#op = op;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, real: Real): Promise<void> {
    const id = `${model.steps++} ${this.#op.kind}`;
    model.apply(this.#op, id);
    await real.apply(this.#op, id);
    assert.deepEqual(real.outcomes, model.outcomes);
    const isAtRest = ({ state }: Slot) => state === "none" || state === "running";
    if (Object.values(model.slots).every(isAtRest)) assert.equal(real.clock.pendingTimers, 0);
    for (const name of NAMES) {
      const { state, restarts, starts, notices } = model.slots[name];
      const isThere = state !== "none";
      const expected = {
        state,
        restarts: isThere ? restarts : 0,
        starts: isThere ? starts : 0,
        notices,
      };
      assert.deepEqual(real.seen(name), expected, name);
    }
  }
  toString(): string {
    return JSON.stringify(this.#op);
  }
}

const name = fc.constantFrom(...NAMES);
const kinds = [
  "incr",
  "incr",
  "crash",
  "crash",
  "hang",
  "stopItself",
  "stop",
  "kill",
  "watch",
] as const;
const spawnOp = fc.record({
  kind: fc.constant("spawn" as const),
  name,
  policy: fc.constantFrom("never" as const, "on-failure" as const, "always" as const),
  isSlow: fc.boolean(),
  failures: fc.constantFrom(0, 0, 1, 9),
});
const namedOp = fc.record({ kind: fc.constantFrom(...kinds, "unwatch" as const), name });
const advanceOp = fc.record({
  kind: fc.constant("advance" as const),
  ms: fc.constantFrom(SHORT_MS, LONG_MS),
});
const releaseOp = fc.constant({ kind: "release" as const });
const commands = [
  spawnOp.map((op) => new Step(op)),
  namedOp.map((op) => new Step(op)),
  namedOp.map((op) => new Step(op)),
  advanceOp.map((op) => new Step(op)),
  releaseOp.map((op) => new Step(op)),
];

test("case 34 an actor's life is that of the model, for any calls, crashes, stops and kills (property)", async () => {
  const programs = fc.commands(commands, { maxCommands: MAX_STEPS, size: "max" });
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const real = await new Real().open();
      await fc.asyncModelRun(() => ({ model: new Model(), real }), program);
      await real.close();
    }),
    { numRuns: 300 },
  );
});
