/**
 * What references to actors of other nodes use of this one.
 *
 * @module
 */

import type { Interceptors } from "../actor/interceptors.ts";
import type { Random } from "../random.ts";
import type { Links } from "../remote/links.ts";
import type { RemoteTargetNode } from "../remote/remote_ref.ts";
import type { RemoteWatches } from "../remote/remote_watches.ts";
import type { LocalNode } from "./local_node.ts";

/** This node, as seen by its references to others. */
export class RemoteSide implements RemoteTargetNode {
  readonly watches: RemoteWatches;
  readonly random: Random;
  readonly #node: LocalNode;
  readonly #makeLinks: () => Links;
  #links: Links | undefined = undefined;

  /**
   * @param links Gives the links, which are made after the references.
   */
  constructor(node: LocalNode, watches: RemoteWatches, links: () => Links) {
    this.#node = node;
    this.watches = watches;
    this.random = node.random;
    this.#makeLinks = links;
  }

  get links(): Links {
    return this.#links ??= this.#makeLinks();
  }

  get interceptors(): Interceptors | undefined {
    return this.#node.interceptors;
  }
}
