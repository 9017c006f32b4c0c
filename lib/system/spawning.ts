/**
 * Makes actors of what users give to `spawn`.
 *
 * @module
 */

import { isReceiver, type Receiver } from "../actor/actor.ts";
import { ClassBody, ReceiverBody } from "../actor/actor_body.ts";
import { Behavior } from "../actor/behavior.ts";
import type { ActorCell } from "../actor/actor_cell.ts";
import type { ActorRef } from "../actor/actor_ref.ts";
import type { MethodTable } from "../actor/methods.ts";
import { type ActorClass, type ActorProxy, typedProxy } from "../actor/proxy.ts";
import { isDisowned } from "../actor/disowned.ts";
import { definitionOf, type RemoteClassDefinition } from "../actor/remote_class.ts";
import {
  cellOptionsOf,
  type ClassSpawnOptions,
  type SpawnCellOptions,
  type SpawnOptions,
} from "../actor/spawn_options.ts";
import type { LocalNode } from "./local_node.ts";
import { MountedBody } from "./mounted_body.ts";

/** Options of an actor of any class. */
export type AnyClassSpawnOptions = ClassSpawnOptions<readonly unknown[]>;

/** Starts the actors of one node. */
export class Spawning {
  readonly #node: LocalNode;

  constructor(node: LocalNode) {
    this.#node = node;
  }

  /**
   * Starts an actor that takes its messages itself.
   *
   * @param actor The object, or what makes one.
   * @param parent The actor that starts it, when one does.
   * @throws {TypeError} It is to be restarted and cannot be made again, or has no name.
   */
  receiver(
    actor: unknown,
    options: SpawnOptions,
    parent?: ActorCell,
  ): ActorCell | Promise<ActorCell> {
    const make = makerOf(actor);
    const cellOptions = cellOptionsOf(options, undefined);
    if (cellOptions.supervision !== undefined) checkRestartable(actor, cellOptions, parent);
    return this.#node.spawn(() => new ReceiverBody(make()), { ...cellOptions, parent });
  }

  /** Starts an actor of a class on this node. */
  ofClass(
    definition: RemoteClassDefinition,
    options: AnyClassSpawnOptions,
    parent?: ActorCell,
  ): ActorCell | Promise<ActorCell> {
    const { args = NO_ARGUMENTS } = options;
    const concurrency = options.concurrency ?? definition.options.concurrency;
    const makeBody = () => {
      const instance = construct(definition.cls, args);
      return new ClassBody(instance, definition.methods, concurrency === "sequential");
    };
    const cellOptions = cellOptionsOf(options, definition);
    return this.#node.spawn(
      makeBody,
      parent === undefined ? cellOptions : { ...cellOptions, parent },
    );
  }

  /**
   * Makes an existing object an actor: its methods, or its `receive`, are the messages.
   *
   * @throws {TypeError} It is no object, or gets no name.
   */
  instance(instance: object, options: SpawnOptions): ActorCell | Promise<ActorCell> {
    if (typeof instance !== "object" || instance === null) {
      throw new TypeError(`Cannot mount ${String(instance)}: expected an object`);
    }
    if (options.name === undefined) throw new TypeError("Cannot mount object: it needs a name");
    const definition = isReceiver(instance) ? undefined : definitionOfMaker(instance);
    const methods = definition?.methods ?? NO_METHODS;
    const body = isReceiver(instance)
      ? new ReceiverBody(instance)
      : new ClassBody(instance, methods, false);
    const className = definition?.name;
    const cellOptions = { ...cellOptionsOf(options, undefined), className };
    return this.#node.spawn(() => new MountedBody(body), cellOptions);
  }

  /** Starts what an actor spawns through its context. */
  async child(
    parent: ActorCell,
    actor: unknown,
    options: AnyClassSpawnOptions = {},
  ): Promise<ActorRef | ActorProxy<object>> {
    if (!isClass(actor)) return (await this.receiver(actor, options, parent)).ref;
    const { placement = "local" } = options;
    if (placement !== "local" && placement !== parent.nodeId) {
      throw new TypeError(
        `Cannot spawn child with placement "${placement}": children live with their parent, ` +
          "spawn through context().system instead",
      );
    }
    const definition = definitionOf(actor);
    const { ref } = await this.ofClass(definition, options, parent);
    return typedProxy(ref, actor, definition.methods);
  }
}

/** What is known of the class of an object; a literal has none, its own functions are methods. */
function definitionOfMaker(instance: object): RemoteClassDefinition | undefined {
  const maker: unknown = instance.constructor;
  return isClass(maker) && maker !== Object ? definitionOf(maker) : undefined;
}

/** Whether a value is a class and no plain function. */
function isClass(value: unknown): value is ActorClass {
  if (typeof value !== "function") return false;
  return Object.getOwnPropertyDescriptor(value, "prototype")?.writable === false;
}

function makerOf(actor: unknown): () => Receiver {
  if (actor instanceof Behavior) return () => actor.receiver();
  if (isReceiver(actor)) return () => actor;
  if (typeof actor !== "function" || isClass(actor)) {
    throw new TypeError("Cannot spawn actor: the object has no receive method");
  }
  return () => {
    const made: unknown = Reflect.apply(actor, undefined, []);
    if (made instanceof Behavior) return made.receiver();
    if (isReceiver(made)) return made;
    isDisowned(made);
    throw new TypeError("Cannot spawn actor: what the function made has no receive method");
  };
}

function checkRestartable(
  actor: unknown,
  { path }: SpawnCellOptions,
  parent: ActorCell | undefined,
): void {
  if (path === undefined && parent === undefined) {
    throw new TypeError(
      "Cannot spawn actor: anonymous actors do not support supervision, give it a name",
    );
  }
  if (typeof actor === "function" || actor instanceof Behavior) return;
  throw new TypeError(
    "Cannot spawn actor: one that is to be restarted must be made anew, pass a function that " +
      "makes it",
  );
}

/** Without arguments by `new`: it makes the spawn row of `bench/local_bench.ts` faster on Bun. */
function construct(cls: ActorClass, args: readonly unknown[]): object {
  if (args.length > 0) return Reflect.construct(cls, args);
  return new (cls as new () => object)(); // an abstract class throws either way
}

const NO_METHODS: MethodTable = new Map();
const NO_ARGUMENTS: readonly unknown[] = Object.freeze([]);
