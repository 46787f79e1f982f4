/** What is ours in ossec.conf: the block by its marks, and sections outside of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readOssecConf } from "../../../daemon/wazuh/ossec-conf.ts";
import { findBlock, outsideOf, rangeOf, rangesOf, without } from "../../../scripts/manager-tree/block.ts";

const begin = "<!-- wazuh-dfn: begin. wazuh-dfn-install made this block. -->";
const end = "<!-- wazuh-dfn: end -->";
const ours = "<integration>\n<name>custom-dfn</name>\n<level>3</level>\n</integration>\n";
const snippets = readOssecConf(`<ossec_config>${ours}</ossec_config>`).sections;

/** The text without the block. */
function cut(text: string): string {
  const block = findBlock(text, "ossec.conf");
  return block === undefined ? text : without(text, [rangeOf(block, text)]);
}

/** The text without all sections that have to do with us. */
function cutSections(text: string): string {
  const conf = readOssecConf(text);
  const sections = outsideOf(text, conf, undefined, snippets).map(({ section }) => section);
  return without(text, rangesOf(text, conf, sections));
}

test("the block is removed with its lines; of a line that it shares, only its own bytes", () => {
  assert.equal(cut(`a\n${begin}\nx\n${end}\nb\n`), "a\nb\n");
  assert.equal(cut(`a\r\n  ${begin}\r\nx\r\n\t${end} \r\nb`), "a\r\nb");
  assert.equal(cut(`a ${begin}x${end} b`), "a  b");
  assert.equal(cut(`a\n${begin}\n${end} b`), "a\n b");
  assert.equal(cut(`a\n${begin}\nx\n${end}`), "a\n");
  assert.equal(cut("a\n"), "a\n");
});

test("marks that are not exactly one pair are refused", () => {
  for (const text of [begin, end, `${begin}${begin}${end}`, `${begin}${end}${end}`, `${end}${begin}`]) {
    assert.throws(() => findBlock(text, "ossec.conf"), /the marks of wazuh-dfn in ossec\.conf are/);
  }
});

test("a section outside of the block is ours, calls custom-dfn, names wazuh-dfn, or is none of our business", () => {
  const text = `<ossec_config>
<integration><name> custom-dfn </name><level>3</level></integration>
<integration><name>custom-dfn</name><level>4</level></integration>
<syscheck><ignore>/opt/wazuh-dfn</ignore></syscheck>
<integration><name>custom-dfnx</name></integration>
</ossec_config>
${begin}<ossec_config>${ours}</ossec_config>${end}`;
  const found = outsideOf(text, readOssecConf(text), findBlock(text, "ossec.conf"), snippets);
  assert.deepEqual(
    found.map(({ kind, firstLine, lastLine }) => [kind, firstLine, lastLine]),
    [
      ["ours", 2, 2],
      ["calls", 3, 3],
      ["names", 4, 4],
    ],
  );
});

test("a root is removed with its last section, unless something else is in it", () => {
  assert.equal(cutSections(`a\n<ossec_config>\n${ours}</ossec_config>\nb\n`), "a\nb\n");
  assert.equal(cutSections(`<ossec_config>\n${ours}${ours}</ossec_config>\n`), "");
  assert.equal(
    cutSections(`<ossec_config>\n<!-- mine -->\n${ours}</ossec_config>`),
    "<ossec_config>\n<!-- mine -->\n</ossec_config>",
  );
  assert.equal(
    cutSections(`<ossec_config>\n<global/>\n${ours}</ossec_config>`),
    "<ossec_config>\n<global/>\n</ossec_config>",
  );
});

test("the cost of hostile text is linear in its length", () => {
  for (const part of ["<!-- wazuh-dfn: begin", "<!-- wazuh-dfn: end", "<!--", "<!-- "]) {
    assert.equal(findBlock(part.repeat(200_000), "ossec.conf"), undefined);
  }
  const many = `<ossec_config>${ours.repeat(40_000)}</ossec_config>`;
  assert.throws(() => outsideOf(many, readOssecConf(many), undefined, snippets), /more than 100 sections/);
});
