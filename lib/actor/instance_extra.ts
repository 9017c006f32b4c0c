/**
 * What one instance of an actor has beyond its messages.
 *
 * @module
 */

import type { ActorCell } from "./actor_cell.ts";
import { DelayedTimers } from "./delayed.ts";
import { Envelope } from "./envelope.ts";

/** Made when it is first needed, and gone with the instance; most instances need none of it. */
export class InstanceExtra {
  /** Carries the context of hooks, which belong to no message. */
  readonly envelope: Envelope;
  /** Delayed calls to itself. */
  readonly timers: DelayedTimers = new DelayedTimers();
  /** Notices of watched actors' ends, which go ahead of messages. */
  readonly signals: Envelope[] = [];
  /** Whether an interceptor keeps a message back, and those behind it. */
  isHeld = false;

  constructor(cell: ActorCell) {
    this.envelope = new Envelope(undefined, undefined);
    this.envelope.cell = cell;
  }

  /** The instance is over: what it began in its own name ends. */
  retire(error: () => Error): void {
    this.timers.clear();
    this.signals.length = 0;
    this.envelope.abandon(error());
  }
}
