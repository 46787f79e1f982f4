import type { Log } from "../../../telemetry/log.ts";
import type { FileOrigin } from "../log/log-file.ts";
import type { ReadProgress } from "./read-progress.ts";
import type { LogFiles } from "../log/log-files.ts";

/**
 * Checks whether a file still holds what it held when some of its lines were noted as done. After a power loss other lines
 * may be at their offsets: then none is skipped.
 */
export async function proveDone(
  origin: FileOrigin,
  progress: ReadProgress,
  logFiles: Pick<LogFiles, "open">,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  for (const proof of progress.proofsOf(origin)) {
    const { file: path, name, isCompressed } = origin;
    const logFile = await logFiles.open({ path, name, compressed: isCompressed });
    try {
      if ((await logFile.seek(proof.offset, proof.before, signal)) || signal.aborted) continue;
    } finally {
      await logFile.close();
    }
    const lines = progress.forgetDone(origin, proof);
    log.warn(
      { code: "log-lost-done-lines" },
      `${path} no longer holds what it held up to byte ${proof.offset}, as after a power loss. ${lines} lines in it ` +
        `that were done are read again, and what is there may be sent again.`,
    );
  }
}
