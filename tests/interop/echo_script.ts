/** Listens on the sniffing port, prints its address and echoes every byte. */

import type { Connection } from "../../lib/transport.ts";
import { tcp } from "../../transports/tcp.ts";

function echo(connection: Connection): void {
  connection.start({
    onBytes: (bytes) => {
      if (!connection.write(bytes)) connection.pause();
    },
    onDrain: () => connection.resume(),
    onClose: () => {},
  });
}

const listener = await tcp().listen({
  address: "127.0.0.1:0",
  accept: echo,
  handshakeTimeoutMs: 5_000,
});
// deno-lint-ignore no-console -- the first line is what the test waits for
console.log(listener.address);
