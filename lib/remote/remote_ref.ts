/**
 * Where a reference to an actor of another node leads.
 *
 * @module
 */

import type { ActorTarget } from "../actor/actor_ref.ts";
import { type CallOptions, NO_CALL_OPTIONS, withCallOptions } from "../actor/call_options.ts";
import { bindTurn, currentEnvelope } from "../actor/context.ts";
import type { Watcher } from "../actor/death_watch.ts";
import type { OnRefused } from "../actor/envelope.ts";
import { askThrough, type InterceptedWay, tellThrough } from "../actor/intercepted_send.ts";
import type { Interceptors } from "../actor/interceptors.ts";
import { told } from "../actor/told.ts";
import type { ActorId, ActorPath, NodeId } from "../address.ts";
import { asError } from "../errors.ts";
import type { Random } from "../random.ts";
import type { Association } from "./association.ts";
import type { Links } from "./links.ts";
import type { RemoteWatches } from "./remote_watches.ts";

/** What is known of an actor of another node. */
export interface RemoteActor {
  readonly actorId: ActorId;
  readonly nodeId: NodeId;
  readonly path: ActorPath | undefined;
  readonly address: string | undefined;
  readonly className: string | undefined;
}

/** What references to actors of other nodes need of this one. */
export interface RemoteTargetNode {
  readonly links: Links;
  readonly watches: RemoteWatches;
  readonly random: Random;
  /** What stands around every call; `undefined` while nothing does. */
  readonly interceptors: Interceptors | undefined;
}

/** Sends to an actor over the link to its node, which is opened on the first message. */
export class RemoteTarget implements ActorTarget {
  readonly actorId: ActorId;
  readonly nodeId: NodeId;
  readonly path: ActorPath | undefined;
  readonly address: string | undefined;
  readonly className: string | undefined;
  readonly #node: RemoteTargetNode;

  constructor(node: RemoteTargetNode, actor: RemoteActor) {
    this.#node = node;
    this.actorId = actor.actorId;
    this.nodeId = actor.nodeId;
    this.path = actor.path;
    this.address = actor.address;
    this.className = actor.className;
  }

  ask(
    method: string | undefined,
    payload: unknown,
    options?: CallOptions,
    onRefused?: OnRefused,
  ): Promise<unknown> {
    const { interceptors } = this.#node;
    if (interceptors === undefined) return this.#ask(method, payload, options, onRefused);
    return askThrough(
      this.#way(interceptors),
      { method, payload, options },
      (payload, options) => this.#ask(method, payload, options, onRefused),
    );
  }

  tell(method: string | undefined, payload: unknown, options?: CallOptions): Promise<void> {
    const { interceptors } = this.#node;
    if (interceptors === undefined) return this.#tell(method, payload, options);
    return tellThrough(
      this.#way(interceptors),
      { method, payload, options },
      (payload, options) => this.#tell(method, payload, options),
    );
  }

  watch(watcher: Watcher): void {
    this.#node.watches.watch(this, watcher);
  }

  unwatch(watcher: Watcher): void {
    this.#node.watches.unwatch(this, watcher);
  }

  #way(interceptors: Interceptors): InterceptedWay {
    const { random, links: { clock } } = this.#node;
    return { interceptors, clock, random, target: this };
  }

  #ask(
    method: string | undefined,
    payload: unknown,
    options: CallOptions | undefined,
    onRefused: OnRefused | undefined,
  ): Promise<unknown> {
    const { links } = this.#node;
    const target = this.actorId;
    const link = links.open(this.nodeId, this.address);
    if (!(link instanceof Promise)) {
      return link.ask({ target, method, payload }, options, onRefused);
    }
    const { clock } = links;
    const caller = new AbortController();
    const { signal } = caller;
    const wait = {
      clock,
      options: options ?? NO_CALL_OPTIONS,
      operation: method ?? "ask",
      from: currentEnvelope(),
    };
    return withCallOptions(wait, (deadline) => {
      const reply = this.#whenOpen(
        link,
        payload,
        (open, copy) => {
          signal.throwIfAborted();
          const left = deadline === 0 ? {} : { timeoutMs: Math.max(1, deadline - clock.now()) };
          const rest = options && { ...options, signal, ...left };
          return open.ask({ target, method, payload: copy }, rest, onRefused);
        },
        onRefused && ((error) => {
          signal.throwIfAborted(); // whoever has given up does not send it elsewhere
          return onRefused(error);
        }),
      );
      return { reply, cancel: (reason) => caller.abort(reason) };
    });
  }

  #tell(
    method: string | undefined,
    payload: unknown,
    options: CallOptions | undefined,
  ): Promise<void> {
    const target = this.actorId;
    const link = this.#node.links.open(this.nodeId, this.address);
    if (!(link instanceof Promise)) return link.tell({ target, method, payload }, options);
    const send = (open: Association, copy: unknown) =>
      open.tell({ target, method, payload: copy }, options);
    return told(this.#whenOpen(link, payload, send));
  }

  /** Sends, once the link is up, the message as it is now and from the actor that sends it now. */
  async #whenOpen<R>(
    link: Promise<Association>,
    payload: unknown,
    send: (link: Association, payload: unknown) => Promise<R>,
    onRefused?: (error: Error) => Promise<R>,
  ): Promise<R> {
    this.#node.links.waitForDial(this.nodeId); // before the copy, which is what it bounds
    const copy = this.#node.links.copy(payload);
    const sendAsNow = bindTurn(send);
    const onFailure = onRefused && bindTurn((error: unknown) => onRefused(asError(error)));
    return await link.then((open) => sendAsNow(open, copy), onFailure);
  }
}
