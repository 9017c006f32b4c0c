/**
 * Which clock a system under test lives by.
 *
 * @module
 */

import type { ActorSystem } from "../system/actor_system.ts";
import type { ManualClock } from "./manual_clock.ts";

/** What moves the time of systems. */
export interface Driver extends Pick<ManualClock, "now" | "advanceUntil"> {
  /** Where in which run this is, for errors. */
  where?(): string;
}

const clocks = new WeakMap<ActorSystem, Driver>();

/** Says that the time of a system is moved by a clock. */
export function setManualClock(system: ActorSystem, clock: Driver): void {
  clocks.set(system, clock);
}

/** The clock that moves the time of a system; `undefined` when it lives in real time. */
export function manualClockOf(system: ActorSystem): Driver | undefined {
  return clocks.get(system);
}
