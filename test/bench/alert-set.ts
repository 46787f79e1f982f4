import { createHash } from "node:crypto";
import { Alert } from "../../daemon/alert/alert.ts";
import { defaultEventIds, windowsHandler } from "../../daemon/handlers/windows.ts";
import { present } from "../rig/present.ts";
import { type AlertMix, BenchAlerts, writeLines } from "./alerts.ts";

/** Record values in their order, as a topic must hold them. */
export interface Values {
  readonly count: number;
  /** SHA-256 of all of them, a newline after each; hexadecimal. */
  readonly sha256: string;
}

/** What a program may send of the alerts: each line, the lines that the Windows handler wants, or its records. */
export type Sends = "lines" | "relevant lines" | "records";

export interface SetOptions extends AlertMix {
  readonly lines: number;
}

/** Alerts in a file, and what becomes of them in a topic. */
export interface AlertSet {
  /** The lines. */
  readonly path: string;
  readonly lines: number;
  /** The Windows handler's records, a line each. */
  readonly recordsPath: string;
  readonly values: Readonly<Record<Sends, Values>>;
}

/**
 * Writes both files.
 * @param path of the alerts; that of the records has `.records` after it
 */
export function writeAlertSet(path: string, { lines, ...mix }: SetOptions): AlertSet {
  const all = new Digest();
  const alerts = new BenchAlerts(mix);
  const writeAll = (): Buffer => all.add(Buffer.from(alerts.next()));
  writeLines(path, writeAll, { lines });
  const relevant = new Digest();
  const records = new Digest();
  const same = new BenchAlerts(mix);
  const { relevantEvery } = mix;
  const handler = windowsHandler("unused", defaultEventIds);
  const newline = Buffer.from("\n");
  const nextRecord = (): Buffer => {
    const line = relevant.add(Buffer.from(same.next()));
    for (let left = relevantEvery - 1; left > 0; left--) same.next();
    const { value } = present(handler.record(Alert.parse(line.subarray(0, -1))));
    return records.add(Buffer.concat([value, newline]));
  };
  const recordsPath = `${path}.records`;
  writeLines(recordsPath, nextRecord, { lines: relevantEvery === 0 ? 0 : Math.ceil(lines / relevantEvery) });
  const values = { lines: all.end(), "relevant lines": relevant.end(), records: records.end() };
  return { path, lines, recordsPath, values };
}

class Digest {
  readonly #hash = createHash("sha256");
  #count = 0;

  add(line: Buffer): Buffer {
    this.#hash.update(line);
    this.#count += 1;
    return line;
  }

  end(): Values {
    return { count: this.#count, sha256: this.#hash.digest("hex") };
  }
}
