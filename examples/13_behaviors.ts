/**
 * Actors as functions: a state and what each message makes of it.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example shows its output

import * as pul from "../mod.ts";

type Order = "push" | "coin" | "break";

/** A turnstile: locked until somebody pays, then open for one. */
const locked: pul.Behavior<Order> = pul.stateless((order, context) => {
  if (order === "break") return pul.stop("somebody broke it");
  context.reply(order === "coin" ? "welcome" : "pay first");
  return order === "coin" ? pul.become(open) : pul.same;
});

const open: pul.Behavior<Order> = pul.stateless((order, context) => {
  context.reply(order === "push" ? "go through" : "thank you, it is open");
  return order === "push" ? pul.become(locked) : pul.same;
});

const counter = (first: number) =>
  pul.stateful(first, (count: number, by: number, context) => {
    context.reply(count + by);
    return pul.next(count + by);
  });

await using system = await pul.actorSystem();
const turnstile = await system.spawnNamed("doors/turnstile", locked);
for (const order of ["push", "coin", "push", "push"]) {
  console.log(order, "->", await turnstile.ask(order));
}

// A behaviour is a recipe: each actor made of it has its own state.
const [one, two] = [await system.spawn(counter(0)), await system.spawn(counter(10))];
console.log(await one.ask(1), await one.ask(1), await two.ask(1));

await turnstile.ask("break");
const gone = await turnstile.ask("push").catch((error: unknown) => error);
if (pul.isPulsingError(gone)) console.log("after the break:", gone.kind);
