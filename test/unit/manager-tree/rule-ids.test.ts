import assert from "node:assert/strict";
import { test } from "node:test";
import { idsIn } from "../../../scripts/manager-tree/rule-ids.ts";

const ids = (text: string): number[] => [...idsIn(text)].toSorted((a, b) => a - b);

test("ids are found as Wazuh reads rules: in groups, across lines, in either quote, through variables, not in comments", () => {
  const text = `<var name="BASE">100200</var>
<!-- <rule id="1"> -->
<group name="a,">
  <rule level="3"
        id = "2"/>
  <rule id='3' level='0'><if_sid>4</if_sid></rule>
  <rule id="$BASE" level="3"></rule>
  <rules id="5"></rules>
  <rule id="1000000" level="3"></rule>
  <rule id="x" level="3"></rule>
</group>
<rule id="0530" level="0"></rule>`;
  assert.deepEqual(ids(text.replace("id = ", "id= ")), [2, 3, 530, 100_200]);
});

test("in a file that Wazuh refuses, everything that looks like a rule counts", () => {
  assert.deepEqual(ids('<?xml version="1.0"?>\n<rule\n level="3"\n\tid = \'7\'>\n<!-- <rule id="8"> -->'), [7, 8]);
});

test("the cost of hostile text is linear in its length", () => {
  for (const text of ["<!", "<rule", "<rule id='", "<a>", "\\<", "<a/>", "$", "<!--"].map((part) =>
    part.repeat(300_000),
  )) {
    assert.deepEqual(ids(text), []);
  }
});
