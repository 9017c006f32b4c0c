/**
 * The link between two nodes: calls, answers and streams both ways over one connection.
 *
 * Everything pending is owned by the link: when it dies, calls fail with `"node-lost"`, streams
 * end with the same error, and calls of the other side are cancelled.
 *
 * @module
 */

import type { ActorRef } from "../actor/actor_ref.ts";
import { type CallOptions, NO_CALL_OPTIONS, withCallOptions } from "../actor/call_options.ts";
import { currentEnvelope } from "../actor/context.ts";
import { TERMINATION_REASONS } from "../actor/death_watch.ts";
import { type OnRefused, refused } from "../actor/envelope.ts";
import { iteratorOf, ReplyStream } from "../actor/reply_stream.ts";
import { notTold, told } from "../actor/told.ts";
import type { ActorId, NodeId } from "../address.ts";
import { asError, type ErrorKind, PulsingRuntimeError } from "../errors.ts";
import type { Connection } from "../transport.ts";
import { type CodecHooks, Decoder } from "../wire/codec.ts";
import { FrameKind } from "../wire/frame.ts";
import { type Body, BodyReader } from "./body_reader.ts";
import { BulkSender, type BulkTransfer } from "./bulk.ts";
import { FrameWriter } from "./frame_writer.ts";
import type { Introduction } from "./handshake.ts";
import { HeadReader } from "./head_reader.ts";
import { Inbound, type InboundParts, tooManyCalls } from "./inbound.ts";
import type { ReplyLink } from "./inbound_call.ts";
import { type CaredLink, Silence } from "./keep_alive.ts";
import { type LinkHost, readCaller } from "./link_host.ts";
import { SentNames } from "./names.ts";
import {
  outgoingAsk,
  type OutgoingCall,
  outgoingTell,
  type RemoteMessage,
} from "./outgoing_call.ts";
import { Outbox } from "./outbox.ts";
import { PendingCalls, refuse } from "./pending_calls.ts";
import type { StreamLink } from "./remote_stream.ts";
import { StreamTable } from "./stream_table.ts";

/** An established link to one incarnation of another node. */
export class Association implements ReplyLink, StreamLink, CaredLink {
  /** The other side. */
  readonly peer: Introduction;
  /** Whether this side dialled; it draws odd ids then, the other side even ones. */
  readonly isDialler: boolean;
  readonly writer: FrameWriter;
  readonly #host: LinkHost;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #bulk: BulkSender;
  readonly #head = new HeadReader();
  readonly #streams: StreamTable;
  readonly #bodies: BodyReader;
  readonly #inbound: Inbound;
  readonly #pending = new PendingCalls();
  readonly #silence = new Silence();
  #waitingForRoom: (() => void)[] = [];
  #lastId: number;
  #isUp = true;
  #isLeaving = false;
  #isHeldBack = false;

  constructor(host: LinkHost, connection: Connection, peer: Introduction, isDialler: boolean) {
    const { limits } = host;
    this.#host = host;
    this.#connection = connection;
    this.peer = peer;
    this.isDialler = isDialler;
    this.#lastId = isDialler ? -1 : 0;
    const outbox = this.#outbox = new Outbox(connection, () => this.#onRoom());
    const bulk = this.#bulk = new BulkSender(outbox, host.slabs, limits);
    const hooks = this.#codecHooks();
    const names = new SentNames(limits, outbox);
    const ids = { next: () => this.#nextId(), isPeers: (id: number) => this.#isPeersId(id) };
    const streams = this.#streams = new StreamTable(this, peer.window, ids);
    this.writer = new FrameWriter({ outbox, names, bulk, streams, hooks, limits });
    const bodies = this.#bodies = new BodyReader(new Decoder(limits, hooks), streams);
    const { writer } = this;
    const dispatch: InboundParts["dispatch"] = (...frame) => this.#dispatch(...frame);
    const isPeersId = ids.isPeers;
    this.#inbound = new Inbound({ host, link: this, writer, bodies, streams, isPeersId, dispatch });
  }

  /** The node on the other side. */
  get nodeId(): NodeId {
    return this.peer.nodeId;
  }

  /** Whether calls can be sent. */
  get isOpen(): boolean {
    return this.#isUp && !this.#isLeaving;
  }

  /** Whether one side has said goodbye, so that the end of the link is no failure. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Calls and streams under way, both directions together. */
  get pendingCount(): number {
    return this.#pending.size + this.#inbound.size + this.#streams.size;
  }

  get limits(): LinkHost["limits"] {
    return this.#host.limits;
  }

  get isCongested(): boolean {
    return this.#outbox.bufferedBytes >= this.#host.limits.outboxHighWaterBytes;
  }

  whenRoom(callback: () => void): void {
    this.#waitingForRoom.push(callback);
  }

  forget(streamId: number): void {
    this.#streams.forget(streamId);
  }

  /** Asks an actor of the other node. */
  ask(message: RemoteMessage, options?: CallOptions, onRefused?: OnRefused): Promise<unknown> {
    const { clock, random } = this.#host;
    const from = currentEnvelope();
    if (options === undefined && from?.isBound !== true) {
      const call = outgoingAsk(message, { from, remainingMs: 0 }, random);
      return this.#ask(this.#nextId(), call, onRefused);
    }
    const operation = message.method ?? "ask";
    return withCallOptions(
      { clock, options: options ?? NO_CALL_OPTIONS, operation, from },
      (deadline) => {
        const callId = this.#nextId();
        const remainingMs = deadline === 0 ? 0 : Math.max(1, deadline - clock.now());
        const call = outgoingAsk(message, { from, options, remainingMs }, random);
        const reply = this.#ask(callId, call, onRefused);
        return { reply, cancel: (reason) => this.#cancel(callId, reason) };
      },
    );
  }

  /** Tells an actor of the other node; resolves when the link took the message. */
  tell(message: RemoteMessage, options?: CallOptions): Promise<void> {
    if (!this.isOpen) {
      return notTold(this.#lost("it was closed", { kind: "node-unreachable" }));
    }
    let transfer: BulkTransfer | undefined;
    try {
      const departure = { from: currentEnvelope(), options, remainingMs: 0 };
      transfer = this.writer.tell(outgoingTell(message, departure, this.#host.random)).transfer;
    } catch (error) {
      return notTold(error);
    }
    if (transfer !== undefined) return told(this.#whenSent(transfer));
    if (!this.isCongested) return SETTLED;
    return new Promise((resolve) => this.whenRoom(resolve));
  }

  /** Asks to be told of an actor's end. */
  watch(actorId: ActorId): void {
    if (this.#isUp) this.writer.watch(actorId);
  }

  /** Undoes {@link Association.watch}. */
  unwatch(actorId: ActorId): void {
    if (this.#isUp) this.writer.unwatch(actorId);
  }

  /** Sends news to the cluster part of the other node. */
  control(message: unknown): void {
    if (this.#isUp) this.writer.control(message);
  }

  answer(callId: number, value: unknown): void {
    this.#inbound.settled(callId);
    if (!this.#isUp) return void cancelStream(value);
    try {
      this.writer.reply(callId, value);
    } catch (error) {
      this.writer.failure(callId, error);
    }
  }

  fail(callId: number, error: unknown): void {
    this.#inbound.settled(callId);
    if (this.#isUp) this.writer.failure(callId, error);
  }

  refuse(callId: number, error: unknown): void {
    this.#inbound.settled(callId);
    if (this.#isUp) this.writer.refusal(callId, error);
  }

  callerRef(text: string): ActorRef | undefined {
    const record = readCaller(text);
    // A record of the form "ref" is attached as a reference.
    return record === undefined ? undefined : this.#host.attachRef(record) as ActorRef;
  }

  /** Something has arrived, be it only a part of a frame. */
  heard(): void {
    this.#silence.heard();
  }

  careFor(isProbed: boolean): void {
    const matters = !isProbed || this.#isNeeded;
    const care = this.#silence.look(matters, this.#outbox.sentBytes, this.limits);
    if (care === "ping") this.writer.bare(FrameKind.ping);
    if (care !== "give-up") return;
    this.#connection.abort();
    this.#down("nothing was heard from it in time");
  }

  /** Takes a frame of the established link. */
  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): void {
    this.#take(bytes, start, end, (head) => this.#dispatch(kind, head));
  }

  /** Takes a part of a chunk that is still arriving. */
  onChunkPart(bytes: Uint8Array, start: number, end: number, left: number): void {
    this.#take(bytes, start, end, (head) => this.#inbound.chunk(head, left));
  }

  /** The connection has room again. */
  onDrain(): void {
    this.#outbox.drained();
  }

  /** The connection has ended. */
  onClose(error?: Error): void {
    this.#down(error?.message ?? "the other side closed it", error);
  }

  /** Says goodbye, sends what was written, large answers to their end, and closes. */
  close(): void {
    if (!this.#isUp || this.#isLeaving) return;
    this.#isLeaving = true;
    this.writer.bare(FrameKind.goodbye);
    this.#bulk.whenIdle(() => {
      this.#outbox.flush();
      this.#connection.close();
      this.#down("this node closed it");
    });
  }

  /** Cuts the link now; what was pending fails with `"node-lost"` and the error as its cause. */
  abort(cause: Error): void {
    this.#connection.abort();
    const said = `Cannot use link to node ${this.nodeId}: `; // a cause of the same kind says it too
    const { message } = cause;
    this.#down(message.startsWith(said) ? message.slice(said.length) : message, cause);
  }

  /** Whether somebody waits for what the link has to bring or to take, or for its end. */
  get #isNeeded(): boolean {
    return this.pendingCount > 0 || this.#isLeaving || this.#bulk.queuedBytes > 0 ||
      this.#inbound.isReceiving || this.#outbox.bufferedBytes > 0;
  }

  #take(bytes: Uint8Array, start: number, end: number, take: (head: HeadReader) => void): void {
    if (!this.#isUp) return;
    this.#head.reset(bytes, start, end);
    try {
      take(this.#head);
    } catch (error) {
      this.#host.logger.warn("link cut: the peer broke the protocol", {
        nodeId: this.nodeId,
        error,
      });
      this.abort(asError(error));
    }
    // A peer that asks and does not read the answers must not fill this node's memory.
    if (this.#outbox.isBlocked) this.#holdBack();
  }

  #holdBack(): void {
    if (this.#outbox.bufferedBytes < this.#host.limits.outboxCapacityBytes) return;
    this.#isHeldBack = true;
    this.#connection.pause();
  }

  #ask(
    callId: number,
    call: OutgoingCall,
    onRefused: OnRefused | undefined,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) {
        const error = this.#lost("it was closed", { kind: "node-unreachable" });
        return resolve(refused(error, onRefused));
      }
      if (this.#pending.size >= this.#host.limits.maxPendingCalls) return reject(tooManyCalls());
      try {
        const sent = this.writer.ask(callId, call);
        this.#pending.add(callId, { resolve, reject, sent, onRefused });
      } catch (error) {
        reject(error);
      }
    });
  }

  #cancel(callId: number, reason: unknown): void {
    if (this.#pending.giveUp(callId, reason) && this.#isUp) this.writer.cancel(callId, reason);
  }

  #dispatch(kind: number, head: HeadReader, body?: Body): void {
    switch (kind as FrameKind) {
      case FrameKind.ask:
        return this.#inbound.ask(head, body);
      case FrameKind.tell:
        return this.#inbound.tell(head, body);
      case FrameKind.reply:
        return this.#onReply(head, body);
      case FrameKind.failure:
      case FrameKind.refusal:
        return this.#onFailure(kind as FrameKind, head);
      case FrameKind.watch:
        return this.#inbound.watch(head);
      case FrameKind.unwatch:
        return this.#inbound.unwatch(head);
      case FrameKind.terminated:
        return this.#onTerminated(head);
      case FrameKind.unwatched:
        return this.#host.onUnwatched(this, this.#inbound.name(head));
      case FrameKind.cancel:
        return this.#inbound.cancel(head.varint(), this.#bodies.error(head));
      case FrameKind.item:
        return this.#inbound.item(head, body);
      case FrameKind.end:
      case FrameKind.fault:
        return this.#inbound.end(kind as FrameKind, head);
      case FrameKind.credit:
        return this.#streams.outbound(head.varint())?.grant({
          items: head.varint(),
          bytes: head.varint(),
        });
      case FrameKind.stop:
        return this.#streams.outbound(head.varint())?.stop();
      default:
        return this.#dispatchLink(kind, head, body);
    }
  }

  #dispatchLink(kind: number, head: HeadReader, body?: Body): void {
    switch (kind as FrameKind) {
      case FrameKind.intern:
        return this.#inbound.intern(head);
      case FrameKind.bulk:
        return this.#inbound.announce(head);
      case FrameKind.chunk:
        return this.#inbound.chunk(head);
      case FrameKind.drop:
        return this.#inbound.drop(head);
      case FrameKind.control:
        return this.#host.onControl(this, this.#bodies.read(head, body, "drop"));
      case FrameKind.ping:
        return this.writer.bare(FrameKind.pong);
      case FrameKind.pong:
      case FrameKind.unknown:
        return;
      case FrameKind.goodbye:
        this.#isLeaving = true;
        return;
      case FrameKind.hello:
      case FrameKind.welcome:
      case FrameKind.reject:
      case FrameKind.confirm:
        throw new PulsingRuntimeError(`Cannot take frame ${kind}: the handshake is over`, {
          kind: "protocol-violation",
        });
      default:
        return this.writer.unknown(kind);
    }
  }

  #onReply(head: HeadReader, body?: Body): void {
    const callId = head.varint();
    const call = this.#pending.take(callId);
    try {
      const value = this.#bodies.read(head, body, call === undefined ? "drop" : "keep");
      call?.resolve(value);
    } catch (error) {
      call?.reject(error);
    }
  }

  #onTerminated(head: HeadReader): void {
    const id = this.#inbound.name(head);
    const reason = TERMINATION_REASONS[head.byte()] ?? "stopped";
    const error = head.isAtEnd ? undefined : this.#bodies.error(head);
    this.#host.onTerminated(this, { id, reason, ...(error !== undefined && { error }) });
  }

  #onFailure(kind: FrameKind, head: HeadReader): void {
    const callId = head.varint();
    const call = this.#pending.take(callId);
    try {
      const error = this.#bodies.error(head);
      if (call === undefined) return; // the caller has given up
      if (kind === FrameKind.refusal) refuse(call, error);
      else call.reject(error);
    } catch (error) {
      call?.reject(error);
    }
  }

  #whenSent(transfer: BulkTransfer): Promise<void> {
    return new Promise((resolve, reject) =>
      transfer.whenSettled((isSent) =>
        isSent ? resolve() : reject(this.#lost("it ended before the message was sent"))
      )
    );
  }

  #codecHooks(): CodecHooks {
    return {
      detach: (value) => {
        const record = this.#host.detachRef(value);
        if (record !== undefined) return { kind: "ref", record };
        const iterator = iteratorOf(value);
        if (iterator === undefined) return undefined;
        return { kind: "stream", id: this.#streams.open(iterator) };
      },
      attachRef: (record) => this.#host.attachRef(record),
      attachStream: (id) => this.#streams.attach(id),
    };
  }

  #nextId(): number {
    return this.#lastId += 2;
  }

  #isPeersId(id: number): boolean {
    return id > 0 && (id % 2 === 1) !== this.isDialler;
  }

  #onRoom(): void {
    this.#bulk.pump();
    if (this.#isHeldBack && !this.isCongested) {
      this.#isHeldBack = false;
      this.#connection.resume();
    }
    if (this.#waitingForRoom.length === 0 || this.isCongested) return;
    const waiting = this.#waitingForRoom;
    this.#waitingForRoom = [];
    for (const callback of waiting) callback();
  }

  #down(why: string, cause?: Error): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    const error = this.#lost(why, cause === undefined ? {} : { cause });
    this.#outbox.close();
    this.#bulk.close();
    this.#pending.failAll(error);
    this.#streams.failAll(error);
    this.#inbound.close(error);
    for (const callback of this.#waitingForRoom.splice(0)) callback();
    this.#host.onDown(this, error);
  }

  #lost(why: string, options: { kind?: ErrorKind; cause?: Error } = {}): PulsingRuntimeError {
    return new PulsingRuntimeError(`Cannot use link to node ${this.nodeId}: ${why}`, {
      kind: "node-lost",
      retryable: true,
      nodeId: this.nodeId,
      ...(this.peer.address === undefined ? {} : { address: this.peer.address }),
      ...options,
    });
  }
}

const SETTLED: Promise<void> = Promise.resolve();

function cancelStream(value: unknown): void {
  if (value instanceof ReplyStream) void value.cancel();
}
