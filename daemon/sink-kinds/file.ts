import { dirname } from "node:path";
import { z } from "zod";
import type { SinkSettingsOf } from "../config/sections/sink.ts";
import { checkWritable } from "../config/system-checks.ts";
import { FileSink } from "../sinks/file/sink.ts";
import type { ReasonCode } from "../telemetry/reason-codes.ts";
import { answerParts, type SinkDefinition } from "./definition.ts";

interface FileSinkState {
  readonly kind: "file";
  /** Why records cannot be written; absent while they can. */
  readonly trouble: string | undefined;
  readonly troubleCode?: ReasonCode | undefined;
}

export const fileDefinition: SinkDefinition<SinkSettingsOf<"file">, FileSink, FileSinkState> = {
  kind: "file",
  check: ({ file: { path } }) => checkWritable("sink.file.path", dirname(path), "the directory of the file"),
  create: ({ file: { path } }, { log }) => new FileSink(path, log),
  searchedBack: 16 * 1024 * 1024,
  batchLimits: () => ({ maxBytes: 1024 * 1024, maxRecords: 10_000, lingerMs: 5 }),
  find: (sink, search) => sink.find(search),
  extents: (sink, topics) => sink.extents(topics),
  read: (sink, reading) => sink.read(reading),
  topicSettings: () => Promise.resolve(undefined),
  writtenFiles: ({ file: { path } }) => [path],
  tls: () => undefined,
  state: ({ trouble, troubleCode }) => ({ kind: "file", trouble, troubleCode }),
  answer: z.looseObject({
    kind: z.literal("file"),
    trouble: answerParts.text.optional(),
    troubleCode: answerParts.word.optional(),
  }),
  isHeldUp: ({ trouble }) => trouble !== undefined,
  troubles: ({ trouble: text, troubleCode: code = "file-sink-unwritable" }) =>
    text === undefined ? [] : [{ code, subject: "file sink", text, remedy: "", patienceMs: 0 }],
  samples: () => [],
  summary: ({ trouble }) => [["sink", trouble === undefined ? "file" : "file, cannot be written"]],
};
