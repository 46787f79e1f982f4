import assert from "node:assert/strict";
import { test } from "node:test";
import { Alert } from "../../../daemon/alert/alert.ts";
import { Tap, type TapFilter, type TappedAlert, type TapVerdict } from "../../../daemon/delivery/tap.ts";
import { tapFilterOf } from "../../../daemon/status/tap-route.ts";

const bytes = Buffer.from(
  JSON.stringify({
    id: "1700000000.1",
    rule: { id: 5710, level: 5, description: "d".repeat(5000), groups: ["sshd", "web"] },
    agent: { id: "001", name: "host" },
    data: { srcip: "192.0.2.7", ok: true, nested: {} },
  }),
);
const alert = Alert.parse(bytes);
const nobody = { settled: () => undefined };
const delivery = {
  source: "tail",
  bytes,
  place: { file: "/a.json", offset: 7, length: bytes.length },
  owner: nobody,
} as const;

/** A tap at a standing clock, and what one listener sees. */
class Listened {
  nowMs = 0;
  readonly tap = new Tap(() => this.nowMs);
  readonly seen: TappedAlert[] = [];
  readonly ended = new AbortController();
  leftOut = 0;

  constructor(filter: Partial<TapFilter> = {}) {
    const listener = {
      filter: { fields: [], ...filter },
      taken: (one: TappedAlert) => void this.seen.push(one),
      sampled: () => void (this.leftOut += 1),
    };
    this.tap.listen(listener, this.ended.signal);
  }

  /** What each way of an alert showed. */
  verdicts(): TapVerdict[] {
    return this.seen.map(({ verdict }) => verdict);
  }
}

async function allWays(tap: Tap): Promise<void> {
  tap.leftOut(Buffer.from('{"id":"1.1"}\n{"id":"1.2"}\n{"cut":'), 0, 33);
  tap.ignored(delivery, alert, undefined);
  tap.paired({ ...delivery, source: "socket" }, alert, "a second copy");
  const owner = tap.shipped(delivery, alert, [{ handler: "windows", topic: "t", value: bytes }]);
  owner.settled("acknowledged", 1);
  const store = tap.reporting({ add: () => Promise.resolve() });
  const letter = { source: "tail", node: "n", place: delivery.place, bytes } as const;
  await store.add({ ...letter, reason: "not-json", detail: "not JSON: x", bytes: Buffer.from("{") });
  await store.add({ ...letter, reason: "refused", detail: "too large", handler: "fail2ban" });
}

test("the tap is off until somebody listens, and off again when the last one has gone", () => {
  const one = new Listened();
  assert.equal(one.tap.isOn, true);
  assert.equal(new Tap().isOn, false);
  const other = new AbortController();
  one.tap.listen({ filter: { fields: [] }, taken: () => undefined, sampled: () => undefined }, other.signal);
  one.ended.abort();
  assert.equal(one.tap.isOn, true);
  one.tap.ignored(delivery, alert, undefined);
  assert.deepEqual(one.seen, []);
  other.abort();
  assert.equal(one.tap.isOn, false);
});

test("each way that an alert can end is shown with its reason; a line that is cut is not", async () => {
  const listened = new Listened();
  await allWays(listened.tap);
  assert.deepEqual(
    listened.seen.map(({ verdict, source, id, reason }) => [verdict, source, id, reason]),
    [
      ["ignored", "tail", "1.1", "nothing in it that a handler looks for"],
      ["ignored", "tail", "1.2", "nothing in it that a handler looks for"],
      ["ignored", "tail", "1700000000.1", "no handler wants it"],
      ["paired", "socket", "1700000000.1", "a second copy"],
      ["sent", "tail", "1700000000.1", "acknowledged: windows to topic t"],
      ["dead", "tail", undefined, "not-json: not JSON: x"],
      ["dead", "tail", "1700000000.1", "fail2ban, refused: too large"],
    ],
  );
  const [, , ignored] = listened.seen;
  assert.deepEqual(
    [ignored?.ruleId, ignored?.level, ignored?.agentName, ignored?.file],
    ["5710", 5, "host", "/a.json"],
  );
  assert.equal(ignored?.description, `${"d".repeat(256)}…`);
});

test("an alert is sent when it is acknowledged, not before, and its owner is told once", () => {
  const listened = new Listened();
  const outcomes: unknown[] = [];
  const owned = { ...delivery, owner: { settled: (...outcome: unknown[]) => void outcomes.push(outcome) } };
  const owner = listened.tap.shipped(owned, alert, [{ handler: "windows", topic: "t", value: bytes }]);
  assert.deepEqual(listened.seen, []);
  owner.settled("dead-letter", 3);
  assert.deepEqual([listened.seen, outcomes], [[], [["dead-letter", 3]]]);
});

test("filters: by verdict, source, handler and fields, all of which must hold", async () => {
  const cases: [query: string, expected: TapVerdict[]][] = [
    ["verdict=dead", ["dead", "dead"]],
    ["verdict=paired&source=tail", []],
    ["source=socket", ["paired"]],
    ["handler=windows", ["sent"]],
    ["handler=fail2ban", ["dead"]],
    ["field=rule.id%3D5710", ["ignored", "paired", "sent", "dead"]],
    ["field=rule.groups%3Dweb&field=data.ok%3Dtrue&verdict=sent", ["sent"]],
    ["field=rule.id%3D5710&field=data.srcip%3D192.0.2.8", []],
    ["field=data.nested%3D%7B%7D", []],
    ["field=data.absent%3D", []],
  ];
  for (const [query, expected] of cases) {
    const listened = new Listened(tapFilterOf(new URLSearchParams(query)));
    await allWays(listened.tap);
    assert.deepEqual(listened.verdicts(), expected, query);
  }
});

function refused(query: string, pattern: RegExp): void {
  assert.throws(() => tapFilterOf(new URLSearchParams(query)), pattern, query);
}

test("a wrong query is refused with what would be right", () => {
  refused("verdict=lost", /sent, ignored, paired, dead/);
  refused("source=kafka", /socket, tail, replay/);
  for (const field of ["x", "%3Dx", ".a%3D1", "a..b%3D1"]) refused(`field=${field}`, /rule\.id=5710/);
  refused(Array.from({ length: 17 }, () => "field=a%3Db").join("&"), /at most 16/);
});

test("a hundred a second are shown whatever flows by, what arrives has precedence, and a sample is named as such", () => {
  const listened = new Listened();
  const { tap } = listened;
  for (let count = 0; count < 10_000; count++) tap.ignored(delivery, alert, undefined);
  const part = [{ handler: "windows", topic: "t", value: bytes }];
  for (let count = 0; count < 40; count++) tap.shipped(delivery, alert, part).settled("acknowledged", 1);
  tap.refill();
  assert.deepEqual([listened.seen.length, listened.leftOut], [90, 1]);
  assert.equal(listened.verdicts().filter((verdict) => verdict === "sent").length, 40);
  // In the long run as many as fit, one after the other.
  for (let second = 1; second <= 10; second++) {
    listened.nowMs = second * 1000;
    tap.refill();
    for (let count = 0; count < 1000; count++) tap.ignored(delivery, alert, undefined);
  }
  assert.ok(listened.seen.length <= 90 + 10 * 100, `${listened.seen.length}`);
  const quiet = new Listened();
  for (let count = 0; count < 1000; count++) {
    quiet.nowMs += 10.1;
    quiet.tap.refill();
    quiet.tap.ignored(delivery, alert, undefined);
  }
  assert.deepEqual([quiet.seen.length, quiet.leftOut], [1000, 0]);
});
