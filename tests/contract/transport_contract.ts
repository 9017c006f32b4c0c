/**
 * What every transport promises: one suite, run by one small file per transport.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { parseHostPort } from "../../lib/address.ts";
import { isPulsingError } from "../../lib/errors.ts";
import type {
  Connection,
  ConnectionHandler,
  DialOptions,
  Listener,
  Transport,
} from "../../lib/transport.ts";
import { MAGIC } from "../../lib/wire/frame.ts";
import { eventually, test } from "../harness.ts";

/** One end of a connection and all that it heard. */
class End implements ConnectionHandler {
  readonly connection: Connection;
  readonly pieces: Uint8Array[] = [];
  drains = 0;
  closes = 0;
  length = 0;

  constructor(connection: Connection) {
    this.connection = connection;
    connection.start(this);
  }

  onBytes(bytes: Uint8Array): void {
    this.pieces.push(bytes);
    this.length += bytes.length;
  }

  onDrain(): void {
    this.drains++;
  }

  onClose(): void {
    this.closes++;
  }

  /** Everything heard so far, in one array. */
  heard(): Uint8Array {
    const all = new Uint8Array(this.length);
    let offset = 0;
    for (const piece of this.pieces) {
      all.set(piece, offset);
      offset += piece.length;
    }
    return all;
  }
}

/** A listener with its accepted ends, and a way to dial it. */
class Place implements AsyncDisposable {
  readonly accepted: End[] = [];
  readonly dialled: End[] = [];
  readonly transport: Transport;
  listener!: Listener;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  async open(address: string): Promise<this> {
    this.listener = await this.transport.listen({
      address,
      accept: (connection) => void this.accepted.push(new End(connection)),
      handshakeTimeoutMs: 5_000,
    });
    return this;
  }

  /** Dials and says the magic, as every node does. */
  async pair(): Promise<readonly [near: End, far: End]> {
    const known = this.accepted.length;
    const near = new End(await this.transport.dial(this.listener.address));
    this.dialled.push(near);
    near.connection.write(MAGIC.slice());
    await eventually(() => this.accepted[known]?.length === MAGIC.length, { what: "the magic" });
    return [near, this.accepted[known]!];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of [...this.dialled, ...this.accepted]) end.connection.abort();
    await this.listener.close();
    const ends = [...this.dialled, ...this.accepted];
    await eventually(() => ends.every((end) => end.closes === 1), { what: "every end closed" });
  }
}

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 0xff);
}

/**
 * Runs the suite.
 *
 * @param name The transport's name for the tests.
 * @param make Makes a transport of its own for each test.
 */
export function transportContract(name: string, make: () => Transport): void {
  const open = () => new Place(make()).open("127.0.0.1:0");

  test(`${name}: bytes arrive whole and in order, both ways, whatever the sizes`, async () => {
    await using place = await open();
    const [near, far] = await place.pair();
    const sizes = [1, 2, 1_000, 65_536, 3, 300_000, 3_000_000, 1];
    const sent = sizes.map((size, index) => pattern(size, index));
    for (const bytes of sent) near.connection.write(bytes);
    for (const bytes of sent) far.connection.write(bytes);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    await eventually(() => far.length === total + MAGIC.length && near.length === total, {
      what: "all bytes",
      timeoutMs: 20_000,
    });
    const expected = new Uint8Array(total);
    sent.reduce((offset, bytes) => (expected.set(bytes, offset), offset + bytes.length), 0);
    assert.deepEqual(near.heard(), expected);
    assert.deepEqual(far.heard().subarray(MAGIC.length), expected);
  });

  test(`${name}: write says when to wait and onDrain when to go on`, async () => {
    await using place = await open();
    const [near, far] = await place.pair();
    far.connection.pause();
    let written = 0;
    while (near.connection.write(pattern(1_000_000, 1))) {
      written++;
      assert.ok(written < 1_000, "write never said to wait");
    }
    assert.ok(near.connection.bufferedBytes > 0);
    far.connection.resume();
    await eventually(() => near.drains > 0, { what: "a drain", timeoutMs: 20_000 });
    await eventually(() => far.length === MAGIC.length + (written + 1) * 1_000_000, {
      what: "nothing lost",
      timeoutMs: 20_000,
    });
  });

  test(`${name}: an array written to again after onTaken arrives as it was written`, async () => {
    await using place = await open();
    const [near, far] = await place.pair();
    far.connection.pause();
    const arrays = Array.from({ length: 12 }, (_, seed) => pattern(1_000_003, seed));
    const expected = Buffer.concat([MAGIC, ...arrays]);
    for (const bytes of arrays) near.connection.write(bytes, () => bytes.fill(0xff));
    far.connection.resume();
    await eventually(() => far.length === expected.length, {
      what: "all bytes",
      timeoutMs: 20_000,
    });
    assert.ok(expected.equals(far.heard()));
  });

  test(`${name}: close sends what was written before and ends both sides once`, async () => {
    await using place = await open();
    const [near, far] = await place.pair();
    near.connection.write(pattern(500_000, 7));
    near.connection.close();
    near.connection.close();
    await eventually(() => far.closes === 1 && near.closes === 1, { what: "both ends closed" });
    assert.equal(far.length, MAGIC.length + 500_000);
    assert.equal(near.connection.write(pattern(1, 1)), true);
  });

  test(`${name}: abort is seen by the other side and is idempotent`, async () => {
    await using place = await open();
    const [near, far] = await place.pair();
    far.connection.abort();
    far.connection.abort();
    far.connection.close();
    await eventually(() => near.closes === 1 && far.closes === 1, { what: "both ends closed" });
  });

  test(`${name}: dialling where nobody listens fails as node-unreachable`, async () => {
    const place = await open();
    const { address } = place.listener;
    await place[Symbol.asyncDispose]();
    await assert.rejects(
      place.transport.dial(address),
      (error) => isPulsingError(error, "node-unreachable") && error.retryable,
    );
  });

  test(`${name}: dialling an address that is none rejects as misuse`, async () => {
    for (const address of ["", "nowhere", "a:b"]) {
      await assert.rejects(make().dial(address), TypeError);
    }
  });

  test(`${name}: dialling with an aborted signal rejects with its reason`, async () => {
    await using place = await open();
    const reason = new Error("no longer wanted");
    await assert.rejects(
      place.transport.dial(place.listener.address, { signal: AbortSignal.abort(reason) }),
      reason,
    );
  });

  if (make().lookup !== undefined) lookupContract(name, make);

  test(`${name}: port 0 becomes a real port that is free again after close`, async () => {
    const first = await open();
    assert.match(first.listener.address, /:[1-9]\d*$/);
    const { address } = first.listener;
    await assert.rejects(
      new Place(first.transport).open(address),
      (error) => isPulsingError(error, "listen-failed"),
    );
    await first[Symbol.asyncDispose]();
    const second = await new Place(first.transport).open(address);
    assert.equal(second.listener.address, address);
    await second[Symbol.asyncDispose]();
  });

  test(`${name}: close loses nothing while unread bytes wait on the closing side`, async () => {
    await using place = await open();
    const [near, far] = await place.pair();
    near.connection.pause();
    far.connection.write(pattern(3_000_000, 2));
    far.connection.pause();
    for (let round = 0; round < 8; round++) near.connection.write(pattern(1_000_000, round));
    near.connection.close();
    far.connection.resume();
    await eventually(() => far.closes === 1 && near.closes === 1, { what: "both ends closed" });
    assert.equal(far.length, MAGIC.length + 8_000_000);
  });

  test(`${name}: abort of a paused connection is reported once`, async () => {
    await using place = await open();
    const [near] = await place.pair();
    near.connection.pause();
    near.connection.abort();
    await eventually(() => near.closes === 1, { what: "the near end closed" });
  });

  test(`${name}: pause holds bytes back and resume lets them through`, async () => {
    await using place = await open();
    const [near, far] = await place.pair();
    far.connection.pause();
    for (let round = 0; round < 50; round++) near.connection.write(pattern(100, round));
    far.connection.write(pattern(1, 1));
    await eventually(() => near.length === 1, { what: "the other direction" });
    assert.equal(far.length, MAGIC.length);
    far.connection.resume();
    await eventually(() => far.length === MAGIC.length + 5_000, { what: "the held bytes" });
  });

  test(`${name}: a second close of a listener leaves the next owner of the address alone`, async () => {
    const first = await open();
    await first.listener.close();
    await using second = await new Place(first.transport).open(first.listener.address);
    await first.listener.close();
    await second.pair();
  });

  test(`${name}: a hundred connects and disconnects leave nothing behind`, async () => {
    await using place = await open();
    for (let round = 0; round < 100; round++) {
      const [near, far] = await place.pair();
      near.connection.close();
      await eventually(() => far.closes === 1 && near.closes === 1, { what: "both ends closed" });
    }
    assert.equal(place.accepted.length, 100);
  });
}

/** What a transport that knows names promises. */
function lookupContract(name: string, make: () => Transport): void {
  const lookup = async (address: string, options?: DialOptions) =>
    await make().lookup!(address, options);

  test(`${name}: lookup gives an IP address itself`, async () => {
    for (const address of ["10.1.2.3:4", "[::1]:65535", "[fe80::1]:0"]) {
      assert.deepEqual(await lookup(address), [address]);
    }
  });

  test(`${name}: lookup gives all addresses of a name, none twice, with the port`, async () => {
    const found = await lookup("localhost:7000");
    assert.ok(found.includes("127.0.0.1:7000") || found.includes("[::1]:7000"), found.join());
    assert.equal(new Set(found).size, found.length);
    for (const address of found) assert.match(address, /^(127\.0\.0\.1|\[[\da-f:]+\]):7000$/);
  });

  test(`${name}: what lookup gives can be dialled`, async () => {
    await using place = await new Place(make()).open("127.0.0.1:0");
    const { port } = parseHostPort(place.listener.address);
    const found = await place.transport.lookup!(`localhost:${port}`);
    assert.ok(found.includes(place.listener.address), found.join());
    await place.pair();
  });

  test(`${name}: lookup of an unknown name fails as node-unreachable`, async () => {
    await assert.rejects(lookup("nobody.invalid:1"), (error) => {
      assert.ok(isPulsingError(error, "node-unreachable") && error.retryable, String(error));
      assert.match(error.message, /^Cannot look up nobody\.invalid:1: /);
      return error.address === "nobody.invalid:1";
    });
  });

  test(`${name}: lookup with an aborted signal rejects with its reason`, async () => {
    const reason = new Error("no longer wanted");
    await assert.rejects(lookup("localhost:1", { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const looking = lookup("localhost:1", { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(looking, reason);
    await lookup("localhost:1"); // ends after the first one, which no runtime can stop
  });
}
