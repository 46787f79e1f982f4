import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "../../../daemon/status/metrics.ts";
import type { Facts } from "../../../daemon/status/facts.ts";
import { aForwarder, counts, countsOf, kafkaAtWork } from "./a-forwarder.ts";

async function scrape(metrics: Metrics, facts: Facts): Promise<string[]> {
  const text = await metrics.text({ ...facts, health: { state: "ok", reasons: [] } });
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test("the fixed names carry each source's counters", async () => {
  const tail = counts({ read: 21, ignored: 1, paired: 2, inFlight: 3, acknowledged: 4, deadLettered: 11 });
  const sources = countsOf({ socket: counts({ read: 7, ignored: 7 }), tail });
  const lines = await scrape(new Metrics(), aForwarder({ sources }));
  assert.deepEqual(
    lines.filter((line) => line.startsWith("wazuh_dfn_alerts_") && line.includes('source="tail"')),
    [
      'wazuh_dfn_alerts_read_total{source="tail"} 21',
      'wazuh_dfn_alerts_ignored_total{source="tail"} 1',
      'wazuh_dfn_alerts_paired_total{source="tail"} 2',
      'wazuh_dfn_alerts_in_flight{source="tail"} 3',
      'wazuh_dfn_alerts_acknowledged_total{source="tail"} 4',
      'wazuh_dfn_alerts_dead_lettered_total{source="tail"} 11',
    ],
  );
  assert.ok(lines.includes('wazuh_dfn_alerts_read_total{source="socket"} 7'));
  assert.ok(lines.includes('wazuh_dfn_alerts_read_total{source="replay"} 0'));
});

test("alerts that were left out are counted by reason", async () => {
  const leftOut = { "fail2ban-program-name": 3, "fail2ban-group": 0 };
  const lines = await scrape(new Metrics(), aForwarder({ events: { lastSeen: {}, leftOut } }));
  assert.ok(lines.includes('wazuh_dfn_alerts_left_out_total{reason="fail2ban-program-name"} 3'));
  assert.ok(lines.includes('wazuh_dfn_alerts_left_out_total{reason="fail2ban-group"} 0'));
});

test("manifests are counted where they are published", async () => {
  const none = await scrape(new Metrics(), aForwarder());
  assert.ok(!none.some((line) => line.startsWith("wazuh_dfn_manifest")));
  const manifests = { topic: "m", stream: "s", sequence: 7, waiting: 2, isLate: false, undecided: 3 };
  const lines = await scrape(new Metrics(), aForwarder({ manifests }));
  assert.ok(lines.includes("wazuh_dfn_manifest_sequence 7"));
  assert.ok(lines.includes("wazuh_dfn_manifests_waiting 2"));
  assert.ok(lines.includes("wazuh_dfn_manifest_undecided_records 3"));
});

test("a lag that is not known is left out, and damaged archives are counted", async () => {
  const damagedArchives = [{ file: "/a.gz", offset: 1 }];
  const log = { ...aForwarder().log!, lagBytes: undefined, lagSeconds: undefined, damagedArchives };
  const lines = await scrape(new Metrics(), aForwarder({ log }));
  assert.deepEqual(
    lines.filter((line) => /lag_bytes|lag_seconds|tail_damaged/.test(line)),
    ["wazuh_dfn_tail_damaged_archives 1"],
  );
});

test("the longest time that a look-up has waited for a broker is reported, 0 while none waits", async () => {
  const wait = { topic: "t", partition: 0, broker: "a:9092", waitsFor: "a connection", seconds: 3 };
  const lookups = [wait, { ...wait, partition: 1, seconds: 7 }];
  const name = "wazuh_dfn_kafka_lookup_waiting_seconds";
  const waiting = await scrape(new Metrics(), aForwarder({ sink: { ...kafkaAtWork, lookups } }));
  assert.ok(waiting.includes(`${name} 7`));
  assert.ok((await scrape(new Metrics(), aForwarder())).includes(`${name} 0`));
});

test("each scrape reports the figures of its own moment, and leaves out what is no longer known", async () => {
  const metrics = new Metrics();
  const file = "/cert.pem";
  const certificate = { setting: "cert", file, expiresAt: "2027-01-01T00:00:00.000Z", daysLeft: 40 } as const;
  const first = scrape(
    metrics,
    aForwarder({ certificates: [certificate], queue: { alerts: 1, bytes: 5, limitBytes: 9 } }),
  );
  const second = scrape(metrics, aForwarder({ log: undefined, queue: { alerts: 1, bytes: 6, limitBytes: 9 } }));
  const expiry = `wazuh_dfn_tls_certificate_expiry_timestamp_seconds{setting="cert",file="${file}"} 1798761600`;
  assert.ok((await first).includes(expiry));
  assert.ok((await first).includes("wazuh_dfn_queue_bytes 5"));
  assert.ok((await first).includes("wazuh_dfn_tail_lag_seconds 0"));
  assert.ok((await second).includes("wazuh_dfn_queue_bytes 6"));
  assert.equal(
    (await second).some((line) => /expiry|tail_lag/.test(line)),
    false,
  );
});

test("what happens between scrapes is counted across all of them", async () => {
  const metrics = new Metrics();
  metrics.acknowledged(30, { records: 2, bytes: 50, uncompressedBytes: 100 });
  metrics.retried();
  await scrape(metrics, aForwarder());
  metrics.acknowledged(3000, { records: 1, bytes: 10, uncompressedBytes: 10 });
  metrics.disconnected();
  const lines = await scrape(metrics, aForwarder());
  for (const line of [
    'wazuh_dfn_kafka_acknowledge_seconds_bucket{le="0.025"} 0',
    'wazuh_dfn_kafka_acknowledge_seconds_bucket{le="0.05"} 1',
    "wazuh_dfn_kafka_acknowledge_seconds_sum 3.03",
    "wazuh_dfn_kafka_acknowledge_seconds_count 2",
    "wazuh_dfn_kafka_retries_total 1",
    "wazuh_dfn_kafka_disconnects_total 1",
    "wazuh_dfn_kafka_batches_total 2",
    "wazuh_dfn_kafka_records_total 3",
    "wazuh_dfn_kafka_batch_bytes_total 60",
    "wazuh_dfn_kafka_batch_uncompressed_bytes_total 110",
  ]) {
    assert.ok(lines.includes(line), `${line} in\n${lines.join("\n")}`);
  }
});

test("requests, errors, answers and rotations are counted, and what a broker invents has a bound", async () => {
  const metrics = new Metrics();
  metrics.answered("Produce", 3);
  metrics.answered("Produce", 5);
  for (let code = 200; code < 400; code++) metrics.failed(`ERROR_${code}`);
  metrics.failed("ERROR_200");
  metrics.socketAnswered("accepted");
  for (const more of [1, 1, -1] as const) metrics.socketClients(more);
  metrics.rotated();
  const lines = await scrape(metrics, aForwarder());
  for (const line of [
    'wazuh_dfn_kafka_request_seconds_bucket{api="Produce",le="0.002"} 0',
    'wazuh_dfn_kafka_request_seconds_bucket{api="Produce",le="0.004"} 1',
    'wazuh_dfn_kafka_request_seconds_bucket{api="Produce",le="+Inf"} 2',
    'wazuh_dfn_kafka_request_seconds_sum{api="Produce"} 0.008',
    'wazuh_dfn_kafka_errors_total{error="ERROR_200"} 2',
    'wazuh_dfn_kafka_errors_total{error="other"} 136',
    'wazuh_dfn_socket_answers_total{status="accepted"} 1',
    'wazuh_dfn_socket_answers_total{status="rejected"} 0',
    "wazuh_dfn_socket_clients 1",
    "wazuh_dfn_tail_rotations_total 1",
  ]) {
    assert.ok(lines.includes(line), `${line} in\n${lines.join("\n")}`);
  }
  assert.equal(lines.filter((line) => line.startsWith("wazuh_dfn_kafka_errors_total")).length, 65);
});

function bucket(source: string, bound: string): string {
  return `wazuh_dfn_delivery_seconds_bucket{source="${source}",le="${bound}"}`;
}

test("the time from an alert's timestamp to its acknowledgement is counted for its source, and nothing without one", async () => {
  const metrics = new Metrics();
  const times = metrics.deliveryTimes;
  const mark = times.mark(Date.now() - 600_000);
  times.answered();
  times.delivered("tail", mark);
  times.delivered("tail", times.mark(Number.NaN));
  times.delivered("replay", mark);
  const lines = await scrape(metrics, aForwarder());
  for (const line of [
    `${bucket("tail", "524.288")} 0`,
    `${bucket("tail", "1048.576")} 1`,
    `${bucket("tail", "+Inf")} 1`,
    `${bucket("socket", "+Inf")} 0`,
    'wazuh_dfn_delivery_seconds_count{source="tail"} 1',
  ]) {
    assert.ok(lines.includes(line), `${line} in\n${lines.join("\n")}`);
  }
});
