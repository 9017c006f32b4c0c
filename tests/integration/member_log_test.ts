/** What the logs of a cluster say of members that go and come back. */

import assert from "node:assert/strict";
import type * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { systemOf, Town } from "./town.ts";

/** A logger that keeps its lines, each with its level. */
function recorder(): { readonly logger: pul.Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (text: string, fields: pul.LogFields = {}) => {
    const { addr, incarnation } = fields;
    const about = addr === undefined ? "" : ` ${addr} ${incarnation}`;
    lines.push(`${level}: ${text}${about}`);
  };
  const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { lines, logger };
}

const about = (lines: readonly string[], word: string) =>
  lines.filter((line) => line.includes(word));

// A cluster lost a node and no log said so.
test("a member that dies and comes back is one line each on every other node", async () => {
  await using town = new Town(1);
  const logs = ["a", "b"].map(() => recorder());
  for (const [index, addr] of ["a:1", "b:1", "c:1"].entries()) {
    town.start(addr, { seeds: ["a:1"], ...logs[index] && { logger: logs[index].logger } });
    await town.clock.advance(1_000);
  }
  town.divide(["a", "b"], ["c"]);
  await town.clock.advance(60_000);
  for (const { lines } of logs) {
    assert.deepEqual(about(lines, "member is"), ["info: member is dead c:1 0"]);
    assert.equal(about(lines, "cannot be linked").length, 1, "once in an outage");
  }
  town.divide();
  await town.clock.advance(30_000);
  for (const { lines } of logs) {
    const [dead, back, ...others] = about(lines, "member is");
    assert.equal(dead, "info: member is dead c:1 0");
    assert.match(back!, /^info: member is back c:1 [1-9]/);
    assert.deepEqual(others, []);
  }
  town.divide(["a", "b"], ["c"]);
  await town.clock.advance(60_000);
  for (const { lines } of logs) assert.equal(about(lines, "cannot be linked").length, 2);
});

test("a member that leaves is one line on every other node, and no dead one", async () => {
  await using town = new Town(1);
  const { logger, lines } = recorder();
  town.start("a:1", { logger });
  await town.clock.settle();
  const other = town.start("b:1", { seeds: ["a:1"] });
  await town.clock.advance(1_000);
  const leaving = systemOf(other).shutdown();
  await town.clock.advance(60_000);
  await leaving;
  assert.deepEqual(about(lines, "member"), ["info: member has left b:1 0"]);
});

test("a worker says once that its head is lost, and once that it is back", async () => {
  await using town = new Town(1);
  const { logger, lines } = recorder();
  town.start("a:1", { isHeadNode: true });
  await town.clock.settle();
  town.start("b:1", { headAddr: "a:1", logger });
  await town.clock.advance(1_000);
  assert.deepEqual(about(lines, "head is"), []);
  town.divide(["a"], ["b"]);
  await town.clock.advance(10_000);
  assert.deepEqual(about(lines, "head is"), ["warn: head is lost"]);
  town.divide();
  await town.clock.advance(10_000);
  assert.deepEqual(about(lines, "head is"), ["warn: head is lost", "info: head is back"]);
});
