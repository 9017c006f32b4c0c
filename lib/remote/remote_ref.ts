/**
 * Where a reference to an actor of another node leads.
 *
 * @module
 */

import type { ActorTarget } from "../actor/actor_ref.ts";
import { type CallOptions, withCallOptions } from "../actor/call_options.ts";
import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { Association } from "./association.ts";
import type { Links } from "./links.ts";

/** What is known of an actor of another node. */
export interface RemoteActor {
  readonly actorId: ActorId;
  readonly nodeId: NodeId;
  readonly path: ActorPath | undefined;
  readonly address: string | undefined;
  readonly className: string | undefined;
}

/** Sends to an actor over the link to its node, which is opened on the first message. */
export class RemoteTarget implements ActorTarget {
  readonly actorId: ActorId;
  readonly nodeId: NodeId;
  readonly path: ActorPath | undefined;
  readonly address: string | undefined;
  readonly className: string | undefined;
  readonly #links: Links;

  constructor(links: Links, actor: RemoteActor) {
    this.#links = links;
    this.actorId = actor.actorId;
    this.nodeId = actor.nodeId;
    this.path = actor.path;
    this.address = actor.address;
    this.className = actor.className;
  }

  ask(method: string | undefined, payload: unknown, options?: CallOptions): Promise<unknown> {
    const link = this.#links.open(this.nodeId, this.address);
    if (!(link instanceof Promise)) return link.ask(this.actorId, method, payload, options);
    if (options === undefined) return link.then((open) => open.ask(this.actorId, method, payload));
    return this.#askWhenOpen(link, method, payload, options);
  }

  tell(method: string | undefined, payload: unknown): Promise<void> {
    const link = this.#links.open(this.nodeId, this.address);
    if (!(link instanceof Promise)) return link.tell(this.actorId, method, payload);
    return link.then((open) => open.tell(this.actorId, method, payload));
  }

  #askWhenOpen(
    link: Promise<Association>,
    method: string | undefined,
    payload: unknown,
    options: CallOptions,
  ): Promise<unknown> {
    const caller = new AbortController();
    return withCallOptions(this.#links.clock, options, method ?? "ask", (deadline) => {
      const send = (open: Association): Promise<unknown> => {
        caller.signal.throwIfAborted();
        if (deadline === 0) {
          return open.ask(this.actorId, method, payload, { signal: caller.signal });
        }
        const timeoutMs = Math.max(1, deadline - this.#links.clock.now());
        return open.ask(this.actorId, method, payload, { timeoutMs, signal: caller.signal });
      };
      return { reply: link.then(send), cancel: (reason) => caller.abort(reason) };
    });
  }
}
