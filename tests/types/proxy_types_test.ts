/** What the types of proxies promise, held at compile time; nothing here is called. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles only when the types are the same. */
function same<A, B>(_isSame: Equal<A, B>): void {}

class Subject {
  value = 0;
  readonly #secret = 1;
  constructor(value: number, _label?: string) {
    this.value = value + this.#secret - 1;
  }
  get doubled(): number {
    return this.value * 2;
  }
  add(a: number, b = 1): number {
    return a + b;
  }
  later(): Promise<string> {
    return Promise.resolve("later");
  }
  nothing(): void {}
  *numbers(n: number): Generator<number> {
    yield n;
  }
  async *texts(): AsyncGenerator<string> {
    yield await Promise.resolve("text");
  }
  web(): ReadableStream<Uint8Array> {
    return new ReadableStream();
  }
  textsLater(): Promise<AsyncGenerator<string>> {
    return Promise.resolve(this.texts());
  }
  upload(items: AsyncIterable<number>): number {
    return items === undefined ? 0 : 1;
  }
  // deno-lint-ignore no-explicit-any -- what is known of an answer without a type
  whatever(): any {}
  onStart(): void {}
  onStop(): void {}
  metadata(): Record<string, string> {
    return {};
  }
  _private(): number {
    return 1;
  }
  $internal(): number {
    return 2;
  }
}

const Remote = pul.remote(Subject, { name: "TypesSubject" });
type Proxy = pul.ActorProxy<Subject>;
type Returned<K extends keyof Proxy> = Proxy[K] extends (...args: never[]) => infer R ? R : never;

test("methods answer with promises, generators with stream calls", () => {
  same<Returned<"add">, Promise<number>>(true);
  same<Returned<"later">, Promise<string>>(true);
  same<Returned<"nothing">, Promise<void>>(true);
  same<Returned<"numbers">, pul.StreamCall<number>>(true);
  same<Returned<"texts">, pul.StreamCall<string>>(true);
  same<Returned<"web">, pul.StreamCall<Uint8Array>>(true);
  same<Returned<"textsLater">, Promise<pul.ReplyStream<string>>>(true);
  // deno-lint-ignore no-explicit-any -- an answer without a type stays one
  same<Returned<"whatever">, pul.AnyCall<any>>(true);
  same<Parameters<Proxy["add"]>, [a: number, b?: number]>(true);
  same<Parameters<Proxy["upload"]>, [items: AsyncIterable<number>]>(true);
  same<Returned<"add">, Promise<string>>(false);
});

test("a proxy has the public methods and its own four names, nothing else", () => {
  type Public =
    | "add"
    | "later"
    | "nothing"
    | "numbers"
    | "texts"
    | "web"
    | "textsLater"
    | "upload"
    | "whatever";
  same<pul.MethodName<Subject>, Public>(true);
  same<keyof Proxy, Public | "$ref" | "$with" | "$as" | "$any">(true);
  same<Proxy["$ref"], pul.ActorRef>(true);
});

/** Each line compiles or is an expected error; never called. */
export async function misuse(proxy: Proxy, system: pul.ActorSystem): Promise<void> {
  await proxy.add(1);
  await proxy.add(1, 2);
  // @ts-expect-error -- an argument of the wrong type
  await proxy.add("1");
  // @ts-expect-error -- an argument is missing
  await proxy.add();
  // @ts-expect-error -- an argument too many
  await proxy.add(1, 2, 3);
  // @ts-expect-error -- no such method
  await proxy.subtract(1);
  // @ts-expect-error -- private by its name
  await proxy._private();
  // @ts-expect-error -- private by its name
  await proxy.$internal();
  // @ts-expect-error -- a hook
  await proxy.onStart();
  // @ts-expect-error -- a field
  proxy.value;
  // @ts-expect-error -- a getter
  proxy.doubled;
  // @ts-expect-error -- proxies are read-only
  proxy.add = () => Promise.resolve(1);
  // @ts-expect-error -- an answer is a promise
  proxy.add(1).toFixed();
  // @ts-expect-error -- items of another type
  for await (const item of proxy.numbers(1)) item.toUpperCase();
  // @ts-expect-error -- a call without a stream is not iterable
  for await (const item of proxy.add(1)) void item;
  await statics(system);
}

async function statics(system: pul.ActorSystem): Promise<void> {
  const spawned = await Remote.spawn({ args: [1, "label"], system });
  same<typeof spawned, Proxy>(true);
  const resolved = await Remote.resolve("name");
  same<typeof resolved, Proxy>(true);
  const typed = await pul.resolve("name", { cls: Subject });
  same<typeof typed, Proxy>(true);
  const untyped = await pul.resolve("name");
  same<typeof untyped, pul.AnyProxy>(true);
  same<InstanceType<typeof Remote>, Subject>(true);
  const withOptions = spawned.$with({ timeoutMs: 1 });
  same<typeof withOptions, Proxy>(true);
  const other = untyped.$as(Subject);
  same<typeof other, Proxy>(true);
  await untyped.anything?.(1, "two");
  // @ts-expect-error -- a constructor argument of the wrong type
  await Remote.spawn({ args: ["1"] });
  // @ts-expect-error -- a constructor argument too many
  await system.spawnClass(Subject, { args: [1, "label", 2] });
  // @ts-expect-error -- no such option
  await Remote.spawn({ nome: "typo" });
}

test("misuse is an error of the compiler, see above; the functions are there", () => {
  assert.equal(typeof misuse, "function");
  assert.equal(new Remote(2).doubled, 4);
});
