import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { present } from "../present.ts";
import type { WrittenAlert } from "./alerts.ts";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** What stdio passes to the system at a time (Wazuh 4.14 source: src/analysisd/output/jsonout.c). */
const spillBytes = 4096;
const flushIntervalMs = 1000;
/** How long `emitDuring` keeps its rate. */
const fullSeconds = 30;

/** Makes the alerts that are written. */
export interface Maker<Alert> {
  make(isRelevant?: boolean): Alert;
  startNewLog(): void;
}

/**
 * Writes alerts.json as Wazuh 4.14's analysisd does: the real file is the dated one and alerts.json a hard link to it,
 * lines come in pieces of 4,096 bytes, the rest with a flush a second (src/analysisd/alerts/getloglocation.c).
 */
export class Analysisd<Alert extends { readonly line: Buffer } = WrittenAlert> implements Disposable {
  readonly alertsJson: string;
  readonly #maker: Maker<Alert>;
  readonly #ledger: { add(alert: Alert): void };
  readonly #directory: string;
  readonly #flusher: NodeJS.Timeout;
  #day: Date;
  #part = 0;
  #file: number;
  #buffered = Buffer.alloc(0);
  #isDisposed = false;

  /** @param day whose file it writes first */
  constructor(home: string, maker: Maker<Alert>, ledger: { add(alert: Alert): void }, day = new Date()) {
    this.#directory = join(home, "logs/alerts");
    this.alertsJson = join(this.#directory, "alerts.json");
    this.#maker = maker;
    this.#ledger = ledger;
    this.#day = day;
    this.#file = this.#openDated();
    this.#link();
    this.#flusher = setInterval(() => this.flush(), flushIntervalMs);
  }

  /** Path of the dated file that is being written. */
  get datedFile(): string {
    const month = join(this.#directory, String(this.#day.getFullYear()), present(months[this.#day.getMonth()]));
    const part = this.#part === 0 ? "" : `-${String(this.#part).padStart(3, "0")}`;
    return join(month, `ossec-alerts-${String(this.#day.getDate()).padStart(2, "0")}${part}.json`);
  }

  /** Writes alerts and enters them into the ledger. */
  emit(count: number, isRelevant?: boolean): Alert[] {
    return Array.from({ length: count }, () => {
      const alert = this.#maker.make(isRelevant);
      this.#ledger.add(alert);
      this.write(alert.line);
      return alert;
    });
  }

  /** Emits at a steady rate; resolves when all are written and flushed, or when this is disposed of. */
  async emitSteadily({ perSecond, seconds }: { perSecond: number; seconds: number }): Promise<void> {
    const started = performance.now();
    for (let done = 0; done < perSecond * seconds && !this.#isDisposed; await delay(5)) {
      const due = Math.min(((performance.now() - started) / 1000) * perSecond, perSecond * seconds);
      if (due - done >= 1) done += this.emit(Math.floor(due - done)).length;
    }
    if (!this.#isDisposed) this.flush();
  }

  /**
   * Emits at a steady rate until `work` is done, however long this machine takes for it; resolves with its result once
   * all is flushed. After half a minute only a tenth of the rate continues: if the work takes that long, more than that
   * is not delivered either, and would only pile up.
   */
  async emitDuring<T>(perSecond: number, work: () => Promise<T>): Promise<T> {
    const over = new AbortController();
    const emit = async (): Promise<void> => {
      const started = performance.now();
      for (let done = 0; !over.signal.aborted && !this.#isDisposed; await delay(5)) {
        const seconds = (performance.now() - started) / 1000;
        const due = Math.floor(perSecond * (Math.min(seconds, fullSeconds) + Math.max(0, seconds - fullSeconds) / 10));
        if (due > done) done += this.emit(due - done).length;
      }
    };
    const emitting = emit();
    try {
      return await work();
    } finally {
      over.abort();
      await emitting;
      if (!this.#isDisposed) this.flush();
    }
  }

  /** Bytes written unchanged, and entered into no ledger. */
  write(bytes: Buffer): void {
    this.#buffered = Buffer.concat([this.#buffered, bytes]);
    const spilled = this.#buffered.length - (this.#buffered.length % spillBytes);
    if (spilled > 0) writeSync(this.#file, this.#buffered.subarray(0, spilled));
    this.#buffered = this.#buffered.subarray(spilled);
  }

  flush(): void {
    if (this.#buffered.length > 0) writeSync(this.#file, this.#buffered);
    this.#buffered = Buffer.alloc(0);
  }

  /**
   * The next dated file: of the next day, or the next part of this one. `absentMs`: how long there is no alerts.json.
   */
  async rotate({ isNewDay = false, absentMs = 0 } = {}): Promise<void> {
    this.flush();
    closeSync(this.#file);
    if (isNewDay) {
      this.#day = new Date(this.#day.getFullYear(), this.#day.getMonth(), this.#day.getDate() + 1, 12);
      this.#part = 0;
      this.#maker.startNewLog();
    } else this.#part++;
    this.#file = this.#openDated();
    await this.#relink(absentMs);
  }

  /** The day that is being written, and its part. */
  get place(): { readonly day: Date; readonly part: number } {
    return { day: this.#day, part: this.#part };
  }

  /** The date that its clock was moved to: the file of that day is begun, or continued if it is already there. */
  async turnTo({ day, part }: { readonly day: Date; readonly part: number }): Promise<void> {
    this.flush();
    closeSync(this.#file);
    this.#day = day;
    this.#part = part;
    this.#maker.startNewLog();
    this.#file = this.#openDated();
    await this.#relink(0);
  }

  /**
   * Stops and starts: the same file continues and alerts.json is linked again. `torn`: a line that was left unfinished.
   */
  async restart({ torn, absentMs = 50 }: { torn?: Buffer; absentMs?: number } = {}): Promise<void> {
    this.flush();
    if (torn !== undefined) writeSync(this.#file, torn);
    closeSync(this.#file);
    this.#file = this.#openDated();
    await this.#relink(absentMs);
  }

  /** What monitord does to the file of a day that is over (src/monitord/compress_log.c). */
  compress(datedFile: string): void {
    writeFileSync(`${datedFile}.gz`, gzipSync(readFileSync(datedFile)));
    unlinkSync(datedFile);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearInterval(this.#flusher);
    this.flush();
    closeSync(this.#file);
  }

  #openDated(): number {
    mkdirSync(dirname(this.datedFile), { recursive: true });
    return openSync(this.datedFile, "a", 0o640);
  }

  async #relink(absentMs: number): Promise<void> {
    rmSync(this.alertsJson, { force: true });
    if (absentMs > 0) await delay(absentMs);
    this.#link();
  }

  #link(): void {
    rmSync(this.alertsJson, { force: true });
    linkSync(this.datedFile, this.alertsJson);
  }
}
