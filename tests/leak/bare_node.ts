/**
 * A node put together from its parts as `ActorSystem` does it, whose counts a test can read.
 *
 * @module
 */

import type { ActorCell } from "../../lib/actor/actor_cell.ts";
import type { ActorRef } from "../../lib/actor/actor_ref.ts";
import type { ActorClass } from "../../lib/actor/proxy.ts";
import { definitionOf } from "../../lib/actor/remote_class.ts";
import type { ClassSpawnOptions } from "../../lib/actor/spawn_options.ts";
import type { Clock } from "../../lib/clock.ts";
import { Cluster } from "../../lib/cluster/cluster.ts";
import { type GossipOptions, resolveClusterSettings } from "../../lib/cluster/settings.ts";
import { type Limits, resolveLimits } from "../../lib/limits.ts";
import { type LogFields, type Logger, type LogLevel, silentLogger } from "../../lib/logger.ts";
import { randomId, systemRandom } from "../../lib/random.ts";
import type { Fence } from "../../lib/remote/fence.ts";
import { Links, type LinksHost } from "../../lib/remote/links.ts";
import { RemoteWatches } from "../../lib/remote/remote_watches.ts";
import { LocalNode } from "../../lib/system/local_node.ts";
import { nodeLinksHost } from "../../lib/system/node_links.ts";
import { RefTable } from "../../lib/system/ref_table.ts";
import { RemoteSide } from "../../lib/system/remote_side.ts";
import { Spawning } from "../../lib/system/spawning.ts";
import type { Listener, Transport } from "../../lib/transport.ts";

/** What a bare node is made of. */
export interface BareNodeOptions {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly limits?: Partial<Limits>;
  readonly logger?: Logger;
  readonly gossip?: GossipOptions;
  readonly fence?: Fence | undefined;
}

/** One node with its parts in reach. */
export class BareNode implements AsyncDisposable {
  readonly node: LocalNode;
  readonly host: LinksHost;
  readonly links: Links;
  readonly cluster: Cluster;
  readonly refs: RefTable;
  readonly watches: RemoteWatches;
  readonly #spawning: Spawning;
  readonly #transport: Transport;
  #listener: Listener | undefined = undefined;

  constructor(options: BareNodeOptions) {
    const { clock, transport, limits, gossip, fence, logger = silentLogger } = options;
    this.#transport = transport;
    const node = this.node = new LocalNode({
      nodeId: randomId(systemRandom),
      clock,
      logger,
      limits: resolveLimits(limits),
      random: systemRandom,
      system: undefined,
      onNamed: (cell, metadata) => this.cluster.register(cell, metadata),
      onReleased: (cell) => this.cluster.unregister(cell),
      onLocalChange: () => this.cluster.changedLocally(),
      systemActor: () => {
        throw new Error("Cannot make the system actor: a bare node has none");
      },
      spawnChild: (parent, actor, options) => this.#spawning.child(parent, actor, options),
    });
    this.#spawning = new Spawning(node);
    const cluster = () => this.cluster;
    const watches = this.watches = new RemoteWatches({
      links: () => this.links,
      standing: (nodeId) => this.cluster.standing(nodeId),
    });
    const remote = new RemoteSide(node, watches, () => this.links);
    const refs = this.refs = new RefTable(node, remote);
    const clusterName = "leak";
    this.host = nodeLinksHost({ node, refs, watches, transport, clusterName, fence, cluster });
    const links = this.links = new Links(this.host);
    const settings = resolveClusterSettings(gossip);
    const onGone = (nodeId: string) => watches.nodeGone(nodeId);
    this.cluster = new Cluster({
      node,
      links,
      random: systemRandom,
      settings,
      actors: () => node.size,
      onGone,
    });
  }

  /** Listens on loopback. */
  async listen(): Promise<string> {
    this.#listener = await this.#transport.listen({
      address: "127.0.0.1:0",
      accept: (connection) => this.links.accept(connection),
      handshakeTimeoutMs: 5_000,
    });
    return this.node.address = this.#listener.address;
  }

  /** Starts an actor of a class. */
  async spawn(
    cls: ActorClass,
    path?: string,
    options: ClassSpawnOptions<readonly unknown[]> = {},
  ): Promise<ActorCell> {
    return await this.#spawning.ofClass(definitionOf(cls), {
      ...options,
      ...(path !== undefined && { name: path }),
    });
  }

  /** A reference to an actor of another node. */
  refTo(cell: ActorCell): ActorRef {
    const { actorId, nodeId, path, address, className } = cell;
    return this.refs.refTo({ actorId, nodeId, path, address, className });
  }

  /** Calls and streams under way on all links. */
  get pendingCount(): number {
    return this.links.all.reduce((sum, link) => sum + link.pendingCount, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.close();
    this.cluster.leave();
    const quiet = this.links.close();
    await this.#listener?.close();
    await quiet;
  }
}

/** Collects what is logged from a level on. */
export function recordingLogger(): Logger & { readonly lines: [LogLevel, string, LogFields?][] } {
  const lines: [LogLevel, string, LogFields?][] = [];
  const at = (level: LogLevel) => (message: string, fields?: LogFields) =>
    void lines.push(fields === undefined ? [level, message] : [level, message, fields]);
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
