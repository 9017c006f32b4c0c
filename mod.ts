/**
 * A distributed actor runtime: a class becomes an actor, one typed proxy calls it over every
 * distance.
 *
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const Counter = pul.remote(class Counter {
 *   value = 0;
 *   incr(by = 1) {
 *     return this.value += by;
 *   }
 *   *countTo(n: number) {
 *     for (let i = 1; i <= n; i++) yield i;
 *   }
 * });
 *
 * await pul.init();
 * const counter = await Counter.spawn({ name: "counter" });
 * assert.equal(await counter.incr(), 1);
 *
 * const same = await Counter.resolve("counter");
 * for await (const n of same.countTo(3)) assert.ok(n <= 3);
 * await pul.shutdown();
 * ```
 *
 * With `init({ addr: "127.0.0.1:0" })` the process becomes a node that others join through
 * `seeds`; names are then resolved, and actors called, from every node. What is promised about
 * order, delivery, failure and cancellation is in `.github/SEMANTICS.md`.
 *
 * @module
 */

import { setDefaultTransport } from "./lib/system/default_transport.ts";
import { tcp } from "./transports/tcp.ts";

setDefaultTransport(() => tcp());

export { Actor, type ActorHooks, type CallMessage, type Receiver } from "./lib/actor/actor.ts";
export type { CellState } from "./lib/actor/actor_life.ts";
export { type ActorOperations, ActorRef, type ActorTarget } from "./lib/actor/actor_ref.ts";
export {
  become,
  Behavior,
  type BehaviorAction,
  type BehaviorContext,
  next,
  same,
  stateful,
  type StatefulHandler,
  stateless,
  type StatelessHandler,
  stop,
} from "./lib/actor/behavior.ts";
export type { CallOptions } from "./lib/actor/call_options.ts";
export type { CellContext } from "./lib/actor/context.ts";
export { type DeadLetter, DeadLetters } from "./lib/actor/dead_letters.ts";
export type { Terminated, TerminationReason, Watcher } from "./lib/actor/death_watch.ts";
export type { DelayedCalls } from "./lib/actor/delayed.ts";
export type { CallHeaders, OnRefused } from "./lib/actor/envelope.ts";
export type { CallChanges, InterceptedCall } from "./lib/actor/intercepted_call.ts";
export type { Interceptor, NextCall } from "./lib/actor/interceptors.ts";
export type { MailboxOverflow } from "./lib/actor/mailbox.ts";
export type {
  ActorClass,
  ActorProxy,
  Answer,
  AnyProxy,
  Arrived,
  MethodName,
  ProxyOperations,
} from "./lib/actor/proxy.ts";
export type { ClassOptions, Concurrency } from "./lib/actor/remote_class.ts";
export { ReplyStream, type StreamSource } from "./lib/actor/reply_stream.ts";
export type { ClassSpawnOptions, SpawnOptions } from "./lib/actor/spawn_options.ts";
export type { RestartPolicy, SupervisionOptions } from "./lib/actor/supervision.ts";
export { type AnyCall, StreamCall } from "./lib/actor/stream_call.ts";
export type { ActorId, ActorPath, NodeId } from "./lib/address.ts";
export { type Clock, systemClock, type Timer } from "./lib/clock.ts";
export { type CacheAwareOptions, CacheAwarePolicy } from "./lib/cluster/cache_aware.ts";
export { type ConsistentHashOptions, ConsistentHashPolicy } from "./lib/cluster/consistent_hash.ts";
export type { Member, MemberStatus } from "./lib/cluster/member.ts";
export {
  type Candidate,
  type Policy,
  type PolicyCall,
  PowerOfTwoPolicy,
  RandomPolicy,
  RoundRobinPolicy,
} from "./lib/cluster/policies.ts";
export type { ClusterPreset, ClusterSettings, GossipOptions } from "./lib/cluster/settings.ts";
export {
  type ErrorClassName,
  type ErrorKind,
  type ErrorSubject,
  isPulsingError,
  PulsingActorError,
  type PulsingActorErrorOptions,
  PulsingBusinessError,
  PulsingError,
  type PulsingErrorOptions,
  PulsingRuntimeError,
  PulsingSystemError,
  PulsingTimeoutError,
  PulsingUnsupportedError,
} from "./lib/errors.ts";
export { DEFAULT_LIMITS, type Limits } from "./lib/limits.ts";
export {
  consoleLogger,
  type LogFields,
  type Logger,
  type LogLevel,
  silentLogger,
} from "./lib/logger.ts";
export { type Random, seededRandom, systemRandom } from "./lib/random.ts";
export {
  type ActorContext,
  ActorSystem,
  type MountOptions,
  type NamedActor,
} from "./lib/system/actor_system.ts";
export {
  ResolveBuilder,
  type ResolveSteps,
  type Resolving,
  type Spawn,
  SpawnBuilder,
  SupervisionSpec,
  SystemBuilder,
} from "./lib/system/builders.ts";
export {
  type ActorStatus,
  type NodeMetrics,
  type ObservedNode,
  type SpawnRequest,
  SystemActor,
} from "./lib/system/system_actor.ts";
export type { ResolveOptions } from "./lib/system/resolve_options.ts";
export type { ActorInstance, InstanceEvent, SubscribeOptions } from "./lib/system/subscription.ts";
export {
  actorSystem,
  context,
  getSystem,
  init,
  isInitialized,
  mount,
  refer,
  resolve,
  shutdown,
  spawn,
  type TypedResolveOptions,
  unmount,
} from "./lib/system/global.ts";
export type { InitOptions } from "./lib/system/options.ts";
export {
  remote,
  type RemoteClass,
  type RemoteResolveOptions,
  type RemoteSpawnOptions,
  type RemoteStatics,
} from "./lib/system/remote.ts";
export type {
  Connection,
  ConnectionHandler,
  DialOptions,
  Listener,
  ListenOptions,
  Transport,
} from "./lib/transport.ts";
export { memory, MemoryNetwork } from "./transports/memory.ts";
export { tcp } from "./transports/tcp.ts";
export { websocket } from "./transports/websocket.ts";
