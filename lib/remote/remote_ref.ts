/**
 * Where a reference to an actor of another node leads.
 *
 * @module
 */

import type { ActorTarget } from "../actor/actor_ref.ts";
import { type CallOptions, withCallOptions } from "../actor/call_options.ts";
import { bindTurn } from "../actor/context.ts";
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
    const { clock } = this.#links;
    const caller = new AbortController();
    const { signal } = caller;
    return withCallOptions(clock, options ?? {}, method ?? "ask", (deadline) => {
      const reply = this.#whenOpen(link, payload, (open, copy) => {
        signal.throwIfAborted();
        const left = deadline === 0 ? {} : { timeoutMs: Math.max(1, deadline - clock.now()) };
        return open.ask(this.actorId, method, copy, options && { signal, ...left });
      });
      return { reply, cancel: (reason) => caller.abort(reason) };
    });
  }

  tell(method: string | undefined, payload: unknown): Promise<void> {
    const link = this.#links.open(this.nodeId, this.address);
    if (!(link instanceof Promise)) return link.tell(this.actorId, method, payload);
    return this.#whenOpen(link, payload, (open, copy) => open.tell(this.actorId, method, copy));
  }

  /** Sends, once the link is up, the message as it is now and from the actor that sends it now. */
  async #whenOpen<R>(
    link: Promise<Association>,
    payload: unknown,
    send: (link: Association, payload: unknown) => Promise<R>,
  ): Promise<R> {
    const copy = this.#links.copy(payload);
    const sendAsNow = bindTurn(send);
    return await link.then((open) => sendAsNow(open, copy));
  }
}
