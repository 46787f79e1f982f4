import { headerNames } from "../../header-names.ts";
import { openForReading, behindOwnLink } from "../../disk/open-file.ts";
import { describe, isAbsent } from "../../errors.ts";
import type { RecordReading, TopicExtent, UnreadRecords } from "../../records/record-reading.ts";
import { LineSplitter } from "../../sources/tail/log/line-splitter.ts";
import { recordOfLine } from "./read-back.ts";

const readBytes = 1 << 20;
/** As long as `read-back.ts` takes them; a longer one is not one of ours. */
const maxLineBytes = 64 * 1024 * 1024;

/**
 * Where the file of the file sink begins and ends now; all topics are in it, as one partition each. What was written before
 * the file was begun is not in it.
 */
export async function extentsInFile(path: string, topics: readonly string[]): Promise<readonly TopicExtent[]> {
  try {
    await using file = await openForReading(await behindOwnLink(path));
    const { size, birthtimeMs } = await file.stat();
    const extent = { partition: 0, first: 0, next: size, firstMs: birthtimeMs };
    return topics.map((topic) => ({ topic, partitions: [{ topic, ...extent }], trouble: undefined }));
  } catch (reason) {
    // It is made with the first record.
    const trouble = isAbsent(reason) ? undefined : `${path} cannot be read: ${describe(reason)}`;
    return topics.map((topic) => ({ topic, partitions: [], trouble }));
  }
}

/** Reads the file of the file sink once for all stretches. @returns why some records were not seen; none if all were */
export async function readFromFile(path: string, reading: RecordReading): Promise<readonly UnreadRecords[]> {
  const { stretches, signal, visit } = reading;
  const froms = stretches.map(({ from }) => (typeof from === "number" ? from : 0));
  const end = Math.max(0, ...stretches.map(({ until }) => until));
  const splitter = new LineSplitter(
    { next: (_bytes, at, to) => (at < to ? at : -1), ignored: () => undefined },
    maxLineBytes,
  );
  const unread = (text: string): readonly UnreadRecords[] =>
    [...new Set(stretches.map(({ topic }) => topic))].map((topic) => ({ topic, text }));
  if (stretches.length === 0) return [];
  let isVisiting = false;
  try {
    await using file = await openForReading(await behindOwnLink(path));
    const chunk = Buffer.allocUnsafe(readBytes);
    const start = Math.min(...froms);
    splitter.reset(start);
    for (let at = start; at < end;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, end - at), at);
      if (bytesRead === 0) return unread(`${path} ends at byte ${at}, and ended at ${end} a moment ago`);
      for (const { kind, bytes, offset } of splitter.push(chunk.subarray(0, bytesRead))) {
        const record = kind === "line" ? recordOfLine(bytes.toString()) : undefined;
        const stretch = stretches.findIndex(({ topic }) => topic === record?.topic);
        if (record === undefined || stretch < 0 || offset < (froms[stretch] ?? 0)) continue;
        const { topic, headers, value } = record;
        const text = (name: string): string => headers[name] ?? "";
        const names = { handler: text(headerNames.handler), node: text(headerNames.node), id: text(headerNames.id) };
        const source = text(headerNames.source);
        isVisiting = true;
        visit({ topic, partition: 0, offset, ...names, source, value: value === null ? null : Buffer.from(value) });
        isVisiting = false;
      }
      at += bytesRead;
    }
    return [];
  } catch (reason) {
    if (isVisiting || signal.aborted || !(reason instanceof Error && "code" in reason)) throw reason;
    return unread(`${path} cannot be read: ${describe(reason)}`);
  }
}
