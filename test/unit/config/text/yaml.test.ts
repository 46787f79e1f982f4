import assert from "node:assert/strict";
import { test } from "node:test";
import { problemLine } from "../../../../daemon/config/values/problem.ts";
import { plain } from "../../../../daemon/config/values/tree.ts";
import { readYaml } from "../../../../daemon/config/text/yaml.ts";

function problemsOf(text: string): string[] {
  return readYaml(text, "x.yaml").problems.map(problemLine);
}

function valueOf(text: string): unknown {
  const { table, problems } = readYaml(text, "x.yaml");
  assert.deepEqual(problems.map(problemLine), []);
  assert.ok(table !== undefined);
  return JSON.parse(JSON.stringify(plain(table)));
}

test("every scalar is kept as it was written", () => {
  assert.deepEqual(valueOf("a: 0123\nb: on\nc: 1e3\nd: 18446744073709551617\ne: 'x'\nf: ~\n"), {
    a: "0123",
    b: "on",
    c: "1e3",
    d: "18446744073709551617",
    e: "x",
    f: "~",
  });
});

test("aliases are followed", () => {
  assert.deepEqual(valueOf("a: &x [1, 2]\nb: *x\n"), { a: ["1", "2"], b: ["1", "2"] });
});

test("syntax errors are reported with their line", () => {
  assert.deepEqual(problemsOf("a: 1\nb: 2\na: 3\nc: 1\nc: 2\n"), [
    'x.yaml:3: "a" is written twice in the same section; keep one of them',
    'x.yaml:5: "c" is written twice in the same section; keep one of them',
  ]);
  assert.deepEqual(problemsOf("a:\n\tb: 1\n"), ["x.yaml:2: indent with blanks, not with a tab"]);
  assert.deepEqual(problemsOf("a: 1\nb: !!int 2\n"), ["x.yaml:2: a tag (!...) is not allowed; write the plain value"]);
  assert.deepEqual(
    problemsOf("a: 1\n---\nb: 1\n"),
    ["x.yaml:3: a second document (---) is not allowed"].map((line) => line.replace(":3:", ":2:")),
  );
  assert.deepEqual(problemsOf("- a\n- b\n"), ["x.yaml:1: the file must hold sections of settings (dfn:, sink:, ...)"]);
  assert.deepEqual(problemsOf("a: 1\n? [b]\n: 1\n"), ["x.yaml:2: the name of a setting must be plain text"]);
  assert.deepEqual(problemsOf("a: *b\nb: &b 1\n"), ["x.yaml:1: there is no anchor &b before this alias"]);
});

test("hostile files are refused in bounded time and memory", { timeout: 60_000 }, () => {
  for (const part of ["[", "{a: ", "- ", "? ", "-\t"]) {
    assert.deepEqual(problemsOf(`a:\n  ${part.repeat(100_000)}`), ["x.yaml:2: nested too deeply"]);
  }
  const stairs = Array.from({ length: 1000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n");
  assert.deepEqual(problemsOf(stairs), ["x.yaml:258: nested too deeply"]);
  const steepStairs = Array.from({ length: 8 }, (_, i) => `${" ".repeat(30 * i)}${"- ".repeat(15)}`).join("\n");
  assert.match(problemsOf(`a:\n${steepStairs}`).join(), /nested too deeply/);
  assert.deepEqual(problemsOf(`a: ${"[".repeat(40)}${"]".repeat(40)}`), ["x.yaml:1: nested too deeply"]);
  assert.deepEqual(problemsOf("a: &a [*a]\n"), ["x.yaml:1: there is no anchor &a before this alias"]);
  const tooMany = "more than 10000 values; is this the right file?";
  const laughs = Array.from({ length: 20 }, (_, i) => `k${i + 1}: &k${i + 1} [*k${i}, *k${i}]`);
  const [bomb] = problemsOf(["k0: &k0 x", ...laughs].join("\n"));
  assert.ok(bomb?.endsWith(tooMany), bomb);
  const [wide] = problemsOf(Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join("\n"));
  assert.equal(wide, `x.yaml:10000: ${tooMany}`);
});

test("an error never repeats the line that it is on", () => {
  const lines = problemsOf('sasl:\n  password: "hunter2\n').join("\n");
  assert.match(lines, /not valid YAML/);
  assert.doesNotMatch(lines, /hunter2/);
});
