import { stat } from "node:fs/promises";
import { Presets, SingleBar } from "cli-progress";

const everyMs = 200;

interface ReplayState {
  readonly bytes: number;
  readonly read: number;
  readonly acknowledged: number;
}

/**
 * Shows the progress of a replay, on a terminal only. If a file is compressed or standard input is read, the total is
 * not known: then only figures are shown.
 * @returns a function that ends the display
 */
export async function showProgress(
  stream: NodeJS.WritableStream,
  paths: readonly string[],
  state: () => ReplayState,
): Promise<() => void> {
  if (!("isTTY" in stream) || stream.isTTY !== true) return () => undefined;
  const total = await plainBytes(paths);
  const figures = "{read} read, {acknowledged} acknowledged, {megabytes} MB";
  const format = total === undefined ? figures : `{bar} {percentage} %  ${figures}`;
  const bar = new SingleBar({ format, stream, clearOnComplete: true, hideCursor: true }, Presets.shades_classic);
  const show = (): void => {
    const { bytes, read, acknowledged } = state();
    bar.update(bytes, { read, acknowledged, megabytes: Math.round(bytes / 1e6) });
  };
  bar.start(total ?? 1, 0, { read: 0, acknowledged: 0, megabytes: 0 });
  const timer = setInterval(show, everyMs);
  return () => {
    clearInterval(timer);
    show();
    bar.stop();
  };
}

/** Bytes of all files, or undefined if the content of one is not as long as its size on disk. */
async function plainBytes(paths: readonly string[]): Promise<number | undefined> {
  let total = 0;
  for (const path of paths) {
    if (path === "-" || path.endsWith(".gz")) return undefined;
    // A missing file is reported when its turn comes.
    total += (await stat(path).catch(() => ({ size: 0 }))).size;
  }
  return total;
}
