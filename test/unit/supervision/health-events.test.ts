import assert from "node:assert/strict";
import { test } from "node:test";
import { HealthEvents } from "../../../daemon/supervision/health-events.ts";
import type { Health } from "../../../daemon/status/facts.ts";

function wrong(...subjects: string[]): Health {
  const reasons = subjects.map((subject) => ({ subject, text: `${subject} is wrong`, remedy: "mend it", since: "" }));
  return { state: subjects.length === 0 ? "ok" : "degraded", reasons };
}

/** What is told and remembered, in order. */
function watch(wasDegraded = false): {
  readonly told: string[];
  readonly order: string[];
  readonly news: HealthEvents;
} {
  const told: string[] = [];
  const order: string[] = [];
  const news = new HealthEvents({
    report: ({ status, subject, text }) => {
      told.push(`${status} ${subject}: ${text}`);
      order.push(status);
    },
    remember: (isDegraded) => order.push(`remember ${isDegraded}`),
    wasDegraded,
  });
  return { told, order, news };
}

test("what goes wrong is told once, with its remedy, and that all is well when it has lasted", () => {
  const { told, news } = watch();
  news.look(wrong(), 0);
  news.look(wrong("kafka"), 500);
  news.look(wrong("kafka", "log"), 1000);
  news.look(wrong("kafka"), 1500);
  assert.deepEqual(told, ["degraded kafka: kafka is wrong; mend it", "degraded log: log is wrong; mend it"]);
  news.look(wrong(), 2000);
  news.look(wrong(), 31_499);
  assert.equal(told.length, 2);
  news.look(wrong(), 31_500);
  news.look(wrong(), 90_000);
  assert.deepEqual(told.slice(2), ["recovered forwarder: all is well again"]);
});

test("what comes and goes is told again after ten minutes, not before", () => {
  const { told, news } = watch();
  for (let at = 0; at < 900_000; at += 60_000) {
    news.look(wrong("kafka"), at);
    news.look(wrong(), at + 30_000);
  }
  assert.equal(told.filter((line) => line.startsWith("degraded")).length, 2);
});

test("starting and stopping are no news", () => {
  const { told, news } = watch();
  news.look(wrong("forwarder"), 0);
  news.look(wrong(), 60_000);
  assert.deepEqual(told, []);
});

test("what was told is remembered before it is told, and forgotten after its end is told", () => {
  const { order, news } = watch();
  news.look(wrong("kafka"), 0);
  news.look(wrong("kafka", "log"), 500);
  news.look(wrong(), 31_000);
  assert.deepEqual(order, ["remember true", "degraded", "degraded", "recovered", "remember false"]);
});

test("what an earlier process told is ended once all has been well and ready for its time", () => {
  const { told, order, news } = watch(true);
  const startMs = 5_000_000;
  news.look(wrong("forwarder"), startMs);
  news.look(wrong("forwarder"), startMs + 40_000);
  news.look(wrong(), startMs + 69_999);
  assert.deepEqual(told, []);
  news.look(wrong(), startMs + 70_000);
  assert.deepEqual(told, ["recovered forwarder: all is well again"]);
  assert.deepEqual(order, ["recovered", "remember false"]);
});

test("what an earlier process told and is still so is told again by this one", () => {
  const { told, news } = watch(true);
  news.look(wrong("dead letters"), 0);
  news.look(wrong("dead letters"), 100_000);
  assert.deepEqual(told, ["degraded dead letters: dead letters is wrong; mend it"]);
});
