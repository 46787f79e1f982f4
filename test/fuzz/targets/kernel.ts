import assert from "node:assert/strict";
import { Alert } from "../../../daemon/alert/alert.ts";
import { Document, lastScan, type Member } from "../../../daemon/alert/json.ts";
import { Scanner, skipSpace } from "../../../daemon/alert/scanner.ts";
import { missing, rowPlace } from "../../../daemon/kernel/row.ts";
import { kernelRow, kernelText, kernelTape } from "../../../daemon/kernel/memory.ts";
import { notAnObject } from "../../../daemon/kernel/plain.ts";
import { plainKernel } from "../../../daemon/kernel/scan.ts";
import { vectorKernel } from "../../../daemon/kernel/vector.ts";
import { fingerprintOf } from "../../../daemon/pairing/fingerprint.ts";
import { seededRandom } from "../../rig/random.ts";
import { alerts, alertWords, hostileJson, windowsAlert } from "../seeds.ts";
import type { Target } from "../target.ts";

type Path = readonly [string, ...string[]];

/** Where the kernel's row has the members of these paths. */
const paths: readonly (readonly [place: number, path: Path])[] = [
  [rowPlace.id, ["id"]],
  [rowPlace.timestamp, ["timestamp"]],
  [rowPlace.agentId, ["agent", "id"]],
  [rowPlace.agentName, ["agent", "name"]],
  [rowPlace.agentIp, ["agent", "ip"]],
  [rowPlace.ruleId, ["rule", "id"]],
  [rowPlace.ruleLevel, ["rule", "level"]],
  [rowPlace.node, ["cluster", "node"]],
  [rowPlace.managerName, ["manager", "name"]],
  [rowPlace.location, ["location"]],
  [rowPlace.integration, ["data", "integration"]],
];

/** Members that repeat a key of an alert, mostly with a value of another type, or that only look like one. */
export const members: readonly Buffer[] = [
  '"id":"7.8"|"id":12|"id":-0|"id":[]|"id":{"id":"1"}|"id":null|"id":""|"id":"a\\u0041"|"id":"\xe4"|"id":"4294967296.1"',
  '"timestamp":1e5|"timestamp":"t"|"timestamp":{}|"timestampX":"t"|"timestam":"t"',
  '"agent":5|"agent":{"id":"9"}|"agent":{"name":"n","ip":7}|"agent":[{"id":"8"}]|"agent":{"id":{}}|"agent":{"id":"000"}',
  '"rule":{"id":1,"level":"x"}|"rule":{"level":7.5,"groups":[["dfn"]]}|"rule":[]|"rule":"r"|"rule":{"id":"a","id":["b"]}',
  '"cluster":{"node":""}|"cluster":{"node":"\xc3\xa9"}|"cluster":{"node":"a\\nb"}|"cluster":null|"cluster":{"nodes":1}',
  '"manager":{"name":"m2"}|"manager":{"name":false}|"manager":{}|"managed":{"name":"x"}',
  '"data":{"integration":"dfn"}|"data":{"integration":"d\\u0066n"}|"data":{"integration":1}|"data":7|"location":"dfn"',
  '"location":"\\u0064fn"|"location":[]|"\\u0069d":"x"|"i\\u0064":{}|"\\u0061gent":{"id":"1"}|"\xe4":{"id":"1"}|"a":{"\\u0069d":1}',
  '"n":0.1234567890123456|"n":1234567890123456|"n":123456789012345|"n":12345678.12345678|"n":-1234567.12345678|"n":0.12345678901234|"n":0.123456789012345|"n":-0|"n":-0.5|"n":1E+2|"n":-|"n":01|"n":1.|"n":1e|"n":.5',
  '"s":"\\/"|"s":"\\u00"|"s":"\\x"|"s":"\x01"|"s":"\x00"|"s":"a long\x1f text"|"s":"\xc3\xa4\xc3\xa4\x00\xc3\xa4\xc3\xa4"|"s":"longer\\\\text \x7f\xff"|"s":"\xff"|"s" : 1|\t"s":\r\n[ ]|"w":true|"w":nul|"w":falsey|"e":{ }',
]
  .join("|")
  .split("|")
  .map((member) => Buffer.from(`${member},`, "latin1"));

/** Of our own, and in the form that cJSON prints, with numbers that a double holds. */
export const ownAlert = Buffer.from(
  '{"timestamp":"2026-11-21T10:00:00.123+0100","rule":{"level":5,"description":"\\"d\\" \\\\ \\n","id":"60122",' +
    '"groups":["dfn"]},"agent":{"id":"000","name":"h","ip":"10.0.0.1"},"manager":{"name":"m"},"id":"1763715600.1",' +
    '"cluster":{"name":"c","node":"n"},"data":{"integration":"dfn","dfn":{"id":"1","name":[1,{"id":2}]}},"location":"dfn"}',
);

/** Its row is not valid, but filled up to the id. */
const strangeAlert = Buffer.from(windowsAlert.toString().replace('"id":"1763', '"\\u0069d":"1763'));

/**
 * The kernel, in WebAssembly and plain, compared with the ordinary way, by `Scanner` and `Document`: what is accepted, the tape, the row and the
 * fingerprint. Each input is tried as it is and with members put between its own.
 */
export const kernel: Target = {
  name: "kernel",
  seeds: [ownAlert, ...alerts, ...hostileJson],
  words: [...alertWords, ...members.map((member) => member.toString("latin1"))],
  testInputs: 600,
  open: () => ({ judge, work: (input) => Alert.parse(input).identityHash("", "") }),
};

function judge(input: Buffer): string {
  const answers = [input, ...variants(input)].map((line) => judgeLine(line));
  return [...new Set(answers)].toSorted().join(", ");
}

/** The same text with members put in where one begins; the input alone decides which. */
function variants(input: Buffer): Buffer[] {
  const random = seededRandom(input.reduce((sum, byte) => (Math.imul(sum, 31) + byte) | 0, 0));
  const draw = (below: number): number => Math.floor(random() * below);
  return Array.from({ length: 4 }, () => {
    let line = input;
    for (let left = 1 + draw(3); left > 0; left--) {
      const from = draw(line.length + 1);
      const at = Math.min(...[line.indexOf('{"', from), line.indexOf(',"', from)].filter((one) => one >= 0)) + 1;
      const member = members[draw(members.length)];
      if (member !== undefined && Number.isFinite(at)) {
        line = Buffer.concat([line.subarray(0, at), member, line.subarray(at)]);
      }
    }
    return line;
  });
}

/**
 * Compares both ways for one text.
 * @returns in a word what became of it
 */
export function judgeLine(line: Buffer): string {
  const scanned = scanAsEver(line);
  assert.ok(vectorKernel, "this machine has WebAssembly, and the sources are built");
  for (const [start, { scanText, scannedInexactNumber, scannedForeignForm }] of [
    [0, vectorKernel],
    [37, vectorKernel],
    [0, plainKernel],
    [37, plainKernel],
  ] as const) {
    kernelText.set(line, start);
    const end = start + line.length;
    kernelText[end] = 0x22;
    kernelTape.fill(7, 0, line.length);
    const length = scanText(start, end);
    assert.equal(kernelText[end], 0x22, "the byte behind the text is as before");
    assert.ok(line.equals(kernelText.subarray(start, end)), "the text is as before");
    assert.equal(length, scanned?.length ?? notAnObject, "what is accepted, and its members");
    if (scanned === undefined) continue;
    assert.equal(scannedInexactNumber(), scanned.isInexact, "a number that is not exact");
    assert.equal(scannedForeignForm(), scanned.isForeign, "the form");
    assert.deepEqual(kernelTape.slice(0, length), scanned.tape, "the tape");
  }
  if (scanned === undefined) return "refused";
  return compareRow(line);
}

/** What the ordinary scan finds; undefined if it refuses the text. */
function scanAsEver(line: Buffer) {
  const tape = new Int32Array(line.length);
  const scanner = new Scanner(line, tape);
  const start = skipSpace(line, 0, line.length);
  const end = scanner.object(start);
  if (end < 0 || skipSpace(line, end, line.length) < line.length) return undefined;
  const { tapeLength: length, hasInexactNumber: isInexact, hasForeignForm } = scanner;
  return {
    length,
    tape: tape.slice(0, length),
    isInexact,
    isForeign: hasForeignForm || start > 0 || end < line.length,
  };
}

/** What names the alert, by its row and by asking for each member. */
function compareRow(line: Buffer): string {
  const document = new Document(line);
  const named = (path: Path): Member | undefined => {
    const member = document.member(path);
    return member?.kind === "string" || member?.kind === "number" ? member : undefined;
  };
  const texts = paths.map(([, path]) => named(path)?.text || undefined);
  document.tape();
  assert.ok(vectorKernel);
  const isValid = vectorKernel.fillRow(lastScan.tapeLength);
  for (const { fillRow } of [plainKernel, vectorKernel]) {
    kernelRow.fill(7);
    assert.equal(fillRow(lastScan.tapeLength), isValid, "whether the row is valid");
    for (const [place, path] of isValid ? paths : []) {
      const { start = missing, end = missing } = named(path) ?? {};
      assert.deepEqual([...kernelRow.subarray(place, place + 2)], [start, end], path.join("."));
    }
  }
  if (!isValid) assert.ok(line.includes("\\"), "only an escape makes the row invalid");

  const [id, timestamp, agentId, agentName, agentIp, ruleId, , node, managerName, location] = texts;
  const alert = Alert.parse(line);
  const hash = alert.identityHash(node ?? managerName ?? "", "\u00ff");
  const parts = [node ?? managerName ?? "", id ?? "", timestamp ?? "", agentId ?? "", ruleId ?? "", "\u00ff"];
  if (hash === undefined) {
    const isDecoded = [id, timestamp, agentId, ruleId].some((part) => /[^\0-\x7f]/.test(part ?? ""));
    assert.ok(id === undefined || isDecoded || line.includes("\\"), "not without a reason");
  } else assert.deepEqual(hash, fingerprintOf(parts, 0), "the fingerprint");
  const level = named(["rule", "level"]);
  const isOwn =
    document.member(["data", "integration"])?.kind === "string" &&
    [texts.at(-1), location, agentId].join() === "dfn,dfn,000";
  const expected = {
    id,
    timestamp,
    agentId,
    agentName,
    agentIp,
    ruleId,
    ruleLevel: level?.kind === "number" ? Number(level.text) : undefined,
    managerName,
    location,
    isOwn,
    node: node ?? managerName ?? "",
  };
  assert.deepEqual(fieldsOf(alert), expected, "the fields");
  Alert.parse(strangeAlert);
  assert.equal(alert.identityHash("", ""), undefined, "the row is of another alert");
  assert.deepEqual(fieldsOf(alert), expected, "the fields, when another alert was parsed meanwhile");
  return `${isValid ? "" : "no "}row, ${hash === undefined ? "no " : ""}fingerprint${isOwn ? ", own" : ""}`;
}

function fieldsOf(alert: Alert): object {
  const { id, timestamp, agentId, agentName, agentIp, ruleId, ruleLevel, managerName, location, isOwn } = alert;
  const node = alert.nodeOr(undefined);
  return { id, timestamp, agentId, agentName, agentIp, ruleId, ruleLevel, managerName, location, isOwn, node };
}
