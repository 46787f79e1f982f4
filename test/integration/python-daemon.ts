import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import kafkajs from "kafkajs";
import type { WrittenAlert } from "../rig/wazuh/alerts.ts";

const home = "opt/wazuh-dfn";

/**
 * The unit, the configuration and the process of the Python daemon below a root, where docs/migrate.md looks for them.
 */
export function placePythonDaemon(root: string, config: string): void {
  for (const path of ["config", "venv/bin"]) mkdirSync(join(root, home, path), { recursive: true });
  writeFileSync(join(root, home, "config/config.yaml"), config);
  // A shell in place of the interpreter: the daemon is recognised by its command line.
  symlinkSync("/bin/sh", join(root, home, "venv/bin/python3"));
  writeFileSync(join(root, home, "venv/bin/wazuh-dfn"), "while sleep 1; do :; done\n");
  const command = `/${home}/venv/bin/python3 /${home}/venv/bin/wazuh-dfn --config /${home}/config/config.yaml`;
  writeFileSync(
    join(root, "etc/systemd/system/wazuh-dfn-python.service"),
    `[Service]\nExecStart=${command}\n[Install]\nWantedBy=multi-user.target\n`,
  );
}

/** As it sends them: no headers, blanks after colons, its own order of agents. @returns the records' values */
export async function sendAsPythonDaemon(
  brokers: readonly string[],
  topic: string,
  alerts: readonly WrittenAlert[],
): Promise<string[]> {
  const relevant = alerts.filter(({ value }) => value !== undefined);
  const values = relevant.map(({ timestamp, value }) => {
    return JSON.stringify({ timestamp, ...value }).replace('{"timestamp":', '{"timestamp": ');
  });
  const client = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = client.producer();
  await producer.connect();
  await producer.send({ topic, messages: values.map((value) => ({ value })) });
  await producer.disconnect();
  return values;
}
