/** What systemd is notified of, over sockets of both kinds, by the built forwarder and by the supervisor alone. */
import assert from "node:assert/strict";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { test } from "node:test";
import { Supervisor } from "../../daemon/supervision/supervisor.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { DatagramReceiver } from "../rig/datagram-receiver.ts";
import { eventually } from "../rig/eventually.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { factsWith } from "../unit/supervision/facts.ts";

const abstractName = `wazuh-dfn-test-${process.pid}`;

/** Messages as they come, each split into its lines. */
class Heard {
  readonly messages: string[] = [];
  readonly #receiver: DatagramReceiver;

  constructor(receiver: DatagramReceiver) {
    this.#receiver = receiver;
  }

  async until(what: string, count = 1): Promise<void> {
    await eventually(`${count} x ${what}`, () => {
      for (const datagram of this.#receiver.take()) this.messages.push(datagram.toString());
      return this.messages.filter((message) => message.includes(what)).length >= count;
    });
  }
}

for (const kind of ["path", "abstract"] as const) {
  test(`the forwarder reports to a socket (${kind}) that it is ready, alive, reloading, and stopping`, async () => {
    await using dir = await TempDir.create();
    using receiver = new DatagramReceiver(kind === "path" ? dir.join("notify") : `\0${abstractName}`);
    const heard = new Heard(receiver);
    await mkdir(dir.join("alerts"));
    await writeFile(dir.join("alerts/alerts.json"), "");
    await writeFile(
      dir.join("config.yaml"),
      `dfn: { customer_id: abc }
wazuh: { home: ${dir.path}, feedback: off }
sources: { socket: { path: ${dir.join("s")} }, tail: { path: ${dir.join("alerts/alerts.json")} } }
sink: { file: { path: ${dir.join("records")} } }
status: { listen: ${dir.join("status")} }
state_dir: ${dir.join("state")}
`,
    );
    const env = {
      PATH: process.env["PATH"] ?? "",
      NOTIFY_SOCKET: kind === "path" ? dir.join("notify") : `@${abstractName}`,
      WATCHDOG_USEC: "600000",
    };
    const args = [resolve("dist/wazuh-dfn.cjs"), "run", "--config", dir.join("config.yaml")];
    await using program = new Program(process.execPath, args, { env });
    await heard.until("READY=1");
    assert.equal(heard.messages.filter((message) => message.startsWith("READY=1")).length, 1);
    await heard.until("WATCHDOG=1", 3);
    await heard.until("STATUS=ships alerts");

    program.signal("SIGHUP");
    await heard.until("READY=1", 2);
    const reloading = heard.messages.findIndex((message) => message.startsWith("RELOADING=1"));
    assert.match(heard.messages[reloading] ?? "", /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    assert.ok(reloading < heard.messages.lastIndexOf("READY=1"));

    await appendFile(dir.join("config.yaml"), "nonsense: 1\n");
    program.signal("SIGHUP");
    await heard.until("READY=1", 3);

    assert.equal((await program.stop()).ended, 0);
    await heard.until("STOPPING=1");
  });
}

test("a forwarder without progress stops reporting, so that systemd restarts it, and says why", async () => {
  await using dir = await TempDir.create();
  using receiver = new DatagramReceiver(dir.join("notify"));
  const heard = new Heard(receiver);
  let nowMs = 0;
  using supervisor = new Supervisor(
    { NOTIFY_SOCKET: dir.join("notify"), WATCHDOG_USEC: "30000000" },
    silentLog,
    () => nowMs,
  );
  for (nowMs = 0; nowMs <= 55_000; nowMs += 5000) supervisor.look(factsWith({ alerts: 3 }), 1);
  await heard.until("WATCHDOG=1", 6);
  for (; nowMs <= 120_000; nowMs += 5000) supervisor.look(factsWith({ alerts: 3 }), 1);
  await heard.until("STATUS=stuck: 3 alerts wait");
  assert.equal(heard.messages.filter((message) => message.includes("WATCHDOG=1")).length, 6);
  supervisor.look(factsWith({ alerts: 3, acknowledged: 1 }), 1);
  await heard.until("WATCHDOG=1", 7);
});

test("without a listener nothing is sent and nothing fails", async () => {
  for (const name of [undefined, "", "@", "vsock:2:1", "/nowhere/at/all"]) {
    using supervisor = new Supervisor(name === undefined ? {} : { NOTIFY_SOCKET: name }, silentLog);
    await supervisor.ready();
    supervisor.look(factsWith({}), 1);
    await supervisor.stopping();
  }
});
