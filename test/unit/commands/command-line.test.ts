import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCommandLine } from "../../../daemon/commands/command-line.ts";
import { asksForHelp, overview, unknownCommand } from "../../../daemon/commands/help.ts";
import { DfnError } from "../../../daemon/errors.ts";

const options = { config: { type: "string" }, json: { type: "boolean", default: false } } as const;

test("options and operands are passed on", () => {
  const operands = { min: 0, max: 2 };
  const { values, positionals } = parseCommandLine(
    { name: "x" },
    ["--config=c", "-", "--", "--json"],
    options,
    operands,
  );
  assert.deepEqual({ ...values }, { config: "c", json: false });
  assert.deepEqual(positionals, ["-", "--json"]);
});

test("a wrong call is a usage error that names the mistake and the nearest option", () => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [["--confg", "c"], /^x: there is no option --confg; did you mean --config\?; see: wazuh-dfn x --help$/],
    [["--confg=secret"], /^x: there is no option --confg; did you mean/],
    [["--zzzzzz"], /^x: there is no option --zzzzzz; see/],
    [["-q"], /^x: there is no option -q; see/],
    [["--config"], /^x: Option '--config <value>' argument missing/],
    [["--json=yes"], /^x: Option '--json' does not take an argument/],
    [["more"], /^x: unexpected operand "more"; see/],
  ];
  for (const [args, message] of cases) {
    assert.throws(
      () => parseCommandLine({ name: "x" }, args, options),
      (error) => error instanceof DfnError && error.code === "USAGE" && message.test(error.message),
      args.join(" "),
    );
  }
  assert.throws(() => parseCommandLine({ name: "x" }, [], options, { min: 1, max: 1 }), /an operand is missing/);
});

test("--help or -h before -- asks for help", () => {
  assert.equal(asksForHelp(["--config", "c", "--help"]), true);
  assert.equal(asksForHelp(["-h"]), true);
  assert.equal(asksForHelp(["--", "--help"]), false);
});

test("the overview lists every command with its summary", () => {
  const text = overview([
    { name: "run", summary: "runs" },
    { name: "version", summary: "tells" },
  ]);
  assert.match(text, /^ {2}run {6}runs\n {2}version {2}tells$/m);
});

test("an unknown command is answered with the nearest one, or with the whole list", () => {
  assert.match(unknownCommand("chekc", ["check", "run"]).message, /did you mean check\?$/);
  assert.match(unknownCommand("frobnicate", ["check", "run"]).message, /there are: check, run$/);
});
