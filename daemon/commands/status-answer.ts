/**
 * The answer to `/status`, checked before anything is done with it: whoever answers on the socket may no longer be the
 * forwarder. Its shape is checked once, here; every text has a limit, every number is one, and a process id names a process.
 */
import { z } from "zod";
import { answerParts } from "../sink-kinds/definition.ts";
import { sinkAnswer } from "../sink-kinds/registry.ts";
import type { StatusSnapshot } from "../status/facts.ts";

/** A status has a few kilobytes, even with many problems. */
export const maxAnswerBytes = 1024 * 1024;
/** Deeper than any status. */
const maxDepth = 16;
/** The highest number of a process: PID_MAX_LIMIT of Linux. */
const maxPid = 4_194_304;

const { text, word, number, list } = answerParts;
const counts = z.looseObject({
  read: number,
  ignored: number,
  paired: number,
  inFlight: number,
  acknowledged: number,
  deadLettered: number,
});
/** One number for each name. */
const numbers = z.record(word, number).refine((named) => Object.keys(named).length <= 1000);
const cause = z.looseObject({ source: word, reason: word, handler: word.optional(), entries: number });
const openLetters = z.looseObject({ entries: number, causes: list(cause) });
const certificate = z.looseObject({
  setting: word,
  file: text,
  expiresAt: word.optional(),
  daysLeft: number.optional(),
  trouble: text.optional(),
});

/** Fields that only other versions have are kept; only `--json` shows them. */
const snapshot = z.looseObject({
  version: word,
  pid: z.number().int().min(1).max(maxPid),
  node: word,
  uptimeSeconds: number,
  isReady: z.boolean(),
  sources: z.record(word, counts).refine((sources) => Object.keys(sources).length <= 32),
  queue: z.looseObject({ alerts: number, bytes: number, limitBytes: number }),
  pairingWindow: number.optional(),
  socket: z
    .looseObject({ refused: number, contradicted: number, contradictedSecondsAgo: number.optional() })
    .optional(),
  events: z.looseObject({ leftOut: numbers, records: numbers.optional() }),
  log: z
    .looseObject({
      state: text,
      troubleCode: word.optional(),
      file: text,
      offset: number,
      size: number.optional(),
      lagBytes: number.optional(),
      lagCompressedFiles: number,
      lagSeconds: number.optional(),
      damagedArchives: list(z.looseObject({ file: text, offset: number })).optional(),
    })
    .optional(),
  checkpoint: z
    .looseObject({ ageSeconds: number.optional(), trouble: text.optional(), troubleCode: word.optional() })
    .optional(),
  manifests: z
    .looseObject({
      topic: text,
      stream: text,
      sequence: number,
      waiting: number,
      isLate: z.boolean(),
      undecided: number.optional(),
    })
    .optional(),
  sink: sinkAnswer,
  certificates: list(certificate),
  feedback: z.looseObject({ sent: number, dropped: number, retried: number, queued: number }),
  deadLetters: z.looseObject({
    entries: number,
    bytes: number,
    acknowledged: number.optional(),
    open: openLetters.optional(),
    openNonAlerts: openLetters.optional(),
    rawGivenUp: number,
    trouble: text.optional(),
    troubleCode: word.optional(),
  }),
  process: z.looseObject({ rssBytes: number, openFiles: number.optional() }),
  health: z.looseObject({
    state: z.enum(["ok", "degraded"]),
    reasons: list(z.looseObject({ code: word.optional(), subject: text, text, remedy: text, since: word })),
  }),
});

/** @param json at most `maxAnswerBytes` long @throws Error when it is not a status */
export function parseStatus(json: string): StatusSnapshot {
  if (isDeep(json)) throw new Error("what answers there is not wazuh-dfn: its JSON is nested too deeply");
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (reason) {
    throw new Error("what answers there is not wazuh-dfn: its answer is not JSON", { cause: reason });
  }
  if (isSnapshot(value)) return value;
  const where = snapshot.safeParse(value).error?.issues[0]?.path.join(".") ?? "";
  throw new Error(`what answers there is not wazuh-dfn, or another version of it: its answer is wrong at "${where}"`);
}

function isSnapshot(value: unknown): value is StatusSnapshot {
  return snapshot.safeParse(value).success;
}

/** Whether brackets outside of strings nest deeper than in any status. */
function isDeep(json: string): boolean {
  let depth = 0;
  let isInText = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (isInText && character === "\\") at++;
    else if (character === '"') isInText = !isInText;
    else if (isInText) continue;
    else if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth > maxDepth) return true;
  }
  return false;
}
