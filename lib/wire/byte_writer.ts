/**
 * A growing array of bytes to write into.
 *
 * @module
 */

const FIRST_BYTES = 16_384;

/**
 * Bytes written one after another; what was taken away is never written to again.
 *
 * Rooms are cut from one slab after another, so taking what was written neither copies nor
 * allocates until the slab is used up.
 */
export class ByteWriter {
  /** The slab; valid up to the next call of any method. */
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  /** A view of the same slab. */
  view: DataView = new DataView(this.bytes.buffer);
  /** Where the next byte goes. */
  position = 0;
  #taken = 0;

  /** Bytes written since the last {@link ByteWriter.take}. */
  get pending(): number {
    return this.position - this.#taken;
  }

  /** Makes room for `count` more bytes at {@link ByteWriter.position}; may replace the slab. */
  reserve(count: number): void {
    if (this.position + count > this.bytes.length) this.#grow(count);
  }

  /** Writes one byte. */
  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.position++] = value;
  }

  /** Writes a non-negative integer below 2⁵³ in base-128 form, low bits first. */
  varint(value: number): void {
    this.reserve(8);
    while (value >= 0x80) {
      this.bytes[this.position++] = (value % 0x80) | 0x80;
      value = value < 0x80000000 ? value >>> 7 : Math.floor(value / 0x80);
    }
    this.bytes[this.position++] = value;
  }

  /** Writes a run of bytes. */
  run(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.position);
    this.position += source.length;
  }

  /** Where a later {@link ByteWriter.rewind} may return to, counted from the last take. */
  mark(): number {
    return this.position - this.#taken;
  }

  /** Forgets everything written after a mark. */
  rewind(mark: number): void {
    this.position = this.#taken + mark;
  }

  /** The slab's index of a mark; valid until the next write. */
  indexOf(mark: number): number {
    return this.#taken + mark;
  }

  /** Everything written since the last take; the caller owns it. */
  take(): Uint8Array {
    const result = this.bytes.subarray(this.#taken, this.position);
    this.#taken = this.position;
    return result;
  }

  #grow(count: number): void {
    const kept = this.bytes.subarray(this.#taken, this.position);
    const length = Math.max(FIRST_BYTES, 2 * (kept.length + count));
    this.bytes = new Uint8Array(length);
    this.view = new DataView(this.bytes.buffer);
    this.bytes.set(kept);
    this.position = kept.length;
    this.#taken = 0;
  }
}
