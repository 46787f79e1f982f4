import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type BlockFacts,
  blocksOf,
  isBlockLeftOut,
  judgeBlock,
  leftOut,
} from "../../../../daemon/doctor/links/integration-block.ts";
import { readOssecConf } from "../../../../daemon/wazuh/ossec-conf.ts";

const handlers = { windows: { eventIds: ["4625"] }, fail2ban: {}, passthrough: undefined };
const good = "<name>custom-dfn</name><alert_format>json</alert_format>";

function judged(inner: string, change: Partial<BlockFacts> = {}): string {
  const conf = readOssecConf(`<ossec_config><integration>${inner}</integration></ossec_config>`);
  const facts: BlockFacts = {
    home: "/var/ossec",
    blocks: blocksOf(conf),
    isCommentedOut: false,
    socketPath: "/run/wazuh-dfn/alerts.sock",
    defaultSocketPath: "/run/wazuh-dfn/alerts.sock",
    isTailOn: true,
    handlers,
    ...change,
  };
  const results = judgeBlock(facts);
  for (const { state, remedy } of results) assert.equal(remedy === undefined, state === "ok");
  return results.map(({ state, text }) => `${state} ${text}`).join("\n");
}

test("blocks that pass on everything the handlers want are ok, filters or not", () => {
  for (const inner of [
    good,
    `${good}<group>windows,fail2ban</group><event_location>!^dfn$</event_location>`,
    `${good}<group>sshd,fail2ban,windows</group><level>0</level><rule_id>none</rule_id>`,
    `${good}<hook_url>unix:/run/wazuh-dfn/alerts.sock</hook_url><timeout>5</timeout><max_log>200</max_log>`,
  ]) {
    assert.match(judged(inner), /^ok present, enabled/, inner);
  }
});

test("each filter that keeps something back is named with what it keeps back", () => {
  const cases: [string, RegExp][] = [
    ["<level>5</level>", /^warning <level>5 holds back alerts of a lower level$/],
    ["<rule_id>5710, 60122</rule_id>", /^warning <rule_id> holds back all alerts except those of 5710, 60122$/],
    ["<group>windows</group>", /^warning <group>windows holds back alerts of group fail2ban$/],
    ["<group>windows, fail2ban</group>", /spaces next to the commas count\) holds back alerts of group fail2ban$/],
    ["<event_location>EventChannel</event_location>", /^warning .*holds back alerts of \/var\/log\/fail2ban\.log$/],
    ["<event_location>!eventchannel</event_location>", /^warning .*holds back alerts of EventChannel$/],
  ];
  for (const [inner, text] of cases) {
    assert.match(judged(good + inner), text);
    assert.match(judged(good + inner, { isTailOn: false }), /^failed/);
  }
});

const passthrough = { topic: "t", level: undefined, groups: undefined, ruleIds: undefined, location: undefined };

test("what a disabled handler wants is not missed", () => {
  assert.match(judged(`${good}<group>windows</group>`, { handlers: { ...handlers, fail2ban: undefined } }), /^ok/);
  const all = { ...handlers, passthrough };
  assert.match(judged(`${good}<group>windows,fail2ban</group>`, { handlers: all }), /^warning .*for passthrough/);
  const some = { ...handlers, passthrough: { ...passthrough, groups: ["sshd"] } };
  assert.match(judged(`${good}<group>windows,fail2ban</group>`, { handlers: some }), /group sshd$/);
  const alone = { windows: undefined, fail2ban: undefined, passthrough: { ...passthrough, level: 7 } };
  assert.match(judged(`${good}<level>7</level>`, { handlers: alone }), /^ok/);
  assert.match(judged(`${good}<level>8</level>`, { handlers: alone }), /^warning/);
});

test("a block that keeps every alert back, or keeps the manager from starting, is a failure", () => {
  assert.match(judged("<name>custom-dfn</name>"), /^failed alert_format is not json/);
  assert.match(judged(`${good}<enabled>yes</enabled>`), /^failed the block has <enabled>.*will not start any more/);
  assert.match(
    judged(`${good}<hook_url>unix:/run/a\\ b.sock</hook_url>`),
    /^failed hook_url points to \/run\/a b\.sock/,
  );
  assert.match(
    judged(good, { socketPath: "/other.sock" }),
    /^failed hook_url points to \/run\/wazuh-dfn\/alerts\.sock/,
  );
  assert.match(judged(`${good}<options>{"tail": false}</options>`), /^warning options say that the tail is off/);
});

test("no block is a warning if the tail brings the alerts; a block of another integration does not count", () => {
  assert.match(judged("<name>slack</name>"), /^warning .*no block for custom-dfn; alerts arrive only through the tail/);
  assert.match(judged("<name>slack</name>", { isTailOn: false }), /^failed .*no alert arrives at all/);
  assert.match(judged("<name>slack</name>", { isCommentedOut: true }), /commented out/);
});

test("a second block costs a second call", () => {
  const conf = readOssecConf(`<ossec_config>${`<integration>${good}</integration>`.repeat(2)}</ossec_config>`);
  assert.match(judged("", { blocks: blocksOf(conf) }), /^warning 2 blocks call custom-dfn/);
});

test("integratord counts as left out if the installer was asked for that, or if nothing of it is there, and never with the tail off", () => {
  const facts = { recorded: undefined, hasBlock: false, isCommentedOut: false, isTailOn: true, hasProgram: false };
  assert.equal(isBlockLeftOut(facts), true);
  assert.equal(isBlockLeftOut({ ...facts, recorded: "no", hasProgram: true }), true);
  assert.equal(isBlockLeftOut({ ...facts, recorded: "yes" }), false);
  for (const what of ["hasBlock", "isCommentedOut", "hasProgram"] as const) {
    assert.equal(isBlockLeftOut({ ...facts, [what]: true }), false, what);
  }
  assert.equal(isBlockLeftOut({ ...facts, recorded: "no", isTailOn: false }), false);
  assert.equal(leftOut.state, "ok");
});
