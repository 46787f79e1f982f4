import { Archives, directoryOf, type LogFile } from "./archives.ts";
import { OpenLogFile } from "./log-file.ts";
import { chunkBuffers } from "./plain-reader.ts";
import { isAbsent } from "../../../errors.ts";

/** Opens log files: alerts.json, and those that it was before. Only one of them may be read at a time. */
export class LogFiles {
  readonly archives: Archives;
  /** Path of alerts.json. */
  readonly path: string;
  readonly #buffers = chunkBuffers();
  #beats = 0;

  constructor(path: string) {
    this.path = path;
    this.archives = new Archives(() => directoryOf(path));
  }

  /** Pieces of files read so far, also on the way to a place: it grows while there is progress. */
  get beats(): number {
    return this.#beats;
  }

  open(file: LogFile): Promise<OpenLogFile> {
    return OpenLogFile.open(file, this.#buffers, this.#beat);
  }

  /**
   * Opens alerts.json and learns its dated name; undefined when there is no alerts.json. It has no name if monitord
   * compressed and unlinked the dated file of a day that is still written (Wazuh 4.14 source:
   * src/monitord/manage_files.c:20-59); its `.gz` then holds the same bytes, and reading either knows the other again.
   */
  async openLive(): Promise<OpenLogFile | undefined> {
    let logFile: OpenLogFile;
    try {
      logFile = await this.open({ path: this.path, name: undefined, compressed: false });
    } catch (reason) {
      if (isAbsent(reason)) return undefined;
      throw reason;
    }
    try {
      const { origin } = logFile;
      const archive = await this.archives.withId(origin.id);
      if (archive) {
        origin.name = archive.name;
        origin.file = archive.path;
      }
      return logFile;
    } catch (reason) {
      await logFile.close();
      throw reason;
    }
  }

  readonly #beat = (): void => {
    this.#beats += 1;
  };
}
