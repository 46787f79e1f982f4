import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadProgress } from "../../daemon/sources/tail/position/read-progress.ts";
import { LogFiles } from "../../daemon/sources/tail/log/log-files.ts";
import { Rotation } from "../../daemon/sources/tail/rotation.ts";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { RecordingLog } from "../unit/sources/tail/support/recording-log.ts";

const signal = new AbortController().signal;

/** Three days, the newest of them under alerts.json. */
function threeDays(): LogTree {
  const tree = new LogTree();
  for (const day of ["20", "21", "22"]) {
    tree.rotate(day);
    tree.write(day);
  }
  return tree;
}

/** Something happens once, right before or after the directories are listed for the `nth` time. */
function during(logFiles: LogFiles, when: "before" | "after", nth: number, what: () => void): void {
  const { archives } = logFiles;
  const list = archives.all.bind(archives);
  let lists = 0;
  archives.all = async () => {
    const early = when === "after" ? await list() : undefined;
    if (++lists === nth) what();
    return early ?? list();
  };
}

/** The first lines of the given number of files, in the order in which they are opened. */
async function opened(logFiles: LogFiles, count: number): Promise<string[]> {
  const rotation = new Rotation(logFiles, new RecordingLog().log);
  const progress = new ReadProgress();
  const lines: string[] = [];
  while (lines.length < count) {
    const logFile = await rotation.next(progress, signal);
    if (logFile === undefined) continue;
    const { origin } = logFile;
    lines.push(origin.head.toString().trim());
    progress.begin(origin, 0);
    progress.advance(origin.head.length);
    progress.finish();
    await logFile.close();
  }
  return lines;
}

test(
  "a day that is compressed right after the directories were listed is read in its turn",
  { timeout: 20_000 },
  async () => {
    using tree = threeDays();
    const logFiles = new LogFiles(tree.alertsJson);
    during(logFiles, "after", 1, () => tree.compress("20"));
    assert.deepEqual(await opened(logFiles, 3), ["20", "21", "22"]);
  },
);

test(
  "a day that ends right before the directories are listed is read before the new one",
  { timeout: 20_000 },
  async () => {
    using tree = threeDays();
    const logFiles = new LogFiles(tree.alertsJson);
    during(logFiles, "before", 1, () => {
      tree.rotate("23");
      tree.write("23");
    });
    assert.deepEqual(await opened(logFiles, 4), ["20", "21", "22", "23"]);
  },
);

test(
  "a day that ends after nothing else was found unread is read before the new one",
  { timeout: 20_000 },
  async () => {
    using tree = threeDays();
    const logFiles = new LogFiles(tree.alertsJson);
    during(logFiles, "after", 2, () => {
      tree.rotate("23");
      tree.write("23");
    });
    assert.deepEqual(await opened(logFiles, 4), ["20", "21", "22", "23"]);
  },
);
