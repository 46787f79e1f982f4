import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe } from "../../errors.ts";
import type { Account } from "../accounts.ts";
import { failed, type CheckResult, ok, unseen, warning } from "../result.ts";
import { startOfText } from "../read.ts";
import { makeTestAlert, type TestAlert } from "../test-alert.ts";

/** Time limit for custom-dfn; it takes 35 ms and waits 50 ms for the forwarder. */
const endWithinMs = 4000;
const maxOutputBytes = 4096;
const maxEnvironmentBytes = 1024 * 1024;
/**
 * custom-dfn waits 50 ms for the forwarder. A busy machine needs longer now and then, especially while the doctor runs
 * its other checks: then it is called again.
 */
const maxTries = 5;
const againAfterMs = 300;
/** What systemd gives a service; used if integratord's own environment cannot be read. */
const servicePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** How a call of custom-dfn ended. */
export type Call =
  /** `code` is null if a signal ended it. */
  | { readonly kind: "ended"; readonly code: number | null; readonly output: string }
  | { readonly kind: "hung" }
  | { readonly kind: "not-started"; readonly reason: string };

interface CustomDfnCallFacts {
  readonly path: string;
  /** Undefined: there is no custom-dfn to call, which another link reports. */
  readonly call: Call | undefined;
  /** The user that it ran as. */
  readonly as: string;
  /** Whether the doctor runs as root, who sees why there is nothing to call. */
  readonly isRoot: boolean;
  readonly isTailOn: boolean;
  readonly alertId: string;
}

/** Whether a real alert gets through custom-dfn to the forwarder. */
export function judgeCustomDfnCall({ path, call, as, isRoot, isTailOn, alertId }: CustomDfnCallFacts): CheckResult[] {
  const fault = isTailOn ? warning : failed;
  // The link of custom-dfn reports why it is not called; only a user who may not run it has something to add.
  if (call === undefined) return isRoot ? [] : [unseen(`whether custom-dfn works: ${as} may not run ${path}`)];
  const reinstall = "wazuh-dfn-install  # creates custom-dfn again";
  if (call.kind === "not-started") return [failed(`${path} cannot be run as ${as}: ${call.reason}`, reinstall)];
  if (call.kind === "hung") {
    const text = `${path} did not end within ${endWithinMs / 1000} s: integratord is blocked by it`;
    return [failed(text, reinstall)];
  }
  const { code, output } = call;
  const said = output.trim() === "" ? "no output" : `"${output.trim().slice(0, 300)}"`;
  if (code === 127) return [failed(`${path} finds no program to run it, as ${as}: ${said}`, reinstall)];
  if (code === 0 && output.includes(`ignored ${alertId}`)) {
    return [ok(`a test alert went through custom-dfn, as ${as}, and the forwarder answered`)];
  }
  if (code === 0) {
    return [fault(`custom-dfn, as ${as}, got no answer from the forwarder: ${said}`, "systemctl status wazuh-dfn")];
  }
  return [failed(`custom-dfn, as ${as}, ended with ${code ?? "a signal"}: ${said}`, reinstall)];
}

interface CustomDfnCallSetting {
  /** Path of custom-dfn. */
  readonly path: string;
  /** The manager's home, where integratord runs its programs. */
  readonly home: string;
  readonly socketPath: string;
  readonly isTailOn: boolean;
  readonly isRoot: boolean;
  readonly wazuh: Account;
  readonly self: Account;
  /** Whether custom-dfn exists and is safe to run; root runs nothing that others can change. */
  readonly mayRun: boolean;
  readonly integratordPid: number | undefined;
}

/** Calls custom-dfn as integratord does, in debug mode so that it prints the answer; as user wazuh if run by root. */
export async function lookAtCustomDfnCall(setting: CustomDfnCallSetting): Promise<CustomDfnCallFacts> {
  const alert = makeTestAlert();
  const account = setting.isRoot ? setting.wazuh : setting.self;
  const call = setting.mayRun ? await callWith(alert, setting, account) : undefined;
  return {
    path: setting.path,
    call,
    as: account.name,
    isRoot: setting.isRoot,
    isTailOn: setting.isTailOn,
    alertId: alert.id,
  };
}

async function callWith(alert: TestAlert, setting: CustomDfnCallSetting, account: Account): Promise<Call> {
  const directory = await mkdtemp(join(tmpdir(), "wazuh-dfn-doctor-"));
  try {
    // Named as by integratord; the user wazuh must be able to read it.
    const file = join(directory, `custom-dfn-${Math.floor(Date.now() / 1000)}-${randomInt(1_000_000)}.alert`);
    await chmod(directory, 0o711);
    await writeFile(file, alert.line, { mode: 0o644 });
    const path = await pathOf(setting.integratordPid);
    let call = await run(file, setting, account, path);
    for (let tries = 1; tries < maxTries && isLate(call); tries++) {
      await delay(againAfterMs);
      call = await run(file, setting, account, path);
    }
    return call;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function isLate(call: Call): boolean {
  return call.kind === "ended" && call.code === 0 && call.output.includes("no answer within");
}

function run(file: string, setting: CustomDfnCallSetting, account: Account, path: string): Promise<Call> {
  return new Promise((resolve) => {
    // With the tail off it would retry for `timeout` times (1 + `retries`).
    const args = [file, "", `unix:${setting.socketPath}`, "debug", "", "1", "0"];
    const user = setting.isRoot ? { uid: account.uid, gid: account.gids[0] ?? account.uid } : {};
    const child = spawn(setting.path, args, {
      argv0: "integrations",
      cwd: setting.home,
      env: { PATH: path },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that what it starts can be ended with it.
      detached: true,
      ...user,
    });
    let output = "";
    const take = (bytes: Buffer): void => {
      if (output.length < maxOutputBytes) output += bytes.toString("utf8");
    };
    const done = (call: Call): void => {
      clearTimeout(timer);
      resolve(call);
    };
    const timer = setTimeout(() => {
      if (child.pid !== undefined) endGroup(child.pid);
      child.stdout.destroy();
      child.stderr.destroy();
      done({ kind: "hung" });
    }, endWithinMs);
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", (reason) => done({ kind: "not-started", reason: describe(reason) }));
    child.on("close", (code) => done({ kind: "ended", code, output }));
  });
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended just now.
  }
}

/** integratord's own PATH, which its programs inherit; only root may read it. */
async function pathOf(integratordPid: number | undefined): Promise<string> {
  if (integratordPid === undefined) return servicePath;
  const text = await startOfText(`/proc/${integratordPid}/environ`, maxEnvironmentBytes).catch(() => "");
  const entry = text.split("\0").find((one) => one.startsWith("PATH="));
  return entry?.slice("PATH=".length) ?? servicePath;
}
