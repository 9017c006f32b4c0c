/** Typed messages and stream messages between actors, on one node and over a link. */

import assert from "node:assert/strict";
import { Message, StreamMessage } from "../../lib/system/messaging.ts";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";
import { BareNode } from "../leak/bare_node.ts";

const isClosed = (error: unknown) => pul.isPulsingError(error, "stream-closed");

/** Answers messages, and remembers what became of its streams. */
class Subject extends pul.Actor {
  written = 0;
  failure: unknown = undefined;
  last: unknown = undefined;

  async receive(message: unknown): Promise<unknown> {
    this.last = message;
    if (!(message instanceof Message)) return message;
    switch (message.type) {
      case "Sum": {
        let sum = 0;
        for await (const n of message.stream()) sum += Number(n);
        return Message.pack("SumIs", sum);
      }
      case "ReadOne": {
        for await (const n of message.stream()) return n;
        return undefined;
      }
      case "Leave":
        return "left";
      case "Count":
        return this.#count(Number(message.unpack()));
      case "Fail":
        return this.#failing(message.unpack());
      case "Hang":
        await new Promise<void>((resolve) =>
          pul.context().signal.addEventListener("abort", () => resolve(), { once: true })
        );
        return this.#count(1e6);
      case "Cut":
        return this.#cut();
      case "Items":
        return this.#items(message.unpack() as unknown[]);
      default:
        return message;
    }
  }

  #count(n: number): Message {
    const { message, writer } = StreamMessage.create("Numbers", { bufferSize: 4 });
    const write = async () => {
      for (; this.written < n; this.written++) await writer.write(this.written);
      writer.close();
    };
    write().catch((error) => this.failure = error);
    return message;
  }

  async #failing(error: unknown): Promise<Message> {
    const { message, writer } = StreamMessage.create("Failing");
    await writer.write("before");
    writer.error(error);
    return message;
  }

  async #items(items: unknown[]): Promise<Message> {
    const { message, writer } = StreamMessage.create("Items");
    for (const item of items) await writer.write(item);
    writer.close();
    return message;
  }

  async #cut(): Promise<Message> {
    const { message, writer } = StreamMessage.create("Cut");
    await using open = writer;
    await open.write("before");
    return message;
  }
}

async function there(where: "here" | "clone" | "link", limits: Partial<pul.Limits> = {}) {
  const subject = new Subject();
  if (where !== "link") {
    const isolate = where === "clone" ? "clone" : "reference";
    const system = await pul.actorSystem({ isolate, limits });
    const ref = await system.spawn(subject);
    return { ref, subject, client: system, [Symbol.asyncDispose]: () => system.shutdown() };
  }
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  const options = { addr: "127.0.0.1:0", transport, limits };
  const server = await pul.actorSystem(options);
  const client = await pul.actorSystem({ ...options, seeds: [server.addr ?? ""] });
  await server.spawn(subject, { name: "subject" });
  const ref = await client.resolve("subject", { timeoutMs: 5_000 });
  const dispose = async () => {
    await client.shutdown();
    await server.shutdown();
  };
  return { ref, subject, client, [Symbol.asyncDispose]: dispose };
}

function asMessage(value: unknown): Message {
  assert.ok(value instanceof Message);
  return value;
}

for (const where of ["here", "clone", "link"] as const) {
  test(`${where}: a message arrives as a message, and so does its answer`, async () => {
    await using side = await there(where);
    const { ref, subject } = side;
    const single = Message.single("TypeV1", Uint8Array.of(1, 2, 3));
    const echo = asMessage(await ref.ask(single));
    assert.equal(echo.type, "TypeV1");
    assert.deepEqual(echo.payload, Uint8Array.of(1, 2, 3));
    assert.equal(echo === single, where === "here");
    assert.ok(subject.last instanceof Message);
    assert.deepEqual(asMessage(await ref.ask(Message.pack("P", { n: 1n }))).unpack(), { n: 1n });
    assert.deepEqual(asMessage(await ref.ask(Message.fromJson("J", [1]))).toJson(), [1]);
    assert.equal(asMessage(await ref.ask(Message.empty())).payload.length, 0);
    const nested = await ref.ask({ list: [Message.pack("P", 7)] }) as { list: Message[] };
    assert.equal(nested.list[0]?.unpack(), 7);
    await ref.tell(Message.pack("Told", 8));
    await ref.ask("after");
    assert.equal(subject.last, "after");
  });

  test(`${where}: a reference in a packed message arrives live`, async () => {
    await using side = await there(where);
    const { ref, client } = side;
    const own = await client.spawn({ receive: (text: unknown) => `own ${text}` });
    const { peer } = asMessage(await ref.ask(Message.pack("P", { peer: own }))).unpack() as {
      peer: pul.ActorRef;
    };
    assert.equal(await peer.ask("hello"), "own hello");
  });

  test(`${where}: large bytes of a message arrive whole`, async () => {
    await using side = await there(where);
    const bytes = new Uint8Array(300_000).map((_, index) => index);
    const echo = asMessage(await side.ref.ask(Message.single("Big", bytes)));
    assert.deepEqual(echo.payload, bytes);
  });

  test(`${where}: an answer that is a stream arrives item by item, then ends`, async () => {
    await using side = await there(where);
    const answer = asMessage(await side.ref.ask(Message.pack("Count", 100)));
    assert.equal(answer.isStream, true);
    const stream = answer.stream();
    assert.ok(stream instanceof pul.ReplyStream);
    assert.deepEqual(await Array.fromAsync(stream), Array.from({ length: 100 }, (_, n) => n));
    assert.throws(() => answer.stream(), isClosed);
    assert.equal(side.subject.failure, undefined);
  });

  test(`${where}: an upload is read at the pace of its reader`, async () => {
    await using side = await there(where);
    const { message, writer } = StreamMessage.create<number>("Sum", { bufferSize: 2 });
    const answer = side.ref.ask(message);
    for (let n = 1; n <= 100; n++) await writer.write(n);
    writer.close();
    assert.equal(asMessage(await answer).unpack(), 5_050);
  });

  test(`${where}: items of a stream message may be messages and buffers`, async () => {
    await using side = await there(where);
    const sent = [Message.pack("Item", { n: 1 }), new Uint8Array(200_000).fill(3)];
    const answer = asMessage(await side.ref.ask(Message.pack("Items", sent)));
    const [item, buffer] = await Array.fromAsync(answer.stream());
    assert.deepEqual(asMessage(item).unpack(), { n: 1 });
    assert.deepEqual(buffer, sent[1]);
  });

  test(`${where}: an error ends the reader's stream after the items before it`, async () => {
    await using side = await there(where);
    const given: readonly (readonly [unknown, string])[] = [
      ["broken", "PulsingActorError"],
      [new TypeError("broken"), "PulsingActorError"],
      [new pul.PulsingBusinessError(7, "broken"), "PulsingBusinessError"],
    ];
    for (const [error, name] of given) {
      const answer = asMessage(await side.ref.ask(Message.pack("Fail", error)));
      const items = answer.stream()[Symbol.asyncIterator]();
      assert.deepEqual(await items.next(), { done: false, value: "before" });
      await assert.rejects(items.next(), { name, message: /broken/ });
      assert.equal((await items.next()).done, true);
    }
  });

  test(`${where}: a writer that is disposed without an end fails its reader`, async () => {
    await using side = await there(where);
    const answer = asMessage(await side.ref.ask(Message.pack("Cut", 0)));
    await assert.rejects(Array.fromAsync(answer.stream()), isClosed);
  });

  test(`${where}: a reader that leaves early makes the writer's next write fail`, async () => {
    await using side = await there(where, { streamWindowItems: 8 });
    const answer = asMessage(await side.ref.ask(Message.pack("Count", 1e6)));
    for await (const n of answer.stream()) if (n === 3) break;
    await eventually(() => isClosed(side.subject.failure), { what: "the writer's failure" });
    assert.ok(side.subject.written < 100);
  });

  test(`${where}: an upload whose reader leaves makes the writer's next write fail`, async () => {
    await using side = await there(where);
    const { message, writer } = StreamMessage.create<number>("ReadOne", { bufferSize: 2 });
    const answer = side.ref.ask(message);
    const write = async () => {
      for (;;) await writer.write(7);
    };
    await assert.rejects(write(), isClosed);
    assert.equal(await answer, 7);
  });

  test(`${where}: a caller that gives up ends the stream made for it`, async () => {
    await using side = await there(where);
    const controller = new AbortController();
    const answer = side.ref.ask(Message.pack("Hang", 0), { signal: controller.signal });
    await eventually(() => side.subject.last !== undefined, { what: "the message" });
    controller.abort();
    await assert.rejects(answer, { name: "AbortError" });
    await eventually(() => isClosed(side.subject.failure), { what: "the writer's failure" });
  });

  test(`${where}: a stream that nobody reads keeps its writer waiting, not the actor`, async () => {
    await using side = await there(where);
    const answer = asMessage(await side.ref.ask(Message.pack("Count", 1e6)));
    assert.equal(await side.ref.ask("still there"), "still there");
    await answer.stream().cancel();
    await eventually(() => isClosed(side.subject.failure), { what: "the writer's failure" });
  });
}

test("link: an upload that its receiver does not read ends when it is answered", async () => {
  await using side = await there("link");
  const { message, writer } = StreamMessage.create<number>("Leave");
  assert.equal(await side.ref.ask(message), "left");
  const write = async () => {
    for (;;) await writer.write(7);
  };
  await assert.rejects(write(), isClosed);
});

test("link: a stream message can be sent once", async () => {
  await using side = await there("link");
  const { message, writer } = StreamMessage.create<number>("Sum");
  writer.close();
  assert.equal(asMessage(await side.ref.ask(message)).unpack(), 0);
  await assert.rejects(side.ref.ask(message), isClosed);
});

test("link: a slow reader stops the writer", async () => {
  await using side = await there("link", { streamWindowItems: 8 });
  const answer = asMessage(await side.ref.ask(Message.pack("Count", 1e6)));
  const items = answer.stream()[Symbol.asyncIterator]();
  await items.next();
  await side.ref.ask("round trip");
  assert.ok(side.subject.written <= 32, `${side.subject.written} were written`);
  await items.return?.();
});

test("link: when it is lost, the reader and the writer hear of it", async () => {
  await using side = await there("link");
  const answer = asMessage(await side.ref.ask(Message.pack("Count", 1e6)));
  const items = answer.stream()[Symbol.asyncIterator]();
  await items.next();
  await side.client.shutdown();
  await eventually(() => isClosed(side.subject.failure), { what: "the writer's failure" });
  await assert.rejects(async () => {
    for (;;) if ((await items.next()).done) throw new Error("no failure");
  }, (error) => pul.isPulsingError(error));
});

test("link: a message passed on by a node in between arrives with its stream", async () => {
  await using side = await there("link");
  const relay = await side.client.spawn({
    receive: (message: unknown) => side.ref.ask(message),
  });
  const { message, writer } = StreamMessage.create<number>("Sum");
  const answer = relay.ask(message);
  for (const n of [1, 2, 3]) await writer.write(n);
  writer.close();
  assert.equal(asMessage(await answer).unpack(), 6);
  assert.equal(
    (await Array.fromAsync(
      asMessage(await relay.ask(Message.pack("Count", 5))).stream(),
    )).length,
    5,
  );
});

test("an actor with methods takes messages as arguments, and refuses them bare", async () => {
  class Reader {
    read(message: Message): unknown {
      return message.unpack();
    }
  }
  await using system = await pul.actorSystem();
  const reader = await system.spawnClass(Reader);
  assert.equal(await reader.read(Message.pack("T", 7)), 7);
  await assert.rejects(reader.$ref.ask(Message.pack("T", 7)), { kind: "invalid-message" });
});

/** Takes messages as arguments. */
class Uploads {
  async sum(message: Message): Promise<Message> {
    let sum = 0;
    for await (const n of message.stream()) sum += Number(n);
    return Message.pack("SumIs", sum);
  }
  echo(value: unknown): unknown {
    return value;
  }
}

/** Two nodes without a link: the first message dials. */
async function unlinked() {
  const { systemClock: clock } = pul;
  const transport = pul.memory(new pul.MemoryNetwork(clock));
  const near = new BareNode({ clock, transport });
  const far = new BareNode({ clock, transport });
  await far.listen();
  const uploads = near.refTo(await far.spawn(Uploads)).asType(Uploads);
  const dispose = async () => {
    await near[Symbol.asyncDispose]();
    await far[Symbol.asyncDispose]();
  };
  return { near, far, uploads, [Symbol.asyncDispose]: dispose };
}

test("a stream message whose ask waits for the dial is not taken before it leaves", async () => {
  await using nodes = await unlinked();
  const { message, writer } = StreamMessage.create<number>("Sum", { bufferSize: 2 });
  const value = [1];
  const [sum, echo] = [
    nodes.uploads.sum(message),
    nodes.uploads.echo({ list: [Message.pack("P", value)] }) as Promise<{ list: Message[] }>,
  ];
  value.push(2); // after the copy
  for (let n = 1; n <= 10; n++) await writer.write(n);
  writer.close();
  assert.equal(asMessage(await sum).unpack(), 55);
  assert.deepEqual((await echo).list[0]?.unpack(), [1]);
  assert.throws(() => message.stream(), isClosed); // it has left
});

test("a stream message that is sent twice while the link is dialled is taken by the first", async () => {
  await using nodes = await unlinked();
  const { message, writer } = StreamMessage.create<number>("Sum");
  const first = nodes.uploads.sum(message);
  const second = assert.rejects(Promise.resolve(nodes.uploads.sum(message)), isClosed);
  await writer.write(7);
  writer.close();
  assert.equal(asMessage(await first).unpack(), 7);
  await second;
});

test("a stream message whose dial fails is still its sender's", async () => {
  await using nodes = await unlinked();
  await nodes.far[Symbol.asyncDispose]();
  const { message, writer } = StreamMessage.create<number>("Sum");
  const sent = Promise.resolve(nodes.uploads.sum(message));
  await assert.rejects(sent, (error) => pul.isPulsingError(error, "node-unreachable"));
  await writer.write(7);
  writer.close();
  assert.deepEqual(await Array.fromAsync(message.stream()), [7]);
});
