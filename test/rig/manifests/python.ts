import { execFileSync } from "node:child_process";

/** Runs a program in Python, which shares no code with the product. @returns what it prints */
export function runPython(program: string, input: string | Buffer, args: readonly string[] = []): string {
  return execFileSync("python3", ["-c", program, ...args], { input, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
}
