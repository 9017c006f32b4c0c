/**
 * One of several client processes of a wire bench; works when told to and says how much it did.
 *
 * `echo_client.ts <raw port> <address>`; answers "raw" and "actor" with a number of calls.
 *
 * @module
 */

import process from "node:process";
import { askRaw, flightRow, joinEcho } from "./echo_actor.ts";
import { dialRaw } from "./raw_tcp.ts";

const [, , rawPort = "", addr = ""] = process.argv;
const link = await dialRaw(Number(rawPort), "each");
const { echo } = await joinEcho({ addr }, "tcp");
const raw = flightRow("raw", (value) => askRaw(link, value));
const actor = flightRow("actor", (value) => echo.echo(value));
process.on("message", async (what) => {
  process.send?.(await (what === "raw" ? raw : actor).run(() => {}));
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
