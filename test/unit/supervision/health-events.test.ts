import assert from "node:assert/strict";
import { test } from "node:test";
import { HealthEvents } from "../../../daemon/supervision/health-events.ts";
import type { Health } from "../../../daemon/status/facts.ts";

function wrong(...subjects: string[]): Health {
  const reasons = subjects.map((subject) => {
    const code = subject === "forwarder" ? ("not-ready" as const) : ("kafka-unreachable" as const);
    return { code, subject, text: `${subject} is wrong`, remedy: "fix it", since: "" };
  });
  return { state: subjects.length === 0 ? "ok" : "degraded", reasons };
}

/** What is reported and remembered, in order. */
function watch(wasDegraded = false): {
  readonly reported: string[];
  readonly order: string[];
  readonly events: HealthEvents;
} {
  const reported: string[] = [];
  const order: string[] = [];
  const events = new HealthEvents({
    report: ({ status, subject, text }) => {
      reported.push(`${status} ${subject}: ${text}`);
      order.push(status);
    },
    remember: (isDegraded) => order.push(`remember ${isDegraded}`),
    wasDegraded,
  });
  return { reported, order, events };
}

test("each trouble is reported once, with its remedy, and so is the recovery when it has lasted", () => {
  const { reported, events } = watch();
  events.look(wrong(), 0);
  events.look(wrong("kafka"), 500);
  events.look(wrong("kafka", "log"), 1000);
  events.look(wrong("kafka"), 1500);
  assert.deepEqual(reported, ["degraded kafka: kafka is wrong; fix it", "degraded log: log is wrong; fix it"]);
  events.look(wrong(), 2000);
  events.look(wrong(), 31_499);
  assert.equal(reported.length, 2);
  events.look(wrong(), 31_500);
  events.look(wrong(), 90_000);
  assert.deepEqual(reported.slice(2), ["recovered forwarder: all is well again"]);
});

test("a trouble that comes and goes is reported again after ten minutes, not before", () => {
  const { reported, events } = watch();
  for (let at = 0; at < 900_000; at += 60_000) {
    events.look(wrong("kafka"), at);
    events.look(wrong(), at + 30_000);
  }
  assert.equal(reported.filter((line) => line.startsWith("degraded")).length, 2);
});

test("starting and stopping are not reported", () => {
  const { reported, events } = watch();
  events.look(wrong("forwarder"), 0);
  events.look(wrong(), 60_000);
  assert.deepEqual(reported, []);
});

test("a report is remembered before it is sent, and forgotten after its end is sent", () => {
  const { order, events } = watch();
  events.look(wrong("kafka"), 0);
  events.look(wrong("kafka", "log"), 500);
  events.look(wrong(), 31_000);
  assert.deepEqual(order, ["remember true", "degraded", "degraded", "recovered", "remember false"]);
});

test("what an earlier process reported is ended once all has been well and ready for the required time", () => {
  const { reported, order, events } = watch(true);
  const startMs = 5_000_000;
  events.look(wrong("forwarder"), startMs);
  events.look(wrong("forwarder"), startMs + 40_000);
  events.look(wrong(), startMs + 69_999);
  assert.deepEqual(reported, []);
  events.look(wrong(), startMs + 70_000);
  assert.deepEqual(reported, ["recovered forwarder: all is well again"]);
  assert.deepEqual(order, ["recovered", "remember false"]);
});

test("what an earlier process reported and still lasts is reported again by this one", () => {
  const { reported, events } = watch(true);
  events.look(wrong("dead letters"), 0);
  events.look(wrong("dead letters"), 100_000);
  assert.deepEqual(reported, ["degraded dead letters: dead letters is wrong; fix it"]);
});
