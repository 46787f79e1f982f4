import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { audit, type Audited, type AuditProgress } from "../../audit/audit.ts";
import { unreadable, type SinkReader } from "../../audit/sink-reading.ts";
import { MissingRecords } from "../../audit/missing-records.ts";
import { sendMissing, type SentMissing } from "../../audit/send-missing.ts";
import type { Config } from "../../config/schema.ts";
import { SettingsHistory } from "../../proof/settings-history.ts";
import { SettingsOfTime } from "../../explain/settings-of-time.ts";
import { Workspace } from "../../audit/workspace.ts";
import { describe, DfnError, exitCodes } from "../../errors.ts";
import { createSink } from "../../sink-kinds/registry.ts";
import { noTelemetry } from "../../sinks/kafka/connection/telemetry.ts";
import { contentOf } from "../../sources/replay/content.ts";
import { become, ownerOfStateDir } from "../../state/owner.ts";
import { createLog, silentLog } from "../../telemetry/log.ts";
import {
  type Command,
  configOptions,
  configOptionsHelp,
  loadConfig,
  maxLineBytes,
  parseCommandLine,
} from "../command.ts";
import { beLowPriority, longestRest } from "../low-priority.ts";
import { keepMemorySmall, youngCollector } from "../memory.ts";
import { replayInputs } from "../replay-inputs.ts";
import { auditHtml } from "./html.ts";
import { showAuditProgress } from "./progress.ts";
import { type AuditReport, auditJson, auditText } from "./text.ts";
import { usageError } from "../command-line.ts";
import { timeOption } from "../time-option.ts";

export const auditCommand: Command = {
  name: "audit",
  summary: "compares the manager's log with the topic: is every alert there?",
  usage: `Reads alerts.json and its archives again, works out which records must be in Kafka, reads the topics back, and
reports by hour: relevant, in Kafka, missing, twice, altered, printed again by integratord, dead letters, pending. Changes
nothing unless --replay-missing is given, and may run while the forwarder does, at low priority.

Usage: wazuh-dfn audit [options]

  --from TIME         alerts from this time on, for instance 2026-11-21; default: from the oldest archive on
  --to TIME           alerts before this time; default: up to now
  --config-now        judge by today's settings, whatever they were when an alert was written
  --ids FILE          instead of reading the topics, compare with a list from the other side: one line
                      handler<TAB>node<TAB>id[<TAB>SHA-256 of the value in hex] for each record; may be compressed
  --replay-missing    send what is missing, after reading what has come into the topic meanwhile
  --json              as one JSON object
  --html FILE         also write the report as a page, with a chart
${configOptionsHelp}
It needs the operation Read on the topics, unless there is a list, and space below the state directory: 128 bytes for each
relevant alert. Exit code: 0 if all is there, once and unaltered; 1 if not; 69 if that cannot be known, with the reason.
`,
  async run(args, io) {
    const options = {
      ...configOptions,
      from: { type: "string" },
      to: { type: "string" },
      "config-now": { type: "boolean", default: false },
      ids: { type: "string" },
      "replay-missing": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      html: { type: "string" },
    } as const;
    const { values } = parseCommandLine(auditCommand, args, options, { min: 0, max: 0 });
    const span = {
      fromMs: timeOption(auditCommand, "from", values.from),
      toMs: timeOption(auditCommand, "to", values.to),
    };
    const isSending = values["replay-missing"];
    if (isSending && values.ids !== undefined) {
      throw usage("--replay-missing needs the topic itself, to see what has come meanwhile; leave out --ids");
    }
    if (values.ids === "-") throw usage("--ids needs a file");
    beLowPriority(longestRest.background);
    keepMemorySmall();
    const config = loadConfig(values, io);
    // What only root may read is read and opened first: secrets by the sink, then the list; and the page is made.
    await using opened = openSink(config.sink, io.env, values.ids !== undefined);
    const owner = ownerOfStateDir(config.stateDir, { isWritten: true });
    const [list] = values.ids === undefined ? [] : replayInputs([{ path: values.ids, from: 0 }], owner);
    using page = values.html === undefined ? undefined : new NewPage(values.html);
    become(owner);
    await using workspace = await Workspace.open(config.stateDir);
    const stop = new AbortController();
    const { signal } = stop;
    const today = new SettingsOfTime(config, maxLineBytes(config));
    const settings = values["config-now"] ? today : await settingsOfTime(config);
    const missing = isSending ? new MissingRecords() : undefined;
    const progress: AuditProgress = { phase: "log", files: 0, ofFiles: 0, bytes: 0, expected: 0, kept: 0 };
    const never = { isUnfinished: () => false, withinMs: 0 };
    const source =
      list === undefined ? opened.reader : { list: contentOf({ ...list, command: "audit" }, signal, never) };
    const parts = { config, maxLineBytes: maxLineBytes(config), settings, span, collect: youngCollector(), signal };
    let audited: Audited;
    const endProgress = showAuditProgress(io.stderr, progress);
    try {
      if (source === undefined) throw new Error("neither a sink nor a list");
      opened.sink?.open();
      audited = await audit({ ...parts, sink: source, workspace, missing, progress });
    } finally {
      endProgress();
    }
    let sent: SentMissing | undefined;
    if (missing !== undefined && opened.sink !== undefined && opened.reader !== undefined) {
      const isUnread =
        audited.result.unknowns.length > 0 && audited.extents.some(({ trouble }) => trouble !== undefined);
      if (isUnread) unreadable(`nothing was sent: ${audited.result.unknowns.join("; ")}`);
      const { sink, reader } = opened;
      const log = createLog(config.log.level);
      sent = await sendMissing({ ...parts, log, sink, reader, missing, audited });
      if (sent.refusal !== undefined) audited.result.unknowns.push(`nothing was sent: ${sent.refusal}`);
    }
    const report: AuditReport = { audited, sent, span, isList: list !== undefined, timeMs: Date.now() };
    io.stdout.write(values.json ? auditJson(report) : auditText(report));
    page?.write(auditHtml(report));
    const { verdict } = audited.result;
    return verdict === "complete" ? 0 : verdict === "incomplete" ? 1 : exitCodes.UNAVAILABLE;
  },
};

interface OpenedSink extends AsyncDisposable {
  readonly sink: ReturnType<typeof createSink>["sink"] | undefined;
  readonly reader: SinkReader | undefined;
}

/** With a list the sink is not needed, and need not be usable. @throws DfnError as `createSink` */
function openSink(
  settings: Parameters<typeof createSink>[0],
  env: Parameters<typeof createSink>[1]["env"],
  hasList: boolean,
): OpenedSink {
  if (hasList) return { sink: undefined, reader: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  const { sink, extents, read } = createSink(settings, { env, log: silentLog, telemetry: noTelemetry });
  return { sink, reader: { extents, read }, [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose]() };
}

/** A file that is made at once, with the rights of whoever called, and written at the end; else it is removed. */
class NewPage implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  #isWritten = false;

  /** @throws DfnError IO if something exists at the path, or it cannot be made */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openSync(path, "wx", 0o640);
    } catch (reason) {
      const what = `--html: ${path} cannot be made: ${describe(reason)}; name a file that does not exist yet`;
      throw new DfnError("IO", what, { cause: reason });
    }
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
    this.#isWritten = true;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
    if (this.#isWritten) return;
    try {
      unlinkSync(this.#path);
    } catch {
      // Whom this process has become may not be allowed to: it stays, empty.
    }
  }
}

function usage(sentence: string): DfnError {
  return usageError(auditCommand, sentence);
}

/** @throws DfnError IO if what the forwarder kept of former settings cannot be read, or is not settings of this version */
async function settingsOfTime(config: Config): Promise<SettingsOfTime> {
  try {
    return new SettingsOfTime(config, maxLineBytes(config), await new SettingsHistory(config.stateDir).read());
  } catch (cause) {
    throw new DfnError("IO", `${describe(cause)}; --config-now judges all lines by today's settings`, { cause });
  }
}
