import { execFile } from "node:child_process";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the compiled command line as a process to its end, with no other environment than this one. */
export async function wazuhDfn(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const variables = { PATH: process.env["PATH"] ?? "", ...env };
  return new Promise((resolve, reject) => {
    const options = { env: variables, timeout: 180_000, killSignal: "SIGKILL" } as const;
    execFile(process.execPath, [forwarderBundle, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === "number") resolve({ code, stdout, stderr });
      else reject(new Error(`the command did not end by itself: ${stderr}`, { cause: error }));
    });
  });
}
