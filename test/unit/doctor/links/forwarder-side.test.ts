import assert from "node:assert/strict";
import { test } from "node:test";
import { failed, type CheckResult, warning } from "../../../../daemon/doctor/result.ts";
import { judgeArchives, judgeCheckpoint, type StoredCheckpoint } from "../../../../daemon/doctor/links/checkpoint.ts";
import { judgeConfiguration } from "../../../../daemon/doctor/links/all.ts";
import { type OtherSenderFacts, judgeOtherSenders } from "../../../../daemon/doctor/links/other-senders.ts";
import { type Call, judgeCustomDfnCall } from "../../../../daemon/doctor/links/custom-dfn-call.ts";
import {
  judgeBrokers,
  judgeCertificates,
  judgePermission,
  judgePlaintext,
  judgeTopics,
} from "../../../../daemon/doctor/links/kafka.ts";
import { judgeClock, judgeDisk, judgeMemory } from "../../../../daemon/doctor/links/machine.ts";
import { judgeSocket, type SocketFacts } from "../../../../daemon/doctor/links/socket.ts";
import { judgeUnit } from "../../../../daemon/doctor/links/unit.ts";
import type { ProbeFailure, KafkaProbe } from "../../../../daemon/sinks/kafka/probe.ts";
import type { TailStatus } from "../../../../daemon/sources/tail/status.ts";

/** State and text of each result; one that is not ok has a remedy. */
function said(results: readonly CheckResult[]): string {
  for (const { state, remedy } of results) assert.equal(remedy === undefined, state === "ok", JSON.stringify(results));
  return results.map(({ state, text }) => `${state} ${text}`).join("\n");
}

const MiB = 1024 * 1024;
const dayMs = 86_400_000;

const ended = (code: number | null, output: string): Call => ({ kind: "ended", code, output });

const handedOver = (call: Call | undefined, isTailOn = true, isRoot = true): string =>
  said(judgeCustomDfnCall({ path: "/c", call, as: "wazuh", isRoot, isTailOn, alertId: "1.2" }));

test("the hand-over: answered, unanswered, failed, hung, not started", () => {
  assert.match(handedOver(ended(0, "custom-dfn: ignored 1.2\n")), /^ok/);
  assert.match(handedOver(ended(0, "custom-dfn: ignored 9.9\n")), /^warning .*got no answer/);
  assert.match(handedOver(ended(0, "")), /^warning .*got no answer from the forwarder: no output/);
  assert.match(handedOver(ended(0, ""), false), /^failed/);
  assert.match(handedOver(ended(1, "x")), /^failed .*ended with 1: "x"/);
  assert.match(handedOver(ended(null, "")), /^failed .*a signal/);
  assert.match(handedOver(ended(127, "env: node: No such file")), /^failed .*finds no program/);
  assert.match(handedOver({ kind: "hung" }), /^failed .*integratord is blocked/);
  assert.match(handedOver({ kind: "not-started", reason: "EACCES" }), /^failed .*EACCES/);
  assert.match(handedOver(undefined, true, false), /^unseen/);
  assert.equal(handedOver(undefined), "", "for custom-dfn root gets the reason, not that it may not see it");
});

test("the socket: answering, refused, absent, silent, not ours", () => {
  const answer = { kind: "answered", answer: { status: "ignored", id: "1.2" } } as const;
  const facts: SocketFacts = {
    path: "/s",
    group: "wazuh",
    isTailOn: true,
    refusal: undefined,
    wazuh: "wazuh",
    allows: { wazuh: true, self: undefined },
    answer,
    alertId: "1.2",
  };
  const of = (change: Partial<SocketFacts>): string => said(judgeSocket({ ...facts, ...change }));
  assert.match(of({}), /^ok/);
  assert.match(of({ refusal: { kind: "refused", path: "/s" } }), /^warning wazuh may not write to \/s/);
  assert.match(of({ refusal: { kind: "refused", path: "/s" }, isTailOn: false }), /^failed/);
  assert.match(of({ refusal: { kind: "absent", path: "/s" } }), /^warning .*no forwarder listens/);
  assert.match(of({ answer: undefined }), /^unseen/);
  assert.match(
    of({ allows: { wazuh: false, self: true } }),
    /^warning .* run as wazuh, who is not in sources\.socket\.allow/,
  );
  assert.match(of({ allows: { wazuh: undefined, self: false } }), /^unseen .*refuses this user/);
  assert.match(of({ answer: { kind: "unanswered", reason: "no answer within 2000 ms" } }), /^warning .*no answer/);
  assert.match(of({ alertId: "3.4" }), /^warning .*"ignored 1\.2", not "ignored 3\.4"/);
});

const stoppedWith = (stored: StoredCheckpoint): string =>
  said(judgeCheckpoint({ stateDir: "/s", stored, status: undefined, nowMs: 0 }));

test("the checkpoint is judged by what the running forwarder says, or else by the file on disk", () => {
  const log: TailStatus = {
    state: "following",
    file: "f",
    offset: 1,
    size: 1,
    lagBytes: 0,
    lagCompressedFiles: 0,
    lagSeconds: 0,
  };
  const absent: StoredCheckpoint = { kind: "absent" };
  const of = (ageSeconds: number | undefined, change = {}, trouble?: string): string => {
    const status = { log: { ...log, ...change }, checkpoint: { ageSeconds, trouble } };
    return said(judgeCheckpoint({ stateDir: "/s", stored: absent, status, nowMs: 0 }));
  };
  assert.match(of(1), /^ok/);
  assert.match(of(60), /^warning the checkpoint is 60 s old/);
  assert.match(of(undefined), /^warning the checkpoint was never written/);
  assert.match(of(1, { lagSeconds: 300, lagBytes: 5 }), /^warning the forwarder is 300 s and 5 bytes behind/);
  assert.match(
    of(1, { lagSeconds: undefined, lagBytes: undefined, state: "waiting: x" }),
    /^warning .*behind the log: waiting: x/,
  );
  assert.match(of(1, { lagSeconds: undefined, lagBytes: 5 }), /^ok .*5 bytes/);
  assert.match(of(1, {}, "disk full"), /^failed disk full/);
  assert.match(stoppedWith(absent), /^warning .*has never run/);
  assert.match(stoppedWith({ kind: "damaged" }), /^warning .*damaged/);
  assert.match(stoppedWith({ kind: "unseen" }), /^unseen/);
});

test("damaged archives are named from the checkpoint, whether the forwarder is running or not", () => {
  const print = { length: 0, hash: "" };
  const identity = { id: "1:2", name: "2026/Nov/ossec-alerts-21", head: print };
  const damaged = [{ ...identity, file: "/a.gz", end: 7, size: 1, changedNs: "1" }];
  const body = {
    position: { ...identity, file: "/a", offset: 1, before: print },
    afterRank: 1,
    finished: [],
    doneBeyond: [],
    notBeforeMs: null,
    newestSecond: null,
    damaged,
    sink: {},
  };
  const stored: StoredCheckpoint = { kind: "valid", body, writtenAtMs: 0 };
  const facts = { stored, archives: [], currentId: "1:2", directory: "/" };
  for (const isRunning of [false, true]) {
    assert.match(said(judgeArchives({ ...facts, isRunning })), /^warning \/a\.gz is damaged and was read up to byte 7/);
  }
});

test("the unit: running and enabled, stopped, not enabled, restarted, absent; and a machine without systemd", () => {
  const good = {
    LoadState: "loaded",
    ActiveState: "active",
    SubState: "running",
    UnitFileState: "enabled",
    NRestarts: "0",
  };
  const of = (change: Record<string, string>, isAnswering = true): string =>
    said(judgeUnit({ hasSystemd: true, properties: new Map(Object.entries({ ...good, ...change })), isAnswering }));
  assert.match(of({}), /^ok wazuh-dfn\.service is active \(running\)/);
  assert.match(of({ ActiveState: "failed", SubState: "failed" }), /^failed .*failed \(failed\)/);
  assert.match(of({ UnitFileState: "disabled" }), /^warning .*not started at boot/);
  assert.match(of({ NRestarts: "3" }), /^warning .*3 times/);
  assert.match(of({ NeedDaemonReload: "yes" }), /^warning .*not loaded/);
  assert.match(of({ LoadState: "not-found" }), /^warning the unit wazuh-dfn\.service does not exist/);
  assert.match(of({ LoadState: "not-found" }, false), /^failed/);
  const none = { hasSystemd: false, properties: undefined };
  assert.match(said(judgeUnit({ ...none, isAnswering: true })), /^ok/);
  assert.match(said(judgeUnit({ ...none, isAnswering: false })), /^failed/);
  assert.match(said(judgeUnit({ hasSystemd: true, properties: undefined, isAnswering: true })), /^unseen/);
});

const startedAs = (...args: string[]) => ({ pid: 9, args, startedAtMs: 0 });

test("other senders: the Python daemon in each way it is started, its unit, a second forwarder; nothing else", () => {
  const facts: OtherSenderFacts = { processes: [], ours: [1], units: [], oldFiles: [] };
  const of = (...args: string[]): string => said(judgeOtherSenders({ ...facts, processes: [startedAs(...args)] }));
  assert.match(
    of("/opt/wazuh-dfn/venv/bin/python3.12", "/opt/wazuh-dfn/venv/bin/wazuh-dfn", "--config", "/x.toml"),
    /^failed .*pid 9, with \/x\.toml/,
  );
  assert.match(of("python3", "-m", "wazuh_dfn.main"), /^failed .*pid 9\)/);
  assert.match(of("/usr/bin/python3", "/opt/wazuh-dfn/bin/wazuh-dfn", "--config=/y.yaml"), /with \/y\.yaml/);
  for (const name of ["wazuh-dfn.cjs", "wazuh-dfn-start.cjs"]) {
    const another = of("/usr/lib/wazuh-dfn/bin/node", `/usr/lib/wazuh-dfn/${name}`, "run");
    assert.match(another, /^warning another wazuh-dfn is running/);
  }
  for (const other of [
    ["/usr/lib/wazuh-dfn/bin/node", "/usr/lib/wazuh-dfn/wazuh-dfn.cjs", "status"],
    ["vi", "/opt/wazuh-dfn/config/config.yaml"],
    ["/var/ossec/framework/python/bin/python3", "/var/ossec/api/scripts/wazuh_apid.py"],
    [],
  ]) {
    assert.match(of(...other), /^ok/, other.join(" "));
  }
  const ours = { ...facts, processes: [{ ...startedAs("node", "/d/wazuh-dfn.cjs", "run"), pid: 1 }] };
  assert.match(said(judgeOtherSenders(ours)), /^ok/);
  const unit = { ...facts, units: [{ name: "old-dfn.service", isEnabled: true }] };
  assert.match(said(judgeOtherSenders(unit)), /^warning old-dfn\.service will start the Python daemon again/);
  const running = judgeOtherSenders({ ...unit, processes: [startedAs("python3", "/opt/wazuh-dfn/bin/wazuh-dfn")] });
  assert.match(running[0]?.remedy ?? "", /^systemctl disable --now old-dfn\.service/);
  assert.match(
    said(judgeOtherSenders({ ...facts, oldFiles: ["/opt/wazuh-dfn/config/c.yaml"] })),
    /^ok .*left over from the Python daemon: .*c\.yaml/,
  );
});

test("clock, disk and memory", () => {
  assert.match(said(judgeClock(0)), /^ok/);
  assert.match(said(judgeClock(5)), /^warning/);
  assert.match(said(judgeClock(undefined)), /^unseen/);
  const disk = (freeBytes: number, freeInodes?: number): string =>
    said([judgeDisk({ directory: "/d", freeBytes, freeInodes })]);
  assert.match(disk(5000 * MiB), /^ok/);
  assert.match(disk(500 * MiB), /^warning .*500 MiB/);
  assert.match(disk(1 * MiB), /^failed/);
  assert.match(disk(5000 * MiB, 5000), /^warning .*5000 files/);
  assert.match(disk(5000 * MiB, 5), /^failed/);
  const memory = { availableBytes: 1000 * MiB, limitBytes: 64 * MiB, rssBytes: undefined };
  assert.match(said(judgeMemory(memory)), /^ok/);
  assert.match(said(judgeMemory({ ...memory, availableBytes: 100 * MiB })), /^warning .*may need 224 MiB more/);
  assert.match(said(judgeMemory({ ...memory, availableBytes: 100 * MiB, rssBytes: 200 * MiB })), /^ok/);
  assert.match(said(judgeMemory({ ...memory, availableBytes: undefined })), /^unseen/);
});

const brokersAre = (...brokers: KafkaProbe["brokers"]): string => said(judgeBrokers({ brokers, topics: [] }, 0));

test("brokers: one that is down among others is a warning; one that Kafka named, or a wrong certificate, is a failure", () => {
  const seed = { address: "a:1", isSeed: true, failure: undefined, certificateEndsMs: undefined };
  const away: ProbeFailure = { category: "unreachable", text: "ECONNREFUSED", remedy: "check" };
  assert.equal(brokersAre(seed), "ok connected to a:1");
  assert.match(brokersAre(seed, { ...seed, address: "b:1", failure: away }), /^warning b:1: ECONNREFUSED/);
  assert.match(brokersAre({ ...seed, failure: away }), /^failed/);
  assert.match(
    brokersAre(seed, { ...seed, address: "c:1", isSeed: false, failure: away }),
    /^failed c:1, which Kafka named,/,
  );
  assert.match(brokersAre(seed, { ...seed, address: "b:1", failure: { ...away, category: "certificate" } }), /^failed/);
  assert.match(
    brokersAre({ ...seed, certificateEndsMs: 3 * dayMs }),
    /^warning the broker's certificate at a:1 expires in 3 days/,
  );
  assert.match(brokersAre({ ...seed, certificateEndsMs: 300 * dayMs }), /^ok/);
});

test("topics and permissions: a topic without leaders is a warning, as is a missing read permission", () => {
  const forbidden: ProbeFailure = { category: "topic-authorization", text: "TOPIC_AUTHORIZATION_FAILED", remedy: "" };
  const topic = {
    topic: "t",
    partitions: 3,
    leaderless: 0,
    failure: undefined,
    write: undefined,
    read: undefined,
    replicas: 3,
    fewestInSync: 3,
    behind: 0,
    settings: { values: new Map() },
  };
  const brokers = [{ address: "a:1", isSeed: true, failure: undefined, certificateEndsMs: undefined }];
  const probe = (change: Partial<KafkaProbe["topics"][number]>): KafkaProbe => ({
    brokers,
    topics: [{ ...topic, ...change }],
  });
  assert.equal(said(judgeTopics(probe({}))), "ok topic t has 3 partitions");
  assert.match(said(judgeTopics(probe({ leaderless: 1 }))), /^warning .*1 of 3 partitions have no leader/);
  assert.match(said(judgeTopics(probe({ failure: forbidden }))), /^failed/);
  assert.match(said(judgePermission(probe({}), "write")), /^ok/);
  assert.match(said(judgePermission(probe({ write: forbidden }), "write")), /^failed/);
  assert.match(said(judgePermission(probe({ read: forbidden }), "read")), /^warning/);
  assert.equal(judgePermission(probe({ failure: forbidden }), "read").length, 0);
});

test("problems of the configuration keep their severity and location", () => {
  const origin = { kind: "file", file: "c.yaml", line: 3 } as const;
  const problems = [
    { severity: "warning", setting: "state_dir", message: "may not be written" },
    { severity: "error", setting: "log.level", message: "is not allowed", origin },
  ] as const;
  const remedy = "wazuh-dfn check --config /c.yaml  # fix what it names";
  assert.deepEqual(judgeConfiguration("/c.yaml", problems), [
    warning("state_dir: may not be written", remedy),
    failed("c.yaml:3: log.level: is not allowed", remedy),
  ]);
  assert.match(said(judgeConfiguration("/c.yaml", [])), /^ok/);
});

/** A broker that is reached. */
function broker(address: string, isSeed: boolean) {
  return { address, isSeed, failure: undefined, certificateEndsMs: undefined };
}

/** A broker from the settings, and what Kafka names beyond it. */
function probe(...named: readonly string[]) {
  return { topics: [], brokers: [broker("192.0.2.9:1", true), ...named.map((address) => broker(address, false))] };
}

test("alerts that leave this machine without TLS are a warning, for the brokers of the settings and for those that Kafka names", () => {
  const problem = {
    severity: "warning",
    setting: "sink.kafka.tls",
    message: "alerts travel without TLS to b:1",
  } as const;
  assert.equal(said(judgeCertificates([problem], [])), "warning alerts travel without TLS to b:1");
  assert.match(said(judgePlaintext(probe("127.0.0.1:1", "192.0.2.1:1"), false)), /^warning .* to 192\.0\.2\.1:1: /);
  assert.deepEqual(judgePlaintext(probe("127.0.0.1:1"), false), []);
  assert.deepEqual(judgePlaintext(probe("192.0.2.1:1"), true), []);
});
