/**
 * The other process of a wire bench: a bare echo and an actor that echoes.
 *
 * `echo_server.ts tcp|websocket`; says over the process channel where both are.
 *
 * @module
 */

import process from "node:process";
import * as pul from "../mod.ts";
import { Echo, transportNamed } from "./echo_actor.ts";
import { listenRaw } from "./raw_tcp.ts";
import { listenRawWebSocket } from "./raw_websocket.ts";

const name = process.argv[2];
const system = await pul.actorSystem({ addr: "127.0.0.1:0", transport: transportNamed(name) });
await system.spawnClass(Echo, { name: "echo", mailboxCapacity: 4_096 });
const rawPort = await (name === "websocket" ? listenRawWebSocket() : listenRaw("each"));
const batchedPort = await listenRaw("batched");
process.on("disconnect", () => process.exit());
process.send?.({ rawPort, batchedPort, addr: system.addr });
