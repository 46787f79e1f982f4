import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { freePorts } from "../rig/free-ports.ts";
import { eventually } from "../rig/eventually.ts";
import { Program } from "../rig/program.ts";
import { wazuhDfn } from "./cli.ts";
import { ask } from "./status-world.ts";
import { TlsWorld } from "./tls-world.ts";

test("the expiry of PKCS#12 is shown, a renewed one is adopted, and no secret is in status, metrics, log or printed settings", async () => {
  await using world = await TlsWorld.create();
  const pkcs12 = world.path("own.p12");
  const export12 = (passphrase: string, file: string): Promise<void> =>
    world.pki.shell(`openssl pkcs12 -export -in chain.pem -inkey client.key -passout pass:${passphrase} -out ${file}`);
  await export12("hunter2-phrase", "own.p12");
  await export12("hunter3-phrase", "next.p12");
  const passphrase = world.path("own-phrase");
  await writeFile(passphrase, "hunter2-phrase\n", { mode: 0o600 });
  await writeFile(world.path("password"), "hunter2-password\n", { mode: 0o600 });
  await mkdir(world.path("ossec/logs/alerts"), { recursive: true });
  await writeFile(world.path("ossec/logs/alerts/alerts.json"), "");
  const [port = 0] = await freePorts(1);
  const socket = world.path("status.sock");
  const settings = {
    dfn: { customer_id: "acme" },
    wazuh: { home: world.path("ossec"), feedback: "off" },
    sources: { socket: "off" },
    sink: {
      kafka: {
        brokers: [`127.0.0.1:${port}`],
        tls: { ca: world.path("ca.pem"), pkcs12, passphrase_file: passphrase },
        sasl: { mechanism: "plain", username: "alice", password_file: world.path("password") },
      },
    },
    state_dir: world.path("state"),
    status: { listen: socket },
    log: { level: "debug" },
  };
  const config = world.path("config.yaml");
  await writeFile(config, JSON.stringify(settings));
  await using program = new Program(process.execPath, [forwarderBundle, "run", "--config", config]);
  await program.waitForLog(/"msg":"started"/);

  const status = await ask(socket, "/status");
  const { certificates } = JSON.parse(status.body);
  assert.deepEqual(
    certificates.map(({ setting, daysLeft }: Record<string, unknown>) => [setting, daysLeft]),
    [
      ["ca", 59],
      ["pkcs12", 59],
    ],
  );
  const metrics = await ask(socket, "/metrics");
  assert.match(
    metrics.body,
    /^wazuh_dfn_tls_certificate_expiry_timestamp_seconds\{setting="pkcs12",file="\S+own\.p12"\} 1\.?\d+/m,
  );
  // One after the other, as an administrator does.
  await copyFile(world.path("next.p12"), pkcs12);
  await writeFile(passphrase, "hunter3-phrase\n");
  await program.waitForLog(/the certificates were replaced/);
  // A wrong pass phrase is reported, and not shown.
  await writeFile(passphrase, "hunter4-phrase\n");
  await program.waitForLog(/the pass phrase in \S+own-phrase does not open .*The previous certificates stay in use/);
  await eventually("the trouble in the status", async () => /does not open/.test((await ask(socket, "/status")).body));

  const shown = [
    status.body,
    metrics.body,
    (await ask(socket, "/status")).body,
    (await ask(socket, "/metrics")).body,
    program.errorLines.join("\n"),
    ...Object.values(await wazuhDfn(["config", "print", "--config", config])).map(String),
    ...Object.values(await wazuhDfn(["check", "--config", config])).map(String),
    await readFile(`/proc/${program.pid}/cmdline`, "latin1"),
  ];
  for (const text of shown) assert.doesNotMatch(text, /hunter/);
});
