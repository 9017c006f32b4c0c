/**
 * Messages that name their type, hold bytes of your own format, or are streams that are written
 * into: for actors with `receive`.
 *
 * ```ts
 * import * as pul from "@pulsing/core";
 * import { Message, StreamMessage } from "@pulsing/core/messaging";
 * import assert from "node:assert/strict";
 *
 * await using system = await pul.actorSystem();
 * const sum = await system.spawn({
 *   async receive(message: unknown) {
 *     assert.ok(message instanceof Message);
 *     let sum = 0;
 *     for await (const n of message.stream()) sum += Number(n);
 *     return Message.single("SumV1", Uint8Array.of(sum));
 *   },
 * });
 * const { message, writer } = StreamMessage.create<number>("NumbersV1");
 * const answer = sum.ask(message);
 * for (const n of [1, 2, 3]) await writer.write(n);
 * writer.close();
 * assert.deepEqual((await answer as Message).payload, Uint8Array.of(6));
 * ```
 *
 * @module
 */

import {
  type StreamSink,
  StreamWriter,
  writtenStream,
  type WrittenStreamOptions,
} from "../actor/stream_writer.ts";
import { Message, type MessageContent, type MessageStream } from "../wire/codec.ts";

export { Message, type MessageContent, type MessageStream };
export { type StreamSink, StreamWriter, type WrittenStreamOptions };

/** A stream message before it is sent. */
export interface CreatedStreamMessage<T> {
  /** To be sent, or to be an answer; once. */
  readonly message: Message;
  /** Writes the items. */
  readonly writer: StreamWriter<T>;
}

/**
 * Messages whose items are written while they are read: as an answer, or as an upload.
 *
 * The writer keeps the reader's pace: `write` waits while `bufferSize` items are not read yet; over
 * a link the reader's window comes on top. Nothing is read before the message has arrived, so write
 * while the message is under way, not before it is sent. An actor that answers with a stream
 * message takes its next message at once, unlike with a generator.
 *
 * @example Answer with a stream
 * ```ts
 * import * as pul from "@pulsing/core";
 * import { Message, StreamMessage, type StreamWriter } from "@pulsing/core/messaging";
 * import assert from "node:assert/strict";
 *
 * async function countTo(n: number, writer: StreamWriter<number>) {
 *   await using open = writer; // an error here ends the stream with an error
 *   for (let i = 1; i <= n; i++) await open.write(i);
 *   open.close();
 * }
 * await using system = await pul.actorSystem();
 * const counter = await system.spawn({
 *   receive(n: unknown) {
 *     const { message, writer } = StreamMessage.create<number>("Numbers", { bufferSize: 2 });
 *     countTo(Number(n), writer).catch(() => {}); // the reader left
 *     return message;
 *   },
 * });
 * const answer = await counter.ask(3);
 * assert.ok(answer instanceof Message && answer.isStream);
 * assert.deepEqual(await Array.fromAsync(answer.stream()), [1, 2, 3]);
 * ```
 */
export class StreamMessage {
  /**
   * Makes both ends of a stream.
   *
   * Made while a call is handled, it ends for both sides when the caller gives up before it has
   * its answer.
   *
   * @typeParam T The type of an item.
   * @param type The name of the message's type.
   * @param options How many items wait, and what ends the stream.
   * @throws {RangeError} The buffer is no integer above 0.
   */
  static create<T = unknown>(
    type: string,
    options: WrittenStreamOptions = {},
  ): CreatedStreamMessage<T> {
    const { stream, writer } = writtenStream<T>(`"${type}"`, options);
    return { message: new Message(type, { form: "stream", body: stream }), writer };
  }
}
