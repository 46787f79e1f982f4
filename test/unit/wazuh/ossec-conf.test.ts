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

test("text is kept as it stands: entities, blanks, escaped brackets; attributes are passed over", () => {
  const conf = readOssecConf(
    '<ossec_config><integration a="1" b="x y"><group>a, b&amp;c</group><hook_url>1\\<2</hook_url></integration></ossec_config>',
  );
  const [integration] = conf.sections;
  assert.deepEqual(
    integration?.children.map(({ text }) => text),
    ["a, b&amp;c", "1<2"],
  );
});

test("comments are no settings, and are kept for a look", () => {
  const conf = readOssecConf(
    "<ossec_config><!-- <integration><name>custom-dfn</name></integration> --></ossec_config>",
  );
  assert.deepEqual(conf.sections, []);
  assert.match(conf.comments[0] ?? "", /custom-dfn/);
});

test("what is not well formed is refused with its line", () => {
  const cases: [string, RegExp][] = [
    ["<ossec_config>\n<global>\n</ossec_config>", /^line 3: <\/ossec_config> closes nothing that is open/],
    ["<ossec_config>\n<global>\n", /^line 2: <global> is never closed/],
    ["<ossec_config>\n< >\n", /^line 2: this is no tag/],
    ["\nx", /^line 1: there is text outside of all sections/],
    ["<a>".repeat(100), /nested too deeply/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => readOssecConf(text),
      (reason) => reason instanceof Unreadable && message.test(reason.message),
      text,
    );
  }
});
