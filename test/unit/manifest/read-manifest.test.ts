import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { canonicalJson } from "../../../daemon/manifest/canonical-json.ts";
import { type Manifest, manifestSchema } from "../../../daemon/manifest/manifest.ts";
import { maxManifestBytes, readManifest } from "../../../daemon/manifest/read-manifest.ts";
import {
  isSignedBy,
  manifestValue,
  publicPart,
  readPrivateKey,
  readPublicKey,
  UnusableKey,
} from "../../../daemon/manifest/signature.ts";
import { jcs, type Members, newKey, NodeWriter, publicKeyText, sha256Hex } from "../../rig/manifests/node-writer.ts";
import { schemaViolations } from "../../rig/schema-violations.ts";
import { TempDir } from "../../rig/temp-dir.ts";

const at = Date.UTC(2026, 10, 29, 10, 5);

function writer(key = newKey()): NodeWriter {
  const node = new NodeWriter("node-1", key);
  for (let second = 0; second < 90; second++) node.record("soc", at / 1000 - 200 + second);
  return node;
}

function manifestOf(value: Buffer): Manifest {
  const reading = readManifest(value);
  assert.equal(reading.kind, "manifest", JSON.stringify(reading));
  return reading.kind === "manifest" ? reading.manifest : assert.fail();
}

function whyNot(value: Buffer | string | null): string {
  const reading = readManifest(typeof value === "string" ? Buffer.from(value) : value);
  return reading.kind === "foreign" ? reading.why : `not foreign: ${reading.kind}`;
}

test("a manifest written by other code is read, its hash is that of its bytes, and its signature holds", () => {
  const node = writer();
  const { value } = node.cut(at);
  const reading = readManifest(value);
  assert.ok(reading.kind === "manifest");
  assert.equal(reading.hash, sha256Hex(value));
  const key = readPublicKey(publicKeyText(node.key!));
  assert.ok(isSignedBy(reading.manifest, key));
  assert.ok(!isSignedBy(reading.manifest, publicPart(newKey())));
  const [first] = reading.manifest.records;
  const records = [{ ...first!, count: first!.count + 1 }, ...reading.manifest.records.slice(1)];
  assert.ok(!isSignedBy({ ...reading.manifest, records }, key));
});

test("openssl verifies what is signed here, and what it signs is verified here", async () => {
  await using directory = await TempDir.create();
  const pem = execFileSync("openssl", ["genpkey", "-algorithm", "ed25519"]);
  const privateKey = readPrivateKey(pem);
  const node = new NodeWriter("node-1", undefined);
  const content = manifestOf(node.signed(node.manifest(at), undefined));
  const value = manifestValue(content, privateKey);
  const manifest = manifestOf(value);
  const { signature = "" } = manifest;
  const { signature: _, ...rest }: Members = JSON.parse(value.toString());
  const path = (name: string): string => directory.join(name);
  writeFileSync(path("key.pem"), pem, { mode: 0o600 });
  writeFileSync(path("bytes"), jcs(rest));
  writeFileSync(path("signature"), Buffer.from(signature, "base64"));
  const files = ["-inkey", path("key.pem"), "-rawin", "-in", path("bytes")];
  const said = execFileSync("openssl", ["pkeyutl", "-verify", ...files, "-sigfile", path("signature")]).toString();
  assert.match(said, /Signature Verified Successfully/);
  const theirs = execFileSync("openssl", ["pkeyutl", "-sign", ...files]).toString("base64");
  assert.equal(theirs, signature);
  const der = execFileSync("openssl", ["pkey", "-in", path("key.pem"), "-pubout", "-outform", "DER"]);
  assert.equal(manifest.key, sha256Hex(der));
  assert.equal(publicPart(privateKey).text, der.toString("base64"));
  assert.ok(
    isSignedBy(
      manifest,
      readPublicKey(execFileSync("openssl", ["pkey", "-in", path("key.pem"), "-pubout"]).toString()),
    ),
  );
});

test("keys of another kind are named for what they are", () => {
  assert.throws(() => readPublicKey("nonsense"), UnusableKey);
  const ec = execFileSync("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
  assert.throws(() => readPrivateKey(ec), /type ec; manifests are signed with Ed25519/);
  assert.throws(() => readPublicKey(ec.toString()), /this is a private key/);
  const spki = createPublicKey(createPrivateKey(ec)).export({ format: "pem", type: "spki" }).toString();
  assert.throws(() => readPublicKey(spki), /type ec/);
  assert.throws(
    () => readPrivateKey(Buffer.from("-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n")),
    UnusableKey,
  );
});

test("only the canonical form is a manifest: one content has one text", () => {
  const node = writer();
  const { value } = node.cut(at);
  const text = value.toString();
  assert.equal(canonicalJson(JSON.parse(text)), text);
  for (const other of [
    ` ${text}`,
    `${text}\n`,
    JSON.stringify(JSON.parse(text), undefined, 1),
    text.replace('"version":1', '"version":1.0'),
    text.replace('"node":"node-1"', '"node":"x","node":"node-1"'),
    text.replace('"a test"', String.raw`"\u0061 test"`),
  ])
    assert.match(whyNot(other), /canonical form|not JSON/, other.slice(0, 40));
  assert.match(whyNot(`\ufeff${text}`), /not JSON/);
});

test("hostile and foreign values are refused with a printable reason, within bounds", () => {
  const node = writer();
  const manifest = node.manifest(at);
  const changed = (members: Members): string => whyNot(node.signed({ ...manifest, ...members }));
  assert.match(whyNot(null), /empty/);
  assert.match(whyNot(Buffer.alloc(maxManifestBytes + 1, " ")), /more than/);
  assert.match(whyNot(Buffer.from([0x7b, 0xff, 0x7d])), /UTF-8/);
  assert.match(whyNot("[".repeat(100_000)), /nested too deeply/);
  assert.match(whyNot("[1]"), /not an object/);
  assert.match(whyNot('{"a":1}'), /no version/);
  assert.match(whyNot('{"__proto__":{"version":1}}'), /no version/);
  assert.match(changed({ "evil\u001b[2J": 1 }), /evil\\u001b\[2J/);
  assert.match(changed({ stream: "x".repeat(100_000) }), /^stream: /);
  assert.ok(changed({ ["x".repeat(100_000)]: 1 }).length < 200);
  assert.match(changed({ names: Array.from({ length: 1001 }, () => "n") }), /names/);
  assert.match(changed({ node: "n".repeat(1025) }), /node/);
  assert.match(changed({ sequence: 0 }), /sequence/);
  assert.match(changed({ time: "2026-02-30T10:00:00.00Z" }), /time/);
  assert.match(changed({ open_from: "none" }), /open_from/);
  assert.match(changed({ previous: "0".repeat(64) }), /previous/);
  assert.match(changed({ next_key: publicKeyText(newKey()).slice(1) }), /next_key/);
  const [entry]: Members[] = JSON.parse(JSON.stringify(manifest["records"]));
  assert.ok(entry);
  assert.match(changed({ records: [entry, entry] }), /two entries of one bucket/);
  assert.match(changed({ records: [{ ...entry, topic: "../x" }] }), /records.0.topic/);
  assert.match(changed({ records: [{ ...entry, socket: 1000 }] }), /records.0/);
  assert.match(whyNot(Buffer.from(jcs({ ...manifest, key: "0".repeat(64) }))), /key without a signature/);
});

test("another version is named, and nothing of it is guessed", () => {
  assert.deepEqual(readManifest(Buffer.from('{"version":2,"anything":[]}')), { kind: "version", version: "2" });
  assert.deepEqual(readManifest(Buffer.from('{"version":"\\u001b]0;x"}')), {
    kind: "version",
    version: String.raw`"\u001b]0;x"`,
  });
});

test("the JSON Schema takes a manifest with every member, and nothing else", () => {
  const node = writer();
  const head = { length: 100, hash: "0".repeat(64) };
  const all = {
    ...node.manifest(at),
    sequence: 1,
    previous: null,
    succeeds: { stream: node.stream, sequence: 3, hash: "1".repeat(64), reason: "lost" },
    next_key: publicKeyText(newKey()),
    next_node: "node-2",
    stopping: true,
    visits: [
      {
        file: "ossec-alerts-29.json",
        head,
        from: 1,
        to: 2,
        visit: 4,
        lost_bytes: 5,
        skipped: [{ from: 1, to: null, reason: "x" }],
      },
    ],
    dead: [{ topic: null, handler: null, reason: "not-json", count: 1 }],
    additions: [
      { id: node.stream, reason: "replay", begun: "2026-11-29T10:00:00.000Z", records: [] },
      { id: node.stream, reason: "missing", begun: "2026-11-29T10:00:00.000Z", records: null },
    ],
  };
  const value = node.signed(all);
  manifestOf(value);
  const manifest: Members = JSON.parse(value.toString());
  assert.deepEqual(schemaViolations(manifestSchema(), manifest), []);
  assert.notDeepEqual(schemaViolations(manifestSchema(), { ...manifest, more: 1 }), []);
  assert.notDeepEqual(schemaViolations(manifestSchema(), { ...manifest, sequence: "1" }), []);
});
