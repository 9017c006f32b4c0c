/**
 * What a link needs from its node.
 *
 * @module
 */

import type { ActorRef } from "../actor/actor_ref.ts";
import type { ActorCell } from "../actor/actor_cell.ts";
import type { DeadLetters } from "../actor/dead_letters.ts";
import type { Terminated } from "../actor/death_watch.ts";
import type { ActorId, NodeId } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { Random } from "../random.ts";
import type { RefRecord } from "../wire/codec.ts";
import type { Association } from "./association.ts";
import type { Fence } from "./fence.ts";
import { faultOf } from "./ref_record.ts";
import type { SlabPool } from "./slab_pool.ts";

/** The node behind a link. */
export interface LinkHost {
  readonly nodeId: NodeId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly random: Random;
  readonly deadLetters: DeadLetters;
  /** What the other side must prove; `undefined` without a passphrase. */
  readonly fence: Fence | undefined;
  /** Memory for copies of large buffers, shared by the links of the node. */
  readonly slabs: SlabPool;
  /** Finds an actor of this node. */
  cellWithId(actorId: ActorId): ActorCell | undefined;
  /** How an actor of this node ended that is not there any more. */
  endOf(actorId: ActorId): Terminated;
  /** Makes a live reference or proxy of what arrived. */
  attachRef(record: RefRecord): unknown;
  /** What crosses the wire for a reference or a proxy; `undefined` for other objects. */
  detachRef(value: object): RefRecord | undefined;
  /** An actor of the other side that is watched here is gone. */
  onTerminated(link: Association, end: Pick<Terminated, "id" | "reason" | "error">): void;
  /** The other side refuses to watch an actor of it, for now. */
  onUnwatched(link: Association, actorId: ActorId): void;
  /** Takes news for the cluster part of the node. */
  onControl(link: Association, message: unknown): void;
  /** The link has ended; everything that was pending on it has failed. */
  onDown(link: Association, error: Error): void;
}

/** A caller as text that is interned; see {@link readCaller}. */
export function writeCaller(ref: ActorRef): string {
  const { actorId, nodeId, path, target } = ref;
  return `${actorId} ${nodeId} ${target.address ?? ""} ${path ?? ""}`;
}

/** Reads what {@link writeCaller} wrote; `undefined` when it is malformed. */
export function readCaller(text: string): RefRecord | undefined {
  const [actorId = "", nodeId = "", address, path, ...rest] = text.split(" ", 5);
  const optional = { ...(address && { address }), ...(path && { path }) };
  const record: RefRecord = { form: "ref", actorId, nodeId, ...optional };
  return rest.length > 0 || faultOf(record) !== undefined ? undefined : record;
}
