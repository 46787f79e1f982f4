/**
 * The body of `/status` as JSON Schema. The compiler compares the members with the types, and a test compares the schema
 * with real answers. What commands believe of an answer is another matter: `commands/status-answer.ts`.
 */
import { z } from "zod";
import type { OpenDeadLetters } from "../dead-letters/open.ts";
import { sinkAnswer } from "../sink-kinds/registry.ts";
import type { TailStatus } from "../sources/tail/status.ts";
import type { Counts } from "../telemetry/counters.ts";
import { reasonCodes } from "../telemetry/reason-codes.ts";
import type { CertificateExpiry } from "./certificates.ts";
import type { Facts, Reason, StatusSnapshot } from "./facts.ts";

/** Each member of `T`, and none but these. */
type Members<T> = { readonly [K in keyof T]-?: z.ZodType };

const text = z.string();
const time = z.iso.datetime().describe("ISO 8601, UTC.");
const count = z.int().min(0);
const bytes = count.describe("Bytes.");

const counts = z
  .looseObject({
    read: count,
    ignored: count.describe("No handler wants them."),
    paired: count.describe("Covered by a copy from another source."),
    inFlight: count.describe("Relevant and without an outcome."),
    acknowledged: count.describe("All their records are in the sink."),
    deadLettered: count,
  } satisfies Members<Counts>)
  .describe("Since the process started: read = ignored + paired + inFlight + acknowledged + deadLettered.");

const openLetters = z.looseObject({
  entries: count,
  since: time.optional().describe("Time of the oldest."),
  causes: z.array(
    z.looseObject({ source: text, reason: text, handler: text.optional(), entries: count } satisfies Members<
      OpenDeadLetters["causes"][number]
    >),
  ),
  detail: text.optional().describe("What was wrong with the newest."),
} satisfies Members<OpenDeadLetters>);

const code = z.enum(reasonCodes).describe("docs/runbook.md has a section for it.");

const tail = z.looseObject({
  state: text.describe('"following", "catching-up", or "waiting: " and why.'),
  troubleCode: code.optional(),
  file: text.describe("The file that is read."),
  offset: bytes.describe("Bytes of it that were read."),
  size: bytes.optional(),
  lagBytes: bytes.optional().describe("Bytes that are not read yet, without compressed files."),
  lagCompressedFiles: count.describe("Compressed files that are not read yet."),
  lagFiles: count.optional().describe("Files that are not begun yet, compressed or not."),
  lagSeconds: z.number().optional().describe("Age of the newest alert read while there is more to read."),
  damagedArchives: z.array(z.looseObject({ file: text, offset: bytes })).optional(),
} satisfies Members<TailStatus>);

const certificate = z.looseObject({
  setting: text,
  file: text,
  expiresAt: time.optional(),
  daysLeft: z.int().optional().describe("Whole days; negative when it has expired."),
  trouble: text.optional().describe("Why the file cannot be read, and what to do."),
} satisfies Members<CertificateExpiry>);

const reason = z.looseObject({
  code,
  subject: text.describe("What it is about."),
  text,
  remedy: text.describe("What to do; may be empty."),
  since: time.describe("When it was first seen."),
} satisfies Members<Reason>);

const snapshot = z.looseObject({
  version: text.describe("Version of wazuh-dfn."),
  pid: z.int().min(1),
  node: text.describe("Version of Node."),
  uptimeSeconds: count,
  isReady: z.boolean().describe("Whether alerts are accepted."),
  sources: z.record(text, counts).describe("By name of the source."),
  queue: z
    .looseObject({ alerts: count, bytes, limitBytes: bytes.describe("limits.memory") } satisfies Members<
      Facts["queue"]
    >)
    .describe("Between read and outcome."),
  pairingWindow: count.optional().describe("Alerts that are remembered to recognise a second copy."),
  socket: z
    .looseObject({
      refused: count.describe("Connections of users who may not send alerts."),
      contradicted: count.describe("Copies that differed from the line in alerts.json."),
      contradictedSecondsAgo: count.optional(),
    } satisfies Members<NonNullable<Facts["socket"]>>)
    .optional(),
  events: z.looseObject({
    lastSeen: z.record(text, time).describe("By Windows event id, or by handler."),
    records: z.record(text, count).optional().describe("Records made, by handler."),
    leftOut: z.record(text, count).describe("Alerts that were not sent and probably should have been, by reason."),
  } satisfies Members<Facts["events"]>),
  log: tail.optional().describe("How far alerts.json is read."),
  manifests: z
    .looseObject({
      topic: text,
      stream: text,
      sequence: count.describe("Number of the last one that was cut; 0 before the first."),
      waiting: count.describe("Cut and not in the topic."),
      isLate: z.boolean().describe("The oldest of them has waited for longer than 30 s."),
      undecided: count
        .optional()
        .describe("Records of an earlier process whose lines may still come by; absent until the look-up is over."),
    } satisfies Members<NonNullable<Facts["manifests"]>>)
    .optional()
    .describe("Absent unless manifests are published."),
  checkpoint: z
    .looseObject({
      ageSeconds: z.number().optional().describe("Since the checkpoint on disk was last up to date."),
      trouble: text.optional(),
      troubleCode: code.optional(),
    } satisfies Members<NonNullable<Facts["checkpoint"]>>)
    .optional(),
  sink: sinkAnswer,
  certificates: z.array(certificate),
  feedback: z
    .looseObject({ sent: count, dropped: count, retried: count, queued: count } satisfies Members<Facts["feedback"]>)
    .describe("Events for Wazuh."),
  deadLetters: z.looseObject({
    entries: count,
    bytes,
    acknowledged: count.optional(),
    open: openLetters.describe("Neither removed nor acknowledged."),
    openNonAlerts: openLetters.describe("The same for lines of the socket that are not alerts."),
    rawGivenUp: count.describe("Entries whose raw bytes were removed to make room."),
    nonAlertsGivenUp: count.describe("Entries that were not alerts and were removed to make room."),
    trouble: text.optional(),
    troubleCode: code.optional(),
  } satisfies Members<Facts["deadLetters"]>),
  process: z.looseObject({ rssBytes: bytes, openFiles: count.optional() } satisfies Members<Facts["process"]>),
  health: z.looseObject({
    state: z.enum(["ok", "degraded"]),
    reasons: z.array(reason).describe("What is wrong, the most serious first; empty when nothing is."),
  } satisfies Members<StatusSnapshot["health"]>),
} satisfies Members<StatusSnapshot>);

let made: object | undefined;

/** JSON Schema (2020-12) of `/status`. Members that are unknown or switched off are absent; later versions may add some. */
export function snapshotSchema(): object {
  made ??= {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Status of wazuh-dfn",
    ...z.toJSONSchema(snapshot, { io: "input", unrepresentable: "any" }),
  };
  return made;
}
