/**
 * A generator method is a streaming answer that goes at the pace of its consumer.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

const Library = pul.remote(
  class Library {
    produced = 0;
    async *pages(count: number) {
      try {
        for (let page = 1; page <= count; page++) {
          this.produced++;
          yield `page ${page}`;
        }
      } finally {
        console.log("producer ended");
      }
    }
    async longest(lines: AsyncIterable<string>) {
      let longest = "";
      for await (const line of lines) if (line.length > longest.length) longest = line;
      return longest;
    }
    howMany() {
      return this.produced;
    }
  },
);

await using system = await pul.actorSystem();
const library = await Library.spawn({ system });

for await (const page of library.pages(2)) console.log(page);

// Leaving the loop early ends the producer: its finally block runs.
for await (const page of library.pages(1_000_000)) {
  console.log(page);
  break;
}
console.log("produced in all:", await library.howMany());

// A stream can be an argument as well.
async function* lines() {
  yield* ["short", "a longer line", "medium"];
}
console.log("longest:", await library.longest(lines()));

const reader = library.pages(3).toReadableStream().getReader();
console.log("web stream:", (await reader.read()).value);
await reader.cancel();
