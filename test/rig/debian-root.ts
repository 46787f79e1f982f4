import { execFile, execFileSync } from "node:child_process";
import { readFile, readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { TempDir } from "./temp-dir.ts";

const run = promisify(execFile);
const read = promisify(readFile);
/** For a container that hangs: what the tests do in it takes two. */
const bootMinutes = 14;

/** A small Debian with systemd in a directory, of the release and from the mirror of this machine. */
export class DebianRoot implements AsyncDisposable {
  readonly #directory: TempDir;
  readonly path: string;
  #isMounted = false;

  private constructor(directory: TempDir) {
    this.#directory = directory;
    this.path = directory.join("debian");
  }

  static async make(): Promise<DebianRoot> {
    const missing = installPrograms(["debootstrap", "systemd-nspawn"]);
    if (missing.length > 0) throw new Error(howToInstall(missing));
    const root = new DebianRoot(await TempDir.create());
    const { mirror, suite } = archive();
    const args = ["--variant=minbase", "--include=systemd,systemd-sysv", suite, root.path, mirror];
    await run("debootstrap", args, { maxBuffer: 64 * 1024 * 1024 });
    return root;
  }

  /**
   * Another one with the same content: this one, which must not change from then on, with the changes kept next to it. Where
   * the temporary directory's file system cannot carry changes, the files are copied.
   */
  async copy(): Promise<DebianRoot> {
    const directory = await TempDir.create();
    const root = new DebianRoot(directory);
    const [upper, work] = [directory.join("upper"), directory.join("work")];
    await Promise.all([root.path, upper, work].map((path) => mkdir(path, { mode: 0o755 })));
    const options = `lowerdir=${this.path},upperdir=${upper},workdir=${work}`;
    try {
      await run("mount", ["-t", "overlay", "overlay", "-o", options, root.path]);
      root.#isMounted = true;
    } catch {
      await run("cp", ["--archive", "--reflink=auto", `${this.path}/.`, root.path]);
    }
    return root;
  }

  /**
   * Runs a script as root in it, without a boot.
   * @returns all that the script wrote; its first line is not reached if the container does not start
   */
  async run(script: string): Promise<string> {
    writeFileSync(`${this.path}/root/steps.sh`, `exec >/root/output 2>&1\ncd /root\n${script}`);
    const args = ["--quiet", "--directory", this.path, "--register=no", "--keep-unit", "--console=pipe"];
    await run("systemd-nspawn", [...args, "/bin/sh", "/root/steps.sh"], { timeout: bootMinutes * 60_000 });
    return read(`${this.path}/root/output`, "utf8");
  }

  /**
   * Boots it, runs a script as root once it is up, and shuts it down. No timer of Debian's runs: at midnight they would
   * copy and rotate files meanwhile.
   * @returns all that the script wrote
   */
  async runBooted(script: string): Promise<string> {
    writeFileSync(`${this.path}/root/steps.sh`, script);
    const unit = [
      "[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\nWorkingDirectory=/root\nTimeoutStartSec=infinity",
      "Environment=PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive",
      "ExecStart=/bin/sh /root/steps.sh\nStandardOutput=append:/root/output\nStandardError=append:/root/output",
      "ExecStopPost=/usr/bin/systemctl --no-block poweroff --force",
    ];
    writeFileSync(`${this.path}/etc/systemd/system/steps.service`, `${unit.join("\n")}\n`);
    const timers = `${this.path}/etc/systemd/system/timers.target`;
    execFileSync("ln", ["-sf", "/dev/null", timers]);
    const wants = `${this.path}/etc/systemd/system/default.target.wants`;
    execFileSync("mkdir", ["-p", wants]);
    execFileSync("ln", ["-sf", "/etc/systemd/system/steps.service", `${wants}/steps.service`]);
    const args = ["--directory", this.path, "--boot", "--register=no", "--keep-unit", "--console=pipe"];
    const ended = await run("systemd-nspawn", args, { timeout: bootMinutes * 60_000, killSignal: "SIGKILL" }).catch(
      (reason: unknown) => reason,
    );
    execFileSync("rm", ["-f", `${wants}/steps.service`, `${this.path}/etc/systemd/system/steps.service`, timers]);
    return read(`${this.path}/root/output`, "utf8").catch(() => {
      throw new Error("systemd did not come up in the container", { cause: ended });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isMounted) await run("umount", ["-l", this.path]);
    await this.#directory[Symbol.asyncDispose]();
  }
}

function archive(): { readonly mirror: string; readonly suite: string } {
  const suite = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(CREATED_BY)";
  const targets = execFileSync("apt-get", ["indextargets", "--format", format], { encoding: "utf8" }).split("\n");
  const found = targets
    .map((line) => line.split(" "))
    .find(([, release, component]) => release === suite && component === "main");
  if (found?.[0] === undefined) throw new Error(`apt knows no archive with main of ${suite}`);
  return { mirror: found[0], suite };
}
