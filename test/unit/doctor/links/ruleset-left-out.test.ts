/** What ossec.conf leaves out of the ruleset, and what doctor concludes from it. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { judgeEvents, lookAtRuleset } from "../../../../daemon/doctor/links/events.ts";
import { judgeRules, lookAtRules } from "../../../../daemon/doctor/links/rules.ts";
import type { CheckResult } from "../../../../daemon/doctor/result.ts";
import { defaultEventIds } from "../../../../daemon/handlers/windows.ts";
import { readOssecConf } from "../../../../daemon/wazuh/ossec-conf.ts";
import { RulesetPlan } from "../../../../daemon/wazuh/ruleset-plan.ts";
import { repositoryRoot } from "../../../../scripts/repository.ts";
import { TempDir } from "../../../rig/temp-dir.ts";
import { ManagerTree } from "../../../rig/wazuh/manager-tree.ts";

const home = "/var/ossec";
const dirs = "<rule_dir>ruleset/rules</rule_dir><rule_dir>etc/rules</rule_dir>";

function planOf(...rulesets: readonly string[]): RulesetPlan {
  return new RulesetPlan("rule", confOf(...rulesets));
}

function confOf(...rulesets: readonly string[]) {
  const sections = rulesets.map((inner) => `<ossec_config><ruleset>${inner}</ruleset></ossec_config>`);
  return readOssecConf(sections.join("\n"));
}

function readingOf(plan: RulesetPlan, place = "etc/rules/dfn_rules.xml"): string {
  const reading = plan.readingOf(place, home);
  return reading.kind === "loaded" ? "loaded" : `${reading.kind} ${reading.why}`;
}

test("a file is left out by its bare name, its path below the home, or its whole path, in any <ruleset>", () => {
  for (const form of [
    "dfn_rules.xml",
    "etc/rules/dfn_rules.xml",
    " etc//rules/dfn_rules.xml ",
    `${home}/etc/rules/dfn_rules.xml`,
  ]) {
    const exclude = `<rule_exclude>${form}</rule_exclude>`;
    for (const plan of [planOf(dirs + exclude), planOf(exclude, dirs), planOf(dirs, exclude), planOf(exclude)]) {
      assert.match(readingOf(plan), /^left-out a <rule_exclude> of ossec\.conf names it$/, form);
    }
  }
  for (const form of ["0215-policy_rules.xml", "rules.xml", "ruleset/rules/dfn_rules.xml", "etc/rules"]) {
    assert.equal(readingOf(planOf(`${dirs}<rule_exclude>${form}</rule_exclude>`)), "loaded", form);
  }
  assert.equal(readingOf(planOf(`${dirs}<decoder_exclude>dfn_rules.xml</decoder_exclude>`)), "loaded");
});

test("directories of all <ruleset> sections count; a file outside of them is not read unless it is included", () => {
  assert.equal(readingOf(planOf("<rule_dir>ruleset/rules</rule_dir>", "<rule_dir>/etc/rules/</rule_dir>")), "loaded");
  assert.equal(readingOf(planOf("")), "loaded");
  assert.equal(readingOf(new RulesetPlan("rule", undefined)), "loaded");
  const stockOnly = "<rule_dir>ruleset/rules</rule_dir>";
  assert.equal(readingOf(planOf(stockOnly)), "left-out ossec.conf has no <rule_dir>etc/rules");
  assert.equal(readingOf(planOf(`${stockOnly}<rule_include>etc/rules/dfn_rules.xml</rule_include>`)), "loaded");
});

test("the pattern of a <rule_dir> applies to names; one that is not understood is not guessed", () => {
  const withPattern = (pattern: string) => planOf(`<rule_dir pattern="${pattern}">etc/rules</rule_dir>`);
  for (const pattern of [".xml$", "_rules.xml$", "\\w+.xml$", "local|dfn", "DFN_rules"]) {
    assert.equal(readingOf(withPattern(pattern)), "loaded", pattern);
  }
  assert.match(
    readingOf(withPattern("local_rules.xml$")),
    /^left-out the pattern "local_rules\.xml\$" of <rule_dir>etc\/rules/,
  );
  assert.match(readingOf(withPattern("dfn.rules")), /^left-out/);
  assert.match(readingOf(withPattern("(\\w+)")), /^unclear/);
  assert.match(readingOf(withPattern("\\w+\\w+\\w+\\w+x")), /^unclear/);
  const two = planOf('<rule_dir pattern="local">etc/rules</rule_dir>', "<rule_dir>etc/rules</rule_dir>");
  assert.equal(readingOf(two), "loaded");
});

class World implements AsyncDisposable {
  readonly #temp: TempDir;
  readonly home: string;

  private constructor(temp: TempDir) {
    this.#temp = temp;
    this.home = temp.join("ossec");
    for (const path of ["queue/sockets", "logs/alerts", "ruleset/decoders"]) {
      mkdirSync(join(this.home, path), { recursive: true });
    }
    for (const path of ["queue/sockets/queue", "logs/alerts/alerts.json"]) writeFileSync(join(this.home, path), "");
    const tree = new ManagerTree(this.home);
    copyFileSync(join(repositoryRoot, "ossec-snippets/dfn_rules.xml"), tree.rules);
    this.write(
      "ruleset/decoders/0006-json_decoders.xml",
      '<decoder name="json"><prematch>^{\\s*"</prematch></decoder>',
    );
    this.write("ruleset/rules/0015-ossec_rules.xml", '<group name="ossec,"><rule id="530" level="0"></rule></group>');
  }

  static async create(): Promise<World> {
    return new World(await TempDir.create());
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.home, path), text);
  }

  async rules(inner: string): Promise<string> {
    return lines(judgeRules(await lookAtRules(this.home, confOf(inner), undefined, false)));
  }

  async events(inner: string): Promise<string> {
    const { home: at } = this;
    const ruleset = await lookAtRuleset(at, confOf(inner), undefined);
    const facts = { home: at, eventIds: defaultEventIds, isFail2banOn: true, ruleset, logAlertLevel: 3 };
    return lines(judgeEvents({ ...facts, isWorker: false, events: undefined }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#temp[Symbol.asyncDispose]();
  }
}

function lines(results: readonly CheckResult[]): string {
  return results.map(({ state, text, remedy = "" }) => `${state} ${text} ${remedy}`.trim()).join("\n");
}

test("the feedback's rules: left out themselves, or with the decoder or the rule of Wazuh's own that they depend on", async () => {
  await using world = await World.create();
  assert.match(await world.rules(dirs), /^ok/);
  const out = await world.rules(`${dirs}<rule_exclude>dfn_rules.xml</rule_exclude>`);
  assert.match(
    out,
    /^failed etc\/rules\/dfn_rules\.xml is not read: a <rule_exclude>.*ossec\.conf {2}# let <ruleset> read it/,
  );
  const json = "<decoder_exclude>0006-json_decoders.xml</decoder_exclude>";
  assert.match(
    await world.rules(json),
    /^failed .*no effect without the decoder json: ruleset\/decoders\/0006-json_decoders\.xml/,
  );
  const stock = `${dirs}<rule_exclude>ruleset/rules/0015-ossec_rules.xml</rule_exclude>`;
  assert.match(await world.rules(stock), /^failed .*no effect without rule 530/);
  mkdirSync(join(world.home, "etc/more"));
  copyFileSync(join(repositoryRoot, "ossec-snippets/dfn_rules.xml"), join(world.home, "etc/more/dfn_rules.xml"));
  const more = `<rule_dir>ruleset/rules</rule_dir><rule_dir>etc/more</rule_dir>`;
  assert.match(
    await world.rules(more),
    /^ok .*in etc\/more\/dfn_rules\.xml$/,
    "one that is read takes precedence over one that is not",
  );
});

test("an event's rule that ossec.conf leaves out, with its file or with that of a rule above it, is named with the file", async () => {
  await using world = await World.create();
  assert.doesNotMatch(await world.events(dirs), /^(?!ok)/m);
  const own = await world.events(`${dirs}<rule_exclude>dfn_event_rules.xml</rule_exclude>`);
  assert.match(
    own,
    /^warning Windows event 4672: no rule .*because etc\/rules\/dfn_event_rules\.xml is not read: a <rule_exclude>/m,
  );
  assert.match(own, /^warning fail2ban: no rule .*because etc\/rules\/dfn_event_rules\.xml is not read/m);
  assert.doesNotMatch(own, /wazuh-dfn-install/);
  const parent = await world.events(`${dirs}<rule_exclude>0580-win-security_rules.xml</rule_exclude>`);
  assert.match(
    parent,
    /^warning Windows event 4672: no rule .*because ruleset\/rules\/0580-win-security_rules\.xml is not read/m,
  );
  assert.match(parent, /^warning Windows event 4625: no rule .*0580-win-security_rules\.xml is not read/m);
  assert.match(parent, /^ok fail2ban/m);
});

test("fail2ban's decoders left out by ossec.conf, or not there at all: none of our rules raises anything", async () => {
  await using world = await World.create();
  const out = await world.events(`${dirs}<decoder_exclude>zz_dfn_decoders.xml</decoder_exclude>`);
  assert.match(out, /^warning fail2ban: no rule raises an alert for it/m);
  assert.match(out, /^warning fail2ban: etc\/decoders\/zz_dfn_decoders\.xml is not read: a <decoder_exclude>/m);
  rmSync(join(world.home, "etc/decoders/zz_dfn_decoders.xml"));
  assert.match(await world.events(dirs), /^warning fail2ban: no rule raises an alert for it wazuh-dfn-install$/m);
});
