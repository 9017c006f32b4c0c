/**
 * One direction of a connection in a virtual network.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { FrameFaults } from "./frame_faults.ts";
import type { Route } from "./route.ts";

/** Something on its way. */
export interface Segment {
  /** Absent for the end of the connection. */
  readonly bytes?: Uint8Array;
  /** Why the connection ends, when it was not a close by either side. */
  readonly error?: Error;
  /** When it can be taken, in milliseconds of the clock. */
  arrivesAtMs: number;
}

const PASSES = (): number => 1;
const NOBODY = (): void => {};

/** A run of bytes that arrives in its order, each write after a delay of its own at least. */
export class Pipe {
  /** Called when something can be taken; set by the side that reads. */
  onArrived: () => void = NOBODY;
  /** Called when some bytes were taken; set by the side that writes. */
  onTaken: () => void = NOBODY;
  readonly #clock: Clock;
  readonly #route: Route;
  readonly #frames: FrameFaults;
  #segments: Segment[] = [];
  /** How many of the segments, from the first on, have arrived. */
  #arrived = 0;
  #bytes = 0;
  #latestMs = 0;
  #isUnderWay = false;
  #isEnded = false;
  #isSevered = false;
  readonly #look = (): void => this.#arrive();
  readonly #again = (): void => this.#sendAgain();

  constructor(clock: Clock, route: Route, isDialler: boolean) {
    this.#clock = clock;
    this.#route = route;
    this.#frames = new FrameFaults(isDialler);
  }

  /** Bytes that were sent and not yet taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Sends bytes. */
  send(bytes: Uint8Array): void {
    if (this.#isEnded || this.#isSevered) return;
    const route = this.#route;
    if (!route.isLossy && !this.#frames.isHolding) {
      this.#frames.follow(bytes);
      return this.#add({ bytes, arrivesAtMs: this.#draw(true) });
    }
    const copies = route.isLossy ? () => route.drawCopies() : PASSES;
    const { pieces, hasOthers } = this.#frames.split(bytes, copies);
    if (pieces.length === 0) return;
    const arrivesAtMs = this.#draw(hasOthers);
    for (const piece of pieces) this.#add({ bytes: piece, arrivesAtMs });
  }

  /** Sends the end, behind all bytes. */
  end(error?: Error): void {
    if (this.#isEnded || this.#isSevered) return;
    const held = this.#frames.flush();
    if (held.length > 0) this.#add({ bytes: held, arrivesAtMs: this.#draw(true) });
    this.#isEnded = true;
    this.#add({ arrivesAtMs: this.#draw(true), ...(error !== undefined && { error }) });
  }

  /** Drops what has not been taken, the end as well, so that another end can be sent. */
  clear(): void {
    this.#segments = [];
    this.#arrived = 0;
    this.#bytes = 0;
    this.#isEnded = false;
  }

  /** Nobody will ever take anything. */
  sever(): void {
    this.clear();
    this.#isSevered = true;
  }

  /** Takes what has arrived first. */
  take(): Segment | undefined {
    if (this.#arrived === 0) return undefined;
    this.#arrived--;
    const segment = this.#segments.shift() as Segment; // as many are there as have arrived
    if (segment.bytes !== undefined) {
      this.#bytes -= segment.bytes.length;
      this.onTaken();
    }
    return segment;
  }

  #add(segment: Segment): void {
    this.#segments.push(segment);
    if (segment.bytes !== undefined) this.#bytes += segment.bytes.length;
    if (!this.#isUnderWay) this.#wait(segment);
  }

  /** Waits for the first segment that has not arrived. */
  #wait(next: Segment): void {
    this.#isUnderWay = true;
    if (this.#route.isBlocked) this.#route.whenOpen(this.#again);
    else this.#clock.setTimer(this.#look, next.arrivesAtMs - this.#clock.now());
  }

  #arrive(): void {
    if (this.#route.isBlocked) return this.#route.whenOpen(this.#again);
    this.#isUnderWay = false;
    const now = this.#clock.now();
    const before = this.#arrived;
    for (;;) {
      const next = this.#segments[this.#arrived];
      if (next === undefined) break;
      if (next.arrivesAtMs > now) {
        this.#wait(next);
        break;
      }
      this.#arrived++;
    }
    if (this.#arrived > before) this.onArrived();
  }

  /** What could not arrive is on its way anew. */
  #sendAgain(): void {
    this.#isUnderWay = false;
    this.#latestMs = this.#clock.now();
    const arrivesAtMs = this.#draw(true);
    for (let index = this.#arrived; index < this.#segments.length; index++) {
      (this.#segments[index] as Segment).arrivesAtMs = arrivesAtMs; // the index is in range
    }
    const next = this.#segments[this.#arrived];
    if (next !== undefined) this.#wait(next);
  }

  #draw(isRepeated: boolean): number {
    const arrivesAtMs = this.#clock.now() + this.#route.drawDelayMs(isRepeated);
    return this.#latestMs = Math.max(this.#latestMs, arrivesAtMs);
  }
}
