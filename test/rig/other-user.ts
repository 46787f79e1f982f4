import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** A user that no system knows by name: what runs as it has no right that is not given to everybody. */
export const otherUser = { uid: 65_432, gid: 65_432 } as const;

/** What a program of another user wrote to standard output, and how it ended. */
export interface Said {
  readonly code: number | null;
  readonly output: string;
}

/** Runs JavaScript in a process of another user. Needs root. @throws Error when this is not root */
export function startAs(user: { readonly uid: number; readonly gid: number }, script: string): ChildProcess {
  if (process.geteuid?.() !== 0) throw new Error("this test runs as another user, so it needs root");
  return spawn(process.execPath, ["--input-type=commonjs", "-e", script], {
    ...user,
    cwd: "/",
    env: {},
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** As `startAs`, and waits for its end. */
export async function runAs(user: { readonly uid: number; readonly gid: number }, script: string): Promise<Said> {
  const child = startAs(user, script);
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [code] = await once(child, "close");
  return { code: typeof code === "number" ? code : null, output };
}
