import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { makeCertificates } from "../rig/certificates.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { type Ended, wazuhDfn } from "./cli.ts";

/** A configuration in a directory of its own in which nothing is missing except what a test removes. */
async function writeConfig(directory: string, kafka = ""): Promise<string> {
  const home = join(directory, "ossec");
  await mkdir(join(home, "logs/alerts"), { recursive: true });
  await mkdir(join(home, "queue/sockets"), { recursive: true });
  await writeFile(join(home, "logs/alerts/alerts.json"), "");
  await writeFile(join(home, "queue/sockets/queue"), "");
  const path = join(directory, "config.yaml");
  const lines = [
    "dfn: { customer_id: acme }",
    `wazuh: { home: ${home} }`,
    `sources: { socket: { path: ${directory}/run/alerts.sock } }`,
    `sink: { kafka: { brokers: ["127.0.0.1:1"]${kafka} } }`,
    `state_dir: ${directory}/state`,
    `status: { listen: ${directory}/run/status.sock }`,
  ];
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

async function checkWith(directory: string, kafka: string, env: Record<string, string> = {}): Promise<Ended> {
  return wazuhDfn(["check", "--config", await writeConfig(directory, kafka)], env);
}

test("a configuration with everything that it names is in order, without output on standard error", async () => {
  await using world = await TempDir.create();
  const config = await writeConfig(world.path);
  assert.deepEqual(await wazuhDfn(["check", "--config", config]), {
    code: 0,
    stdout: `${config} is valid\n`,
    stderr: "",
  });
});

test("every wrong setting is named with file and line, and the exit code is 78", async () => {
  await using world = await TempDir.create();
  const config = join(world.path, "c.yaml");
  await writeFile(config, "dfn:\n  customer_id: acme\nsink:\n  kafka:\n    broker: a:1\nlog: { level: loud }\n");
  const { code, stdout, stderr } = await wazuhDfn(["check", "--config", config]);
  assert.deepEqual([code, stdout], [78, ""]);
  assert.deepEqual(stderr.trimEnd().split("\n"), [
    `${config}:4: sink.kafka.brokers: is missing; it is required`,
    `${config}:5: sink.kafka.broker: unknown setting; did you mean brokers?`,
    `${config}:6: log.level: "loud" is not allowed; use one of debug, info, warn, error`,
  ]);
  const json: unknown = JSON.parse((await wazuhDfn(["check", "--config", config, "--json"])).stdout);
  assert.ok(typeof json === "object" && json !== null && "ok" in json && "problems" in json);
  assert.equal(json.ok, false);
  assert.deepEqual(Array.isArray(json.problems) && json.problems[2], {
    severity: "error",
    setting: "log.level",
    origin: `${config}:6`,
    file: config,
    line: 6,
    message: '"loud" is not allowed; use one of debug, info, warn, error',
  });
});

test("a file that is absent, a directory, too large or not text is reported as such", async () => {
  await using world = await TempDir.create();
  const large = join(world.path, "large.yaml");
  const binary = join(world.path, "binary.yaml");
  await writeFile(large, `# ${"x".repeat(1024 * 1024)}\n`);
  await writeFile(binary, Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]));
  const cases: readonly (readonly [string, RegExp])[] = [
    [join(world.path, "absent.yaml"), /absent\.yaml: the configuration does not exist; .*wazuh-dfn config sample$/],
    [world.path, /: the configuration is a directory; name the file in it$/],
    [large, /large\.yaml: the configuration is larger than 1 MiB; is this the right file\?$/],
    [binary, /binary\.yaml: the configuration is not UTF-8 text; save it as UTF-8$/],
  ];
  for (const [path, message] of cases) {
    const { code, stdout, stderr } = await wazuhDfn(["check", "--config", path]);
    assert.deepEqual([code, stdout], [78, ""], path);
    assert.match(stderr.trimEnd(), message);
  }
});

test("what is missing around the forwarder is a warning with a remedy", async () => {
  await using world = await TempDir.create();
  const config = await writeConfig(world.path);
  const sets = [`wazuh.home=${world.path}/none`, `state_dir=${config}/state`];
  const { code, stderr } = await wazuhDfn(["check", "--config", config, ...sets.flatMap((set) => ["--set", set])]);
  assert.equal(code, 0);
  const lines = stderr.trimEnd().split("\n");
  assert.equal(lines.length, 3, stderr);
  assert.match(stderr, /^warning: --set state_dir: the directory of the state, .*config\.yaml is not a directory/m);
  assert.match(stderr, /^warning: sources\.tail\.path: .*alerts\.json does not exist; is wazuh\.home right/m);
  assert.match(stderr, /^warning: wazuh\.feedback: Wazuh's queue socket, .* does not exist; is the manager running/m);
});

test("a password file is wrong if it is absent, empty, of several lines or writable by others", async () => {
  await using world = await TempDir.create();
  const path = join(world.path, "password");
  const sasl = `, tls: on, sasl: { mechanism: plain, username: u, password_file: ${path} }`;
  const absent = await checkWith(world.path, sasl);
  assert.equal(absent.code, 78);
  assert.match(
    absent.stderr,
    /config\.yaml:4: sink\.kafka\.sasl\.password_file: .*password: the file of the secret does not exist/,
  );
  for (const [text, mode, message] of [
    ["", 0o600, /the file of the secret is empty/],
    ["hunter2\nhunter3\n", 0o600, /has several lines/],
    ["hunter2\n", 0o602, /everybody may write .*; fix it with: chmod o-w /],
  ] as const) {
    await writeFile(path, text);
    await chmod(path, mode);
    const { code, stderr } = await checkWith(world.path, sasl);
    assert.equal(code, 78, stderr);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /hunter/);
  }
  await chmod(path, 0o644);
  const readable = await checkWith(world.path, sasl);
  assert.equal(readable.code, 0);
  assert.match(
    readable.stderr,
    /^warning: .*everybody may read this file, which is secret; fix it with: chown \S+ \S+ && chmod 0400 /,
  );
  await chmod(path, 0o600);
  assert.deepEqual((await checkWith(world.path, sasl)).stderr, "");
});

test("a missing password is an error, one in the environment is enough", async () => {
  await using world = await TempDir.create();
  const sasl = ", tls: on, sasl: { mechanism: scram-sha-256, username: u }";
  const nowhere = await checkWith(world.path, sasl);
  assert.equal(nowhere.code, 78);
  assert.match(
    nowhere.stderr,
    /config\.yaml:4: sink\.kafka\.sasl: there is no password: environment variable WAZUH_DFN_/,
  );
  const env = { WAZUH_DFN_SINK__KAFKA__SASL__PASSWORD: "hunter2" };
  assert.deepEqual((await checkWith(world.path, sasl, env)).stderr, "");
  const open = await checkWith(world.path, sasl.replace("tls: on, ", "").replace("scram-sha-256", "plain"), env);
  assert.equal(open.code, 0);
  assert.match(open.stderr, /^warning: .*plain without tls sends the password readable/);
});

test("certificates and keys are read and judged", async () => {
  await using world = await TempDir.create();
  const made = await makeCertificates(world.path);
  const secret = join(world.path, "passphrase");
  await writeFile(secret, "secret\n", { mode: 0o600 });
  const tls = (section: string): Promise<Ended> => checkWith(world.path, `, tls: { ca: ${made.ca}, ${section} }`);
  const { client, expiredClient, encryptedClientKey } = made;
  const encrypted = `cert: ${client.cert}, key: ${encryptedClientKey}`;
  for (const section of [`cert: ${client.cert}, key: ${client.key}`, `${encrypted}, passphrase_file: ${secret}`]) {
    const { code, stderr } = await tls(section);
    assert.equal(code, 0, stderr);
    // Certificates made for a test may end soon; nothing else is worth reporting.
    const others = stderr.split("\n").filter((line) => line !== "" && !/^warning: .* expires in \d+ days/.test(line));
    assert.deepEqual(others, []);
  }
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      `cert: ${expiredClient.cert}, key: ${expiredClient.key}`,
      /config\.yaml:4: sink\.kafka\.tls\.cert: .* expired on /,
    ],
    [
      `cert: ${client.cert}, key: ${made.server.key}`,
      /config\.yaml:4: sink\.kafka\.tls\.key: .*belongs to another certificate/,
    ],
    [`cert: ${world.path}/absent, key: ${client.key}`, /sink\.kafka\.tls\.cert: .*absent cannot be read/],
    [encrypted, /sink\.kafka\.tls\.key: .*is encrypted; write its pass phrase to a file/],
    [`${encrypted}, passphrase_file: ${world.path}/absent`, /sink\.kafka\.tls\.passphrase_file: .*does not exist/],
  ];
  for (const [section, message] of cases) {
    const { code, stderr } = await tls(section);
    assert.equal(code, 78, section);
    assert.match(stderr, message);
  }
});

test("secrets that others can read or replace are named with the command that ends it; so are the key and PKCS#12", async () => {
  await using world = await TempDir.create();
  const made = await makeCertificates(world.path);
  const secret = join(world.path, "passphrase");
  await writeFile(secret, "secret\n");
  const { client, ca } = made;
  const pkcs12 = join(world.path, "client.p12");
  const from = ["-in", client.cert, "-inkey", client.key, "-passout", `file:${secret}`];
  await promisify(execFile)("openssl", ["pkcs12", "-export", ...from, "-out", pkcs12]);
  const pair = `cert: ${client.cert}, key: ${made.encryptedClientKey}`;
  const settings = [
    [made.encryptedClientKey, `tls: { ca: ${ca}, ${pair}, passphrase_file: ${secret} }`],
    [pkcs12, `tls: { ca: ${ca}, pkcs12: ${pkcs12}, passphrase_file: ${secret} }`],
    [secret, `tls: { ca: ${ca}, pkcs12: ${pkcs12}, passphrase_file: ${secret} }`],
    [secret, `tls: on, sasl: { mechanism: plain, username: u, password_file: ${secret} }`],
  ] as const;
  // A group with a member, unlike root's.
  const nogroup = 65534;
  const isRoot = process.getuid?.() === 0;
  const modes = [
    [0o644, /everybody may read this file/],
    ...(isRoot ? ([[0o440, /every member of group \S+ may read this file/]] as const) : []),
    [0o400, undefined],
  ] as const;
  for (const [file, section] of settings) {
    for (const path of [made.encryptedClientKey, pkcs12, secret]) {
      await chmod(path, 0o400);
      if (isRoot) await chown(path, 0, nogroup);
    }
    for (const [mode, says] of modes) {
      await chmod(file, mode);
      const { code, stderr } = await checkWith(world.path, `, ${section}`);
      assert.equal(code, 0, stderr);
      const named = stderr.split("\n").filter((line) => /which is secret/.test(line));
      assert.equal(named.length, says === undefined ? 0 : 1, stderr);
      if (says === undefined) continue;
      assert.match(named[0] ?? "", says);
      assert.match(named[0] ?? "", /^warning: .*config\.yaml:4: .*; fix it with: chown \S+: \S+ && chmod 0400 /);
    }
  }
});

test("a pipe in place of a secret or a key is an error, and blocks nobody", async () => {
  await using world = await TempDir.create();
  const pipe = join(world.path, "pipe");
  await promisify(execFile)("mkfifo", [pipe]);
  const sasl = await checkWith(
    world.path,
    `, tls: on, sasl: { mechanism: plain, username: u, password_file: ${pipe} }`,
  );
  assert.equal(sasl.code, 78);
  assert.match(sasl.stderr, /password_file: .*pipe is not a regular file but a pipe/);
  const key = await checkWith(world.path, `, tls: { cert: ${pipe}, key: ${pipe}, passphrase_file: ${pipe} }`);
  assert.equal(key.code, 78);
  for (const setting of ["cert", "key", "passphrase_file"]) {
    assert.match(key.stderr, new RegExp(`sink\\.kafka\\.tls\\.${setting}: .*pipe .*not a regular file but a pipe`));
  }
});

test("alerts that leave this machine without TLS are a warning, those that do not are not", async () => {
  await using world = await TempDir.create();
  const check = async (brokers: string): Promise<string> => {
    const set = ["--set", `sink.kafka.brokers=${brokers}`];
    const { code, stderr } = await wazuhDfn(["check", "--config", await writeConfig(world.path), ...set]);
    assert.equal(code, 0);
    return stderr;
  };
  assert.equal(await check("127.0.0.1:9092,localhost:9092,[::1]:9092,127.9.9.9:1"), "");
  assert.match(
    await check("localhost:9092,192.0.2.1:9092,kafka.example.org:9092"),
    /^warning: sink\.kafka\.tls: alerts travel without TLS to 192\.0\.2\.1:9092, kafka\.example\.org:9092: .*set sink\.kafka\.tls/,
  );
});
