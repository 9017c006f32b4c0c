/**
 * The values in the frames of one link.
 *
 * @module
 */

import type { Decoder } from "../wire/codec.ts";
import { fromErrorRecord } from "../wire/wire_error.ts";
import type { HeadReader } from "./head_reader.ts";
import type { InboundStream } from "./remote_stream.ts";
import type { StreamTable } from "./stream_table.ts";

/** A body that came in chunks; small ones follow their head. */
export interface Body {
  readonly bytes: Uint8Array;
  readonly buffers: readonly Uint8Array[];
}

/** Reads bodies, and settles the fate of the streams found in them. */
export class BodyReader {
  readonly #decoder: Decoder;
  readonly #streams: StreamTable;
  #kept: readonly InboundStream[] = NO_STREAMS;

  constructor(decoder: Decoder, streams: StreamTable) {
    this.#decoder = decoder;
    this.#streams = streams;
  }

  /**
   * Reads a body.
   *
   * @param head Stands at the body, unless that came in chunks.
   * @param streams `"drop"` for a value that nobody will read streams in: they are stopped.
   * @throws {PulsingRuntimeError} kind `"not-decodable"`; the streams found so far are stopped.
   */
  read(head: HeadReader, body?: Body, streams: "keep" | "drop" = "keep"): unknown {
    const { bytes, buffers } = body ?? { bytes: head.bytes, buffers: undefined };
    const start = body === undefined ? head.position : 0;
    const end = body === undefined ? head.end : bytes.length;
    this.#kept = NO_STREAMS;
    if (start === end) return undefined;
    try {
      const value = this.#decoder.decode(bytes, start, end, buffers);
      if (streams === "drop") this.#streams.dropAttached();
      this.#kept = this.#streams.takeAttached();
      return value;
    } catch (error) {
      this.#streams.dropAttached();
      throw error;
    }
  }

  /** The streams in the body that was read last. */
  get kept(): readonly InboundStream[] {
    return this.#kept;
  }

  /** Reads an error. */
  error(head: HeadReader): Error {
    return fromErrorRecord(this.read(head, undefined, "drop"));
  }
}

const NO_STREAMS: readonly InboundStream[] = Object.freeze([]);

/** Bytes of a body and its buffers. */
export function sizeOf(head: HeadReader, body: Body | undefined): number {
  if (body === undefined) return head.end - head.position;
  return body.buffers.reduce((sum, buffer) => sum + buffer.length, body.bytes.length);
}
