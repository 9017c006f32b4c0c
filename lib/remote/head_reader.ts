/**
 * Reads the fields in front of a frame's body.
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";

/** A cursor over one frame's payload; one object is reused for all frames of a link. */
export class HeadReader {
  /** The array that holds the payload. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the next field begins. */
  position = 0;
  /** Where the payload ends. */
  end = 0;

  /** Turns to another payload. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  /** Whether the payload is used up. */
  get isAtEnd(): boolean {
    return this.position === this.end;
  }

  /** Reads one byte. */
  byte(): number {
    if (this.position >= this.end) throw truncated();
    return this.bytes[this.position++] as number; // the position is below the end
  }

  /** Reads a non-negative integer below 2⁵³ in base-128 form. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
      if (scale > 2 ** 49) throw truncated();
    }
    if (value > Number.MAX_SAFE_INTEGER) throw truncated();
    return value;
  }

  /** Reads a run of bytes; a view, not a copy. */
  run(length: number): Uint8Array {
    if (length > this.end - this.position) throw truncated();
    const start = this.position;
    this.position += length;
    return this.bytes.subarray(start, this.position);
  }

  /** Reads all that is left; a view, not a copy. */
  rest(): Uint8Array {
    return this.run(this.end - this.position);
  }
}

function truncated(): PulsingRuntimeError {
  return new PulsingRuntimeError("Cannot read frame: a field is truncated or out of range", {
    kind: "protocol-violation",
  });
}
