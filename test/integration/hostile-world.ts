import assert from "node:assert/strict";
import { chmodSync, chownSync, cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { assertRoot, attackerId, attackersDirectory } from "../rig/attacker.ts";
import { eventually } from "../rig/eventually.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { treeLines } from "../rig/tree-lines.ts";

export interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
  /** The peak memory that was seen, in bytes. */
  readonly peakBytes: number;
}

/** What root owns and an attacker would like to read, change or be given. */
export class HostileWorld implements AsyncDisposable {
  readonly directory: TempDir;
  /** The attacker's: the account that the forwarder runs as was taken over. */
  readonly stateDir: string;
  readonly deadLetters: string;
  readonly config: string;
  readonly statusSocket: string;
  readonly alertsJson: string;
  readonly records: string;
  /** Root's: nothing in it may change. */
  readonly roots: string;
  /** A file of root's that nobody else may read. */
  readonly secret: string;
  readonly #programs: Program[] = [];
  readonly #before: readonly string[];

  private constructor(directory: TempDir) {
    this.directory = directory;
    chmodSync(directory.path, 0o711);
    this.stateDir = attackersDirectory(directory.join("state"));
    this.deadLetters = attackersDirectory(directory.join("state/dead-letters"), 0o700);
    attackersDirectory(directory.join("run"), 0o755);
    this.statusSocket = directory.join("run/status.sock");
    this.config = directory.join("config.yaml");
    this.alertsJson = directory.join("ossec/logs/alerts/alerts.json");
    this.records = directory.join("state/records.ndjson");
    mkdirSync(dirname(this.alertsJson), { recursive: true });
    mkdirSync(directory.join("ossec/etc"));
    writeFileSync(this.alertsJson, "");
    this.roots = directory.join("roots");
    mkdirSync(`${this.roots}/profile.d`, { recursive: true });
    writeFileSync(`${this.roots}/profile.d/z.sh`, "echo root's own\n", { mode: 0o644 });
    this.secret = `${this.roots}/secret`;
    writeFileSync(this.secret, "root:$6$SECRETHASH:1:0\nfail2ban.actions SECRETLINE\n", { mode: 0o600 });
    this.configure();
    this.#before = treeLines(this.roots);
  }

  static async create(): Promise<HostileWorld> {
    assertRoot();
    return new HostileWorld(await TempDir.create());
  }

  configure(changes: Readonly<Record<string, unknown>> = {}): void {
    const settings = {
      dfn: { customer_id: "acme" },
      wazuh: { home: this.directory.join("ossec"), feedback: "off" },
      sources: { socket: { path: this.directory.join("run/alerts.sock") }, tail: { start: "beginning" } },
      sink: { file: { path: this.records } },
      handlers: { fail2ban: {} },
      state_dir: this.stateDir,
      status: { listen: this.statusSocket },
      ...changes,
    };
    writeFileSync(this.config, JSON.stringify(settings));
  }

  /** Starts a command of the built forwarder as root. */
  start(...args: readonly string[]): Program {
    const config = args.includes("--config") ? [] : ["--config", this.config];
    const program = new Program(process.execPath, [forwarderBundle, ...args, ...config]);
    this.#programs.push(program);
    return program;
  }

  /** Runs a command of the built forwarder as root, to its end. */
  async run(...args: readonly string[]): Promise<Ended> {
    const program = this.start(...args);
    let peakBytes = 0;
    const code = await eventually(
      `the end of ${args.join(" ")}`,
      () => {
        peakBytes = Math.max(peakBytes, peakOf(program.pid));
        return program.ended;
      },
      { withinMs: 60_000 },
    );
    await program.end();
    const [stdout, stderr] = [program.outputLines, program.errorLines].map((lines) => lines.join("\n"));
    return { code, stdout: stdout ?? "", stderr: stderr ?? "", peakBytes };
  }

  /** Starts the forwarder as the service does: as the account that owns the state. */
  async startAsService(): Promise<Program> {
    // A copy, because a checkout may be where others have no access.
    cpSync(dirname(forwarderBundle), this.directory.join("dist"), { recursive: true });
    chmodSync(this.config, 0o644);
    const id = String(attackerId);
    const args = ["--reuid", id, "--regid", id, "--clear-groups", process.execPath];
    const bundle = this.directory.join("dist/wazuh-dfn.cjs");
    const program = new Program("setpriv", [...args, bundle, "run", "--config", this.config], { cwd: "/" });
    this.#programs.push(program);
    await program.waitForLog(/"msg":"started"/);
    return program;
  }

  /** Nothing of root's was changed, copied to where others can read it, or given away. */
  assertUntouched(what: string): void {
    assert.deepEqual(treeLines(this.roots), this.#before, what);
  }

  /** Everything below the state directory belongs to its owner. */
  assertOwned(): void {
    for (const line of treeLines(this.stateDir)) {
      assert.match(line, new RegExp(` ${attackerId}:${attackerId}( |$)`), line);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program[Symbol.asyncDispose]()));
    await this.directory[Symbol.asyncDispose]();
  }
}

/** The real user of a process. */
export function uidOf(pid: number): number {
  return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
}

/** 0 when it has ended. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Gives a file to the attacker. */
export function give(path: string): string {
  chownSync(path, attackerId, attackerId);
  return path;
}

export function sizeOf(path: string): number {
  return statSync(path).size;
}
