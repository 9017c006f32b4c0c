/** Where a node that listens on every interface can be dialled. */

import assert from "node:assert/strict";
import {
  betterAddress,
  dialableAddress,
  hostOf,
  isDialable,
} from "../../../lib/remote/peer_address.ts";
import { test } from "../../harness.ts";

test("hostOf: what sockets of both runtimes tell, and what is none", () => {
  const rows: [string, string | undefined][] = [
    ["10.0.0.2:41234", "10.0.0.2"],
    ["node-1.example:7000", "node-1.example"],
    ["::ffff:1.2.3.4:41234", "1.2.3.4"],
    ["[::ffff:1.2.3.4]:41234", "1.2.3.4"],
    ["::1:41234", "::1"],
    ["[2001:db8::7]:41234", "2001:db8::7"],
    ["fe80::1%eth0:41234", "fe80::1%eth0"],
    ["memory", undefined],
    ["recorded", undefined],
    ["", undefined],
    ["undefined:undefined", undefined],
    ["::1", undefined],
    ["0.0.0.0:41234", undefined],
    ["[::]:41234", undefined],
    ["a b:41234", undefined],
    ["ws://host:7000", undefined],
  ];
  for (const [text, host] of rows) assert.equal(hostOf(text), host, text);
});

test("isDialable: no wildcard, no text that is no host", () => {
  for (const host of ["10.0.0.2", "::1", "localhost", "a"]) assert.ok(isDialable(host), host);
  for (const host of ["0.0.0.0", "::", "", ":", "a:1", "a b", "[::1]"]) {
    assert.ok(!isDialable(host), host);
  }
});

test("dialableAddress: only a wildcard gives way to where the peer was met", () => {
  const rows: [string | undefined, string, string | undefined][] = [
    ["0.0.0.0:7000", "10.0.0.2:41234", "10.0.0.2:7000"],
    ["0.0.0.0:7000", "::ffff:10.0.0.2:41234", "10.0.0.2:7000"],
    ["[::]:7000", "2001:db8::7:41234", "[2001:db8::7]:7000"],
    ["0.0.0.0:7000", "memory", "0.0.0.0:7000"],
    ["0.0.0.0:7000", "0.0.0.0:41234", "0.0.0.0:7000"],
    ["10.0.0.9:7000", "10.0.0.2:41234", "10.0.0.9:7000"],
    ["127.0.0.1:7000", "10.0.0.2:41234", "127.0.0.1:7000"],
    ["anything", "10.0.0.2:41234", "anything"],
    [undefined, "10.0.0.2:41234", undefined],
  ];
  for (const [said, remote, address] of rows) {
    assert.equal(dialableAddress(said, remote), address, `${said} at ${remote}`);
  }
});

test("betterAddress: the first host stays, but for a loopback one", () => {
  const rows: [string | undefined, string | undefined, string, string | undefined][] = [
    ["0.0.0.0:7000", "0.0.0.0:7000", "10.0.0.2", "10.0.0.2:7000"],
    ["[::]:7000", "[::]:7000", "2001:db8::7", "[2001:db8::7]:7000"],
    ["0.0.0.0:7000", "0.0.0.0:7000", "127.0.0.1", "127.0.0.1:7000"],
    ["0.0.0.0:7000", "127.0.0.1:7000", "10.0.0.2", "10.0.0.2:7000"],
    ["0.0.0.0:7000", "127.0.0.1:7000", "::1", undefined],
    ["0.0.0.0:7000", "10.0.0.2:7000", "10.0.0.3", undefined],
    ["0.0.0.0:7000", "10.0.0.2:7000", "127.0.0.1", undefined],
    ["127.0.0.1:7000", "127.0.0.1:7000", "10.0.0.2", undefined],
    ["10.0.0.9:7000", "10.0.0.9:7000", "10.0.0.2", undefined],
    ["0.0.0.0:7000", "0.0.0.0:7000", "::", undefined],
    ["0.0.0.0:7000", "0.0.0.0:7000", "no host", undefined],
    [undefined, undefined, "10.0.0.2", undefined],
    ["anything", "anything", "10.0.0.2", undefined],
  ];
  for (const [bound, current, host, address] of rows) {
    assert.equal(betterAddress(bound, current, host), address, `${bound} ${current} ${host}`);
  }
});
