/**
 * Ties links, actors and the cluster of one node together.
 *
 * @module
 */

import type { Cluster } from "../cluster/cluster.ts";
import type { Fence } from "../remote/fence.ts";
import { type Introduction, PROTOCOL } from "../remote/handshake.ts";
import type { LinksHost } from "../remote/links.ts";
import { betterAddress } from "../remote/peer_address.ts";
import type { RemoteWatches } from "../remote/remote_watches.ts";
import { SlabPool } from "../remote/slab_pool.ts";
import type { Transport } from "../transport.ts";
import type { LocalNode } from "./local_node.ts";
import type { RefTable } from "./ref_table.ts";

/** The parts of a node that its links talk to. */
export interface NodeParts {
  readonly node: LocalNode;
  readonly refs: RefTable;
  readonly transport: Transport;
  readonly clusterName: string;
  /** Guards the cluster; absent without a passphrase. */
  readonly fence?: Fence | undefined;
  readonly watches: RemoteWatches;
  /** The cluster part, which is made after the links. */
  cluster(): Cluster;
}

/** What the links of a node need, answered by its parts. */
export function nodeLinksHost(
  { node, refs, watches, transport, clusterName, fence, cluster }: NodeParts,
): LinksHost {
  const { streamWindowItems: items, streamWindowBytes: bytes } = node.limits;
  let bound: string | undefined;
  return {
    nodeId: node.nodeId,
    clock: node.clock,
    logger: node.logger,
    limits: node.limits,
    random: node.random,
    deadLetters: node.deadLetters,
    fence,
    slabs: new SlabPool(node.limits),
    transport,
    copy: (message) => refs.copy(message),
    cellWithId: (actorId) => node.cellWithId(actorId),
    endOf: (actorId) => node.endOf(actorId),
    attachRef: (record) => refs.attach(record),
    detachRef: (value) => refs.detach(value),
    introduce: () => ({
      protocol: PROTOCOL,
      cluster: clusterName,
      nodeId: node.nodeId,
      incarnation: cluster().incarnation,
      address: node.address,
      features: [],
      window: { items, bytes },
      isOnlyLink: false,
      ...roleOf(cluster()),
    }),
    judge: (theirs) => cluster().judge(theirs),
    onAccused: (incarnation) => cluster().accused(incarnation),
    onSeenAs: (host) => {
      bound ??= node.address;
      const address = betterAddress(bound, node.address, host);
      if (address === undefined) return;
      node.address = address;
      cluster().readdress(address);
    },
    isProbed: (nodeId) => cluster().standing(nodeId) === "member",
    onUp: (link) => {
      cluster().linkUp(link);
      watches.linkUp(link);
    },
    onDown: (link, error) => {
      cluster().linkDown(link, error);
      watches.linkDown(link, error);
    },
    onTerminated: (link, end) => watches.terminated(link.nodeId, end),
    onUnwatched: (link, actorId) => {
      if (!watches.refused(link, actorId)) return;
      const { nodeId } = link;
      node.logger.warn("watch refused: the other node takes no more of this one", {
        nodeId,
        actorId,
      });
    },
    onControl: (link, message) => cluster().receive(link, message),
  };
}

function roleOf({ role }: Cluster): Pick<Introduction, "role"> {
  return role === undefined ? {} : { role };
}
