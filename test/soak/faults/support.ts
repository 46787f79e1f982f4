import { inTime, missingAfterMs } from "../fault.ts";
import { eventually } from "../../rig/eventually.ts";
import { fetchText } from "../looks.ts";
import type { Stage } from "../stage.ts";

/** Resolves when no connection leads through the relays any more. */
export async function connectionsEnd(stage: Stage): Promise<void> {
  const { relays } = stage.ground;
  await eventually("the end of all connections", () => relays.every(({ socketCount }) => socketCount === 0));
}

/** Resolves when the forwarder's status has words that match. @throws TooSlow when they came after `withinMs` only */
export async function statusSays(stage: Stage, words: RegExp, withinMs = 10_000): Promise<void> {
  let status: string | undefined;
  const says = async (): Promise<boolean> => {
    status = await fetchText(stage.statusPath, "/status");
    return status !== undefined && words.test(status);
  };
  const startedMs = performance.now();
  await eventually("the words", says, { withinMs: missingAfterMs }).catch((reason: unknown) => {
    throw new Error(`the status does not say ${String(words)}: ${status ?? "no answer"}`, { cause: reason });
  });
  inTime(`${String(words)} in the status`, performance.now() - startedMs, withinMs);
}

/** The load pauses meanwhile: what is written is what the fault writes. */
export async function withoutLoad(stage: Stage, during: () => Promise<void>): Promise<void> {
  const rate = stage.load.perSecond;
  stage.load.perSecond = 0;
  try {
    await during();
  } finally {
    stage.load.perSecond = rate;
  }
}

/** A figure of the forwarder about the alerts that came from the log: `read`, `in_flight` and the like. */
export async function figureOf(stage: Stage, name: string): Promise<number | undefined> {
  const text = (await fetchText(stage.statusPath, "/metrics")) ?? "";
  const value = new RegExp(`^wazuh_dfn_alerts_${name}(?:_total)?\\{[^}]*source="tail"[^}]*\\} (\\S+)$`, "m").exec(
    text,
  )?.[1];
  return value === undefined ? undefined : Number(value);
}

/** @throws Error that says what was not so */
export function check(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise);
}
