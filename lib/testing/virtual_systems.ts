/**
 * Which clock a system under test lives by.
 *
 * @module
 */

import type { ActorSystem } from "../system/actor_system.ts";
import type { ManualClock } from "./manual_clock.ts";

const clocks = new WeakMap<ActorSystem, ManualClock>();

/** Says that the time of a system is moved by a clock. */
export function setManualClock(system: ActorSystem, clock: ManualClock): void {
  clocks.set(system, clock);
}

/** The clock that moves the time of a system; `undefined` when it lives in real time. */
export function manualClockOf(system: ActorSystem): ManualClock | undefined {
  return clocks.get(system);
}
