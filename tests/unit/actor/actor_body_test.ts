/** Who gets the context of a message: every receive that may look at it. */

import assert from "node:assert/strict";
import * as pul from "../../../mod.ts";
import { test } from "../../harness.ts";

type Receive = pul.Receiver["receive"];

/** Functions that look at their second argument, in all the ways there are. */
const LOOKING: Readonly<Record<string, Receive>> = {
  "two parameters": (_message, context) => context.path,
  "a rest parameter": (...[, context]) => context.path,
  "a rest behind the message":
    ((_message: unknown, ...rest: [pul.CellContext]) => rest[0].path) as Receive,
  "a default":
    ((_message: unknown, context: pul.CellContext | undefined = undefined) =>
      context?.path) as Receive,
  "arguments": function () {
    return (arguments as unknown as [unknown, pul.CellContext])[1].path;
  },
  "a destructured parameter": (_message, { path }) => path,
  "async": async (_message, context) => await Promise.resolve(context.path),
  "a bound function": function (this: unknown, _message: unknown, context: pul.CellContext) {
    return context.path;
  }.bind(undefined) as Receive,
  "a method": {
    receive(_message: unknown, { path }: pul.CellContext) {
      return path;
    },
  }.receive,
};

test("receive gets the context however it takes it", async () => {
  await using system = await pul.actorSystem();
  for (const [index, [how, receive]] of Object.entries(LOOKING).entries()) {
    const ref = await system.spawn({ receive }, { name: `a${index}` });
    assert.equal(await ref.ask(1), `actors/a${index}`, how);
  }
});

test("receive that takes the message only works in every form", async () => {
  await using system = await pul.actorSystem();
  const forms: readonly Receive[] = [
    (message) => message,
    async (message) => await Promise.resolve(message),
    function (message) {
      return message;
    },
    {
      receive(message: unknown) {
        return message;
      },
    }.receive,
  ];
  for (const receive of forms) {
    const ref = await system.spawn({ receive });
    assert.equal(await ref.ask(7), 7);
  }
});

test("receive that is replaced by one with a context gets it", async () => {
  await using system = await pul.actorSystem();
  const actor: { receive: Receive } = { receive: (message) => message };
  const ref = await system.spawn(actor, { name: "changing" });
  assert.equal(await ref.ask(1), 1);
  actor.receive = (_message, context) => context.path;
  assert.equal(await ref.ask(1), "actors/changing");
});
