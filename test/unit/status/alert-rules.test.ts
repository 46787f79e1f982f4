import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { reasonCodes } from "../../../daemon/telemetry/reason-codes.ts";
import { repositoryRoot } from "../../../scripts/repository.ts";

const rule = z.object({
  alert: z.string(),
  expr: z.string(),
  labels: z.object({ severity: z.enum(["critical", "warning"]) }),
  annotations: z.object({ summary: z.string(), description: z.string(), runbook_url: z.string() }),
});
const file = z.object({ groups: z.array(z.object({ rules: z.array(rule) })) });
const { groups } = file.parse(parse(readFileSync(join(repositoryRoot, "monitoring/alerts.yaml"), "utf8")));
const rules = groups.flatMap((group) => group.rules);

test("each reason of being degraded is in one rule, and no rule names another", () => {
  const named = rules.flatMap(({ expr }) => (/code=~"([^"]+)"/.exec(expr)?.[1] ?? "").split("|")).filter(Boolean);
  assert.deepEqual(named.toSorted(), [...reasonCodes].toSorted());
});

test("each rule leads to a section of the run book", () => {
  const codes: readonly string[] = reasonCodes;
  for (const { alert, expr, annotations } of rules) {
    const [page, section = ""] = annotations.runbook_url.split("#");
    assert.equal(page, "file:///usr/share/doc/wazuh-dfn/runbook.md", alert);
    if (section === "{{ $labels.code }}") assert.match(expr, /by \([^)]*code\)/, alert);
    else assert.ok(codes.includes(section), `${alert}: ${section}`);
  }
});
