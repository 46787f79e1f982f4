import assert from "node:assert/strict";
import { test } from "node:test";
import { readOssecConf } from "../../../../daemon/wazuh/ossec-conf.ts";
import type { CheckResult } from "../../../../daemon/doctor/result.ts";
import { judgeOutput, judgeReading, judgeWriting } from "../../../../daemon/doctor/links/alert-log.ts";
import { type CustomDfnFacts, judgeCustomDfn } from "../../../../daemon/doctor/links/custom-dfn.ts";
import { type IntegratordFacts, judgeIntegratord } from "../../../../daemon/doctor/links/integratord.ts";
import { judgeManager } from "../../../../daemon/doctor/links/manager.ts";
import { judgeQueue, judgeRelay, lookAtRelay, type QueueFacts } from "../../../../daemon/doctor/links/queue.ts";
import { judgeRules, rulesBehind, type RulesFacts } from "../../../../daemon/doctor/links/rules.ts";
import { freePorts } from "../../../rig/free-ports.ts";
import { QueueRelay } from "../../../rig/queue-relay.ts";

/** State and text of each result; one that is not ok has a remedy. */
function said(results: readonly CheckResult[]): string {
  for (const { state, remedy } of results) assert.equal(remedy === undefined, state === "ok", JSON.stringify(results));
  return results.map(({ state, text }) => `${state} ${text}`).join("\n");
}

const home = "/var/ossec";

test("the manager: version 4, another version, none, one that may not be seen", () => {
  const facts = { home, version: "4.14.7", isThere: true, ossecConf: "read", fault: undefined } as const;
  assert.equal(said(judgeManager(facts)), "ok Wazuh 4.14.7 in /var/ossec");
  assert.match(said(judgeManager({ ...facts, version: "5.1.0" })), /^failed Wazuh 5\.1\.0 .*writes no alerts\.json/);
  assert.match(said(judgeManager({ ...facts, version: "3.13.6" })), /^failed .*only Wazuh 4/);
  assert.match(said(judgeManager({ ...facts, version: undefined })), /^warning .*is not known/);
  assert.match(said(judgeManager({ ...facts, version: null })), /^unseen/);
  assert.match(said(judgeManager({ ...facts, isThere: false })), /^failed there is no Wazuh manager/);
  assert.match(said(judgeManager({ ...facts, ossecConf: "broken", fault: "line 3: x" })), /\nfailed .*line 3: x/);
  assert.match(said(judgeManager({ ...facts, ossecConf: "unseen" })), /\nunseen/);
  assert.match(said(judgeManager({ ...facts, ossecConf: "absent" })), /\nfailed .*does not exist/);
});

test("alerts.json: written, quiet for days, written in the future, absent, hidden; analysisd not running", () => {
  const facts = { home, path: "/a", isRunning: true, lastWriteMs: 1000, nowMs: 5000 };
  assert.equal(said(judgeWriting(facts)), "ok analysisd is running; /a was last written 4 s ago");
  assert.match(said(judgeWriting({ ...facts, nowMs: 3 * 86_400_000 + 5000 })), /^warning nothing .* for 3 days/);
  assert.match(said(judgeWriting({ ...facts, lastWriteMs: 100_000 })), /^warning .*clock was set back/);
  assert.match(said(judgeWriting({ ...facts, lastWriteMs: undefined })), /^failed \/a does not exist/);
  assert.match(said(judgeWriting({ ...facts, lastWriteMs: null })), /^unseen/);
  assert.match(said(judgeWriting({ ...facts, isRunning: false })), /^failed analysisd is not running/);
  assert.equal(said(judgeWriting({ ...facts, isRunning: undefined })), "ok /a was last written 4 s ago");
});

const confWith = (inner: string) => readOssecConf(`<ossec_config>${inner}</ossec_config>`);

test("JSON output is on by default; a high log_alert_level is reported", () => {
  assert.match(said(judgeOutput(home, confWith(""))), /^ok/);
  assert.match(said(judgeOutput(home, confWith("<global><jsonout_output>no</jsonout_output></global>"))), /^failed/);
  assert.match(
    said(judgeOutput(home, confWith("<alerts><log_alert_level>7</log_alert_level></alerts>"))),
    /^warning .*is 7/,
  );
});

test("alerts.json can be read, is refused at some directory, or the tail says why it waits", () => {
  const facts = { path: "/l/a", reader: "wazuh-dfn", refusal: undefined, state: "following" } as const;
  assert.match(said(judgeReading(facts)), /^ok/);
  const refused = judgeReading({ ...facts, refusal: { kind: "refused", path: "/l" } });
  assert.match(said(refused), /^failed wazuh-dfn may not read \/l\/a: \/l does not allow it/);
  assert.match(refused[0]?.remedy ?? "", /^usermod -aG wazuh wazuh-dfn/);
  assert.match(said(judgeReading({ ...facts, refusal: { kind: "unseen", path: "/l" } })), /^unseen/);
  assert.match(said(judgeReading({ ...facts, state: "waiting: no room" })), /^failed the tail is waiting: no room/);
});

test("custom-dfn is ok only if it is what integratord would run, and nobody else can change it", () => {
  const wazuh = { name: "wazuh", uid: 990, gids: [990] };
  const facts = { path: "/c", firstLine: "#!/bin/sh", wazuh };
  const of = (uid: number, gid: number, mode: number, more: Partial<CustomDfnFacts> = {}): string =>
    said(judgeCustomDfn({ ...facts, file: { uid, gid, mode, isFile: true }, ...more }));
  // As seen with the real integratord 4.14.7.
  for (const [uid, gid, mode] of [
    [0, 990, 0o750],
    [0, 0, 0o755],
  ] as const)
    assert.match(of(uid, gid, mode), /^ok/);
  assert.match(of(990, 990, 0o550), /^warning .*can change it/);
  for (const [uid, gid, mode] of [
    [0, 990, 0o770],
    [990, 990, 0o750],
    [0, 0, 0o757],
  ] as const) {
    assert.match(of(uid, gid, mode), /^failed wazuh may write/);
  }
  for (const [uid, gid, mode] of [
    [0, 0, 0o750],
    [0, 990, 0o640],
    [0, 990, 0o710],
  ] as const) {
    assert.match(of(uid, gid, mode), /^failed wazuh may not run/);
  }
  assert.match(of(0, 990, 0o750, { firstLine: "\u007fELF" }), /^failed .*not a script/);
  assert.match(said(judgeCustomDfn({ ...facts, file: "absent" })), /^failed .*does not exist/);
  assert.match(said(judgeCustomDfn({ ...facts, file: "unseen" })), /^unseen/);
});

test("integratord: at the end, behind, on an old file, not running; how bad that is depends on the tail", () => {
  const process = { pid: 7, args: [], startedAtMs: 10_000 };
  const facts: IntegratordFacts = {
    home,
    isTailOn: true,
    hasBlock: true,
    process,
    confChangedAtMs: 5000,
    progress: { kind: "at-end" },
    temporaryFiles: "its-group",
  };
  const of = (change: Partial<IntegratordFacts>): string => said(judgeIntegratord({ ...facts, ...change }));
  assert.match(of({}), /^ok integratord \(pid 7\) is running/);
  assert.match(of({ confChangedAtMs: 20_000 }), /^warning ossec\.conf was changed after[^]*\nok/);
  assert.match(of({ progress: { kind: "behind", bytes: 9 } }), /^warning .*9 bytes/);
  assert.match(of({ progress: { kind: "older-file", path: "/x" } }), /^warning .*still reads \/x/);
  assert.match(of({ progress: { kind: "unseen" } }), /^unseen how far|^unseen this user may not see how far/);
  assert.match(of({ process: undefined }), /^warning integratord is not running/);
  assert.match(of({ process: undefined, isTailOn: false }), /^failed/);
  assert.match(of({ process: undefined, hasBlock: false }), /^ok/);
  assert.match(of({ process: null }), /^unseen/);
  assert.match(of({ progress: { kind: "not-open" }, isTailOn: false }), /^failed .*does not have alerts\.json open/);
  assert.match(
    of({ temporaryFiles: "everybody" }),
    /^ok[^]*\nwarning the umask of integratord \(pid 7\) lets every user/,
  );
  assert.match(of({ temporaryFiles: "everybody", hasBlock: false }), /^ok [^\n]*$/);
});

test("the queue socket: there, absent, refused, not a socket, nobody listening", () => {
  const facts: QueueFacts = {
    home,
    path: "/q",
    writer: "wazuh-dfn",
    refusal: undefined,
    isSocket: true,
    fault: undefined,
  };
  const of = (change: Partial<QueueFacts>): string => said(judgeQueue({ ...facts, ...change }));
  assert.match(of({}), /^ok/);
  assert.match(of({ refusal: { kind: "absent", path: "/q" } }), /^warning .*does not exist/);
  assert.match(of({ refusal: { kind: "refused", path: "/q" } }), /^warning wazuh-dfn may not write/);
  assert.match(of({ refusal: { kind: "unseen", path: "/q" } }), /^unseen/);
  assert.match(of({ isSocket: false }), /^failed/);
  assert.match(of({ fault: "ECONNREFUSED" }), /^warning nobody listens/);
  assert.match(of({ fault: "ENAMETOOLONG" }), /^warning .*ENAMETOOLONG/);
});

test("a relay in front of the queue: reached, nobody there, no such name; the rules behind it are not judged here", async () => {
  await using relay = await QueueRelay.listen();
  const reached = said(judgeRelay(await lookAtRelay(relay.address)));
  assert.match(reached, /^ok tcp:\/\/127\.0\.0\.1:\d+ accepts connections; whether events reach analysisd/);
  const [port = 0] = await freePorts(1);
  const nobody = judgeRelay(await lookAtRelay({ kind: "tcp", host: "127.0.0.1", port }));
  assert.match(said(nobody), /^warning .*nobody listens there, so events for Wazuh wait/);
  assert.match(nobody[0]?.remedy ?? "", /^timeout 5 bash .* # is the relay of wazuh\.queue running\?$/);
  const address = { kind: "tcp", host: "relay.invalid", port } as const;
  const nameless = judgeRelay({ address, fault: "ENOTFOUND" });
  assert.match(nameless[0]?.remedy ?? "", /^getent hosts relay\.invalid/);
  assert.deepEqual(relay.lines, []);
  assert.match(
    said([rulesBehind(address)]),
    /^unseen it cannot be seen from here whether the manager behind tcp:\/\/relay\.invalid:\d+ has the rules/,
  );
});

test("the rules: loaded, absent, changed since, left out by ossec.conf; on a worker the master is named", () => {
  const reading = { kind: "loaded" } as const;
  const file = { path: `${home}/etc/rules/dfn_rules.xml`, changedAtMs: 1000, asksForOrigin: true, reading };
  const facts: RulesFacts = { home, files: [file], missing: undefined, analysisdStartedAtMs: 5000, isWorker: false };
  const of = (change: Partial<RulesFacts>): string => said(judgeRules({ ...facts, ...change }));
  assert.match(of({}), /^ok .*etc\/rules\/dfn_rules\.xml$/);
  assert.match(of({ analysisdStartedAtMs: undefined }), /^ok/);
  assert.match(of({ files: [{ ...file, changedAtMs: 9000 }] }), /^warning .*may not be loaded/);
  assert.match(of({ files: [{ ...file, asksForOrigin: false }] }), /^warning .*from an older release/);
  const out = { ...file, reading: { kind: "left-out", why: "it is so" } } as const;
  assert.match(of({ files: [out] }), /^failed etc\/rules\/dfn_rules\.xml is not read: it is so/);
  const unclear = { ...file, reading: { kind: "unclear", why: "it may be so" } } as const;
  assert.match(of({ files: [unclear] }), /^unseen it is not known whether .* is read: it may be so/);
  const missing = { what: "the decoder json", place: "ruleset/decoders/j.xml", why: "it is so" };
  assert.match(
    of({ missing }),
    /^failed .* has no effect without the decoder json: ruleset\/decoders\/j\.xml is not read/,
  );
  assert.match(of({ files: [] }), /^warning there are no rules/);
  assert.match(judgeRules({ ...facts, files: [], isWorker: true })[0]?.remedy ?? "", /on the master/);
  assert.match(of({ files: undefined }), /^unseen/);
});

test("the tail brings what integratord misses, but only when the tail is on", () => {
  for (const progress of [
    { kind: "behind", bytes: 9 },
    { kind: "older-file", path: "/old" },
  ] as const) {
    const remedy = (isTailOn: boolean): string => {
      const facts = { home, hasBlock: true, confChangedAtMs: undefined, temporaryFiles: "its-group" } as const;
      const process = { pid: 7, args: [], startedAtMs: 0 };
      return judgeIntegratord({ ...facts, isTailOn, process, progress })[0]?.remedy ?? "";
    };
    assert.match(remedy(true), /the tail delivers what it/);
    assert.match(remedy(false), /the tail is off, so what it \w+ is lost/);
    assert.doesNotMatch(remedy(false), /brings/);
  }
});
