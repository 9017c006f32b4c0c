/** Rejections that nobody looked at. */

import process from "node:process";

/** What was rejected without anybody looking while `body` ran. */
export async function unhandled(body: () => unknown): Promise<unknown[]> {
  const seen: unknown[] = [];
  const on = (reason: unknown) => void seen.push(reason);
  process.on("unhandledRejection", on);
  await body();
  // Both runtimes report in a turn after the one that rejected.
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", on);
  return seen;
}
