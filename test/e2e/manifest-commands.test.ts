/** Manifests as an administrator and the SOC use them: by the commands that the README names. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { hostname } from "node:os";
import { after, before, test } from "node:test";
import type { Kafka } from "../rig/kafka.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { type Settings, World } from "../rig/world.ts";

let kafka: Kafka;

before(async () => {
  kafka = await sharedKafka();
});
after(() => kafka[Symbol.asyncDispose]());

interface Report {
  readonly result: string;
  readonly findings: readonly { readonly kind: string }[];
  readonly records: number;
}

test("manifest key prints what verify takes: with it the node is complete, without it unproven, and another key is a finding", async () => {
  await using world = await World.create(kafka);
  const manifests = `${world.topic}-manifests`;
  await kafka.createTopic(manifests, { partitions: 1 });
  const makeKey = (name: string): string => {
    const path = world.directory.join(name);
    execFileSync("sh", ["-c", 'umask 077 && openssl genpkey -algorithm ed25519 -out "$0"', path]);
    return path;
  };
  const settings: Settings = { manifest: { topic: manifests, interval: "1s", key_file: makeKey("manifest.pem") } };
  const run = async (name: string, ...args: readonly string[]): Promise<[unknown, string]> => {
    const command = world.command(name, args, settings);
    const code = await command.end();
    return [code, command.outputLines.join("\n")];
  };
  const verify = async (...args: readonly string[]): Promise<[unknown, string, string[], number]> => {
    const [code, text] = await run("verify", "--json", "--manifests", manifests, ...args);
    const { result, findings, records }: Report = JSON.parse(text);
    return [code, result, [...new Set(findings.map(({ kind }) => kind))], records];
  };
  const forwarder = await world.startForwarder(settings);
  world.analysisd.emit(300);
  await world.everythingDelivered(forwarder);

  const [code, key] = await run("manifest", "key");
  assert.equal(code, 0);
  const expected = world.ledger.expected;
  assert.deepEqual(await verify("--key", `${hostname()}=${key}`), [0, "complete", [], expected]);
  assert.deepEqual(await verify(), [69, "unproven", [], expected]);
  const [, other] = await run("manifest", "key", makeKey("other.pem"));
  assert.deepEqual((await verify("--key", `${hostname()}=${other}`)).slice(0, 3), [
    1,
    "incomplete",
    ["manifest-forged"],
  ]);
});
