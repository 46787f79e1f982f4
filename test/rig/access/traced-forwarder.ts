import { execFile } from "node:child_process";
import { appendFileSync, copyFileSync, mkdirSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { makeCertificates } from "../certificates.ts";
import { DatagramReceiver } from "../datagram-receiver.ts";
import { eventually } from "../eventually.ts";
import { LineClient } from "../line-client.ts";
import { Program } from "../program.ts";
import { TempDir } from "../temp-dir.ts";
import { readFileUses, straceArguments, type FileUse } from "./file-uses.ts";

const run = promisify(execFile);

/**
 * Runs the forwarder of an unpacked package below a root with everything in the same places as on a manager: reads
 * archive and log, takes an alert by the socket, reloads, is asked for its status, keeps a dead letter, sends feedback,
 * and stops. Kafka is not there, which makes no difference to its files.
 * @param root where `usr` is; everything else is made below it
 * @returns what it did with files, as on a manager: without the root in front
 */
export async function traceForwarder(root: string): Promise<FileUse[]> {
  await using aside = await TempDir.create();
  const at = (path: string): string => join(realpathSync(root), path);
  for (const path of ["etc/wazuh-dfn", "var/lib/wazuh-dfn", "run/wazuh-dfn", "run/systemd"]) {
    mkdirSync(at(path), { recursive: true });
  }
  const archiveOf = (day: Date): string => {
    const month = day.toLocaleString("en", { month: "short", timeZone: "UTC" });
    const directory = at(`var/ossec/logs/alerts/${day.getUTCFullYear()}/${month}`);
    mkdirSync(directory, { recursive: true });
    return join(directory, `ossec-alerts-${String(day.getUTCDate()).padStart(2, "0")}.json`);
  };
  const today = new Date();
  const yesterday = new Date(today.getTime() - 86_400_000);
  mkdirSync(at("var/ossec/queue/sockets"), { recursive: true });
  const certificates = await makeCertificates(aside.path);
  copyFileSync(certificates.ca, at("etc/wazuh-dfn/ca.pem"));
  copyFileSync(certificates.client.cert, at("etc/wazuh-dfn/cert.pem"));
  copyFileSync(certificates.client.key, at("etc/wazuh-dfn/key.pem"));
  const tls = { ca: at("etc/wazuh-dfn/ca.pem"), cert: at("etc/wazuh-dfn/cert.pem"), key: at("etc/wazuh-dfn/key.pem") };
  const socket = at("run/wazuh-dfn/alerts.sock");
  const log = at("var/ossec/logs/alerts/alerts.json");
  const settings = {
    dfn: { customer_id: "customer" },
    wazuh: { home: at("var/ossec") },
    sources: {
      socket: { path: socket },
      tail: { path: log, start: new Date(yesterday.getTime() - 86_400_000).toISOString() },
    },
    // Nobody listens on port 1.
    sink: { kafka: { brokers: ["localhost:1"], tls } },
    handlers: { passthrough: { topic: "all" } },
    state_dir: at("var/lib/wazuh-dfn"),
    status: { listen: at("run/wazuh-dfn/status.sock") },
  };
  writeFileSync(at("etc/wazuh-dfn/config.yaml"), JSON.stringify(settings), { mode: 0o640 });
  writeFileSync(`${archiveOf(yesterday)}.gz`, gzipSync(alert("0.1")));
  writeFileSync(log, alert("1.1"));
  using queue = new DatagramReceiver(at("var/ossec/queue/sockets/queue"));
  using notified = new DatagramReceiver(at("run/systemd/notify"));

  const node = at("usr/lib/wazuh-dfn/bin/node");
  const bundle = at("usr/lib/wazuh-dfn/wazuh-dfn-start.cjs");
  const call = [node, bundle, "run", "--config", at("etc/wazuh-dfn/config.yaml")];
  const env = { PATH: process.env["PATH"] ?? "", NOTIFY_SOCKET: at("run/systemd/notify"), WATCHDOG_USEC: "2000000" };
  const logs = aside.join("strace");
  await using forwarder = new Program("strace", [...straceArguments(logs), ...call], { env, cwd: "/" });
  const pid = Number(/"pid":(\d+)/.exec(await forwarder.waitForLog(/"msg":"started"/))?.[1]);
  // Without strace it would keep running.
  using _ended = { [Symbol.dispose]: () => forwarder.ended ?? process.kill(pid, "SIGKILL") };
  {
    await using client = await LineClient.connect(socket);
    await client.send(alert("1.2"));
    await client.answered(0);
  }
  appendFileSync(log, `{"rule":{"level":9},"id":"1.3\n${alert("1.4")}`);
  await eventually("a dead letter", async () => {
    const { stdout } = await run(node, [bundle, "dead-letter", "list", "--config", at("etc/wazuh-dfn/config.yaml")]);
    return stdout.includes("1 dead letter");
  });
  renameSync(log, archiveOf(today));
  writeFileSync(log, alert("1.5"));
  process.kill(pid, "SIGHUP");
  await eventually(
    "the second start",
    () => forwarder.errorLines.filter((line) => line.includes('"started"')).length > 1,
  );
  await run(node, [bundle, "status", "--config", at("etc/wazuh-dfn/config.yaml")]).catch(() => undefined);
  await eventually("feedback to Wazuh", () => queue.take().length > 0);
  await eventually("systemd is notified", () => notified.take().length > 0);
  process.kill(pid, "SIGTERM");
  await forwarder.end();
  const prefix = realpathSync(root);
  return readFileUses(logs).map((use) => ({ ...use, path: withoutPrefix(use.path, prefix) }));
}

function alert(id: string): string {
  return `${JSON.stringify({ id, rule: { level: 9 }, location: "x" })}\n`;
}

function withoutPrefix(path: string, prefix: string): string {
  return path === prefix || path.startsWith(`${prefix}/`) ? path.slice(prefix.length) || "/" : path;
}
