import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DebianRoot } from "../rig/debian-root.ts";
import { ownPackage, sharedPackages } from "../rig/packages.ts";
import { TempDir } from "../rig/temp-dir.ts";

/** A Debian with nothing of ours in it except the package in root's home: the slow part, shared by several tests. */
export class DebianImage implements AsyncDisposable {
  readonly #debian: DebianRoot;

  private constructor(debian: DebianRoot) {
    this.#debian = debian;
  }

  static async make(): Promise<DebianImage> {
    await using build = await TempDir.create();
    const packages = sharedPackages(build.join("packages"), process.arch);
    const { version }: { version: string } = JSON.parse(await readFile("package.json", "utf8"));
    const debian = await DebianRoot.make();
    // The pages name the package of one processor.
    const made = ownPackage(packages, version);
    const root = join(debian.path, "root");
    await copyFile(made.deb, join(root, `wazuh-dfn_${version}_amd64.deb`));
    await copyFile(made.tarball, join(root, `wazuh-dfn-${version}-linux-x64.tar.gz`));
    return new DebianImage(debian);
  }

  copy(): Promise<DebianRoot> {
    return this.#debian.copy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#debian[Symbol.asyncDispose]();
  }
}
