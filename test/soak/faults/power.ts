import { openSync, closeSync, readSync, statSync, truncateSync } from "node:fs";
import { sequenceOf } from "../alerts.ts";
import type { Fault } from "../fault.ts";
import type { Environment } from "../environment.ts";
import { withOpenAlert } from "./open-alert.ts";

/** More than is written between two checkpoints. */
const mostCutBytes = 400_000;

/** What is left of the log after a power loss: its last seconds never reached the disk, the checkpoint did. */
export const powerFaults: readonly Fault[] = [
  {
    name: "power-loss",
    what: "SIGKILL, and the log ends before a line that was read and sent; the manager continues after it",
    run: (environment) => losePower(environment, "line"),
  },
  {
    name: "power-loss-in-line",
    what: "SIGKILL, and the log ends within a line that was read and sent; the manager continues in it",
    run: (environment) => losePower(environment, "anywhere"),
  },
  {
    name: "power-loss-behind-open-alert",
    what: "the same while a line before all that is lost has no outcome yet",
    run: (environment) => withOpenAlert(environment, () => losePower(environment, "line")),
  },
];

/** @param where the log ends: between two lines, or at any byte */
async function losePower(environment: Environment, where: "line" | "anywhere"): Promise<void> {
  const { datedFile } = environment.analysisd;
  environment.analysisd.flush();
  const keptBytes = statSync(datedFile).size;
  await environment.pass(environment.between(500, 1500));
  await environment.settled();
  // The checkpoint is written every second.
  await environment.pass(environment.between(0, 2000));
  await environment.forwarder.kill();
  await environment.stopCaller();
  environment.analysisd.flush();
  cut(environment, datedFile, keptBytes, where);
  environment.startCaller();
  // The first begins where a sent one began, so that the position alone proves nothing.
  environment.analysisd.emit(1, true);
  environment.analysisd.emit(environment.between(1, 200));
  environment.analysisd.flush();
  await environment.forwarder.start();
}

/** Removes the lines after `keptBytes`. Those that had been sent are in the topic, the others are not expected. */
function cut(environment: Environment, path: string, keptBytes: number, where: "line" | "anywhere"): void {
  const size = statSync(path).size;
  const from = Math.max(keptBytes, size - mostCutBytes);
  const bytes = Buffer.alloc(size - from);
  const file = openSync(path, "r");
  readSync(file, bytes, 0, bytes.length, from);
  closeSync(file);
  const lines = Array.from(bytes.toString("latin1").matchAll(/^\{"timestamp":"([^"]{28})".*$/gm)).map(
    ({ 0: { length }, 1: timestamp, index }) => ({ index, length, sequence: sequenceOf(timestamp) ?? 0 }),
  );
  // Any of the first half of those that were relevant, so that there are some after it.
  const relevant = lines.filter(({ sequence }) => environment.ledger.isRelevant(sequence));
  const { index, length } = environment.oneOf(relevant.slice(0, Math.ceil(relevant.length / 2)));
  truncateSync(path, from + index + (where === "line" ? 0 : environment.between(1, length - 1)));
  for (const line of lines.filter((one) => one.index >= index))
    environment.ledger.letOff(line.sequence, line.sequence + 1);
}
