import { execFile } from "node:child_process";
import { cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { makePackage, runScript, writeManifest, type Ran } from "./install-package.ts";
import { mayMount, SmallDisk } from "./small-disk.ts";
import { snapshotOf } from "./tree-snapshot.ts";
import { InstallableManager } from "./wazuh/installable-manager.ts";

const run = promisify(execFile);

export const skip = mayMount ? false : "only root may give files to other users";

/** What may differ: useradd's own copies and lock, and what the stand-ins write. */
const noise =
  /^etc\/(?:[a-z]+-|\.pwd\.lock)$|^var\/ossec\/(?:logs\/ossec\.log|var\/run\/.*)$|^srv\/.*\/(?:ossec\.log|restarts)$/;

/** A package and a manager to install it on, on a disk in memory. */
export class InstallWorld implements AsyncDisposable {
  readonly #disk: SmallDisk;
  readonly tree: InstallableManager;
  package: string;

  private constructor(disk: SmallDisk, tree: InstallableManager, packageDirectory: string) {
    this.#disk = disk;
    this.tree = tree;
    this.package = packageDirectory;
  }

  static async create(version?: string): Promise<InstallWorld> {
    const disk = await SmallDisk.mount(16 * 1024 * 1024);
    const made = await makePackage(disk.join("package"), version);
    return new InstallWorld(disk, await InstallableManager.at(disk.join("root")), made);
  }

  /** From now on another version is installed. */
  async use(version: string): Promise<void> {
    this.package = await makePackage(this.#disk.join(`package-${version}`), version);
  }

  install(args: readonly string[]): Promise<Ran> {
    return runScript(this.package, "install", ["--root", this.tree.root, "--yes", ...args]);
  }

  uninstall(args: readonly string[]): Promise<Ran> {
    return runScript(this.package, "uninstall", ["--root", this.tree.root, "--yes", ...args]);
  }

  /** In a process group of its own, which may be killed. */
  installAlone(args: readonly string[], path: string): Promise<Ran> {
    return runScript(this.package, "install", ["--root", this.tree.root, "--yes", ...args], { path, isAlone: true });
  }

  uninstallAlone(args: readonly string[], path: string): Promise<Ran> {
    return runScript(this.package, "uninstall", ["--root", this.tree.root, "--yes", ...args], { path, isAlone: true });
  }

  /** Replaces a file of the package, as its maker could. */
  async alterPackage(path: string, text: string): Promise<void> {
    await this.addToPackage(join("usr/lib/wazuh-dfn", path), text);
  }

  async addToPackage(path: string, text: string): Promise<void> {
    await writeFile(join(this.package, path), text);
    await writeManifest(this.package);
  }

  /** What dpkg or rpm does: the files below the root. */
  async placePackage(): Promise<void> {
    await cp(join(this.package, "usr"), this.tree.join("usr"), { recursive: true });
  }

  /** The same package, for a manager below another root, which is removed with its disk. */
  async onAnotherDisk(root: string): Promise<Pick<InstallWorld, "install" | "uninstall" | "snapshot">> {
    await InstallableManager.at(root);
    const args = ["--root", root, "--yes"];
    return {
      install: (more) => runScript(this.package, "install", [...args, ...more]),
      uninstall: (more) => runScript(this.package, "uninstall", [...args, ...more]),
      snapshot: () => snapshotOf(root, noise),
    };
  }

  snapshot(): Promise<string[]> {
    return snapshotOf(this.tree.root, noise);
  }

  async moveHome(to: string): Promise<void> {
    await mkdir(dirname(this.tree.join(to)), { recursive: true });
    await rename(this.tree.home, this.tree.join(to));
  }

  /** Saves the manager as it is now, for `restore`. */
  async keep(): Promise<void> {
    await run("cp", ["-a", this.tree.root, this.join("kept")]);
  }

  async restore(): Promise<void> {
    await rm(this.tree.root, { recursive: true });
    await run("cp", ["-a", this.join("kept"), this.tree.root]);
  }

  /** A place for programs of the test, which shadow the system's. */
  join(...parts: string[]): string {
    return this.#disk.join(...parts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tree[Symbol.asyncDispose]();
    await this.#disk[Symbol.asyncDispose]();
  }
}
