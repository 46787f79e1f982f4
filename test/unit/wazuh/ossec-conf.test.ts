import assert from "node:assert/strict";
import { test } from "node:test";
import { readOssecConf, settingOf, settingsOf, Unreadable } from "../../../daemon/wazuh/ossec-conf.ts";

test("several roots are one configuration, and the last of several settings counts", () => {
  const conf = readOssecConf(`<!-- first -->
<ossec_config><global><jsonout_output>yes</jsonout_output></global></ossec_config>
<ossec_config>
  <global>
    <jsonout_output> no </jsonout_output>
  </global>
</ossec_config>
`);
  assert.equal(settingOf(conf, "global", "jsonout_output"), "no");
  assert.deepEqual(settingsOf(conf, "global", "jsonout_output"), ["yes", "no"]);
  assert.equal(settingOf(conf, "global", "logall"), undefined);
});

test("text is kept unchanged: entities, blanks, escaped brackets; attributes are skipped", () => {
  const conf = readOssecConf(
    '<ossec_config><integration a="1" b="x y"><group>a, b&amp;c</group><hook_url>1\\<2</hook_url></integration></ossec_config>',
  );
  const [integration] = conf.sections;
  assert.deepEqual(
    integration?.children.map(({ text }) => text),
    ["a, b&amp;c", "1\\<2"],
  );
});

test("comments are not settings, but can be inspected", () => {
  const conf = readOssecConf(
    "<ossec_config><!-- <integration><name>custom-dfn</name></integration> --></ossec_config>",
  );
  assert.deepEqual(conf.sections, []);
  assert.match(conf.comments[0] ?? "", /custom-dfn/);
});

test("text after the last root is accepted; variables are not sections", () => {
  const conf = readOssecConf(
    "<ossec_config><var name='x'>1</var><global><a>$x</a></global></ossec_config>\n<VAR name='y'>2</VAR>\nsome words\n",
  );
  assert.deepEqual(
    conf.sections.map(({ name }) => name),
    ["global"],
  );
  assert.equal(settingOf(conf, "global", "a"), "$x");
});

test("what Wazuh refuses is refused, with its line", () => {
  const cases: [string, RegExp][] = [
    ["<ossec_config>\n<global>\n</ossec_config>", /^line 3: <\/ossec_config> does not close <global>/],
    ["<ossec_config>\n<global>\n", /^line 2: <global> is never closed/],
    ["<ossec_config>\n< >\n", /^line 2: <> is never closed/],
    ['<?xml version="1.0" encoding="UTF-8"?>\n<ossec_config></ossec_config>', /^line 1: /],
    ["\n<agent_config></agent_config>", /^line 2: <agent_config> is outside of <ossec_config>/],
    ["<a>".repeat(2000), /more than 1024 elements inside each other/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => readOssecConf(text),
      (reason) => reason instanceof Unreadable && message.test(reason.message),
      text,
    );
  }
});
