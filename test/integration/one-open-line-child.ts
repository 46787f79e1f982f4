/**
 * A tail whose first line never gets its outcome, and many lines behind it that do. To be run with little memory:
 * STATE_DIR LOG KIND; KIND says what becomes of the others: `ignored` by a needle, `unwanted` by a handler, `done`.
 * Prints what the ledger says.
 */
import { statSync } from "node:fs";
import type { Owner } from "../../daemon/contract.ts";
import { SinkOffsets } from "../../daemon/delivery/sink-offsets.ts";
import type { TailIntake } from "../../daemon/sources/tail/intake.ts";
import { Tail } from "../../daemon/sources/tail/tail.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";

const [stateDir = "", path = "", kind = ""] = process.argv.slice(2);
const offsets = new SinkOffsets();
let taken = 0;
let ignored = 0;

function deliver(owner: Owner, line: number): boolean {
  taken += 1;
  if (taken === 1) return true;
  if (kind === "unwanted") return false;
  offsets.stored(`topic/${taken % 3}`, taken, line);
  owner.settled("acknowledged", line);
  return true;
}

const intake: TailIntake = {
  next: (_bytes, from, end) => (from >= end || (kind === "ignored" && taken > 0) ? -1 : from),
  ignored: (lines) => (ignored += lines),
  deliver: (_bytes, _place, owner, line) => deliver(owner, line),
  damaged: () => undefined,
  room: () => undefined,
};
const ended = new AbortController();
await using tail = new Tail({
  path,
  stateDir,
  start: "beginning",
  pollMs: 100,
  maxLineBytes: 1024,
  intake,
  log: silentLog,
  sinkOffsets: (front) => offsets.low(front),
  onEnd: () => ended.abort(),
});
await tail.load();
await tail.run(ended.signal);
await tail.save();
const checkpointBytes = statSync(`${stateDir}/checkpoint.json`).size;
process.stdout.write(
  JSON.stringify({ taken, ignored, offset: tail.status()?.offset, offsets: offsets.size, checkpointBytes }),
);
