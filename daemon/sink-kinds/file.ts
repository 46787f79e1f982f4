import { dirname } from "node:path";
import { z } from "zod";
import type { SinkSettingsOf } from "../config/sections/sink.ts";
import { checkWritable } from "../config/system-checks.ts";
import { FileSink } from "../sinks/file/sink.ts";
import { answerParts, type SinkDefinition } from "./definition.ts";

interface FileSinkState {
  readonly kind: "file";
  /** Why records cannot be written; absent while they can. */
  readonly trouble: string | undefined;
}

export const fileDefinition: SinkDefinition<SinkSettingsOf<"file">, FileSink, FileSinkState> = {
  kind: "file",
  check: ({ file: { path } }) => checkWritable("sink.file.path", dirname(path), "the directory of the file"),
  create: ({ file: { path } }, { log }) => new FileSink(path, log),
  batchLimits: () => ({ maxBytes: 1024 * 1024, maxRecords: 10_000, lingerMs: 5 }),
  writtenFiles: ({ file: { path } }) => [path],
  tls: () => undefined,
  state: ({ trouble }) => ({ kind: "file", trouble }),
  answer: z.looseObject({ kind: z.literal("file"), trouble: answerParts.text.optional() }),
  isHeldUp: ({ trouble }) => trouble !== undefined,
  troubles: ({ trouble }) =>
    trouble === undefined ? [] : [{ subject: "file sink", text: trouble, remedy: "", patienceMs: 0 }],
  samples: () => [],
  summary: ({ trouble }) => [["sink", trouble === undefined ? "file" : "file, cannot be written"]],
};
