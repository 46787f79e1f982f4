import {
  appendFileSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

/**
 * The alerts directory of a fake manager, with the steps of analysisd and monitord one by one, so that a test can stop
 * between any two of them.
 */
export class LogTree implements Disposable {
  readonly root: string;
  readonly alertsJson: string;
  readonly stateDir: string;
  #stem = "2026/Nov/ossec-alerts-21";
  #file: number | undefined;

  constructor() {
    const base = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
    this.root = mkdtempSync(join(base, "dfn-tail-"));
    this.alertsJson = join(this.root, "alerts/alerts.json");
    this.stateDir = join(this.root, "state");
    mkdirSync(join(this.root, "alerts"));
    mkdirSync(this.stateDir);
  }

  /** Path of a dated file: `21`, `21-001`, or with another month `2026/Dec/01`. */
  dated(name: string): string {
    const [day = "", month = "Nov", year = "2026"] = name.split("/").toReversed();
    return join(this.root, `alerts/${year}/${month}/ossec-alerts-${day}.json`);
  }

  get current(): string {
    return join(this.root, `alerts/${this.#stem}.json`);
  }

  /** Opens a dated file to append to, as analysisd does before it moves the link. */
  open(name: string): void {
    this.close();
    const path = this.dated(name);
    this.#stem = path.slice(join(this.root, "alerts/").length, -".json".length);
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, "a", 0o640);
  }

  /** An empty file loses its dated name at a rotation. */
  discardEmpty(): void {
    if (existsSync(this.current) && statSync(this.current).size === 0) unlinkSync(this.current);
  }

  unlink(): void {
    if (existsSync(this.alertsJson)) unlinkSync(this.alertsJson);
  }

  link(): void {
    linkSync(this.current, this.alertsJson);
  }

  /** All steps of a rotation, or of a first start. */
  rotate(name: string): void {
    this.discardEmpty();
    this.open(name);
    this.unlink();
    this.link();
  }

  write(...lines: (string | Buffer)[]): void {
    for (const line of lines) this.writeRaw(Buffer.concat([Buffer.from(line), Buffer.from("\n")]));
  }

  writeRaw(bytes: string | Buffer): void {
    if (this.#file === undefined) throw new Error("no file is open");
    writeSync(this.#file, Buffer.from(bytes));
  }

  /** What monitord does at midnight: compress, then unlink the plain file. */
  compress(name: string, members = 1, content = readFileSync(this.dated(name))): void {
    const step = Math.max(1, Math.ceil(content.length / members));
    writeFileSync(`${this.dated(name)}.gz`, "");
    for (let at = 0; at < content.length || at === 0; at += step) {
      appendFileSync(`${this.dated(name)}.gz`, gzipSync(content.subarray(at, at + step)));
    }
    if (existsSync(this.dated(name))) unlinkSync(this.dated(name));
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}
