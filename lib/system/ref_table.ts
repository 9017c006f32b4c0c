/**
 * Turns references into what crosses the wire and back.
 *
 * @module
 */

import { ActorRef, type ActorTarget } from "../actor/actor_ref.ts";
import { refOfProxy } from "../actor/proxy.ts";
import { isStream } from "../actor/reply_stream.ts";
import { definitionNamed } from "../actor/remote_class.ts";
import { StoppedTarget } from "../actor/stopped_target.ts";
import { PulsingRuntimeError } from "../errors.ts";
import { faultOf } from "../remote/ref_record.ts";
import { type RemoteActor, RemoteTarget, type RemoteTargetNode } from "../remote/remote_ref.ts";
import { type CodecHooks, Decoder, Encoder, type RefRecord } from "../wire/codec.ts";
import { ByteWriter } from "../wire/byte_writer.ts";
import type { LocalNode } from "./local_node.ts";

/** Makes references of one node's view. */
export class RefTable {
  readonly #node: LocalNode;
  readonly #remote: RemoteTargetNode;

  constructor(node: LocalNode, remote: RemoteTargetNode) {
    this.#node = node;
    this.#remote = remote;
  }

  /** A reference to an actor of this node or of another one. */
  refTo(actor: RemoteActor): ActorRef {
    if (actor.nodeId !== this.#node.nodeId) {
      return new ActorRef(new RemoteTarget(this.#remote, actor));
    }
    const cell = this.#node.cellWithId(actor.actorId);
    return cell?.ref ?? new ActorRef(new StoppedTarget(actor, this.#node.endOf(actor.actorId)));
  }

  /** What crosses the wire for a reference or a proxy; `undefined` for other objects. */
  detach(value: object): RefRecord | undefined {
    if (value instanceof ActorRef) return recordOf(value.target, "ref");
    const ref = refOfProxy(value);
    return ref === undefined ? undefined : recordOf(ref.target, "proxy");
  }

  /**
   * A live reference, or a proxy: typed when the actor's class is known here.
   *
   * @throws {PulsingRuntimeError} kind `"not-decodable"`: no node writes such a reference.
   */
  attach(record: RefRecord): unknown {
    const fault = faultOf(record);
    if (fault !== undefined) throw malformed(fault);
    const { form, path, actorId, nodeId, address, className } = record;
    const ref = this.refTo({ path, actorId, nodeId, address, className });
    if (form === "ref") return ref;
    const definition = className === undefined ? undefined : definitionNamed(className);
    return definition === undefined ? ref.asAny() : ref.asType(definition.cls);
  }

  /**
   * Copies a message as if it had crossed the network; streams, and a `Message` that is one, stay
   * as they are: they are taken when they are written to a link.
   */
  copy(message: unknown): unknown {
    const streams: object[] = [];
    const hooks: CodecHooks = {
      detach: (value) => {
        const record = this.detach(value);
        if (record !== undefined) return { kind: "ref", record };
        if (!isStream(value)) return undefined;
        return { kind: "stream", id: streams.push(value) - 1 };
      },
      handThrough: (message) => streams.push(message) - 1,
      attachRef: (record) => this.attach(record),
      attachStream: (id) => streams[id],
    };
    const writer = new ByteWriter();
    new Encoder(this.#node.limits, hooks).encode(message, writer);
    const bytes = writer.take();
    return new Decoder(this.#node.limits, hooks).decode(bytes, 0, bytes.length);
  }
}

function malformed(fault: string): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot decode reference: ${fault}`, { kind: "not-decodable" });
}

function recordOf(target: ActorTarget, form: RefRecord["form"]): RefRecord {
  const { path, actorId, nodeId, address, className } = target;
  return {
    form,
    actorId,
    nodeId,
    ...(path !== undefined && { path }),
    ...(address !== undefined && { address }),
    ...(className !== undefined && { className }),
  };
}
