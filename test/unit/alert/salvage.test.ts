import assert from "node:assert/strict";
import { test } from "node:test";
import { mayBeTorn, salvage } from "../../../daemon/alert/salvage.ts";
import { generator } from "./generator.ts";

/** Alerts and the rest of a line, as text. */
function salvaged(line: string): { alerts: string[]; rest: string[] } {
  const bytes = Buffer.from(line);
  const found = salvage(bytes);
  const spans = [...found.alerts, ...found.rest].toSorted((a, b) => a.start - b.start);
  // Together they make up the line: nothing is lost, nothing is there twice.
  assert.equal(spans.map(({ start, end }) => bytes.toString("utf8", start, end)).join(""), line);
  assert.ok(spans.every(({ start, end }) => end > start));
  const text = ({ start, end }: { start: number; end: number }): string => bytes.toString("utf8", start, end);
  return { alerts: found.alerts.map(text), rest: found.rest.map(text) };
}

const one =
  '{"timestamp":"1","rule":{"level":3,"groups":["a"]},"full_log":"x \\"y\\" \\\\","data":{"n":-1.5,"b":true}}';
const two = '{"timestamp":"2","agent":{"id":"001"},"id":"2.2"}';

test("a whole alert after a torn one is found, wherever the first was torn", () => {
  for (let length = 1; length < one.length; length++) {
    assert.deepEqual(salvaged(one.slice(0, length) + two), { alerts: [two], rest: [one.slice(0, length)] });
  }
});

test("whole alerts before, between and after torn ones are found", () => {
  const next = generator(3);
  for (let round = 0; round < 2000; round++) {
    const alerts: string[] = [];
    let line = "";
    for (let parts = 1 + next(6); parts > 0; parts--) {
      const alert = next(2) === 0 ? one : two;
      if (next(2) === 0) {
        line += alert.slice(0, 15 + next(alert.length - 15));
      } else {
        line += alert;
        alerts.push(alert);
      }
    }
    assert.deepEqual(salvaged(line).alerts, alerts, line);
  }
});

test("a torn line without a whole alert is all rest", () => {
  assert.deepEqual(salvaged(one.slice(0, 40)), { alerts: [], rest: [one.slice(0, 40)] });
  assert.deepEqual(salvaged("no alert"), { alerts: [], rest: ["no alert"] });
  assert.deepEqual(salvaged(""), { alerts: [], rest: [] });
});

test("an alert that is followed by anything else is not taken as whole", () => {
  assert.deepEqual(salvaged(`${two}x${two}`), { alerts: [two], rest: [`${two}x`] });
  assert.deepEqual(salvaged(`${two},`), { alerts: [], rest: [`${two},`] });
});

test("blanks after the last alert are rest", () => {
  assert.deepEqual(salvaged(`x${two} \r`), { alerts: [two], rest: ["x", " \r"] });
});

test("an object inside an alert is not an alert of its own", () => {
  const outer = `{"timestamp":"3","data":{"inner":${two}}}`;
  assert.deepEqual(salvaged(`torn${outer}`), { alerts: [outer], rest: ["torn"] });
  assert.deepEqual(salvaged(`{"timestamp":"3","list":[${two},${two}`), {
    alerts: [two],
    rest: [`{"timestamp":"3","list":[${two},`],
  });
});

test("hostile lines with hundreds of thousands of possible beginnings are handled quickly", () => {
  // Scanning from every beginning to the end would take hours for these.
  const count = 200_000;
  const hostile = [
    '{"timestamp":"'.repeat(count),
    '{"timestamp":"","a":'.repeat(count),
    '{"timestamp":"","a":['.repeat(count),
    `{"timestamp":"","a":[${`${two},`.repeat(count)}`,
    `${'{"timestamp":"","a":['.repeat(900)}${"1,".repeat(count)}`,
    `{"timestamp":"1"},`.repeat(count),
    `{"timestamp":"1"} `.repeat(count),
    `${two}${" ".repeat(count)}x`.repeat(3),
  ];
  for (const line of hostile) assert.ok(salvage(Buffer.from(line)).alerts.length <= 1);
  assert.equal(salvage(Buffer.from('{"timestamp":"1"}'.repeat(count))).alerts.length, count);
});

test("a line counts as torn when an alert in it is cut, at whatever byte, and never when it is one whole alert", () => {
  const alert = '{"timestamp":"2026-11-21T10:00:00.000+0100","rule":{"level":3},"data":{"timestamp":"2026","flow":1}}';
  assert.equal(mayBeTorn(Buffer.from(alert)), false);
  assert.equal(mayBeTorn(Buffer.from(`${alert} \r`)), false);
  assert.equal(mayBeTorn(Buffer.from("")), false);
  assert.equal(mayBeTorn(Buffer.from("** Alert 1763720640.1: - pam,")), false);
  for (let length = 1; length < alert.length; length++) {
    assert.equal(mayBeTorn(Buffer.from(alert.slice(0, length) + alert)), true, `${length} bytes, and another alert`);
    const isWholeValue = alert[length - 1] === "}";
    if (!isWholeValue) assert.equal(mayBeTorn(Buffer.from(alert.slice(0, length))), true, `${length} bytes`);
  }
});
