/**
 * Messages that name their type, carry bytes of your own format, or are written piece by piece.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import { Message, StreamMessage } from "../lib/system/messaging.ts"; // "@pulsing/core/messaging"
import * as pul from "../mod.ts";

await using one = await pul.actorSystem({ addr: "127.0.0.1:0" });
await using two = await pul.actorSystem({ addr: "127.0.0.1:0", seeds: [`${one.addr}`] });

await one.spawn({
  async receive(message: unknown) {
    if (!(message instanceof Message)) throw new TypeError("Cannot tell: no message");
    switch (message.type) {
      case "PingV1":
        return Message.pack("PongV1", { heard: message.unpack() });
      case "BytesV1":
        return Message.single("LengthV1", Uint8Array.of(message.payload.length));
      default: {
        let sum = 0;
        for await (const n of message.stream()) sum += Number(n);
        return Message.pack("SumV1", sum);
      }
    }
  },
}, { name: "desk" });

const desk = await two.resolve("desk", { timeoutMs: 5_000 });
const pong = await desk.ask(Message.pack("PingV1", [1, 2])) as Message;
console.log(pong.type, JSON.stringify(pong.unpack()));

const length = await desk.ask(Message.single("BytesV1", new Uint8Array(200))) as Message;
console.log(length.type, length.payload[0]);

// A writer waits when the reader is 2 items behind, over the network too.
const { message, writer } = StreamMessage.create<number>("NumbersV1", { bufferSize: 2 });
const sum = desk.ask(message);
for (let n = 1; n <= 100; n++) await writer.write(n);
writer.close();
console.log((await sum as Message).unpack());
