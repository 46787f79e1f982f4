/**
 * The doctor looks from a process of its own, which is ended when its time is over: a disk that does not answer, or a file
 * that somebody made for it, can keep a process from ending by itself, and take its memory, but not this one's.
 */
import { spawn } from "node:child_process";
import { z } from "zod";
import type { Io } from "./command.ts";
import type { Examined } from "./doctor-examination.ts";

/** Start of Node, the forwarder's answer (4 s) and the links (8 s) fit in; all is done within fifteen seconds. */
const withinMs = 14_000;
/** Of V8's heap. */
const memoryMiB = 256;
const mostReportBytes = 4 * 1024 * 1024;

const text = z.string();
const report = z.object({
  isConfigured: z.boolean(),
  findings: z.array(
    z.object({
      link: text,
      state: z.enum(["ok", "unseen", "warning", "failed"]),
      text,
      remedy: text.exactOptional(),
    }),
  ),
});

/**
 * Runs `doctor` with these arguments in a process of its own.
 * @param args of the command, which have been parsed
 * @returns what it found; undefined where it did not come to an end
 */
export function inOwnProcess(args: readonly string[], { env, stderr }: Io): Promise<Examined | undefined> {
  const [, main = ""] = process.argv;
  const own = [...process.execArgv, `--max-old-space-size=${memoryMiB}`, main, "doctor", "--examine", ...args];
  const child = spawn(process.execPath, own, { env: { ...env }, stdio: ["inherit", "pipe", "pipe"] });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const done = (): void => {
      clearTimeout(timer);
      // It may not be able to end by itself, and nothing that it could still do is wanted.
      child.kill("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(examinedOf(Buffer.concat(chunks).toString()));
    };
    const timer = setTimeout(done, withinMs);
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > mostReportBytes || chunk.includes("\n")) done();
    });
    child.stderr.on("data", (chunk: Buffer) => stderr.write(chunk));
    child.on("error", done);
    child.on("close", done);
  });
}

function examinedOf(line: string): Examined | undefined {
  try {
    return report.parse(JSON.parse(line));
  } catch {
    return undefined; // It was ended before its report was whole.
  }
}
