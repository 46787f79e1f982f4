/** Records that are expected, from a file as the file sink writes it. */
import { headerNames } from "../header-names.ts";
import { GzipFault } from "../disk/gunzip.ts";
import { describe, DfnError, errnoOf } from "../errors.ts";
import { recordOfLine } from "../sinks/file/read-back.ts";
import { contentOf, type Input } from "../sources/replay/content.ts";
import { LineSplitter } from "../sources/tail/log/line-splitter.ts";
import { maxDifferentRecords, RecordSet } from "./record-set.ts";
import { recordHash, type TrialRecord } from "./trial.ts";

/** As long as the file sink's own reader takes them. */
const maxLineBytes = 64 * 1024 * 1024;

/** A record of the file. */
interface ExpectedRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly handler: string;
  readonly id: string;
  readonly node: string;
  readonly value: string | null;
}

/** How often each record is still expected. Only hashes are kept. */
export class Expectation {
  readonly #input: Input;
  readonly #records = new RecordSet();
  #count = 0;

  private constructor(input: Input) {
    this.#input = input;
  }

  /**
   * @param input a file that can be read twice
   * @throws DfnError DATA for a line that is not a record, and for too many different records; IO if it cannot be read
   */
  static async read(input: Input): Promise<Expectation> {
    const expectation = new Expectation(input);
    for await (const record of recordsOf(input)) {
      if (!expectation.#records.add(recordHash(record))) {
        const what = `--expect: ${input.path} holds more than ${maxDifferentRecords} different records`;
        throw new DfnError("DATA", `${what}; compare a part at a time`);
      }
      expectation.#count += 1;
    }
    return expectation;
  }

  /** Records of the file. */
  get count(): number {
    return this.#count;
  }

  /** A record was made. @returns whether it was expected */
  met({ value, ...record }: TrialRecord): boolean {
    return this.#records.take(recordHash({ ...record, value: value.toString() }));
  }

  /** Those that were not met, in the order of the file. */
  async *missing(): AsyncGenerator<Omit<ExpectedRecord, "value">> {
    for await (const record of recordsOf(this.#input)) {
      const { value: _value, ...rest } = record;
      if (this.#records.take(recordHash(record))) yield rest;
    }
  }
}

async function* recordsOf(input: Input): AsyncGenerator<ExpectedRecord> {
  const filter = {
    next: (_bytes: Buffer, from: number, end: number) => (from < end ? from : -1),
    ignored: () => undefined,
  };
  const splitter = new LineSplitter(filter, maxLineBytes);
  const lastLine = { isUnfinished: () => false, withinMs: 0 };
  let number = 0;
  try {
    for await (const chunk of contentOf({ ...input, command: "test" }, new AbortController().signal, lastLine)) {
      for (const line of splitter.push(chunk)) yield recordIn(line.bytes, ++number);
    }
    if (splitter.rest().length > 0)
      for (const line of splitter.push(Buffer.from("\n"))) yield recordIn(line.bytes, ++number);
  } catch (reason) {
    if (reason instanceof DfnError && reason.message.startsWith("--expect")) throw reason;
    if (!(reason instanceof GzipFault) && errnoOf(reason) === undefined) throw reason;
    throw new DfnError(
      reason instanceof DfnError ? reason.code : "IO",
      `--expect: ${input.path}: ${describe(reason)}`,
      {
        cause: reason,
      },
    );
  }

  function recordIn(bytes: Buffer, at: number): ExpectedRecord {
    const record = recordOfLine(bytes.toString());
    const { [headerNames.id]: id, [headerNames.handler]: handler, [headerNames.node]: node } = record?.headers ?? {};
    if (record === undefined || id === undefined || handler === undefined) {
      const what = `--expect: line ${at} of ${input.path} is not a record as the file sink writes it`;
      throw new DfnError("DATA", `${what}; see docs/explain.md`);
    }
    const { topic, key, value } = record;
    return { topic, key, handler, id, node: node ?? "", value };
  }
}
