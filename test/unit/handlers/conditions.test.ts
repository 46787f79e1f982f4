import assert from "node:assert/strict";
import { test } from "node:test";
import { Alert } from "../../../daemon/alert/alert.ts";
import { alertOrFault } from "../../../daemon/delivery/judge.ts";
import type { ExplainedHandler } from "../../../daemon/handlers/conditions.ts";
import { createHandlers, type HandlersSettings } from "../../../daemon/handlers/registry.ts";
import { defaultEventIds } from "../../../daemon/handlers/windows.ts";
import { corpusLines, goldenCases } from "../../rig/corpus-lines.ts";

const passthroughs: readonly NonNullable<HandlersSettings["passthrough"]>[] = [
  { topic: "all" },
  { topic: "all", level: 5, groups: ["windows", "fail2ban"], location: "!^dfn$" },
  { topic: "all", ruleIds: ["60122", "5710"], location: "EventChannel|fail2ban" },
];

function handlersFor(ownNetwork: readonly string[], passthrough: HandlersSettings["passthrough"]): ExplainedHandler[] {
  const settings = { windows: { eventIds: defaultEventIds }, fail2ban: {}, passthrough };
  return createHandlers({ customerId: "wire", ownNetwork }, settings);
}

/** How often the verdicts were yes and no. */
function compare(handlers: readonly ExplainedHandler[], alert: Alert): [wanted: number, unwanted: number] {
  let wanted = 0;
  for (const handler of handlers) {
    const isWanted = handler.record(alert) !== undefined;
    const found = handler.explain(alert);
    assert.equal(
      found.every(({ holds }) => holds),
      isWanted,
      `${handler.name} of ${alert.bytes.toString()}: ${JSON.stringify(found)}`,
    );
    if (isWanted) wanted += 1;
  }
  return [wanted, handlers.length - wanted];
}

test("for every golden case each handler's conditions all hold exactly if it makes a record", () => {
  const totals = [0, 0] as [number, number];
  for (const { own_network: network, alert } of goldenCases()) {
    const own = network === null ? [] : [network];
    for (const passthrough of passthroughs) {
      const [yes, no] = compare(handlersFor(own, passthrough), Alert.parse(Buffer.from(JSON.stringify(alert))));
      totals[0] += yes;
      totals[1] += no;
    }
  }
  assert.ok(totals[0] > 100 && totals[1] > 200, String(totals));
});

test("the same for every alert of the corpus, whatever it holds", () => {
  const totals = [0, 0] as [number, number];
  for (const line of corpusLines()) {
    const alert = alertOrFault(line);
    if (!(alert instanceof Alert)) continue;
    for (const own of [[], ["10.0.0.0/8", "198.51.100.0/24"]]) {
      for (const passthrough of passthroughs) {
        const [yes, no] = compare(handlersFor(own, passthrough), alert);
        totals[0] += yes;
        totals[1] += no;
      }
    }
  }
  assert.ok(totals[0] > 100 && totals[1] > 200, String(totals));
});

function explained(handler: ExplainedHandler | undefined, alert: unknown): string[] {
  const found = handler?.explain(Alert.parse(Buffer.from(JSON.stringify(alert)))) ?? [];
  return found.map(({ field, must, holds, value }) => `${field} ${must}: ${value} ${holds ? "yes" : "no"}`);
}

test("each condition shows the value that decides, as it was written, or that there is none", () => {
  const [windows, fail2ban, passthrough] = handlersFor(["198.51.100.0/24"], {
    topic: "all",
    level: 7,
    groups: ["web"],
    ruleIds: ["31101"],
    location: "^/var/log",
  });
  const event = { data: { win: { system: { eventID: 4624 } } } };
  assert.deepEqual(explained(windows, event), [
    `data.win.system.eventID is one of ${defaultEventIds.join(", ")}: 4624 no`,
  ]);
  assert.match(explained(windows, { data: { win: {} } })[0] ?? "", /: undefined no$/);
  const ban = { rule: { groups: ["fail2ban"] }, data: { srcip: "198.51.100.7", program_name: "fail2ban.actions" } };
  assert.deepEqual(explained(fail2ban, ban), [
    'data.srcip is not empty: "198.51.100.7" yes',
    'data.program_name is fail2ban.actions: "fail2ban.actions" yes',
    'rule.groups has fail2ban: ["fail2ban"] yes',
    'data.srcip is a public address: "198.51.100.7" no',
    'data.srcip is an address outside of dfn.own_network (198.51.100.0/24): "198.51.100.7" no',
  ]);
  const alert = { rule: { level: 6, id: "31101", groups: ["web", "x".repeat(2000)] }, location: "/VAR/log/a" };
  const [location, level, groups, rule] = explained(passthrough, alert);
  assert.equal(location, 'location matches ^/var/log: "/VAR/log/a" yes');
  assert.equal(level, "rule.level is at least 7: 6 no");
  assert.match(groups ?? "", /^rule.groups has one of web: \["web","x{500,510}… yes$/);
  assert.equal(rule, 'rule.id is 31101: "31101" yes');
});
