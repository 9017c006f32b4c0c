/** Prints the history of a simulated run, in one line. */

import process from "node:process";
import { runScenario } from "../unit/testing/scenario.ts";

const [seed, passphrase] = process.argv.slice(2);
const history = await runScenario(Number(seed), passphrase === undefined ? {} : { passphrase });
// deno-lint-ignore no-console -- the first line is what the test waits for
console.log(JSON.stringify(history.text()));
