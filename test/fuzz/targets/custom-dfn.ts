import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { parseCall } from "../../../integration/call.ts";
import { BadFile, readAlertLine, readOptions } from "../../../integration/files.ts";
import { formatAnswer, maxAnswerBytes, parseAnswer } from "../../../integration/protocol.ts";
import { Alert } from "../../../daemon/alert/alert.ts";
import { NotJson } from "../../../daemon/alert/json.ts";
import { TempDir } from "../../rig/temp-dir.ts";
import { depthOf, parsedObject } from "../oracles.ts";
import { alerts, alertWords, hostileJson } from "../seeds.ts";
import type { Subject, Target } from "../target.ts";

const full = ["/tmp/custom-dfn-1-2.alert", "", "unix:/s", "debug", "/tmp/x.options", "10", "3", "> /dev/null 2>&1"];

/** The arguments of a call, separated by NUL as the system separates them. */
export const call: Target = {
  name: "call",
  seeds: [
    full,
    full.slice(0, 1),
    ["", ...full.slice(1)],
    ["a", "", "http://x y unix:", "", "", "999999999", "999999999"],
  ].map((args) => Buffer.from(args.join("\0"))),
  words: [
    "\0",
    "unix:",
    ".options",
    "debug",
    "> /dev/null 2>&1",
    "-1",
    "1e9",
    "999999999",
    ".alert",
    " ",
    "-1--2.alert",
  ],
  testInputs: 3000,
  open: () => ({ judge: judgeCall, work: (input) => parseCall(input.toString().split("\0")) }),
};

function judgeCall(input: Buffer): string {
  const args = input.length === 0 ? [] : input.toString().split("\0");
  const found = parseCall(args);
  if (found === undefined) {
    assert.ok((args[0] ?? "") === "" && args.length < 7, "refused although it names a file");
    return "refused";
  }
  const { alertFile, socketPath, optionsFile, patienceMs, debug, byIntegratord } = found;
  assert.equal(alertFile, args[0]);
  assert.ok(socketPath !== "" && (socketPath.startsWith("/") || args.includes(`unix:${socketPath}`)));
  assert.ok(optionsFile === undefined || args.includes(optionsFile, 1));
  assert.ok(Number.isInteger(patienceMs) && patienceMs >= 0 && patienceMs < 2 ** 31);
  assert.ok(!debug || args.includes("debug"));
  return `${debug} ${byIntegratord} ${optionsFile === undefined} ${socketPath.length > 20}`;
}

/** The two files of a call: what is accepted is one line and the same JSON, what is refused is reported in one line. */
export const callFiles: Target = {
  name: "call-files",
  seeds: [
    ...hostileJson,
    ...alerts.slice(0, 3),
    ...[
      '{"tail":false}\n',
      '{"tail": true}',
      '{"tail":null}',
      " \n",
      '{\n"a" :\r\n[1,\n2]}\n',
      '{"tail":\n"\u001b[2J"}',
    ].map((text) => Buffer.from(text)),
  ],
  words: [...alertWords, "\n", "\r\n", '"tail"', "false", "\x1b[2J"],
  testInputs: 700,
  async open(): Promise<Subject> {
    const temp = await TempDir.create();
    const path = temp.join("a");
    return { judge: (input) => judgeFiles(input, path), close: () => temp[Symbol.asyncDispose]() };
  },
};

function judgeFiles(input: Buffer, path: string): string {
  writeFileSync(path, input);
  const parsed = parsedObject(input);
  const options = orRefusal(() => readOptions(path));
  if (typeof options === "object") assert.ok(options.tail === undefined || typeof options.tail === "boolean");
  const line = orRefusal(() => readAlertLine(path));
  checkAnswer(input);
  if (typeof line === "string") {
    assert.equal(parsed, undefined, "refused, and JSON.parse accepts");
    return `refused, options ${typeof options}`;
  }
  assert.ok(parsed !== undefined);
  assert.equal(line.length, input.length + 1);
  assert.equal(line.indexOf(0x0a), input.length, "one line");
  assert.ok(
    line.subarray(0, -1).every((byte, index) => byte === input[index] || (byte === 0x20 && input[index] === 0x0a)),
  );
  assert.deepEqual(parsedObject(line), parsed);
  assert.equal(isTaken(line), depthOf(input.toString()) <= 1000, "the forwarder accepts what custom-dfn accepts");
  return `taken, options ${typeof options}`;
}

function orRefusal<T>(read: () => T): T | string {
  try {
    return read();
  } catch (reason) {
    if (!(reason instanceof BadFile)) throw reason;
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    assert.doesNotMatch(reason.message, /[\u0000-\u001f\u007f-\u009f]/, "reported in one line, safe for a terminal");
    return reason.message;
  }
}

function isTaken(line: Buffer): boolean {
  try {
    return Alert.parse(line).bytes === line;
  } catch (reason) {
    if (!(reason instanceof NotJson)) throw reason;
    return false;
  }
}

/** Whatever an id or a reason contains, the answer is one short line that can be read back. */
function checkAnswer(input: Buffer): void {
  const text = input.toString("latin1");
  const answer = formatAnswer({ status: "rejected", id: text, reason: text });
  assert.ok(answer.length <= maxAnswerBytes && answer.indexOf("\n") === answer.length - 1);
  assert.equal(parseAnswer(answer.slice(0, -1))?.status, "rejected");
  const heard = parseAnswer(text);
  assert.ok(heard === undefined || parseAnswer(formatAnswer(heard).slice(0, -1)) !== undefined);
}
