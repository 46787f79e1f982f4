/** docs/metrics.md and monitoring/ against scrapes of real forwarders, by Debian's own Prometheus. */
import { newKey } from "../rig/manifests/node-writer.ts";
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { z } from "zod";
import { repositoryRoot } from "../../scripts/repository.ts";
import { debianProgram, type DebianPrograms, unpackDebianPrograms } from "../bench/debian-programs.ts";
import { makeCertificates } from "../rig/certificates.ts";
import { eventually } from "../rig/eventually.ts";
import { freePorts } from "../rig/free-ports.ts";
import { present } from "../rig/present.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { ScriptedBroker } from "../unit/sinks/kafka/scripted-broker.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

const monitoring = join(repositoryRoot, "monitoring");

/** Two forwarders: one delivers, and one does not reach Kafka because it speaks TLS there. */
class Watched implements AsyncDisposable {
  readonly broker: ScriptedBroker;
  readonly worlds: StatusWorld[] = [];
  readonly ports: number[] = [];
  #alerts = 0;

  private constructor(broker: ScriptedBroker) {
    this.broker = broker;
  }

  static async start(): Promise<Watched> {
    const watched = new Watched(await ScriptedBroker.start());
    const { worlds, ports, broker } = watched;
    ports.push(...(await freePorts(2)));
    for (const port of ports) {
      const world = await StatusWorld.create();
      worlds.push(world);
      world.configure({ fail2ban: {} }, `127.0.0.1:${port}`);
      const settings = JSON.parse(readFileSync(world.config, "utf8"));
      const kafka: Record<string, unknown> = { brokers: [broker.address] };
      if (worlds.length === 2) kafka["tls"] = { ca: (await makeCertificates(world.directory.path)).ca };
      const dfn = { customer_id: broker.topic };
      const key_file = world.directory.join("manifest.pem");
      writeFileSync(key_file, newKey().export({ format: "pem", type: "pkcs8" }), { mode: 0o400 });
      const manifest = { topic: "manifests", key_file };
      writeFileSync(world.config, JSON.stringify({ ...settings, dfn, sink: { kafka }, manifest }));
      await world.start();
    }
    return watched;
  }

  /** Writes an alert of this moment into both logs. */
  alert(): void {
    this.#alerts += 1;
    for (const world of this.worlds)
      world.writeLog(alertLine(Math.floor(Date.now() / 1000), `198.51.100.${this.#alerts % 200}`));
  }

  async scrape(index: number): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${present(this.ports[index])}/metrics`);
    assert.equal(answer.status, 200);
    return answer.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const world of this.worlds) await world[Symbol.asyncDispose]();
    await this.broker[Symbol.asyncDispose]();
  }
}

let watched: Watched;
let directory: TempDir;
let debian: DebianPrograms;

before(async () => {
  directory = await TempDir.create();
  const unpacked = unpackDebianPrograms(["prometheus"], directory.join("debian"));
  if (unpacked === undefined) throw new Error("the Debian package prometheus is needed, and apt-get cannot get it");
  debian = unpacked;
  watched = await Watched.start();
});

after(async () => {
  await watched?.[Symbol.asyncDispose]();
  await directory?.[Symbol.asyncDispose]();
});

/** By name: `type label label ...`, as a scrape has it. */
function metricsIn(text: string): Map<string, string> {
  const labels = new Map<string, Set<string>>();
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]));
  for (const [, sample = "", some = ""] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? /gm)) {
    const name = types.has(sample) ? sample : sample.replace(/_(?:bucket|sum|count)$/, "");
    const known = labels.get(name) ?? new Set();
    labels.set(name, known);
    for (const [, label = ""] of some.matchAll(/(\w+)="/g)) if (label !== "le") known.add(label);
  }
  return new Map([...types].map(([name, type]) => [name, [type, ...(labels.get(name) ?? [])].join(" ")]));
}

/** The same, as docs/metrics.md has it. */
function documented(): Map<string, string> {
  const text = readFileSync(join(repositoryRoot, "docs/metrics.md"), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` +\| (\w+) +\|[^|]*\|([^|]*)\|[^|]+\|$/gm)];
  return new Map(
    rows.map(([, name = "", type = "", labels = ""]) => {
      const names = [...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label);
      return [name, [type, ...names].join(" ")];
    }),
  );
}

test("docs/metrics.md lists the metrics of real forwarders, with type and labels, and no other", async () => {
  watched.alert();
  const found = await eventually("an error and a delivery in the metrics", async () => {
    const [delivering, refused] = [await watched.scrape(0), await watched.scrape(1)];
    const isThere = delivering.includes("wazuh_dfn_kafka_last_") && refused.includes("wazuh_dfn_kafka_errors_total{");
    return isThere && new Map([...metricsIn(refused), ...metricsIn(delivering)]);
  });
  const refused = metricsIn(await watched.scrape(1));
  for (const [name, shape] of refused)
    if (!found.has(name) || name.includes("_tls_") || name.includes("_errors_")) found.set(name, shape);
  assert.deepEqual(Object.fromEntries(found), Object.fromEntries(documented()));
});

test("the metrics are OpenMetrics to who asks for it, with the same samples", async () => {
  const accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
  const answer = await fetch(`http://127.0.0.1:${present(watched.ports[0])}/metrics`, { headers: { accept } });
  assert.match(answer.headers.get("content-type") ?? "", /^application\/openmetrics-text; version=1\.0\.0/);
  const text = await answer.text();
  assert.match(text, /^# TYPE wazuh_dfn_alerts_read counter$/m);
  assert.match(text, /^wazuh_dfn_alerts_read_total\{source="tail"\} \d+$/m);
  assert.match(text, /[^\n]\n# EOF\n$/);
  assert.doesNotMatch(text, /\n\n/);
});

test("an alert is counted once, between its own time and its acknowledgement", async () => {
  watched.alert();
  const tail = /^wazuh_dfn_delivery_seconds_count\{source="tail"\} (\d+)$/m;
  const acknowledged = /^wazuh_dfn_alerts_acknowledged_total\{source="tail"\} (\d+)$/m;
  await eventually("the same figure for both", async () => {
    const text = await watched.scrape(0);
    const count = Number(tail.exec(text)?.[1]);
    return count > 0 && count === Number(acknowledged.exec(text)?.[1]);
  });
});

test("promtool takes the alert rules and their unit tests", async () => {
  for (const args of [
    ["check", "rules", join(monitoring, "alerts.yaml")],
    ["test", "rules", join(monitoring, "alerts-test.yaml")],
  ]) {
    await using promtool = debianProgram(debian, "usr/bin/promtool", args);
    const code = await promtool.end();
    assert.equal(code, 0, [...promtool.outputLines, ...promtool.errorLines].join("\n"));
  }
});

const queryAnswer = z.object({ status: z.literal("success"), data: z.object({ result: z.array(z.unknown()) }) });
const dashboard = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })) })),
});

test("Prometheus scrapes the forwarders, and every query of the dashboard has an answer", async () => {
  const [port = 0] = await freePorts(1);
  const config = directory.join("prometheus.yml");
  const targets = watched.ports.map((each) => `127.0.0.1:${each}`);
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [join(monitoring, "alerts.yaml")],
      scrape_configs: [{ job_name: "wazuh-dfn", static_configs: [{ targets }] }],
    }),
  );
  const at = `127.0.0.1:${port}`;
  await using prometheus = debianProgram(debian, "usr/bin/prometheus", [
    `--config.file=${config}`,
    `--storage.tsdb.path=${directory.join("tsdb")}`,
    `--web.listen-address=${at}`,
  ]);
  const ask = async (expr: string): Promise<readonly unknown[]> => {
    const answer = await fetch(`http://${at}/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`);
    const body: unknown = await answer.json();
    assert.ok(answer.ok, `${expr}: ${JSON.stringify(body)}`);
    return queryAnswer.parse(body).data.result;
  };
  await eventually("Prometheus", async () => {
    assert.equal(prometheus.ended, undefined, prometheus.errorLines.slice(-5).join("\n"));
    return (await ask('up{job="wazuh-dfn"} == 1').catch(() => [])).length === 2;
  });
  const { panels } = dashboard.parse(JSON.parse(readFileSync(join(monitoring, "dashboard.json"), "utf8")));
  const queries = panels.flatMap(({ title, targets: own }) => own.map(({ expr }) => ({ title, expr })));
  assert.ok(queries.length > 20, `${queries.length} queries`);
  for (const { title, expr } of queries) {
    const filled = expr
      .replaceAll("$__rate_interval", "1m")
      .replaceAll("$job", "wazuh-dfn")
      .replaceAll("$instance", ".*");
    assert.doesNotMatch(filled, /\$/, title);
    await eventually(`an answer to ${filled}`, async () => {
      watched.alert();
      return (await ask(filled)).length > 0;
    });
  }
  const alerts = await eventually("an alert of the rules", async () => {
    const found = await ask('ALERTS{alertname="WazuhDfnNotDelivering"}');
    return found.length > 0 && JSON.stringify(found);
  });
  assert.match(alerts, /"code":"kafka-/);
});
