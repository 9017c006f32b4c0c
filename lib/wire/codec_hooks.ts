/**
 * How live objects cross the wire.
 *
 * @module
 */

/** A reference or proxy on the wire: enough to reach the actor from any node. */
export interface RefRecord {
  /** Whether it was a reference or a proxy. */
  readonly form: "ref" | "proxy";
  readonly actorId: string;
  readonly nodeId: string;
  readonly path?: string;
  /** `host:port` of the actor's node. */
  readonly address?: string;
  /** The registered name of the actor's class. */
  readonly className?: string;
}

/** A live object in the form that crosses the wire. */
export type Detached =
  | { readonly kind: "ref"; readonly record: RefRecord }
  | { readonly kind: "stream"; readonly id: number };

/** Turns live objects into what crosses the wire, and back. */
export interface CodecHooks {
  /**
   * Asked for every object that is neither plain data nor a built-in of the codec.
   *
   * @returns `undefined` when the object is to be encoded by its own enumerable properties.
   */
  detach(value: object): Detached | undefined;
  /** Makes a live reference or proxy. */
  attachRef(record: RefRecord): unknown;
  /**
   * Asked for every `Message` that is a stream, where bytes are made that no link carries.
   *
   * Without it such a message crosses by what is in it, and its stream is taken.
   *
   * @returns The id under which `attachStream` gives the message back, its stream not taken.
   */
  handThrough?(message: object): number;
  /** Makes a live stream. */
  attachStream(id: number): unknown;
}

/** Extension types; the number is on the wire and never reused. */
export const Ext = {
  undefined: 1,
  /** An object that stood earlier in the same message: its number. */
  back: 2,
  bigint: 3,
  date: 4,
  regexp: 5,
  map: 6,
  set: 7,
  /** A buffer: the kind of view, then its bytes, little-endian. */
  buffer: 8,
  error: 9,
  ref: 10,
  stream: 11,
  /** A buffer that travels beside the body: the kind of view, its index, its length. */
  outOfBand: 12,
  /** A message that names its type. */
  message: 13,
} as const;

/** A class of views of a buffer. */
export interface ViewClass {
  new (buffer: ArrayBuffer, byteOffset: number, length: number): ArrayBufferView;
  readonly BYTES_PER_ELEMENT?: number;
}

/**
 * Views of a buffer by their number on the wire, 0 being the bare `ArrayBuffer`; `Uint8Array` is
 * MessagePack's own `bin`.
 */
export const VIEWS: readonly ViewClass[] = [
  DataView,
  DataView,
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  Float16Array,
];

/** Longest bigint in bytes, its sign included: the runtimes themselves refuse much longer ones. */
export const MAX_BIGINT_BYTES = 1_048_576;

/** The number of a bare `ArrayBuffer`. */
export const BARE_BUFFER = 0;

/** The number of `Uint8Array` in {@link VIEWS}. */
export const UINT8_VIEW = 2;
