/** Prints the history of a simulated run, in one line. */

import process from "node:process";
import { runScenario } from "../unit/testing/scenario.ts";

const history = await runScenario(Number(process.argv[2]));
// deno-lint-ignore no-console -- the first line is what the test waits for
console.log(JSON.stringify(history.text()));
