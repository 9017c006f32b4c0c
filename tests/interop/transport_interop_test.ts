/** The bytes of one runtime's transports arrive unchanged at the other's and come back. */

import assert from "node:assert/strict";
import { MAGIC } from "../../lib/wire/frame.ts";
import { tcp } from "../../transports/tcp.ts";
import { websocket } from "../../transports/websocket.ts";
import { eventually, test } from "../harness.ts";
import { otherRuntime, startScript } from "../other_runtime.ts";

const script = new URL("./echo_script.ts", import.meta.url);
const MEBIBYTE = 1_048_576;

for (const transport of [tcp(), websocket()]) {
  test(`${transport.name}: ${otherRuntime} echoes 1000 messages and 1 MiB unchanged`, async () => {
    await using child = await startScript(otherRuntime, script);
    const sent = [MAGIC.slice()];
    for (let index = 0; index < 1_000; index++) {
      sent.push(new Uint8Array(1 + index % 97).fill(index));
    }
    sent.push(Uint8Array.from({ length: MEBIBYTE }, (_, index) => (index * 31) & 0xff));
    const total = sent.reduce((sum, bytes) => sum + bytes.length, 0);
    const heard = new Uint8Array(total);
    let length = 0;
    let closes = 0;
    const connection = await transport.dial(child.line);
    connection.start({
      onBytes(bytes) {
        heard.set(bytes, length);
        length += bytes.length;
      },
      onDrain() {},
      onClose: () => closes++,
    });
    for (const bytes of sent) connection.write(bytes);
    await eventually(() => length === total, { what: "the echo", timeoutMs: 20_000 });
    const expected = new Uint8Array(total);
    sent.reduce((offset, bytes) => (expected.set(bytes, offset), offset + bytes.length), 0);
    assert.deepEqual(heard, expected);
    connection.close();
    await eventually(() => closes === 1, { what: "the close" });
  });
}
