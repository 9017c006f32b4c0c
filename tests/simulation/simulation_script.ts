/** Prints the history of one seed of some scenarios, in one line each. */

import process from "node:process";
import { historyOf } from "./repeated.ts";

const [, , seed, ...names] = process.argv;
const histories: string[] = [];
for (const name of names) histories.push(await historyOf(name, Number(seed)));
// deno-lint-ignore no-console -- the first line is what the test waits for
console.log(JSON.stringify(histories));
