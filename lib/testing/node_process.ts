/**
 * One process of a `ProcessCluster`, over all its starts and ends.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import { type Clock, endsWithin } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { ChildProcess, Runtime } from "./child_process.ts";
import { type NodeReport, readReport } from "./node_ticket.ts";
import type { Launch, OutputStream } from "./process_launch.ts";

/** Where a process is in its life. */
export type ProcessState =
  /** It was started and has not joined yet. */
  | "starting"
  /** It has joined. */
  | "running"
  /** It stands still; what it is sent waits in its sockets. */
  | "frozen"
  /** It has shut its system down and ended. */
  | "stopped"
  /** The test ended it without a word. */
  | "killed"
  /** It ended by itself or badly, or could not be started. */
  | "crashed";

/** One process of a `ProcessCluster` as the test sees it. */
export interface ProcessNode {
  /** Its number in the cluster, from 0 on. */
  readonly index: number;
  /** What executes its script. */
  readonly runtime: Runtime;
  /** The process id of its last start. */
  readonly pid: number;
  /** Identity of its system; another one after a restart, empty before it has joined. */
  readonly nodeId: NodeId;
  /** `host:port` where it listens, the same after a restart. */
  readonly addr: string;
  /** Where it is in its life. */
  readonly state: ProcessState;
}

/** What a node process is made of. */
export interface NodeProcessOptions {
  readonly index: number;
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** How long it may take to join, in milliseconds. */
  readonly startTimeoutMs: number;
  /** How long it may take to end when asked to, in milliseconds. */
  readonly stopTimeoutMs: number;
  /** Finds what is needed to start the script. */
  prepare(): Promise<Launch>;
  /** Takes what the script prints. */
  output(line: string, stream: OutputStream): void;
}

/** Where a node listens that has not listened before. */
const ANY_PORT = "127.0.0.1:0";

/** Lines of output that are kept for errors, the last ones. */
const KEPT_LINES = 40;

/** A process that becomes a node; the verbs of one node. */
export class NodeProcess implements ProcessNode, AsyncDisposable {
  readonly #options: NodeProcessOptions;
  readonly #lines: string[] = [];
  #child: ChildProcess | undefined = undefined;
  #state: ProcessState = "starting";
  /** What the state becomes when the process ends as it was asked to. */
  #goal: "stopped" | "killed" | undefined = undefined;
  #how = "";
  #isDisposed = false;
  #report: NodeReport = { nodeId: "", addr: ANY_PORT };

  constructor(options: NodeProcessOptions) {
    this.#options = options;
  }

  get index(): number {
    return this.#options.index;
  }

  get runtime(): Runtime {
    return this.#options.runtime;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get nodeId(): NodeId {
    return this.#report.nodeId;
  }

  get addr(): string {
    return this.#report.addr;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** How the process ended, and the last it printed. */
  get obituary(): string {
    return [`it ended ${this.#how}`, ...this.#lines].join("\n  ");
  }

  /**
   * Starts the process, under the address it had before.
   *
   * @returns When it has joined.
   * @throws {PulsingRuntimeError} kind `"join-failed"`: it ended before, or took too long and was
   * killed; the message has its last output.
   */
  async start(): Promise<void> {
    const { clock, startTimeoutMs } = this.#options;
    const joined = Promise.withResolvers<NodeReport>();
    const child = await this.#launch(joined.resolve);
    const ended = child.ended.then((how) => this.#hasEnded(how));
    const outcome = Promise.race([joined.promise, ended]);
    const isInTime = await endsWithin(clock, outcome, startTimeoutMs);
    if (!isInTime) await this.#end();
    const report = await outcome;
    if (report === undefined || !isInTime) throw this.#startFailed(isInTime);
    this.#report = report;
    this.#state = "running";
  }

  /**
   * Asks the process to end.
   *
   * @returns When it has ended.
   * @throws {PulsingRuntimeError} kind `"timeout"`: it did not and was killed; kind `"shutdown"`:
   * it ended badly.
   */
  async stop(): Promise<void> {
    const { index, stopTimeoutMs } = this.#options;
    this.#check("stop", "running");
    if (!await this.#windUp()) {
      throw new PulsingRuntimeError(
        `Cannot stop node ${index}: not done in ${stopTimeoutMs} ms, ${this.obituary}`,
        { kind: "timeout" },
      );
    }
    if (this.#state === "stopped") return;
    throw new PulsingRuntimeError(`Cannot stop node ${index}: ${this.obituary}`, {
      kind: "shutdown",
    });
  }

  /** Ends the process without a word. */
  async kill(): Promise<void> {
    this.#check("kill", "starting", "running", "frozen");
    this.#goal = "killed";
    await this.#end();
  }

  /** Lets the process stand still. */
  freeze(): void {
    this.#check("freeze", "running");
    this.#child?.signal("SIGSTOP");
    this.#state = "frozen";
  }

  /** Lets the process go on. */
  thaw(): void {
    this.#check("thaw", "frozen");
    this.#child?.signal("SIGCONT");
    this.#state = "running";
  }

  /** Checks that the process has ended, so that it can be started again. */
  checkEnded(): void {
    this.#check("restart", "stopped", "killed", "crashed");
  }

  /** Ends the process, in a friendly way while there is time for it; never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#child?.signal("SIGCONT");
    await this.#windUp();
  }

  async #launch(onJoined: (report: NodeReport) => void): Promise<ChildProcess> {
    const { index, prepare } = this.#options;
    [this.#state, this.#goal] = ["starting", undefined];
    this.#lines.length = 0;
    const launch = await prepare().catch((error) => {
      this.#hasEnded("before it began");
      throw error;
    });
    if (this.#isDisposed || this.#goal !== undefined) {
      this.#hasEnded("before it began");
      throw new PulsingRuntimeError(`Cannot start node ${index}: it was ended before it began`, {
        kind: "shutdown",
      });
    }
    return this.#child = launch(this.addr, (line, stream) => {
      const found = readReport(line);
      if (found !== undefined) onJoined(found.report);
      if (found?.before !== "") this.#print(found?.before ?? line, stream);
    });
  }

  /** Asks the process to end, and ends it when it does not; whether it did as asked in time. */
  async #windUp(): Promise<boolean> {
    const { clock, stopTimeoutMs } = this.#options;
    this.#goal ??= "stopped";
    this.#child?.signal("SIGTERM");
    const ended = this.#child?.ended ?? Promise.resolve();
    const isInTime = await endsWithin(clock, ended, stopTimeoutMs);
    if (!isInTime) await this.#end();
    return isInTime;
  }

  async #end(): Promise<void> {
    await this.#child?.[Symbol.asyncDispose]();
  }

  #hasEnded(how: string): undefined {
    this.#how = how;
    const isGood = this.#goal === "killed" || how === "with code 0";
    this.#state = (isGood ? this.#goal : undefined) ?? "crashed";
  }

  /** Refuses a verb that means nothing in the present state. */
  #check(verb: string, ...states: readonly ProcessState[]): void {
    if (states.includes(this.#state)) return;
    const { index } = this;
    throw new PulsingRuntimeError(
      `Cannot do "${verb}" to node ${index}: it is "${this.#state}", not ${
        states.map((state) => `"${state}"`).join(" or ")
      }`,
      { kind: "unsupported" },
    );
  }

  #print(line: string, stream: OutputStream): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    this.#options.output(line, stream);
  }

  #startFailed(isInTime: boolean): PulsingRuntimeError {
    const { index, startTimeoutMs } = this.#options;
    const late = isInTime ? "" : `it did not join in ${startTimeoutMs} ms, `;
    return new PulsingRuntimeError(`Cannot start node ${index}: ${late}${this.obituary}`, {
      kind: "join-failed",
    });
  }
}
