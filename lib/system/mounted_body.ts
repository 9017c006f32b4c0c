/**
 * An object that was mounted, perhaps by its own constructor.
 *
 * @module
 */

import type { ActorHooks } from "../actor/actor.ts";
import type { ActorBody } from "../actor/actor_body.ts";
import type { Envelope } from "../actor/envelope.ts";
import type { Method } from "../actor/methods.ts";

/** Runs the hooks of an object only once the constructor that mounted it has ended. */
export class MountedBody implements ActorBody {
  readonly hooks: ActorHooks;
  readonly #body: ActorBody;

  constructor(body: ActorBody) {
    this.#body = body;
    this.hooks = hooksLater(body.hooks);
  }

  get isSequential(): boolean {
    return this.#body.isSequential;
  }

  lookup(envelope: Envelope): Method {
    return this.#body.lookup(envelope);
  }

  run(method: Method, envelope: Envelope): unknown {
    return this.#body.run(method, envelope);
  }

  unwrap(envelope: Envelope, result: object): unknown {
    return this.#body.unwrap(envelope, result);
  }
}

/** An object with hooks that run at the start is let in after them, others are at once. */
function hooksLater(hooks: ActorHooks): ActorHooks {
  if (hooks.onStart === undefined && hooks.metadata === undefined) return hooks;
  return {
    async onStart(id, context) {
      await undefined; // the turn of the constructor
      await hooks.onStart?.(id, context);
    },
    onStop: (reason) => hooks.onStop?.(reason),
    onTerminated: (notice) => hooks.onTerminated?.(notice),
    metadata: () => hooks.metadata?.() ?? {},
  };
}
