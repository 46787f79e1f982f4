import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { command } from "../../printable.ts";
import { failed, type CheckResult, ok, warning } from "../result.ts";
import type { Running } from "../processes.ts";
import { startOfText } from "../read.ts";

/** Where the Python daemon's own guide installs it. */
const pythonHome = "/opt/wazuh-dfn";
const unitDirectories = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
const maxUnitBytes = 65_536;

export interface OtherSenderFacts {
  readonly processes: readonly Running[];
  /** This process, and the forwarder that answers on status.listen. */
  readonly ours: readonly number[];
  /** Units that start the Python daemon, and whether they are enabled at boot. */
  readonly units: readonly { readonly name: string; readonly isEnabled: boolean }[];
  /** Its configuration files that still exist. */
  readonly oldFiles: readonly string[];
}

/** Whether another program sends the same alerts. */
export function judgeOtherSenders({ processes, ours, units, oldFiles }: OtherSenderFacts): CheckResult[] {
  const results: CheckResult[] = [];
  const unit = units[0]?.name;
  for (const { pid, args } of processes.filter((one) => isPythonDaemon(one.args))) {
    const file = configOf(args) ?? oldFiles[0];
    const stop = unit === undefined ? `kill ${pid}` : command`systemctl disable --now ${unit}`;
    const text = `the Python daemon is still running (pid ${pid}${file === undefined ? "" : `, with ${file}`}): alerts are sent twice`;
    results.push(failed(text, `${stop}  # docs/migrate.md describes the migration`));
  }
  if (results.length === 0) {
    for (const { name } of units.filter(({ isEnabled }) => isEnabled)) {
      const text = `${name} will start the Python daemon again at the next boot`;
      results.push(warning(text, command`systemctl disable ${name}`));
    }
  }
  for (const { pid } of processes.filter((one) => isForwarder(one.args) && !ours.includes(one.pid))) {
    const text = `another wazuh-dfn is running (pid ${pid}); if it has the same topic, alerts are sent twice`;
    results.push(warning(text, `tr '\\0' ' ' </proc/${pid}/cmdline; kill ${pid}`));
  }
  if (results.length > 0) return results;
  const left = oldFiles.length === 0 ? "" : ` (left over from the Python daemon: ${oldFiles.join(", ")})`;
  return [ok(`no other program sends these alerts${left}`)];
}

/** Its command is `wazuh-dfn` too, run by Python: `/opt/wazuh-dfn/venv/bin/python /opt/wazuh-dfn/venv/bin/wazuh-dfn`. */
function isPythonDaemon(args: readonly string[]): boolean {
  const [program = "", first = "", second = ""] = args;
  const isPython = /(^|\/)python[\d.]*$/.test(program);
  const isModule = first === "-m" && /^wazuh_dfn(\.|$)/.test(second);
  return isPython && (isModule || /(^|\/)wazuh[-_]dfn(\.py|\/__main__\.py)?$/.test(first));
}

function isForwarder(args: readonly string[]): boolean {
  const at = args.findIndex((arg) => /(^|\/)wazuh-dfn(-start)?\.cjs$/.test(arg));
  return at >= 0 && at < 4 && args[at + 1] === "run";
}

function configOf(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === "--config" || arg === "-c" || arg.startsWith("--config="));
  const arg = args[at];
  return arg?.startsWith("--config=") === true ? arg.slice("--config=".length) : args[at + 1 || args.length];
}

export async function lookAtOtherSenders(
  processes: readonly Running[],
  ours: readonly number[],
): Promise<OtherSenderFacts> {
  return { processes, ours, units: await pythonUnits(), oldFiles: await oldConfigurations() };
}

async function pythonUnits(): Promise<{ name: string; isEnabled: boolean }[]> {
  const found: { name: string; isEnabled: boolean }[] = [];
  const enabled = await readdir("/etc/systemd/system/multi-user.target.wants").catch((): string[] => []);
  for (const directory of unitDirectories) {
    for (const name of await readdir(directory).catch(() => [])) {
      if (!/dfn.*\.service$/.test(name) || found.some((one) => one.name === name)) continue;
      const text = await startOfText(join(directory, name), maxUnitBytes).catch(() => "");
      if (new RegExp(`^ExecStart=.*(python|${pythonHome})`, "m").test(text)) {
        found.push({ name, isEnabled: enabled.includes(name) });
      }
    }
  }
  return found;
}

async function oldConfigurations(): Promise<string[]> {
  const directory = join(pythonHome, "config");
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => /\.(ya?ml|toml)$/.test(name)).map((name) => join(directory, name));
}
