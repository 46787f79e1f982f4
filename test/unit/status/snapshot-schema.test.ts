import assert from "node:assert/strict";
import { test } from "node:test";
import type { Facts, StatusSnapshot } from "../../../daemon/status/facts.ts";
import { snapshotSchema } from "../../../daemon/status/snapshot-schema.ts";
import { schemaViolations } from "../../rig/schema-violations.ts";
import { aForwarder } from "./a-forwarder.ts";

const healthy = { state: "ok", reasons: [] } as const;

/** As a client sees them: members that are undefined are absent. */
function violationsOf(snapshot: StatusSnapshot): string[] {
  return schemaViolations(JSON.parse(JSON.stringify(snapshotSchema())), JSON.parse(JSON.stringify(snapshot)));
}

const open = {
  entries: 2,
  since: "2026-11-21T10:00:00.000Z",
  causes: [{ source: "tail", reason: "too-large", handler: "windows", entries: 2 }],
  detail: "too large",
};

const cases: Readonly<Record<string, Partial<Facts>>> = {
  "with nothing wrong": {},
  "before anything is known": { log: undefined, checkpoint: undefined, socket: undefined, pairingWindow: undefined },
  "with everything wrong": {
    isReady: false,
    socket: { refused: 3, contradicted: 1, contradictedSecondsAgo: 7 },
    events: { lastSeen: { "4625": "2026-11-21T10:00:00.000Z" }, leftOut: { "fail2ban-group": 2 } },
    log: {
      state: "waiting: /alerts.json does not exist",
      file: "/alerts.json",
      offset: 0,
      size: undefined,
      lagBytes: undefined,
      lagCompressedFiles: 2,
      lagSeconds: undefined,
      damagedArchives: [{ file: "/a.gz", offset: 10 }],
    },
    checkpoint: { ageSeconds: 3.5, trouble: "no space left on device" },
    manifests: { topic: "m", stream: "s", sequence: 7, waiting: 2, isLate: true, undecided: 3 },
    sink: {
      kind: "kafka",
      isConnected: false,
      connected: [],
      waitingBatches: 2,
      throttledMs: 1.5,
      lastAcknowledgedAt: undefined,
      lookups: [{ topic: "t", partition: 0, broker: "a:9092", waitsFor: "an answer", seconds: 4 }],
      troubles: [
        {
          code: "kafka-unreachable",
          subject: "brokers",
          text: "refused",
          remedy: "start them",
          since: 1_700_000_000_000,
        },
      ],
      lastError: { text: "refused", since: 1_700_000_000_000 },
      latency: undefined,
    },
    certificates: [
      { setting: "cert", file: "/c.pem", expiresAt: "2026-11-21T10:00:00.000Z", daysLeft: -1 },
      { setting: "ca", file: "/ca.pem", trouble: "it does not exist" },
    ],
    deadLetters: {
      entries: 5,
      bytes: 100,
      acknowledged: 1,
      open,
      openNonAlerts: open,
      rawGivenUp: 1,
      nonAlertsGivenUp: 2,
      trouble: "cannot be written",
    },
  },
  "with the file sink": { sink: { kind: "file", trouble: "no space left on device" } },
};

for (const [which, some] of Object.entries(cases)) {
  test(`the schema describes each member of a status ${which}`, () => {
    assert.deepEqual(violationsOf({ ...aForwarder(some), health: healthy }), []);
  });
}

test("the schema tells a status from what is not one", () => {
  const snapshot = { ...aForwarder(), health: healthy };
  const schema = JSON.parse(JSON.stringify(snapshotSchema()));
  const wrong = { ...snapshot, pid: "42", health: { state: "fine", reasons: [{}] }, invented: 1 };
  assert.deepEqual(schemaViolations(schema, JSON.parse(JSON.stringify(wrong))).toSorted(), [
    ".health.reasons[0].code: is missing",
    ".health.reasons[0].remedy: is missing",
    ".health.reasons[0].since: is missing",
    ".health.reasons[0].subject: is missing",
    ".health.reasons[0].text: is missing",
    '.health.state: is not one of ["ok","degraded"]',
    ".invented: is not described",
    ".pid: string in place of integer",
  ]);
});
