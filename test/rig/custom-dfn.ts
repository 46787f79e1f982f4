import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

/** The built executable; the tests are run in the root of the checkout. */
export const customDfn = resolve("dist/custom-dfn");

/** What integratord adds as one argument when it is not in debug mode. */
export const redirection = "> /dev/null 2>&1";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts custom-dfn as integratord does: no shell, its own name in front, hardly any environment, no input. */
export function startCustomDfn(args: readonly string[], spawnOptions: { uid?: number } = {}): ChildProcess {
  return spawn(customDfn, args, {
    argv0: "integrations",
    cwd: "/",
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
    ...spawnOptions,
  });
}

/** Waits for its end; one that hangs is killed, so that its exit code is null. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const hangDetector = setTimeout(() => child.kill("SIGKILL"), 30_000);
  try {
    const [code] = await once(child, "close");
    return { code: typeof code === "number" ? code : null, ...output };
  } finally {
    clearTimeout(hangDetector);
  }
}

export async function runCustomDfn(args: readonly string[], spawnOptions?: { uid?: number }): Promise<Ended> {
  return ended(startCustomDfn(args, spawnOptions));
}
