import assert from "node:assert/strict";
import { test } from "node:test";
import { settingLines } from "../../../../daemon/config/text/toml-lines.ts";
import { readToml } from "../../../../daemon/config/text/toml.ts";
import { problemLine } from "../../../../daemon/config/values/problem.ts";
import { plain } from "../../../../daemon/config/values/tree.ts";

const tricky = `# comment = 1
title = "a # = [x]"
[dfn]   # a table
customer_id = 'x'
own_network = [
  "192.0.2.0/24", # = ]
  "2001:db8::/32",
]
[sink.kafka]
brokers = ["a:1"]; 
tls = { ca = "x", inner.name = '''
two lines = " [no.table]
''' }
client_id = """
quote: \\""" still inside "
"""
"quoted.name" = 1
sasl.username = "u"
[[lists.of]]
deep = 1
[[lists.of]]
deep = 2
`.replace("; \n", "\n");

test("every setting of a TOML file is found on its line", () => {
  const lines = Object.fromEntries([...settingLines(tricky)].map(([path, line]) => [path.replaceAll("\0", "/"), line]));
  assert.deepEqual(lines, {
    title: 2,
    dfn: 3,
    "dfn/customer_id": 4,
    "dfn/own_network": 5,
    sink: 9,
    "sink/kafka": 9,
    "sink/kafka/brokers": 10,
    "sink/kafka/tls": 11,
    "sink/kafka/tls/ca": 11,
    "sink/kafka/tls/inner": 11,
    "sink/kafka/tls/inner/name": 11,
    "sink/kafka/client_id": 14,
    "sink/kafka/quoted.name": 17,
    "sink/kafka/sasl": 18,
    "sink/kafka/sasl/username": 18,
    lists: 19,
    "lists/of": 19,
    "lists/of/deep": 20,
  });
});

test("the line scan ends on any text, even one that is not TOML", () => {
  for (const text of [
    "[",
    "]",
    "=",
    "a=",
    "a=[",
    'a="',
    "a={",
    "a={b",
    "[a",
    "a.",
    "'",
    "\u0000",
    "a = [[[{[",
    "}}}",
  ]) {
    assert.ok(settingLines(text) instanceof Map, text);
  }
});

test("values become the text that YAML would hold, and integers of any size stay exact", () => {
  const text = "a = 18446744073709551617\nb = true\nc = 2026-11-21T10:00:00Z\nd = 1.5\ne = ['x', 2]\n[f]\ng = 'h'\n";
  const { table, problems } = readToml(text, "x.toml");
  assert.deepEqual(problems, []);
  assert.ok(table !== undefined);
  assert.deepEqual(JSON.parse(JSON.stringify(plain(table))), {
    a: "18446744073709551617",
    b: "true",
    c: "2026-11-21T10:00:00.000Z",
    d: "1.5",
    e: ["x", "2"],
    f: { g: "h" },
  });
});

function problemsOf(text: string): string[] {
  return readToml(text, "x.toml").problems.map(problemLine);
}

test("hostile files are refused in bounded time and memory", { timeout: 60_000 }, () => {
  assert.deepEqual(problemsOf(`${"a.".repeat(50_000)}a = 1`), ["x.toml:1: nested too deeply"]);
  assert.deepEqual(problemsOf(`[${"a.".repeat(50_000)}a]`), ["x.toml:1: nested too deeply"]);
  assert.match(problemsOf(`a = ${"[".repeat(100_000)}`).join(), /^x\.toml:1: not valid TOML: /);
  const wide = Array.from({ length: 60_000 }, (_, i) => `k${i} = 1`).join("\n");
  assert.deepEqual(problemsOf(wide), ["x.toml:1: more than 10000 values; is this the right file?"]);
});

test("a syntax error is reported with its line and without the text around it", () => {
  const { table, problems } = readToml('a = 1\npassword = "hunter2\n', "x.toml");
  assert.equal(table, undefined);
  assert.equal(problems.length, 1);
  const line = problems.map(problemLine).join("");
  assert.match(line, /^x\.toml:2: not valid TOML: /);
  assert.doesNotMatch(line, /hunter2/);
});
