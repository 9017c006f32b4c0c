/**
 * The cluster part of one node: drives {@link ClusterState} with timers and links.
 *
 * Decides nothing: what to send, whom to believe and who is dead is the state's business.
 *
 * @module
 */

import type { ActorCell, CellNode } from "../actor/actor_cell.ts";
import type { ActorId, ActorPath, NodeId } from "../address.ts";
import { sleep, type Timer } from "../clock.ts";
import { asError, PulsingRuntimeError } from "../errors.ts";
import { type Random, shuffled } from "../random.ts";
import type { Association } from "../remote/association.ts";
import type { Links } from "../remote/links.ts";
import type { RemoteActor } from "../remote/remote_ref.ts";
import { ClusterState } from "./cluster_state.ts";
import type { Member } from "./member.ts";
import { type Policy, RoundRobinPolicy } from "./policies.ts";
import type { RegistryEntry } from "./registry.ts";
import type { ClusterSettings } from "./settings.ts";

/** What the cluster part is made of. */
export interface ClusterOptions {
  readonly node: CellNode;
  readonly links: Links;
  readonly random: Random;
  readonly settings: ClusterSettings;
}

/** What to look for, and how long. */
export interface ResolveRequest {
  readonly nodeId?: NodeId;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One actor of a name. */
export interface NamedInstance {
  readonly nodeId: NodeId;
  readonly actorId: ActorId;
  readonly className?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** One node's view of its cluster, kept current over its links. */
export class Cluster {
  readonly #node: CellNode;
  readonly #links: Links;
  readonly #settings: ClusterSettings;
  readonly #random: Random;
  readonly #policies = new Map<ActorPath, Policy>();
  readonly #waiting = new Set<() => void>();
  readonly #ended = new AbortController();
  #state: ClusterState;
  #timer: Timer | undefined = undefined;

  constructor({ node, links, random, settings }: ClusterOptions) {
    this.#node = node;
    this.#links = links;
    this.#random = random;
    this.#settings = settings;
    this.#state = this.#newState();
  }
}
