import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import kafkajs from "kafkajs";
import { eventually } from "../rig/eventually.ts";
import type { Kafka } from "../rig/kafka.ts";
import { Program } from "../rig/program.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import type { WrittenAlert } from "../rig/wazuh/alerts.ts";
import { forwarderBundle, World } from "../rig/world.ts";

let kafka: Kafka;
before(async () => (kafka = await sharedKafka()));
after(() => kafka[Symbol.asyncDispose]());

/** The commands of docs/migrate.md, in their order, as one script. */
function commandsOfPage(): string {
  const page = readFileSync(resolve("docs/migrate.md"), "utf8");
  const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
  assert.equal(blocks.length, 9);
  return blocks.join("");
}

/** As the Python daemon sends it: no headers, blanks behind colons, its own order of agents. */
async function sendAsPythonDaemon(world: World, alerts: readonly WrittenAlert[]): Promise<string[]> {
  const relevant = alerts.filter(({ value }) => value !== undefined);
  const values = relevant.map(({ timestamp, value }) => {
    return JSON.stringify({ timestamp, ...value }).replace('{"timestamp":', '{"timestamp": ');
  });
  const client = new kafkajs.Kafka({ brokers: [...kafka.addresses], logLevel: kafkajs.logLevel.NOTHING });
  const producer = client.producer();
  await producer.connect();
  await producer.send({ topic: world.topic, messages: values.map((value) => ({ value })) });
  await producer.disconnect();
  return values;
}

/** Programs that the page calls: ours as it is, and stand-ins for those that a test machine does not have. */
function makePrograms(world: World, paths: { config: string; sent: string }): string {
  const bin = world.directory.join("bin");
  mkdirSync(bin);
  const at = (name: string): string => world.directory.join(name);
  const programs: Record<string, string> = {
    "wazuh-dfn": `export WAZUH_DFN_STATE_DIR=${at("state")} WAZUH_DFN_STATUS__LISTEN=${at("status.sock")}
export WAZUH_DFN_SOURCES__SOCKET__PATH=${world.socketPath}
word=$1; shift
[ "$word" = config ] || set -- --config ${paths.config} "$@"
exec ${process.execPath} ${forwarderBundle} "$word" "$@"`,
    systemctl: `echo "systemctl $*" >>${at("calls")}
case $1 in
set-environment) echo "export $2" >${at("environment")} ;;
unset-environment) rm ${at("environment")} ;;
esac`,
    "wazuh-dfn-install": `echo "wazuh-dfn-install $*" >>${at("calls")}
. ${at("environment")}
wazuh-dfn run >${at("forwarder.log")} 2>&1 &
echo $! >${at("forwarder.pid")}
until wazuh-dfn status >/dev/null 2>&1; do sleep 0.1; done`,
    "kafka-console-consumer.sh": `cat ${paths.sent}`,
  };
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

test("whoever follows docs/migrate.md loses no alert and repeats none", async () => {
  await using world = await World.create(kafka);
  const home = world.directory.join("ossec");
  const old = world.directory.join("old.yaml");
  const config = world.directory.join("config.yaml");
  const sent = world.directory.join("in-topic.ndjson");
  writeFileSync(
    old,
    `wazuh: { unix_socket_path: ${home}/queue/sockets/queue, json_alert_file: ${home}/logs/alerts/alerts.json }
dfn: { dfn_broker: "${kafka.addresses.join(",")}", dfn_id: ${world.topic}, dfn_cert: null, dfn_key: null }
`,
  );
  // The Python daemon has sent these; it stops, and the manager goes on.
  const values = await sendAsPythonDaemon(world, world.analysisd.emit(200));
  writeFileSync(sent, `${values.join("\n")}\n`);
  const meanwhile = world.analysisd.emit(100).filter(({ value }) => value !== undefined).length;
  world.analysisd.flush();

  const script = commandsOfPage()
    .replaceAll("/opt/wazuh-dfn/config/config.yaml", old)
    .replaceAll("/etc/wazuh-dfn/config.yaml", config)
    .replaceAll("/var/ossec/logs/alerts", join(home, "logs/alerts"));
  const bin = makePrograms(world, { config, sent });
  const env = { PATH: `${bin}:${process.env["PATH"] ?? ""}` };
  await using page = new Program("sh", ["-eu", "-c", script], { cwd: world.directory.path, env });
  const code = await page.end();
  const pid = Number(readFileSync(world.directory.join("forwarder.pid"), "utf8"));
  try {
    assert.equal(code, 0, page.errorLines.join("\n"));
    const calls = readFileSync(world.directory.join("calls"), "utf8").trimEnd().split("\n");
    assert.match(
      calls.join("\n"),
      /^systemctl disable --now wazuh-dfn-python\.service\nsystemctl set-environment WAZUH_DFN_SOURCES__TAIL__START=\S+Z\nwazuh-dfn-install --yes\nsystemctl unset-environment/,
    );
    assert.ok(page.outputLines.includes(String(meanwhile)), "the count of what is to follow");
    world.analysisd.emit(100);
    world.analysisd.flush();
    await kafka.recordsReach(world.topic, world.ledger.expected);
  } finally {
    process.kill(pid, "SIGTERM");
  }
  const log = (): string => readFileSync(world.directory.join("forwarder.log"), "utf8");
  await eventually("the forwarder's end", () => log().includes('"msg":"figures so far"'));
  const { missing, twice, invented, expected } = world.ledger.judge(await world.readTopic());
  assert.deepEqual({ missing, twice, invented }, { missing: [], twice: 0, invented: [] });
  assert.ok(expected > meanwhile);
});
