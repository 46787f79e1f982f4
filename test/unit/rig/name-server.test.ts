import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { test } from "node:test";
import { NameServer } from "../../rig/name-server.ts";

test("the fake name server resolves every name to one address, or never answers", async () => {
  await using live = await NameServer.start("127.0.0.1", "127.0.0.7", 0);
  await using dead = await NameServer.start("127.0.0.1", undefined, 0);
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${live.port}`]);
  assert.deepEqual(await resolver.resolve4("kafka.test"), ["127.0.0.7"]);
  await assert.rejects(resolver.resolve6("kafka.test"), /ENODATA/);
  assert.equal(live.questions, 2);
  const impatient = new Resolver({ timeout: 50, tries: 1 });
  impatient.setServers([`127.0.0.1:${dead.port}`]);
  await assert.rejects(impatient.resolve4("kafka.test"), /ETIMEOUT/);
  assert.equal(dead.questions, 1);
});
