import { Alert } from "../../alert/alert.ts";
import { NotJson } from "../../alert/json.ts";
import type { Config } from "../../config/schema.ts";
import type { Sink } from "../../contract.ts";
import type { NewDeadLetter } from "../../dead-letters/store.ts";
import { markRemoved } from "../../dead-letters/tombstones.ts";
import { createCounters } from "../../forwarder/counters.ts";
import { createCore, type Core } from "../../forwarder/core.ts";
import { Resending } from "../../forwarder/resending.ts";
import { Markings, type Stored } from "../../dead-letters/reader.ts";
import { whereRawIs } from "./text.ts";

/** An entry that stays in the store, and why. */
export interface Kept {
  readonly id: string;
  readonly reason: string;
}

export interface Resent {
  readonly acknowledged: number;
  readonly kept: readonly Kept[];
}

const fromTheFile = "send it from the file it came from: wazuh-dfn replay FILE";

/**
 * Sends dead letters through the same handlers to the same sink; each is removed when it is acknowledged. One that
 * fails again stays as it is. Waits while the sink is away.
 * @param sink not opened yet
 */
export async function resend(config: Config, sink: Sink, letters: AsyncIterable<Stored>): Promise<Resent> {
  const again = new FailedAgain();
  await using resending = await Resending.begin(config, "dead-letter");
  const parts = { config, sink, deadLetters: again, counters: createCounters(), account: resending?.account };
  const core = createCore({ ...parts, pairing: undefined, offsets: undefined, feedback: undefined });
  const removals = new Markings(markRemoved);
  const kept: Kept[] = [];
  let acknowledged = 0;
  try {
    sink.open();
    core.shipper.begin(await sink.lookup(core.topics, {}));
    for await (const stored of letters) {
      const refusal = offer(core, stored, (outcome) => {
        if (outcome === "acknowledged") {
          acknowledged += 1;
          removals.add(stored);
        } else kept.push({ id: stored.id, reason: again.reasonOf(stored.id) });
      });
      if (refusal !== undefined) kept.push({ id: stored.id, reason: refusal });
      await core.budget.room();
    }
    core.outbox.flush();
    await core.shipper.idle();
  } finally {
    core.shipper.dispose();
    core.outbox.dispose();
    await removals.done();
  }
  return { acknowledged, kept };
}

/** @returns why the entry cannot be sent at all; undefined if `settled` will be called or has been */
function offer(core: Core, { id, letter, rawBytes }: Stored, settled: (outcome: string) => void): string | undefined {
  const { raw, keptBytes, handler } = letter;
  if (raw === undefined) return `${whereRawIs(rawBytes)}; ${fromTheFile}`;
  if (keptBytes !== undefined) return `only its first ${keptBytes} bytes were kept; ${fromTheFile}`;
  const bytes = Buffer.from(raw, "base64");
  const fault = faultOf(bytes);
  if (fault !== undefined) return fault;
  const place = { file: id, offset: 0, length: bytes.length };
  const only = handler === undefined ? {} : { handler };
  const verdict = core.pipeline.offer({ source: "replay", bytes, place, ...only, owner: { settled } });
  if (verdict.kind !== "ignored") return undefined;
  return handler === undefined
    ? "no handler wants it any more; to remove it: wazuh-dfn dead-letter purge ID"
    : `the handler ${handler} does not want it any more, or is off; to remove it: wazuh-dfn dead-letter purge ID`;
}

/** Whole alerts inside a broken line were sent when it was read, so nothing may be picked out of it again. */
function faultOf(bytes: Buffer): string | undefined {
  try {
    Alert.parse(bytes);
    return undefined;
  } catch (reason) {
    if (reason instanceof NotJson) return `still not an alert: ${reason.message}`;
    throw reason;
  }
}

/** Replaces the store: what fails again is in it already. */
class FailedAgain {
  readonly #reasons = new Map<string, string>();

  async add({ place, reason, detail }: NewDeadLetter): Promise<void> {
    this.#reasons.set(place.file, `${reason}: ${detail}`);
  }

  reasonOf(id: string): string {
    return this.#reasons.get(id) ?? "refused again";
  }
}
