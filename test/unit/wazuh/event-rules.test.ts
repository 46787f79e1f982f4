/** The snippets, compared with what the real analysisd 4.14.7 made of these lines and events. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Alert } from "../../../daemon/alert/alert.ts";
import { fail2banHandler } from "../../../daemon/handlers/fail2ban.ts";
import { defaultEventIds } from "../../../daemon/handlers/windows.ts";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { Decoders } from "../../rig/wazuh/decoders.ts";
import { type DecodedEvent, Ruleset } from "../../rig/wazuh/ruleset.ts";

const snippet = (name: string): string => readFileSync(join(repositoryRoot, "ossec-snippets", name), "utf8");
const rulesText = snippet("dfn_event_rules.xml");
const decodersText = snippet("zz_dfn_decoders.xml");
const decoders = new Decoders(decodersText);
const rules = new Ruleset(rulesText);
const fromFile = "fail2ban: 2026-11-29 08:00:00,843 fail2ban.actions        [32843]: NOTICE  [sshd]";
const fromSyslog = "Nov 29 08:00:00 web01 fail2ban.actions[32843]: NOTICE [sshd]";
const fromJournal = "Nov 29 08:00:00 web01 fail2ban-server[32843]: fail2ban.actions [32843]: NOTICE [sshd]";

function windowsEvent(eventID: string, severityValue: string): DecodedEvent {
  const providerName =
    severityValue === "INFORMATION" ? "Microsoft-Windows-Eventlog" : "Microsoft-Windows-Security-Auditing";
  const system = Object.entries({ providerName, eventID, channel: "Security", severityValue });
  const fields = Object.fromEntries(system.map(([key, value]) => [`win.system.${key}`, value]));
  return { location: "EventChannel", text: "", fields, decoder: "windows_eventchannel" };
}

const judge = (line: string): { readonly id: string; readonly level: number } | undefined =>
  rules.judge(decoders.decode(line, "/var/log/fail2ban.log"));

test("each of the eight Windows events that stock rules keep at level 0 raises a rule of its own at level 3", () => {
  const seen = new Set<string>();
  for (const id of ["4964", "4794", "4724", "4697", "4702", "4672", "3697"]) {
    const rule = rules.judge(windowsEvent(id, "AUDIT_SUCCESS"));
    assert.equal(rule?.level, 3, id);
    seen.add(rule.id);
  }
  const rule = rules.judge(windowsEvent("1100", "INFORMATION"));
  assert.equal(rule?.level, 3);
  assert.equal(seen.add(rule.id).size, 8);
});

test("events that stock rules raise, and others, are left to them", () => {
  for (const id of defaultEventIds.filter((one) => ["4719", "4698", "4720", "4625"].includes(one)).concat("4624")) {
    assert.deepEqual(rules.judge(windowsEvent(id, "AUDIT_SUCCESS")), { id: "60103", level: 0 });
  }
  assert.deepEqual(rules.judge(windowsEvent("1102", "INFORMATION")), { id: "63108", level: 0 });
});

test("a ban in fail2ban's own log raises an alert that is sent, with the fields of the wire format", () => {
  for (const [words, srcip] of [
    ["Ban 192.0.2.2", "192.0.2.2"],
    ["Restore Ban 2001:db8::1", "2001:db8::1"],
  ] as const) {
    const { fields, decoder } = decoders.decode(`${fromFile} ${words}`, "/var/log/fail2ban.log");
    assert.equal(decoder, "dfn-fail2ban");
    assert.deepEqual(fields, {
      program_name: "fail2ban.actions",
      pid: "32843",
      severity: "NOTICE",
      service: "sshd",
      actiontaken: "Ban",
      srcip,
    });
    assert.equal(judge(`${fromFile} ${words}`)?.level, 5);
    const rule = { groups: groupsOf("111710") };
    const alert = { id: "1.1", rule, data: fields, full_log: `${fromFile} ${words}`, agent: { name: "a" } };
    const record = fail2banHandler("t", []).record(Alert.parse(Buffer.from(JSON.stringify(alert))));
    const sent = Object.entries<unknown>(JSON.parse(String(record?.value)));
    const line = `<37> 1 2026-11-29 08:00:00,843 fail2ban.actions        [32843]: NOTICE  [sshd] ${words}`;
    const { event_raw, body, procId } = Object.fromEntries(sent);
    assert.deepEqual([event_raw, body, procId], [line, `NOTICE  [sshd] ${words}`, "32843"]);
  }
});

test("the end of a ban, an address that is already banned and what the filter finds raise no alert", () => {
  assert.equal(judge(`${fromFile} Unban 192.0.2.2`)?.level, 0);
  assert.equal(judge(`${fromFile} 192.0.2.2 already banned`), undefined);
  const found = "fail2ban: 2026-11-29 08:00:00,843 fail2ban.filter [32843]: INFO [sshd] Found 192.0.2.2";
  assert.equal(judge(found), undefined);
  assert.equal(judge(`${fromSyslog} Unban 192.0.2.2`), undefined);
  assert.equal(judge(`${fromJournal} Unban 192.0.2.2`), undefined);
});

test("a line without the agent's out_format at its beginning is decoded by nothing", () => {
  assert.equal(decoders.decode(`${fromFile.slice("fail2ban: ".length)} Ban 192.0.2.2`, "x").decoder, undefined);
});

test("with syslog the program's name is out of the decoder's reach: there is an alert, but not one that can be sent", () => {
  const { fields, programName } = decoders.decode(`${fromSyslog} Ban 192.0.2.2`, "x");
  assert.equal(programName, "fail2ban.actions");
  assert.deepEqual(fields, { severity: "NOTICE", service: "sshd", actiontaken: "Ban", srcip: "192.0.2.2" });
  assert.deepEqual(judge(`${fromSyslog} Ban 192.0.2.2`), { id: "111712", level: 3 });
});

test("with journald the line itself still contains the program's name", () => {
  const { fields, programName } = decoders.decode(`${fromJournal} Restore Ban 192.0.2.2`, "x");
  assert.equal(programName, "fail2ban-server");
  assert.equal(fields?.["program_name"], "fail2ban.actions");
  assert.deepEqual(judge(`${fromJournal} Ban 192.0.2.2`), { id: "111713", level: 5 });
});

test("each rule has a sample that raises it, and each decoder one that it matches", () => {
  const sampled = [...rulesText.matchAll(/Sample: (.*?)(?: -->|\n *-->)\n *<rule id="(\d+)"/g)];
  assert.equal(sampled.length, [...rulesText.matchAll(/<rule /g)].length);
  for (const [, sample = "", id] of sampled) {
    if (!sample.startsWith("{")) {
      assert.equal(judge(sample)?.id, id);
      continue;
    }
    const [, eventId = "", severity = ""] = /"eventID":"(\d+)".*"severityValue":"(\w+)"/.exec(sample) ?? [];
    assert.equal(rules.judge(windowsEvent(eventId, severity))?.id, id);
  }
  const taken = [...decodersText.matchAll(/Sample: (.*?)(?: -->|\n *-->)\n<decoder name="([^"]*)"/g)];
  assert.equal(taken.length, decoders.names.length);
  for (const [, sample = "", name = ""] of taken) {
    const { decoder = "none", fields } = decoders.decode(sample, "x");
    assert.ok(name.startsWith(decoder), sample);
    assert.equal(fields?.["srcip"] === undefined, false, sample);
  }
});

test("no id is used twice, and all are in our range of a hundred, like those of dfn_rules.xml", () => {
  const ids = `${rulesText}${snippet("dfn_rules.xml")}`.match(/(?<=<rule id=")\d+/g) ?? [];
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every((id) => /^1117\d\d$/.test(id)));
});

test("the groups are written as integratord compares them, and its filter in integration.xml lets them pass", () => {
  const wanted = /<group>([^<]*)<\/group>/.exec(snippet("integration.xml"))?.[1]?.split(",") ?? [];
  for (const [, id = ""] of rulesText.matchAll(/<rule id="(\d+)"/g)) {
    assert.ok(
      groupsOf(id).some((group) => wanted.includes(group)),
      id,
    );
  }
  assert.ok([...rulesText.matchAll(/<group name="([^"]*)"/g)].every(([, name = ""]) => /^[a-z0-9_,]+,$/.test(name)));
});

/** As analysisd splits the name of the group that a rule is in. */
function groupsOf(id: string): string[] {
  const before = rulesText.slice(0, rulesText.indexOf(`<rule id="${id}"`));
  const name = [...before.matchAll(/<group name="([^"]*)"/g)].at(-1)?.[1] ?? "";
  return name.split(",").filter((group) => group !== "");
}

test("the agent's snippets prepend exactly the words that the decoder requires", () => {
  for (const name of ["agent-fail2ban.xml", "agent-conf-fail2ban.xml"]) {
    const format = /<out_format>([^<]*)<\/out_format>/.exec(snippet(name))?.[1] ?? "";
    assert.equal(judge(format.replace("$(log)", `${fromFile.slice("fail2ban: ".length)} Ban 192.0.2.2`))?.id, "111710");
  }
});
