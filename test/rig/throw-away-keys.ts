import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { TempDir } from "./temp-dir.ts";

/** Keys for signatures that only tests look at, removed with their directory. */
export class ThrowAwayKeys implements AsyncDisposable {
  readonly #directory: TempDir;
  readonly #home: string;

  private constructor(directory: TempDir) {
    this.#directory = directory;
    this.#home = directory.join("home");
    mkdirSync(this.#home, { mode: 0o700 });
  }

  static async create(): Promise<ThrowAwayKeys> {
    const missing = installPrograms(["gpg"]);
    if (missing.length > 0) throw new Error(howToInstall(missing));
    return new ThrowAwayKeys(await TempDir.create());
  }

  /** @param more arguments of GnuPG, e.g. a time that is not now; @returns the fingerprint */
  make(name: string, expires: string, more: readonly string[] = []): string {
    const args = ["--passphrase", "", "--status-fd", "1", "--quick-gen-key", name, "ed25519", "sign", expires];
    const output = this.gpg([...more, ...args]).toString();
    return /^\[GNUPG:\] KEY_CREATED P (\w+)/m.exec(output)?.[1] ?? "";
  }

  revoke(fingerprint: string): void {
    const directory = join(this.#home, "openpgp-revocs.d");
    const file = readdirSync(directory).find((name) => name.startsWith(fingerprint)) ?? "";
    const path = this.#directory.join("revocation");
    writeFileSync(path, readFileSync(join(directory, file), "utf8").replace(/^:---/gm, "---"));
    this.gpg(["--import", path]);
  }

  /** Writes the public keys into a file. */
  export(path: string, names: readonly string[], more: readonly string[] = []): string {
    writeFileSync(path, this.gpg([...more, "--export", ...names]));
    return path;
  }

  gpg(args: readonly string[]): Buffer {
    return execFileSync("gpg", ["--batch", "--homedir", this.#home, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    execFileSync("gpgconf", ["--homedir", this.#home, "--kill", "all"], { stdio: "ignore" });
    await this.#directory[Symbol.asyncDispose]();
  }
}
