import assert from "node:assert/strict";
import { test } from "node:test";
import { readNetwork } from "../../../../daemon/config/values/network.ts";
import { InvalidValue } from "../../../../daemon/config/values/problem.ts";

test("networks are written as address/length", () => {
  const cases = {
    "192.0.2.0/24": "192.0.2.0/24",
    "192.0.2.7": "192.0.2.7/32",
    "192.0.2.0/255.255.255.0": "192.0.2.0/24",
    "0.0.0.0/0": "0.0.0.0/0",
    "0.0.0.0/0.0.0.0": "0.0.0.0/0",
    "2001:DB8:0:0::/32": "2001:db8::/32",
    "::1": "::1/128",
    "::/0": "::/0",
    "2001:db8:0:1:0:0:0:1": "2001:db8:0:1::1/128",
    "::ffff:192.0.2.1": "::ffff:c000:201/128",
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(readNetwork(text), expected, text);
});

test("an address inside a network is refused, and the network is named", () => {
  assert.throws(
    () => readNetwork("192.0.2.77/24"),
    /is an address in a network, not the network itself; write 192\.0\.2\.0\/24$/,
  );
  assert.throws(() => readNetwork("2001:db8::1/64"), /write 2001:db8::\/64$/);
  assert.throws(() => readNetwork("10.1.2.3/9"), /write 10\.0\.0\.0\/9$/);
});

test("what is not a network is refused", () => {
  const cases = ["", "abc", "192.0.2/24", "192.0.02.0/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/x", "::/129"];
  cases.push("192.0.2.0/24/1", "192.0.2.0/255.0.255.0", "2001:db8::/255.255.0.0", "fe80::1%eth0", "1::2::3/8");
  for (const text of cases) assert.throws(() => readNetwork(text), InvalidValue, text);
});
