import { headerNames } from "../../header-names.ts";
import { openForReading, behindOwnLink } from "../../disk/open-file.ts";
import { describe } from "../../errors.ts";
import { SoughtAlerts, type RecordSearch, type TopicSearch } from "../../records/record-search.ts";
import { LineSplitter } from "../../sources/tail/log/line-splitter.ts";
import { recordOfLine } from "./read-back.ts";

const readBytes = 1 << 20;
/** As long as `read-back.ts` takes them; a longer one is not one of ours. */
const maxLineBytes = 64 * 1024 * 1024;

/** Finds records in a file of the file sink, from its beginning: it holds what was written since it was begun. Never rejects. */
export async function findInFile(path: string, search: RecordSearch): Promise<readonly TopicSearch[]> {
  const result = (shortfall: string | undefined): TopicSearch[] =>
    search.topics.map((topic) => ({ topic, partitions: 1, shortfall }));
  try {
    await using file = await openForReading(await behindOwnLink(path));
    const { size } = await file.stat();
    const finder = new FileFinder(path, search);
    const chunk = Buffer.allocUnsafe(readBytes);
    for (let at = 0; at < size;) {
      if (search.signal.aborted) return result(`${path} was read up to byte ${at} of ${size} when the time was over`);
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, size - at), at);
      if (bytesRead === 0) break;
      if (finder.push(chunk.subarray(0, bytesRead))) break;
      at += bytesRead;
    }
    return result(undefined);
  } catch (reason) {
    return result(`${path} cannot be read: ${describe(reason)}`);
  }
}

class FileFinder {
  readonly #path: string;
  readonly #search: RecordSearch;
  readonly #sought: SoughtAlerts;
  readonly #splitter: LineSplitter;

  constructor(path: string, search: RecordSearch) {
    this.#path = path;
    this.#search = search;
    this.#sought = new SoughtAlerts(search.alerts);
    // Each record names its alert's id in JSON, as it is written there.
    const ids = [...new Set(search.alerts.map(({ id }) => id))].map((id) => Buffer.from(JSON.stringify(id)));
    const next = (bytes: Buffer, from: number, end: number): number => {
      const hits = ids.map((id) => bytes.subarray(0, end).indexOf(id, from)).filter((hit) => hit >= 0);
      return hits.length === 0 ? -1 : Math.min(...hits);
    };
    this.#splitter = new LineSplitter({ next, ignored: () => undefined }, maxLineBytes);
  }

  /** @returns whether the search is over */
  push(chunk: Buffer): boolean {
    for (const { kind, bytes, offset } of this.#splitter.push(chunk)) {
      const record = kind === "line" ? recordOfLine(bytes.toString()) : undefined;
      if (record === undefined || !this.#search.topics.includes(record.topic)) continue;
      const { topic, headers, value } = record;
      const alert = this.#sought.get(headers[headerNames.id], headers[headerNames.node]);
      if (alert === undefined) continue;
      const handler = headers[headerNames.handler] ?? "";
      const found = { topic, partition: 0, offset, file: this.#path, handler };
      if (this.#search.found(alert, { ...found, value: value === null ? null : Buffer.from(value) })) return true;
    }
    return false;
  }
}
