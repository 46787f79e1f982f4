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
/** Of up to 64 KiB each. */
const mostErrorChunks = 16;
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

/** @returns what the examination found; undefined when it did not come to an end */
export function examineApart(args: readonly string[], io: Io): Promise<Examined | undefined> {
  const [, main = ""] = process.argv;
  return inOwnProcess([main, "doctor", "--examine", ...args], io, withinMs);
}

/**
 * Runs a program of Node's in a process of its own, with little memory, until it has written a line.
 * @param program its file and arguments
 * @returns the line as a report; undefined when there was none within the time
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
    /** @param code that of its end, when it ended by itself */
    const done = (code: number | null = null): void => {
      clearTimeout(timer);
      // What V8 writes when the memory is used up helps nobody.
      if (code !== null && code !== 0) stderr.write(Buffer.concat(errors));
      // It may not be able to end by itself, and nothing that it could still do is wanted.
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
      if (bytes > mostReportBytes || chunk.includes("\n")) done();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (errors.length < mostErrorChunks) errors.push(chunk);
    });
    child.on("error", () => done());
    child.on("close", (code) => done(code));
  });
}

function examinedOf(line: string): Examined | undefined {
  try {
    return report.parse(JSON.parse(line));
  } catch {
    return undefined; // It was ended before its report was whole.
  }
}
