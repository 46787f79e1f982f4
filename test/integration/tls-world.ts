import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { inspectTls } from "../../daemon/sinks/kafka/tls/inspection.ts";
import { loadTls, type TlsClientSettings } from "../../daemon/sinks/kafka/tls/tls.ts";
import { Pki, type PkiEntry } from "../rig/pki.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { passphraseIn, tlsSettings } from "../rig/tls-settings.ts";

/**
 * A root, an authority below it (`middle`), and certificates issued by that: `server` and `client`. `chain.pem` is the
 * client's with `middle`; `ca.pem` is `middle` and `root`; the pass phrase in the file `passphrase` is `secret`.
 */
export class TlsWorld implements AsyncDisposable {
  readonly pki: Pki;
  readonly server: PkiEntry;
  readonly client: PkiEntry;
  /** The server, with the whole chain below the root. */
  readonly chained: PkiEntry;
  /** Paths of files with the right pass phrase and with another. */
  readonly secret: string;
  readonly wrong: string;
  readonly #directory: TempDir;

  private constructor(directory: TempDir, pki: Pki, entries: Record<"server" | "client" | "chained", PkiEntry>) {
    this.#directory = directory;
    this.pki = pki;
    this.server = entries.server;
    this.client = entries.client;
    this.chained = entries.chained;
    this.secret = pki.path("passphrase");
    this.wrong = pki.path("wrong");
  }

  static async create(): Promise<TlsWorld> {
    const directory = await TempDir.create();
    const pki = new Pki(directory.path);
    await writeFile(pki.path("passphrase"), "secret\n", { mode: 0o600 });
    await writeFile(pki.path("wrong"), "looking-glass\n", { mode: 0o600 });
    await Promise.all([pki.make("root", { isAuthority: true }), pki.make("other-root", { isAuthority: true })]);
    await pki.make("middle", { issuer: "root", isAuthority: true });
    const [server, client] = await Promise.all([
      pki.make("server", { issuer: "middle" }),
      pki.make("client", { issuer: "middle", keyType: "rsa" }),
    ]);
    const chained = { ...server, cert: pki.path("server-chain.pem") };
    const world = new TlsWorld(directory, pki, { server, client, chained });
    await world.join("chain.pem", "client.pem", "middle.pem");
    await world.join("ca.pem", "middle.pem", "root.pem");
    await world.join("server-chain.pem", "server.pem", "middle.pem");
    return world;
  }

  path(name: string): string {
    return this.pki.path(name);
  }

  /** Concatenates files into a new one. @returns its path */
  async join(name: string, ...parts: readonly string[]): Promise<string> {
    const texts = await Promise.all(parts.map((part) => readFile(this.path(part), "utf8")));
    await writeFile(this.path(name), texts.join(""));
    return this.path(name);
  }

  /** Settings that work, with changes. */
  settings(changes: Partial<TlsClientSettings> = {}): TlsClientSettings {
    return tlsSettings({ ca: [this.path("ca.pem")], cert: this.path("chain.pem"), key: this.client.key, ...changes });
  }

  withPkcs12(file: string, passphrase = this.secret): TlsClientSettings {
    return this.settings({
      cert: undefined,
      key: undefined,
      pkcs12: this.path(file),
      passphrase: passphraseIn(passphrase),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}

export function errorsOf(of: TlsClientSettings): string[] {
  return inspectTls(of).flatMap(({ severity, message }) => (severity === "error" ? [message] : []));
}

/** The one error that `check` finds, which is also the one with which `run` refuses to start. */
export function refusal(of: TlsClientSettings): string {
  const errors = errorsOf(of);
  assert.equal(errors.length, 1, errors.join("\n"));
  const [error = ""] = errors;
  assert.throws(() => loadTls(of), { code: "CONFIG", message: error });
  return error;
}

/** The command in an error, which follows "with: ". */
export function commandIn(error: string): string {
  const command = /with: (.*?)(?:, and name that file in .*)?$/.exec(error)?.[1];
  assert.ok(command !== undefined, error);
  return command;
}
