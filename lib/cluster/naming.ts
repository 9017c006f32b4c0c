/**
 * Who is there and which names there are, as one node believes: the contract of the ways to know.
 *
 * Pure: events go in (a message, a link, the time), messages to be sent come out. {@link Cluster}
 * brings timers and links. `ClusterState` knows by gossip, a `WorkerState` by its `HeadState`.
 *
 * Time is a parameter in monotonic milliseconds; all of it of one clock.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import type { ClusterMessage } from "./gossip.ts";
import type { Member } from "./member.ts";
import type { RegistryEntry } from "./owned_names.ts";
import type { Registration } from "./registry.ts";

/** A message for a node. */
export interface Send {
  readonly to: NodeId;
  /** Where it listens; `undefined` when only a link that is up will do. */
  readonly addr: string | undefined;
  readonly message: ClusterMessage;
}

/** How often news was ignored because there was no room for it. */
export interface Ignored {
  readonly members: number;
  readonly entries: number;
}

/** One node's view of its cluster. */
export interface Naming {
  /** This node. */
  readonly self: Member;
  /** All members, this node and those that have gone included. */
  readonly members: readonly Member[];
  /** Another number whenever members or names have changed. */
  readonly revision: number;

  member(nodeId: NodeId): Member | undefined;
  /** Live entries on members that have not gone, in the order of their nodes. */
  instances(path: ActorPath): readonly RegistryEntry[];
  /** All live entries on members that have not gone. */
  entries(): readonly RegistryEntry[];
  /** How many actors a node has, as far as it was told. */
  actorsOf(nodeId: NodeId): number | undefined;

  /** Enters a named actor of this node. */
  register(registration: Registration): void;
  /** Marks a named actor of this node as stopped. */
  unregister(path: ActorPath, actorId: ActorId): void;
  /** Says how many actors this node has. */
  measure(actors: number): void;
  /** This node is reached at another address from now on. */
  readdress(addr: string): void;

  /** A link is up; only one of the two sides is the dialler. */
  linkUp(peer: Member, isDialler: boolean, now: number): void;
  /** A link was lost. */
  linkLost(nodeId: NodeId, now: number): void;
  /** A node cannot be linked. */
  unreachable(nodeId: NodeId, now: number): void;
  /** Another node calls this one dead at an incarnation. */
  accused(incarnation: number, now: number): void;
  /** Takes a message of another node. */
  receive(from: NodeId, value: unknown, now: number): void;
  /** Lets time pass. */
  tick(now: number): void;
  /**
   * When {@link Naming.tick} is to be called next at the latest.
   *
   * Asked after every event; a tick that comes later than that shows how long the node stood still.
   */
  nextWake(): number;
  /** Leaves the cluster; the message is for every node that is linked. */
  leave(): ClusterMessage;

  /** What is to be sent since this was asked last. */
  takeSends(): readonly Send[];
  /** The members that were found dead or have left since this was asked last. */
  takeGone(): readonly Member[];
  /** What was ignored since this was asked last; told at most once a comparison. */
  takeIgnored(): Ignored | undefined;
}
