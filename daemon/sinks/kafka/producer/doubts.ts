import { describe } from "../../../errors.ts";
import { Backoff } from "../connection/backoff.ts";
import type { SealedBatch } from "./sealed-batch.ts";
import { classifyError, KafkaError, kafkaCodes } from "../protocol/errors.ts";
import { Cursor, readRange } from "./read-range.ts";
import type { SenderContext } from "./sender-context.ts";
import { AppendedSearch } from "./appended-search.ts";

export interface Settled {
  /** What was not found, in order. If some records of a batch were found, a batch of the others is in its place. */
  readonly entries: readonly SealedBatch[];
  /** Whether everything was seen that may be in the log. If not, a warning is logged. */
  readonly isComplete: boolean;
}

/**
 * Looks up which records of doubtful batches are in the log after all, and acknowledges those. Tries until it succeeds,
 * or until it is certain that the topic cannot be read.
 */
export async function settleDoubts(
  topic: string,
  partition: number,
  entries: readonly SealedBatch[],
  context: SenderContext,
): Promise<Settled> {
  const doubtful = entries.filter(({ mayBeAppended }) => mayBeAppended);
  if (doubtful.length === 0) return { entries, isComplete: true };
  const from = Math.min(...doubtful.map(({ floor }) => floor ?? 0));
  const backoff = new Backoff();
  let search = new AppendedSearch(doubtful);
  let hidden: string | undefined;
  const cursor = new Cursor(from, () => {
    search = new AppendedSearch(doubtful);
    hidden = undefined;
  });
  const visitor = {
    visit: (record: Parameters<AppendedSearch["visit"]>[0]) => search.visit(record),
    passOver: ({ message }: Error) => void (hidden = message),
  };
  for (;;) {
    try {
      await readRange(context, topic, partition, cursor, visitor);
      break;
    } catch (reason) {
      if (isUnreadable(reason)) {
        hidden = describe(reason);
        if (reason instanceof KafkaError) hidden += "; the operation Read on the topic would avoid it";
        break;
      }
      context.log.debug(
        { code: "batch-lookup-retried" },
        `${topic}/${partition}: looking up what is there: ${classifyError(reason).text}`,
      );
      await context.metadataCache.refresh();
      await backoff.wait(context.signal);
    }
  }
  const missing = entries.flatMap((entry) => withoutFound(entry, search, context));
  const left = missing.filter(({ mayBeAppended }) => mayBeAppended).length;
  if (hidden === undefined || left === 0) return { entries: missing, isComplete: true };
  context.log.warn(
    { code: "batches-sent-unchecked" },
    `${topic}/${partition}: ${left} batches are sent again and some of their records may be there twice, each with the same wazuh-alert-id, because what the topic holds cannot be read (${hidden})`,
  );
  return { entries: missing, isComplete: false };
}

/** A reason for which a topic cannot be read, and which trying again does not end. */
export function isUnreadable(reason: unknown): boolean {
  return (
    reason instanceof RangeError ||
    (reason instanceof KafkaError && reason.code === kafkaCodes.TOPIC_AUTHORIZATION_FAILED)
  );
}

function withoutFound(
  entry: SealedBatch,
  search: AppendedSearch,
  { options, telemetry }: SenderContext,
): readonly SealedBatch[] {
  const found = new Set(entry.slots.filter((slot) => search.found.has(slot)));
  if (found.size === 0) return [entry];
  for (const slot of found) {
    entry.pendingWrite.settle(slot.index, { kind: "acknowledged", offset: search.found.get(slot) ?? 0 });
  }
  telemetry.acknowledged(found.size, entry.batch?.length ?? 0, entry.pendingWrite.ageMs, entry.uncompressedBytes);
  const rest = entry.without(found, options.compression);
  return rest === undefined ? [] : [rest];
}
