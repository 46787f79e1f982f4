/** A way is only taken when it was seen to work: with real calls, to a socket that is read here. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whom integratord runs as; undefined: this process's own user. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** A machine under load may need longer than the 50 ms that a call has: the number of attempts. */
const tries = 10;
/** A call that takes this long is too slow. */
const hangMs = 5000;

/**
 * Tries custom-dfn as integratord calls it: an alert with bytes that are not UTF-8, one as long as integratord takes
 * them, one of a megabyte, and a forwarder that does not answer.
 * @param script the whole custom-dfn; its `lib` must not exist, so that the bundled way cannot stand in
 * @returns what did not work; undefined when all did
 */
export async function findFault(script: string, user: User | undefined): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "custom-dfn-"));
  try {
    chmodSync(directory, 0o755);
    const path = join(directory, "custom-dfn");
    writeFileSync(path, script);
    chmodSync(path, 0o755);
    for (const textBytes of [20, 65_000, 1_000_000]) {
      const alert = Buffer.concat([
        Buffer.from('{"id":"1.1","text":"'),
        Buffer.from([0xff, 0xc3, 0xa4]),
        Buffer.from(`${"x".repeat(textBytes)}"}\n`),
      ]);
      const fault = await handOver(directory, alert, user);
      if (fault !== undefined) return `an alert of ${alert.length} bytes: ${fault}`;
    }
    const fault = await callOnce(directory, Buffer.from("{}\n"), () => undefined, user);
    return fault === undefined ? undefined : `a forwarder that does not answer: ${fault}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function handOver(directory: string, alert: Buffer, user: User | undefined): Promise<string | undefined> {
  for (let left = tries; left > 0; left--) {
    let received = Buffer.alloc(0);
    const fault = await callOnce(
      directory,
      alert,
      (bytes) => {
        // Anybody may connect: what is longer than the alert is not it, and is not kept.
        if (received.length <= alert.length) received = Buffer.concat([received, bytes]);
        return received.at(-1) === 0x0a ? "accepted 1.1\n" : undefined;
      },
      user,
    );
    if (fault !== undefined) return fault;
    if (received.equals(alert)) return undefined;
  }
  return "it did not arrive";
}

/** One call against a forwarder that is played here. */
async function callOnce(
  directory: string,
  alert: Buffer,
  answer: (bytes: Buffer) => string | undefined,
  user: User | undefined,
): Promise<string | undefined> {
  const socketPath = join(directory, "s");
  const alertPath = join(directory, "custom-dfn-1-1.alert");
  writeFileSync(alertPath, alert);
  chmodSync(alertPath, 0o644);
  const server = await listen(socketPath, answer);
  try {
    const script = join(directory, "custom-dfn");
    const args = [script, alertPath, "", `unix:${socketPath}`, "", "", "10", "3", "> /dev/null 2>&1"];
    // By the shell, because /tmp may be mounted so that nothing in it can be executed.
    const child = spawn("/bin/sh", args, { cwd: "/", env: {}, stdio: ["ignore", "pipe", "pipe"], ...user });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (output += String(bytes)));
    const timer = setTimeout(() => child.kill("SIGKILL"), hangMs);
    const [code] = await once(child, "close");
    clearTimeout(timer);
    if (code === null) return "it hung";
    return code === 0 && output === "" ? undefined : `exit code ${String(code)}, ${output.trim() || "no output"}`;
  } finally {
    const closed = once(server, "close");
    server.close();
    await closed;
  }
}

async function listen(path: string, answer: (bytes: Buffer) => string | undefined): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("data", (bytes) => {
      const text = answer(bytes);
      if (text !== undefined) socket.write(text);
    });
    socket.on("end", () => socket.end());
    // The caller left; what it wrote was seen.
    socket.on("error", () => socket.destroy());
  });
  server.listen(path);
  await once(server, "listening");
  chmodSync(path, 0o666);
  return server;
}
