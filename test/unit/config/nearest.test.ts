import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "../../../daemon/config/nearest.ts";

test("one letter too many, too few, wrong or swapped still leads to the name that was meant", () => {
  const names = ["brokers", "tls", "compression"];
  for (const written of ["broker", "brokerss", "brokerz", "borkers", "Brokers"]) {
    assert.equal(nearest(written, names), "brokers", written);
  }
});

test("nothing is suggested if every name is too far away", () => {
  assert.equal(nearest("password", ["brokers", "tls", "ca"]), undefined);
  assert.equal(nearest("xy", ["ca", "tls"]), undefined);
  assert.equal(nearest("", ["ca"]), undefined);
  assert.equal(nearest("a".repeat(100_000), ["ca"]), undefined);
});
