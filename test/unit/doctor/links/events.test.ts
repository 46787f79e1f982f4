import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  type EventFacts,
  judgeEvents,
  logAlertLevelOf,
  lookAtRuleset,
} from "../../../../daemon/doctor/links/events.ts";
import { defaultEventIds } from "../../../../daemon/handlers/windows.ts";
import { type OssecConf, readOssecConf } from "../../../../daemon/wazuh/ossec-conf.ts";
import { TempDir } from "../../../rig/temp-dir.ts";
import { ManagerTree } from "../../../rig/wazuh/manager-tree.ts";

const eventRules = "etc/rules/dfn_event_rules.xml";
const nothingLeftOut = { "fail2ban-program-name": 0, "fail2ban-group": 0 };

/** A manager with the snippets, and what the doctor says about its events, one line each. */
class World implements AsyncDisposable {
  readonly #temp: TempDir;
  readonly home: string;
  readonly tree: ManagerTree;

  private constructor(temp: TempDir) {
    this.#temp = temp;
    this.home = temp.join("ossec");
    for (const path of ["queue/sockets", "logs/alerts"]) mkdirSync(join(this.home, path), { recursive: true });
    for (const path of ["queue/sockets/queue", "logs/alerts/alerts.json"]) writeFileSync(join(this.home, path), "");
    this.tree = new ManagerTree(this.home);
  }

  static async create(): Promise<World> {
    return new World(await TempDir.create());
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.home, path), text);
  }

  change(path: string, from: string | RegExp, to: string): void {
    this.write(path, readFileSync(join(this.home, path), "utf8").replace(from, to));
  }

  async says(
    but: Partial<EventFacts> = {},
    { conf, startedAtMs }: { readonly conf?: OssecConf; readonly startedAtMs?: number } = {},
  ): Promise<string[]> {
    const { home } = this;
    const ruleset = await lookAtRuleset(home, conf, startedAtMs);
    const logAlertLevel = logAlertLevelOf(conf);
    const facts = { home, eventIds: defaultEventIds, isFail2banOn: true, ruleset, logAlertLevel, isWorker: false };
    const found = judgeEvents({ ...facts, events: undefined, ...but });
    for (const { state, remedy } of found) assert.equal(remedy === undefined, state === "ok");
    return found.map(({ state, text, remedy = "" }) => `${state} ${text} ${remedy}`.trim());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#temp[Symbol.asyncDispose]();
  }
}

const about = (lines: readonly string[], word: string): string => lines.filter((one) => one.includes(word)).join("\n");

const rulesetConf = (inner: string): OssecConf =>
  readOssecConf(`<ossec_config><ruleset>${inner}</ruleset></ossec_config>`);

/** Rules below a decoder that gives an address only. */
const ruleOfGroup = (group: string): string =>
  `<group name="${group}"><rule id="100100" level="0"><decoded_as>f2b</decoded_as></rule><rule id="100101" level="5"><if_sid>100100</if_sid></rule></group>`;

test("with stock rules and the snippets each event has its rule and level, and nothing is wrong", async () => {
  await using world = await World.create();
  const lines = await world.says();
  assert.equal(lines.length, 14);
  assert.ok(
    lines.every((line) => line.startsWith("ok ")),
    lines.join("\n"),
  );
  assert.equal(about(lines, "4625"), "ok Windows event 4625: rule 60105 (level 5), 60122 (level 5)");
  assert.equal(about(lines, "4719"), "ok Windows event 4719: rule 60112 (level 8)");
  assert.equal(about(lines, "1102"), "ok Windows event 1102: rule 63103 (level 5)");
  assert.equal(about(lines, "4672"), "ok Windows event 4672: rule 111725 (level 3)");
  assert.equal(about(lines, "fail2ban"), "ok fail2ban: rule 111710 (level 5), 111713 (level 5)");
});

test("a stock manager raises five of the thirteen events and no ban: each of the others has the remedy", async () => {
  await using world = await World.create();
  rmSync(join(world.home, eventRules));
  rmSync(join(world.home, "etc/decoders/zz_dfn_decoders.xml"));
  const lines = await world.says();
  const missing = lines.filter((line) => line.startsWith("warning"));
  assert.equal(missing.length, 9);
  assert.ok(
    missing.every((line) => line.endsWith("no rule raises an alert for it wazuh-dfn-install")),
    missing.join("\n"),
  );
  assert.match(about(await world.says({ isWorker: true }), "4672"), /wazuh-dfn-install {2}# on the master/);
  assert.match(about(await world.says({ eventIds: ["4771"] }), "4771"), /^warning .*local_rules\.xml/);
});

test("the time of the last alert of each event is given if a forwarder knows it", async () => {
  await using world = await World.create();
  const events = { lastSeen: { "4625": "2026-11-29T08:00:00.000Z" }, leftOut: nothingLeftOut };
  const lines = await world.says({ events });
  assert.match(about(lines, "4625"), /^ok .*; last seen 2026-11-29T08:00:00\.000Z$/);
  assert.match(about(lines, "fail2ban"), /^ok .*; none seen since the forwarder started$/);
});

test("a rule below log_alert_level, one of level 0, one that was overwritten and one without its parent raise nothing", async () => {
  await using world = await World.create();
  const conf = readOssecConf("<ossec_config><alerts><log_alert_level>4</log_alert_level></alerts></ossec_config>");
  assert.match(about(await world.says({}, { conf }), "4672"), /^warning .*111725 \(level 3\) below log_alert_level 4/);
  const own =
    '<group name="windows,"><rule id="111725" level="0" overwrite="yes"><field name="win.system.eventID">^4672$</field></rule></group>';
  world.write("etc/rules/local_rules.xml", own);
  assert.match(
    about(await world.says(), "4672"),
    /^warning .*no rule raises an alert for it \(rule 111725 \(level 0\)\)/,
  );
  world.change(eventRules, /60103/g, "60199");
  assert.match(about(await world.says(), "4697"), /^warning .*no rule/);
});

test("files that ossec.conf leaves out, by name or path, or does not name, are not loaded", async () => {
  await using world = await World.create();
  for (const inner of [
    "<rule_exclude>dfn_event_rules.xml</rule_exclude>",
    `<rule_exclude>${eventRules}</rule_exclude>`,
    "<rule_dir>ruleset/rules</rule_dir>",
  ]) {
    assert.match(about(await world.says({}, { conf: rulesetConf(inner) }), "4672"), /^warning .*no rule/, inner);
  }
  const both = "<rule_dir>ruleset/rules/</rule_dir><rule_include>etc/rules/dfn_event_rules.xml</rule_include>";
  assert.match(about(await world.says({}, { conf: rulesetConf(both) }), "4672"), /^ok/);
});

test("a file that was changed after analysisd started may not be loaded", async () => {
  await using world = await World.create();
  utimesSync(join(world.home, eventRules), 2000, 2000);
  utimesSync(join(world.home, "ruleset/rules/0580-win-security_rules.xml"), 1, 1);
  const lines = await world.says({}, { startedAtMs: 1_000_000 });
  assert.match(about(lines, "4672"), /^warning .*may not be loaded.* \S*wazuh-control restart$/);
  assert.match(about(lines, "4625"), /^ok/);
});

test("a public decoder that leaves the program's name in the predecoder, and a group with a blank, are named", async () => {
  await using world = await World.create();
  rmSync(join(world.home, eventRules));
  world.write(
    "etc/decoders/local_decoder.xml",
    '<decoder name="f2b"><program_name>^fail2ban.actions</program_name></decoder>\n<decoder name="f2b-ban"><parent>f2b</parent><regex>Ban (\\S+)</regex><order>srcip</order></decoder>',
  );
  world.write("etc/rules/local_rules.xml", ruleOfGroup("syslog,fail2ban,"));
  const half = about(await world.says(), "fail2ban:");
  assert.match(half, /^warning fail2ban: no rule raises an alert for it wazuh-dfn-install$/m);
  assert.match(half, /^warning .*100101 \(level 5\) uses a decoder that does not set program_name.*dfn-fail2ban/m);
  world.write("etc/rules/local_rules.xml", ruleOfGroup("syslog,\n  fail2ban,"));
  assert.match(about(await world.says(), "line break"), /^warning fail2ban: rule 100100.*local_rules\.xml/);
});

test("alerts that the forwarder left out are named by reason, with the decoder that helps", async () => {
  await using world = await World.create();
  const leftOut = { "fail2ban-program-name": 7, "fail2ban-group": 2 };
  const lines = await world.says({ events: { lastSeen: {}, leftOut } });
  assert.match(
    about(lines, "left out because data"),
    /^warning fail2ban: 7 alerts.*predecoder\.program_name.*dfn-fail2ban/,
  );
  assert.match(about(lines, "their group"), /^warning fail2ban: 2 alerts/);
});

test("handlers that are off are not asked about, and rules that may not be seen are mentioned once", async () => {
  await using world = await World.create();
  assert.deepEqual(await world.says({ eventIds: undefined, isFail2banOn: false }), []);
  assert.equal((await world.says({ eventIds: undefined })).length, 1);
  const [line = "", ...more] = await world.says({ ruleset: undefined });
  assert.match(line, /^unseen/);
  assert.equal(more.length, 0);
});

test("broken rules, patterns that are not plain, links and directories among the rules do no harm", async () => {
  await using world = await World.create();
  world.write("etc/rules/a_broken.xml", '<group name="win.system"><rule id="1" level="3">');
  const evil =
    '<group name="x,"><rule id="100200" level="3"><field name="win.system.eventID" type="pcre2">(4771|((4+)+)+$)</field></rule></group>';
  world.write("etc/rules/evil.xml", evil);
  world.write(
    "etc/rules/open.xml",
    '<group name="x,"><rule id="100201" level="3"><field name="win.system.eventID" type="pcre2">(4771</field></rule></group>',
  );
  mkdirSync(join(world.home, "etc/rules/directory.xml"));
  symlinkSync("/etc/shadow", join(world.home, "etc/rules/link.xml"));
  chmodSync(join(world.home, eventRules), 0o640);
  const lines = await world.says({ eventIds: ["4672", "4771"] });
  assert.match(about(lines, "4672"), /^ok/);
  assert.match(about(lines, "4771"), /^warning .*no rule/);
});

test("alternatives in parentheses and pcre2 are understood", async () => {
  await using world = await World.create();
  world.write(
    "etc/rules/local_rules.xml",
    '<group name="windows,"><rule id="100200" level="3"><if_sid>60103</if_sid><field name="win.system.eventID" type="pcre2">^(?:4768|477\\d)$</field></rule></group>',
  );
  const lines = await world.says({ eventIds: ["4768", "4771", "47711"] });
  assert.match(about(lines, "event 4768"), /^ok .*100200/);
  assert.match(about(lines, "event 4771:"), /^ok .*100200/);
  assert.match(about(lines, "47711"), /^warning/);
});
