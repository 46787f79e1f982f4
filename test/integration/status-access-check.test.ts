import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { systemCertificates } from "../../daemon/sinks/kafka/tls/authorities.ts";
import { Pki } from "../rig/pki.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { wazuhDfn } from "./cli.ts";

const token = "hunter2-0123456789-0123456789-0123456789";

/** A configuration whose status is offered to other machines, and what `check` finds about the access to it. */
async function checked(change: (status: Status, pki: Pki) => unknown): Promise<Found> {
  await using temp = await TempDir.create();
  const pki = new Pki(temp.path);
  const [{ cert, key }] = await Promise.all([
    pki.make("status", { usage: "serverAuth" }),
    pki.make("kafka-ca", { isAuthority: true }),
  ]);
  chmodSync(key, 0o400);
  const file = (name: string, text: string): string => {
    writeFileSync(pki.path(name), text, { mode: 0o600 });
    return pki.path(name);
  };
  const status: Status = { listen: "0.0.0.0:8443", tls: { cert, key }, token_file: file("token", `${token}\n`) };
  await change(status, pki);
  const settings = {
    dfn: { customer_id: "acme" },
    sink: { kafka: { brokers: ["127.0.0.1:9092"], tls: { ca: pki.path("kafka-ca.pem") } } },
    state_dir: temp.join("state"),
    status,
  };
  const config = file("config.yaml", JSON.stringify(settings));
  const { code, stdout } = await wazuhDfn(["check", "--json", "--config", config]);
  const { problems } = JSON.parse(stdout);
  const about = problems.filter(({ setting = "" }: Problem) => setting.startsWith("status"));
  return { code, problems: about, printed: (await wazuhDfn(["config", "print", "--config", config])).stdout };
}

interface Status {
  listen: string;
  tls: Record<string, unknown>;
  token_file?: string;
  tap_token_file?: string;
  allow?: string[];
  rate?: string;
}

interface Problem {
  readonly severity: string;
  readonly setting?: string;
  readonly message: string;
}

interface Found {
  readonly code: number | null;
  readonly problems: readonly Problem[];
  readonly printed: string;
}

test("a token, a key and a certificate that are in order are no problem, and printed settings name files alone", async () => {
  const { code, problems, printed } = await checked(() => undefined);
  assert.deepEqual(problems, []);
  assert.equal(code, 0);
  assert.match(printed, /token_file: \S+\/token /);
  assert.doesNotMatch(printed, /hunter2/);
});

const brokenTokens: readonly (readonly [name: string, text: string, mode: number, expected: RegExp])[] = [
  [
    "too short",
    "x".repeat(31),
    0o600,
    /holds 31 characters, and a token has at least 32; make one with: .*openssl rand/,
  ],
  ["empty", "", 0o600, /holds 0 characters/],
  ["of two lines", `${token}\n${token}\n`, 0o600, /something other than one token/],
  ["with a blank", `${token} ${token}`, 0o600, /something other than one token/],
  [
    "that others may read",
    token,
    0o604,
    /may be read or written by everybody; fix it with: chmod o-rw .*renew the token/,
  ],
  ["that others may write", token, 0o602, /may be read or written by everybody/],
  ["that is huge", "x".repeat(10_000), 0o600, /is not the file of a token/],
];
for (const [name, text, mode, expected] of brokenTokens) {
  test(`a token ${name} is an error with its remedy, and never repeated`, async () => {
    const { code, problems } = await checked((status, pki) => {
      writeFileSync(pki.path("token"), text);
      chmodSync(pki.path("token"), mode);
      status.tap_token_file = pki.path("token");
      delete status.token_file;
      status.tls["client_ca"] = pki.path("status.pem");
    });
    assert.equal(code, 78);
    const errors = problems.filter(({ severity }) => severity === "error");
    assert.deepEqual(
      errors.map(({ setting }) => setting),
      ["status.tap_token_file"],
    );
    assert.match(errors[0]?.message ?? "", expected);
    assert.doesNotMatch(JSON.stringify(problems), /hunter2|xxxx/);
  });
}

test("certificate and key are judged as those of Kafka are, under their own names", async () => {
  const absent = await checked((status) => (status.tls["key"] = "/absent/key.pem"));
  assert.equal(absent.code, 78);
  assert.match(absent.problems[0]?.message ?? "", /^status\.tls\.key: \/absent\/key\.pem cannot be read/);
  const mixed = await checked(async (status, pki) => {
    status.tls["key"] = (await pki.make("another")).key;
  });
  assert.match(JSON.stringify(mixed.problems), /status\.tls\.key: the key \S+ belongs to another certificate/);
  const encrypted = await checked(async (status, pki) => {
    await pki.openssl(
      "pkey",
      "-in",
      pki.path("status.key"),
      "-aes256",
      "-passout",
      "pass:x",
      "-out",
      pki.path("e.key"),
    );
    status.tls["key"] = pki.path("e.key");
  });
  assert.match(
    JSON.stringify(encrypted.problems),
    /status\.tls\.key: the private key .* is encrypted.*openssl pkey -in/,
  );
  const authority = await checked((status, pki) => (status.tls["client_ca"] = pki.path("status.key")));
  assert.match(JSON.stringify(authority.problems), /status\.tls\.client_ca: /);
  const forClients = await checked(async (status, pki) => {
    const { cert, key } = await pki.make("client", { usage: "clientAuth" });
    Object.assign(status.tls, { cert, key });
  });
  assert.match(JSON.stringify(forClients.problems), /may not be used by a server/);
});

test("a key that others may read is a warning", async () => {
  const { code, problems } = await checked((status) => chmodSync(String(status.tls["key"]), 0o644));
  assert.equal(code, 0);
  assert.match(JSON.stringify(problems), /everybody may read this file, which is secret/);
});

test("client_ca that is Kafka's or the system's CA lets in all of its customers, which is a warning", async () => {
  const kafka = await checked((status, pki) => (status.tls["client_ca"] = pki.path("kafka-ca.pem")));
  assert.equal(kafka.code, 0);
  assert.match(
    JSON.stringify(kafka.problems),
    /kafka-ca\.pem is also Kafka's CA, and whoever has a certificate of it can read the status; use a CA that/,
  );
  const [known] = systemCertificates();
  assert.ok(known !== undefined);
  const system = await checked((status, pki) => {
    writeFileSync(pki.path("system.pem"), String(known));
    Object.assign(status.tls, { client_ca: pki.path("system.pem"), client_names: ["monitoring"] });
  });
  assert.match(JSON.stringify(system.problems), /system\.pem is also the system's CA.*client_names narrows it/);
  const own = await checked(async (status, pki) => {
    await pki.make("own-ca", { isAuthority: true });
    status.tls["client_ca"] = pki.path("own-ca.pem");
  });
  assert.deepEqual(own.problems, []);
});

test("what has no effect on a Unix socket is a warning, and what is missing on a port an error of check and of run", async () => {
  const unix = await checked((status, pki) => {
    status.listen = pki.path("status.sock");
    status.allow = ["192.0.2.0/24"];
  });
  assert.deepEqual(
    unix.problems.map(({ severity, setting }) => [severity, setting]),
    ["status.tls", "status.token_file", "status.allow"].map((setting) => ["warning", setting]),
  );
  const open = await checked((status) => delete status.token_file);
  assert.equal(open.code, 78);
  assert.match(JSON.stringify(open.problems), /anybody could read it; add token_file/);
});

test("run does not start with a token that it may not use, and says why", async () => {
  await using temp = await TempDir.create();
  writeFileSync(temp.join("token"), "short", { mode: 0o600 });
  const config = temp.join("config.yaml");
  const settings = {
    dfn: { customer_id: "acme" },
    sink: { file: { path: temp.join("records") } },
    state_dir: temp.join("state"),
    status: { listen: "127.0.0.1:8080", token_file: temp.join("token") },
  };
  writeFileSync(config, JSON.stringify(settings));
  const { code, stderr } = await wazuhDfn(["run", "--config", config]);
  assert.equal(code, 78);
  assert.match(stderr, /status\.token_file: .* holds 5 characters/);
  assert.throws(() => readFileSync(temp.join("records")), /ENOENT/);
});
