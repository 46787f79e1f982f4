import assert from "node:assert/strict";
import { test } from "node:test";
import { DfnError } from "../../../daemon/errors.ts";
import { parseIpAddress } from "../../../daemon/net/address.ts";
import { contains, parseNetwork } from "../../../daemon/net/network.ts";

function isIn(address: string, network: string): boolean {
  const parsed = parseIpAddress(address);
  assert.ok(parsed !== undefined);
  return contains(parseNetwork(network), parsed);
}

test("a network holds the addresses from its first to its last", () => {
  assert.equal(isIn("136.199.0.0", "136.199.0.0/16"), true);
  assert.equal(isIn("136.199.255.255", "136.199.0.0/16"), true);
  assert.equal(isIn("136.198.255.255", "136.199.0.0/16"), false);
  assert.equal(isIn("136.200.0.0", "136.199.0.0/16"), false);
  assert.equal(isIn("2001:638::1", "2001:638::/32"), true);
  assert.equal(isIn("2001:639::1", "2001:638::/32"), false);
});

test("an address alone is a network of one address, and /0 contains all of its version", () => {
  assert.equal(isIn("192.0.2.1", "192.0.2.1"), true);
  assert.equal(isIn("192.0.2.2", "192.0.2.1"), false);
  assert.equal(isIn("255.1.2.3", "0.0.0.0/0"), true);
  assert.equal(isIn("::1", "0.0.0.0/0"), false);
});

test("an IPv4-mapped address is in no IPv4 network, as in Python", () => {
  assert.equal(isIn("::ffff:136.199.1.1", "136.199.0.0/16"), false);
  assert.equal(isIn("::ffff:136.199.1.1", "::ffff:136.199.0.0/112"), true);
});

test("what is not a network is refused, and the text is quoted", () => {
  for (const text of ["", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/8/8", "10.0.0/8", "10.0.0.0/-1", "x"]) {
    assert.throws(
      () => parseNetwork(text),
      (error) => error instanceof DfnError && error.code === "CONFIG" && error.message.includes(`"${text}"`),
      text,
    );
  }
});
