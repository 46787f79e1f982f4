import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import type { Health } from "../../../daemon/status/facts.ts";
import { HealthLog } from "../../../daemon/supervision/health-log.ts";
import type { ReasonCode } from "../../../daemon/telemetry/reason-codes.ts";

function wrong(...codes: ReasonCode[]): Health {
  const reasons = codes.map((code) => ({ code, subject: "s", text: `${code} text`, remedy: "fix it", since: "" }));
  return { state: codes.length === 0 ? "ok" : "degraded", reasons };
}

function watch(): { readonly health: HealthLog; readonly logged: string[] } {
  const logged: string[] = [];
  const write = (line: string): void => {
    const { level, code, msg }: Record<string, unknown> = JSON.parse(line);
    logged.push([level, code, msg].join(" "));
  };
  const log = pino({ formatters: { level: (label) => ({ level: label }) } }, { write });
  return { health: new HealthLog(() => log), logged };
}

test("a reason is logged with its code when it begins, and when it was away for a minute; not while it comes and goes", () => {
  const { health, logged } = watch();
  health.look(wrong(), 0);
  for (let at = 1000; at < 300_000; at += 1000) health.look(at % 50_000 === 0 ? wrong("log-behind") : wrong(), at);
  assert.deepEqual(logged, ["warn log-behind log-behind text; fix it"]);
  health.look(wrong(), 309_999);
  assert.equal(logged.length, 1);
  health.look(wrong(), 310_000);
  health.look(wrong(), 400_000);
  assert.deepEqual(logged.slice(1), ["info log-behind-over s: no longer a reason of being degraded"]);
});

test("a reason that is logged where it is found is not logged again", () => {
  const { health, logged } = watch();
  health.look(wrong("kafka-unreachable", "not-ready", "dead-letters-open", "certificate-expired"), 0);
  assert.deepEqual(logged, ["error certificate-expired certificate-expired text; fix it"]);
});
