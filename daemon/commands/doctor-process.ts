/**
 * The doctor works in a child process, which is killed when its time is up. A disk that does not answer, or a file that
 * somebody prepared, can keep that process from ending by itself and use up its memory, but not harm this one.
 */
import { spawn } from "node:child_process";
import { z } from "zod";
import type { Io } from "./command.ts";
import type { Examined } from "./doctor-examination.ts";

/** Start of Node, the forwarder's answer (4 s) and the links (8 s) fit in; the whole takes at most fifteen seconds. */
const withinMs = 14_000;
/** Of V8's heap. */
const memoryMiB = 256;
/** Of up to 64 KiB each. */
const maxErrorChunks = 16;
const maxReportBytes = 4 * 1024 * 1024;

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

/** @returns what the examination found; undefined if it did not finish */
export function examineApart(args: readonly string[], io: Io): Promise<Examined | undefined> {
  const [, main = ""] = process.argv;
  return inOwnProcess([main, "doctor", "--examine", ...args], io, withinMs);
}

/**
 * Runs a Node program in a process of its own, with little memory, until it has written a line.
 * @param program its file and arguments
 * @returns the line as a report; undefined if there was none in time
 */
export function inOwnProcess(
  program: readonly string[],
  { env, stderr }: Pick<Io, "env" | "stderr">,
  withinMs: number,
): Promise<Examined | undefined> {
  const own = [...process.execArgv, `--max-old-space-size=${memoryMiB}`, ...program];
  const child = spawn(process.execPath, own, { env: { ...env }, stdio: ["inherit", "pipe", "pipe"] });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const errors: Buffer[] = [];
    let bytes = 0;
    /** @param code its exit code, if it ended by itself */
    const done = (code: number | null = null): void => {
      clearTimeout(timer);
      // What V8 writes when memory runs out helps nobody.
      if (code !== null && code !== 0) stderr.write(Buffer.concat(errors));
      // It may be unable to end by itself, and nothing that it could still do is wanted.
      child.kill("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(examinedOf(Buffer.concat(chunks).toString()));
    };
    const timer = setTimeout(() => done(), withinMs);
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > maxReportBytes || chunk.includes("\n")) done();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (errors.length < maxErrorChunks) errors.push(chunk);
    });
    child.on("error", () => done());
    child.on("close", (code) => done(code));
  });
}

function examinedOf(line: string): Examined | undefined {
  try {
    return report.parse(JSON.parse(line));
  } catch {
    return undefined; // It ended before its report was complete.
  }
}
