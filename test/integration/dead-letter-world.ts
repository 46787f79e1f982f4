import assert from "node:assert/strict";
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { DeadReason } from "../../daemon/contract.ts";
import { DeadLetterStore } from "../../daemon/dead-letters/store.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import type { StatusWorld } from "./status-world.ts";

interface Letter {
  readonly bytes: string;
  readonly reason?: DeadReason;
  readonly handler?: string;
  readonly length?: number;
}

/** Stores entries as a forwarder does. To the commands, this process is one that may continue to append to them. */
export async function store(world: StatusWorld, letters: readonly Letter[], segmentBytes = 1_000_000): Promise<void> {
  const limits = { maxBytes: 1_000_000_000, segmentBytes };
  await using store = new DeadLetterStore(world.deadLetters, limits, silentLog);
  for (const [index, { bytes, reason = "refused", handler, length }] of letters.entries()) {
    const raw = Buffer.from(bytes);
    const place = { file: world.alertsJson, offset: index * 1000, length: length ?? raw.length };
    const of = handler === undefined ? {} : { handler };
    await store.add({ source: "tail", reason, detail: "too \u001b[31mred", ...of, place, bytes: raw });
  }
}

export interface Listed {
  readonly id: string;
  readonly reason: string;
  readonly handler?: string;
  readonly rawBytes: number;
  readonly acknowledged: boolean;
}

export async function list(world: StatusWorld): Promise<Listed[]> {
  const { code, stdout, stderr } = await world.run("dead-letter", "list", "--json");
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}

/** Gives what this process stored, and what was removed of it, the name of a process that has ended. */
export async function asOfADeadProcess(world: StatusWorld): Promise<void> {
  const aboveAnyPid = 4_194_304; // Linux assigns no id from its PID_MAX_LIMIT on.
  const own = new RegExp(`-${process.pid}-(?=\\d+\\.ndjson)`); // A small number may also occur in the time before it.
  for (const name of await readdir(world.deadLetters)) {
    const renamed = name.replace(own, `-${aboveAnyPid}-`);
    await rename(join(world.deadLetters, name), join(world.deadLetters, renamed));
  }
}
