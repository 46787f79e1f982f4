import type { AuditProgress } from "../../audit/audit.ts";

const everyMs = 500;
const eraseLine = "\r\u001b[K";

/** Shows how far an audit is, in one line, on a terminal only. @returns a function that ends the display */
export function showAuditProgress(stream: NodeJS.WritableStream, progress: AuditProgress): () => void {
  if (!("isTTY" in stream) || stream.isTTY !== true) return () => undefined;
  const timer = setInterval(() => stream.write(`${eraseLine}${progressText(progress)}`), everyMs);
  return () => {
    clearInterval(timer);
    stream.write(eraseLine);
  };
}

/** Short enough for a narrow window. */
function progressText({ phase, files, ofFiles, bytes, expected, kept }: AuditProgress): string {
  if (phase === "log") return `log: ${files} of ${ofFiles} files, ${Math.round(bytes / 1e6)} MB, ${expected} relevant`;
  if (phase === "sink") return `Kafka: ${kept} records read, ${expected} relevant`;
  return `comparing ${expected} with what is there`;
}
