import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyStore } from "../../../daemon/dead-letters/usage.ts";
import { KafkaConditions } from "../../../daemon/sinks/kafka/connection/conditions.ts";
import { LookupWaits } from "../../../daemon/sinks/kafka/producer/lookup-waits.ts";
import type { ClassifiedError } from "../../../daemon/sinks/kafka/protocol/errors.ts";
import { reasonOfCategory } from "../../../daemon/sinks/kafka/protocol/remedies.ts";
import type { Facts } from "../../../daemon/status/facts.ts";
import { healthReasons } from "../../../daemon/status/health-reasons.ts";
import { samplesOf } from "../../../daemon/status/samples.ts";
import { silentLog } from "../../../daemon/telemetry/log.ts";
import { reasonCodes, writeFailure, type ReasonCode } from "../../../daemon/telemetry/reason-codes.ts";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { hoursLater } from "../sinks/kafka/rig.ts";
import { aForwarder, kafkaAtWork } from "./a-forwarder.ts";

const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
const denied = Object.assign(new Error("denied"), { code: "EACCES" });
const { log, deadLetters } = aForwarder();
assert.ok(log !== undefined);

/** Facts by the reason of being degraded that they show. */
const showing: Readonly<Partial<Record<ReasonCode, Facts>>> = {
  "not-ready": aForwarder({ isReady: false }),
  "records-lost": aForwarder({ sink: { ...kafkaAtWork, losses: losses() } }),
  ...ofKafka(),
  "lookup-waiting": aForwarder({ sink: { ...kafkaAtWork, troubles: await silentBroker() } }),
  "file-sink-disk-full": fileSink(full),
  "file-sink-unwritable": fileSink(denied),
  "log-missing": aForwarder({ log: { ...log, state: "waiting: gone", troubleCode: "log-missing" } }),
  "log-unreadable": aForwarder({ log: { ...log, state: "waiting: denied", troubleCode: "log-unreadable" } }),
  "log-behind": aForwarder({ log: { ...log, state: "catching-up", lagSeconds: 600 } }),
  "archive-damaged": aForwarder({ log: { ...log, damagedArchives: [{ file: "a.gz", offset: 1 }] } }),
  "socket-copies-differ": aForwarder({ socket: { refused: 0, contradicted: 1, contradictedSecondsAgo: 1 } }),
  "checkpoint-disk-full": checkpoint(full),
  "checkpoint-unwritable": checkpoint(denied),
  "dead-letters-disk-full": store({ trouble: "t", troubleCode: writeFailure("dead-letters", full) }),
  "dead-letters-unwritable": store({ trouble: "t", troubleCode: writeFailure("dead-letters", denied) }),
  "dead-letters-unreadable": store({ trouble: "t", troubleCode: "dead-letters-unreadable" }),
  "dead-letters-full": store({ entries: 1, rawGivenUp: 1 }),
  "dead-letters-open": store({ open: { ...emptyStore.open, entries: 1 } }),
  "socket-lines-not-alerts": store({ openNonAlerts: { ...emptyStore.open, entries: 1 } }),
  "manifest-topic-unreachable": aForwarder({
    manifests: { topic: "m", stream: "s", sequence: 2, waiting: 1, isLate: true, undecided: 0 },
  }),
  "certificate-expiring": certificate({ expiresAt: "2027", daysLeft: 7 }),
  "certificate-expired": certificate({ expiresAt: "2027", daysLeft: -1 }),
  "certificate-unreadable": certificate({ trouble: "not there" }),
  "status-certificate-expiring": certificate({ setting: "status.tls.cert", expiresAt: "2027", daysLeft: 7 }),
  "status-certificate-expired": certificate({ setting: "status.tls.client_ca", expiresAt: "2027", daysLeft: -1 }),
};

/** One for each category of Kafka's errors. */
function ofKafka(): Partial<Record<ReasonCode, Facts>> {
  const found: Partial<Record<ReasonCode, Facts>> = {};
  for (const [category, code] of Object.entries(reasonOfCategory)) {
    const fault = { kind: "retry", category, mayBeAppended: false, isStale: false, text: "t" };
    const conditions = new KafkaConditions(silentLog);
    assert.ok(isFault(fault));
    conditions.raise("Kafka", fault);
    found[code] = aForwarder({ sink: { ...kafkaAtWork, troubles: conditions.lasting } });
  }
  return found;
}

function isFault(fault: { readonly category: string }): fault is ClassifiedError {
  return fault.category in reasonOfCategory;
}

function losses() {
  const conditions = new KafkaConditions(silentLog);
  conditions.lose("records of t/0", "lost", "replay them");
  return conditions.losses;
}

function silentBroker() {
  const waits = new LookupWaits();
  const wait = { topic: "t", partition: 0, broker: "a:9092", waitsFor: "an answer" };
  void waits.during(wait, new Promise(() => undefined));
  return hoursLater(async () => waits.troubles);
}

function fileSink(reason: Error): Facts {
  return aForwarder({ sink: { kind: "file", trouble: "t", troubleCode: writeFailure("file-sink", reason) } });
}

function checkpoint(reason: Error): Facts {
  return aForwarder({
    checkpoint: { ageSeconds: 9, trouble: "t", troubleCode: writeFailure("checkpoint", reason) },
  });
}

function store(some: Partial<Facts["deadLetters"]>): Facts {
  return aForwarder({ deadLetters: { ...deadLetters, ...some } });
}

function certificate(some: Partial<Facts["certificates"][number]>): Facts {
  return aForwarder({ certificates: [{ setting: "cert", file: "/c.pem", ...some }] });
}

for (const code of reasonCodes) {
  test(`${code} is a reason of health, and no other code is with it`, () => {
    const isStuck = code === "delivery-stuck";
    const facts = isStuck ? aForwarder({ queue: { alerts: 1, bytes: 1, limitBytes: 9 } }) : showing[code];
    assert.ok(facts !== undefined, "nothing shows it");
    const reasons = healthReasons(facts, isStuck ? 11_000 : 0);
    assert.deepEqual(
      reasons.map((reason) => reason.code),
      [code],
    );
  });
}

test("each category of Kafka's errors is a reason of its own", () => {
  const codes = Object.values(reasonOfCategory);
  assert.equal(new Set(codes).size, codes.length);
});

test("the metrics have each code, 1 for a reason of this moment and 0 for the others", () => {
  const reasons = [{ code: "topic-missing", subject: "topic t", text: "", remedy: "", since: "" }] as const;
  const samples = samplesOf({ ...aForwarder(), health: { state: "degraded", reasons } });
  const found = samples.filter(({ name }) => name === "wazuh_dfn_health_reason");
  assert.deepEqual(
    found.map(({ labels, value }) => [labels["code"], value]),
    reasonCodes.map((code) => [code, code === "topic-missing" ? 1 : 0]),
  );
});

test("docs/runbook.md has one section for each code, with its three parts, and no other", () => {
  const text = readFileSync(join(repositoryRoot, "docs/runbook.md"), "utf8");
  const sections = text.split(/^## /m).slice(1);
  const titles = sections.map((section) => section.slice(0, section.indexOf("\n")));
  assert.deepEqual(titles.toSorted(), [...reasonCodes].toSorted());
  for (const section of sections) {
    const parts = [...section.matchAll(/^\*\*(.+?)\.\*\*/gm)].map(([, name]) => name);
    assert.deepEqual(parts, ["What it means", "How to look", "What to do"], section.slice(0, 40));
  }
});
