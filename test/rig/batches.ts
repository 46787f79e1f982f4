import type { Batch, BatchOutcome, Sink, SinkRecord, WriteOutcome } from "../../daemon/contract.ts";
import { encodeRecords } from "../../daemon/records/record-buffer.ts";

/** A batch of these records. */
export function batchOfRecords(topic: string, partition: number, records: readonly SinkRecord[]): Batch {
  const { count, encoded, span } = encodeRecords(records);
  return { topic, partition, count, encoded, span, records: () => records };
}

/** The outcome of each of `count` records. */
export function outcomesOf(outcome: BatchOutcome, count: number): readonly WriteOutcome[] {
  if (outcome.kind === "each") return outcome.outcomes;
  const { baseOffset } = outcome;
  return Array.from({ length: count }, (_, index) => ({ kind: "acknowledged", offset: baseOffset + index }));
}

/** Writes records as one batch. @returns the outcome of each */
export async function writeRecords(
  sink: Sink,
  topic: string,
  partition: number,
  records: readonly SinkRecord[],
): Promise<readonly WriteOutcome[]> {
  return outcomesOf(await sink.write(batchOfRecords(topic, partition, records)), records.length);
}
