import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, least, problemsOf } from "./written.ts";

function withManifest(section: string, rest = ""): string {
  return `${least}manifest: ${section}\n${rest}`;
}

test("manifests are off unless there is a section, which needs a topic alone", () => {
  assert.equal(configOf(least).manifest, undefined);
  assert.equal(configOf(withManifest("off")).manifest, undefined);
  assert.deepEqual(configOf(withManifest("{ topic: wazuh-manifests }")).manifest, {
    topic: "wazuh-manifests",
    intervalMs: 60_000,
    keyFile: undefined,
  });
  assert.deepEqual(
    configOf(withManifest("{ topic: m, interval: 1h, key_file: /etc/wazuh-dfn/manifest.pem }")).manifest,
    {
      topic: "m",
      intervalMs: 3_600_000,
      keyFile: "/etc/wazuh-dfn/manifest.pem",
    },
  );
});

test("a section of manifests without its topic, or with a name that no topic has, is refused", () => {
  assert.deepEqual(problemsOf(withManifest("{ interval: 5m }")), [
    "c.yaml:3: manifest.topic: is missing; it is required",
  ]);
  assert.match(
    problemsOf(withManifest("{ topic: a b }")).join(),
    /^c\.yaml:3: manifest\.topic: "a b" is not a topic name/,
  );
  assert.match(problemsOf(withManifest("{ topic: m, key: /k }")).join(), /^c\.yaml:3: manifest\.key: unknown setting/);
});

test("manifests count the lines of the log, so they are refused while the tail is off", () => {
  assert.deepEqual(problemsOf(withManifest("{ topic: m }", "sources: { tail: off }\n")), [
    "c.yaml:3: manifest: needs the log, whose lines it counts; switch sources.tail on, or leave manifest off",
  ]);
  assert.equal(configOf(`${least}sources: { tail: off }\n`).manifest, undefined);
});

test("the topic of manifests is not one that a handler sends records to", () => {
  const refused = [
    "c.yaml:3: manifest.topic: is a topic of records, whose readers expect alerts; name a topic of its own",
  ];
  assert.deepEqual(problemsOf(withManifest("{ topic: acme }")), refused);
  const passthrough = "handlers: { windows: off, fail2ban: off, passthrough: { topic: raw } }\n";
  assert.deepEqual(problemsOf(withManifest("{ topic: raw }", passthrough)), refused);
  // Nothing is sent to the customer's topic here.
  assert.equal(configOf(withManifest("{ topic: acme }", passthrough)).manifest?.topic, "acme");
});

test("the environment alone can switch manifests on", () => {
  const env = { WAZUH_DFN_MANIFEST__TOPIC: "m", WAZUH_DFN_MANIFEST__INTERVAL: "10s" };
  assert.equal(configOf(least, { env }).manifest?.intervalMs, 10_000);
});
