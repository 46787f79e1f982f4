import assert from "node:assert/strict";
import { test } from "node:test";
import type { Facts, Health } from "../../../daemon/status/facts.ts";
import { HealthWatch } from "../../../daemon/status/health.ts";
import { aForwarder, counts, countsOf, kafkaAtWork } from "./a-forwarder.ts";
import type { TailStatus } from "../../../daemon/sources/tail/status.ts";

/** Looks every half second by its own clock, as the service does. */
class Watching {
  readonly #watch = new HealthWatch(0);
  #nowMs = 0;

  /** The result after looking at the same facts for the given time. */
  after(seconds: number, facts: Facts): Health {
    let health = this.#watch.look(facts, this.#nowMs, this.#nowMs);
    const endMs = this.#nowMs + seconds * 1000;
    while (this.#nowMs < endMs) {
      this.#nowMs += 500;
      health = this.#watch.look(facts, this.#nowMs, this.#nowMs);
    }
    return health;
  }
}

const subjects = ({ reasons }: Health): string[] => reasons.map(({ subject }) => subject);
const busy = (acknowledged: number): Partial<Facts> => ({
  queue: { alerts: 5, bytes: 500, limitBytes: 1000 },
  sources: countsOf({ tail: counts({ read: acknowledged + 5, inFlight: 5, acknowledged }) }),
});
const trouble = {
  code: "kafka-unreachable" as const,
  subject: "Kafka",
  text: "a:9092 refuses",
  remedy: "start it",
  since: 0,
};

test("with nothing wrong it is ok, idle or at work", () => {
  const watching = new Watching();
  assert.deepEqual(watching.after(60, aForwarder()), { state: "ok", reasons: [] });
  for (let acknowledged = 0; acknowledged < 10; acknowledged++) {
    assert.equal(watching.after(9, aForwarder(busy(acknowledged))).state, "ok");
  }
});

test("work that waits for ten seconds without any outcome is degraded, and one outcome ends that", () => {
  const watching = new Watching();
  assert.equal(watching.after(9.5, aForwarder(busy(3))).state, "ok");
  const stuck = watching.after(5, aForwarder(busy(3)));
  assert.deepEqual(subjects(stuck), ["delivery"]);
  assert.match(stuck.reasons[0]?.text ?? "", /^5 alerts are in flight, and none of them got an outcome for 14 s$/);
  assert.equal(watching.after(0, aForwarder(busy(4))).state, "ok");
});

function fullStore(entries: number, rawGivenUp: number, nonAlertsGivenUp: number): string[] {
  const deadLetters = { ...aForwarder().deadLetters, entries, bytes: 9, rawGivenUp, nonAlertsGivenUp };
  return new Watching().after(0, aForwarder({ deadLetters })).reasons.map(({ text }) => text);
}

test("what the limit of the dead-letter store has cost is a reason until the store is empty", () => {
  assert.deepEqual(fullStore(5, 0, 0), []);
  assert.match(
    fullStore(5, 2, 0).join(),
    /^the dead-letter store is full: 2 of its oldest entries lost their raw bytes$/,
  );
  assert.match(fullStore(5, 0, 3).join(), /3 lines of the socket that were not alerts were removed$/);
  assert.deepEqual(fullStore(0, 2, 3), []);
});

test("socket copies that contradict the log are a reason for an hour", () => {
  const of = (contradictedSecondsAgo: number): Health =>
    new Watching().after(0, aForwarder({ socket: { refused: 9, contradicted: 2, contradictedSecondsAgo } }));
  assert.deepEqual(subjects(of(3600)), ["socket"]);
  assert.deepEqual(subjects(of(3601)), []);
  assert.deepEqual(subjects(new Watching().after(0, aForwarder())), []);
});

test("a dead letter is an outcome, a copy that is left to another source is not", () => {
  const watching = new Watching();
  const paired = (n: number): Facts => {
    const { sources, ...rest } = aForwarder(busy(3));
    return { ...rest, sources: { ...sources, socket: counts({ read: n, paired: n }) } };
  };
  for (let n = 0; n < 12; n++) watching.after(1, paired(n));
  assert.deepEqual(subjects(watching.after(0, paired(12))), ["delivery"]);
  const { sources, ...rest } = aForwarder(busy(3));
  const dead = {
    ...rest,
    sources: { ...sources, tail: counts({ read: 9, inFlight: 5, acknowledged: 3, deadLettered: 1 }) },
  };
  assert.equal(watching.after(0, dead).state, "ok");
});

test("an idle hour does not count against the first alert after it", () => {
  const watching = new Watching();
  watching.after(3600, aForwarder());
  assert.equal(watching.after(5, aForwarder(busy(0))).state, "ok");
});

test("the sink's trouble is reported with its remedy and its beginning, once it has lasted a second", () => {
  const watching = new Watching();
  watching.after(10, aForwarder());
  const facts = aForwarder({ sink: { ...kafkaAtWork, isConnected: false, troubles: [trouble] } });
  assert.equal(watching.after(0.5, facts).state, "ok");
  assert.deepEqual(watching.after(1, facts).reasons, [
    {
      code: "kafka-unreachable",
      subject: "Kafka",
      text: "a:9092 refuses",
      remedy: "start it",
      since: "1970-01-01T00:00:10.000Z",
    },
  ]);
  assert.equal(watching.after(0, aForwarder()).state, "ok");
  assert.equal(watching.after(0.5, facts).state, "ok", "it starts again");
});

test("records that Kafka has lost are a reason at once", () => {
  const loss = { ...trouble, subject: "records of t/0", text: "t/0 has lost records", remedy: "replay them" };
  const facts = aForwarder({ sink: { ...kafkaAtWork, losses: [loss] } });
  const { state, reasons } = new Watching().after(0, facts);
  assert.equal(state, "degraded");
  assert.deepEqual(
    reasons.map(({ subject, text, remedy }) => [subject, text, remedy]),
    [["records of t/0", "t/0 has lost records", "replay them"]],
  );
});

test("stuck work points to the trouble that explains it", () => {
  const sink = { ...kafkaAtWork, troubles: [trouble] };
  const { reasons } = new Watching().after(11, aForwarder({ ...busy(0), sink }));
  assert.deepEqual(
    reasons.map(({ subject, remedy }) => [subject, remedy]),
    [
      ["delivery", "fix what is named below"],
      ["Kafka", "start it"],
    ],
  );
});

test("a log that is missing for a moment is being rotated, one that stays missing is reported within two seconds", () => {
  const log: TailStatus = {
    ...aForwarder().log!,
    state: "waiting: /alerts.json does not exist.\nIs the manager running?",
  };
  const watching = new Watching();
  assert.equal(watching.after(0.5, aForwarder({ log })).state, "ok");
  assert.equal(watching.after(0, aForwarder()).state, "ok");
  const { reasons } = watching.after(1.5, aForwarder({ log }));
  assert.deepEqual(reasons[0]?.text, "/alerts.json does not exist.\nIs the manager running?");
});

test("a log that stays more than a minute behind is reported, a look in mid-read is not taken for it", () => {
  const log: TailStatus = {
    ...aForwarder().log!,
    state: "catching-up",
    lagBytes: 7000,
    lagCompressedFiles: 2,
    lagSeconds: 300,
  };
  const watching = new Watching();
  assert.equal(watching.after(5, aForwarder({ log })).state, "ok");
  assert.equal(watching.after(0, aForwarder()).state, "ok");
  const { reasons } = watching.after(11, aForwarder({ log }));
  assert.match(reasons[0]?.text ?? "", /300 s behind the log; 7000 bytes and 2 compressed files/);
});

test("a log whose lag is not known is not said to be behind", () => {
  const log: TailStatus = { ...aForwarder().log!, state: "catching-up", lagBytes: 7000, lagSeconds: undefined };
  const watching = new Watching();
  assert.equal(watching.after(0, aForwarder({ log })).state, "ok");
  assert.equal(watching.after(3600, aForwarder({ log })).state, "ok");
});

test("a damaged archive is a reason, with its place and what to do, in addition to a log that is missing", () => {
  const damagedArchives = [{ file: "/2026/Nov/ossec-alerts-21.json.gz", offset: 77 }];
  const log = {
    ...aForwarder().log!,
    state: "waiting: gone" as const,
    lagBytes: undefined,
    lagSeconds: undefined,
    damagedArchives,
  };
  const { reasons } = new Watching().after(0, aForwarder({ log }));
  assert.deepEqual(
    reasons.map(({ text, remedy }) => `${text}; ${remedy}`),
    [
      "/2026/Nov/ossec-alerts-21.json.gz is damaged and was read up to byte 77 of its content; replace it with an intact copy: " +
        "the rest is then read by itself; if there is no copy, move the file away, which ends this warning",
    ],
  );
});

test("a failure to store is reported at once: checkpoint, dead letters, the sink's file", () => {
  const facts = aForwarder({
    checkpoint: { ageSeconds: 9, trouble: "no room for the checkpoint" },
    deadLetters: { ...aForwarder().deadLetters, trouble: "no room for dead letters" },
    sink: { kind: "file", trouble: "no room for records" },
  });
  const { state, reasons } = new Watching().after(0, facts);
  assert.equal(state, "degraded");
  assert.deepEqual(
    reasons.map(({ text }) => text),
    ["no room for records", "no room for the checkpoint", "no room for dead letters"],
  );
});

function expiring(daysLeft: number): Health {
  const certificate = { setting: "cert", file: "/c.pem", expiresAt: "2027-01-01T00:00:00.000Z", daysLeft } as const;
  return new Watching().after(0, aForwarder({ certificates: [certificate] }));
}

test("a certificate is reported seven days before it ends, and when it has ended", () => {
  assert.equal(expiring(8).state, "ok");
  assert.match(expiring(7).reasons[0]?.text ?? "", /\/c\.pem expires in 7 days, on 2027/);
  assert.match(expiring(-1).reasons[0]?.text ?? "", /\/c\.pem expired on 2027/);
});

test("a forwarder that is not ready says so", () => {
  assert.deepEqual(subjects(new Watching().after(0, aForwarder({ isReady: false }))), ["forwarder"]);
});

const open = {
  entries: 30,
  since: "2026-11-22T10:00:00.000Z",
  detail: "the record is too large",
  causes: [
    { source: "tail", reason: "refused", handler: "fail2ban", entries: 20 },
    { source: "tail", reason: "torn", handler: undefined, entries: 7 },
  ],
};

test("dead letters are a reason at once: how many, their cause, since when, and what to do; until none is open", () => {
  const { deadLetters } = aForwarder();
  const watching = new Watching();
  const { state, reasons } = watching.after(0, aForwarder({ deadLetters: { ...deadLetters, entries: 30, open } }));
  assert.equal(state, "degraded");
  assert.deepEqual(reasons[0], {
    code: "dead-letters-open",
    subject: "dead letters",
    text: "30 dead letters are in the store, not delivered: 20 refused (handler fail2ban, source tail), 7 torn (source tail), 3 others; the newest: the record is too large",
    remedy:
      "wazuh-dfn dead-letter list; fix the cause, then dead-letter replay --all, or acknowledge them: dead-letter ack --all",
    since: "2026-11-22T10:00:00.000Z",
  });
  const acknowledged = { ...deadLetters, entries: 30, acknowledged: 30 };
  assert.equal(watching.after(0, aForwarder({ deadLetters: acknowledged })).state, "ok");
});

test("lines of the socket that are not alerts are a reason of their own, which hides no alert", () => {
  const { deadLetters } = aForwarder();
  const causes = [{ source: "socket", reason: "not-json", handler: undefined, entries: 1 }];
  const openNonAlerts = { entries: 1, since: "2026-11-22T10:00:00.000Z", detail: "not JSON", causes };
  const only = new Watching().after(0, aForwarder({ deadLetters: { ...deadLetters, openNonAlerts } }));
  assert.deepEqual(subjects(only), ["dead letters of the socket"]);
  assert.match(only.reasons[0]?.text ?? "", /^1 line of the socket is not an alert: 1 not-json \(source socket\)/);
  const both = new Watching().after(0, aForwarder({ deadLetters: { ...deadLetters, open, openNonAlerts } }));
  assert.deepEqual(subjects(both), ["dead letters", "dead letters of the socket"]);
});
