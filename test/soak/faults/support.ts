import { inTime, missingAfterMs } from "../fault.ts";
import { eventually } from "../../rig/eventually.ts";
import { OtherPrograms } from "../../rig/other-programs.ts";
import { fetchText } from "../looks.ts";
import type { Environment } from "../environment.ts";

/** Ends all connections through the relays, and those that somebody who had their addresses has made meanwhile. */
export async function endConnections({ testBed: { relays } }: Environment): Promise<void> {
  await eventually("the end of all connections", () => {
    for (const relay of relays) relay.cut();
    return relays.every(({ socketCount }) => socketCount === 0);
  });
}

/** Resolves when the forwarder's status has words that match. @throws TooSlow when they came only after `withinMs` */
export async function statusSays(environment: Environment, words: RegExp, withinMs = 10_000): Promise<void> {
  let status: string | undefined;
  const says = async (): Promise<boolean> => {
    status = await fetchText(environment.statusPath, "/status");
    return status !== undefined && words.test(status);
  };
  const startedMs = performance.now();
  const others = new OtherPrograms();
  await eventually("the words", says, { withinMs: missingAfterMs }).catch((reason: unknown) => {
    throw new Error(`the status does not say ${String(words)}: ${status ?? "no answer"}`, { cause: reason });
  });
  inTime(`${String(words)} in the status`, others.without(performance.now() - startedMs), withinMs);
}

/** The load pauses meanwhile: only the fault writes. */
export async function withoutLoad(environment: Environment, during: () => Promise<void>): Promise<void> {
  const rate = environment.load.perSecond;
  environment.load.perSecond = 0;
  try {
    await during();
  } finally {
    environment.load.perSecond = rate;
  }
}

/** A figure of the forwarder about the alerts that came from the log: `read`, `in_flight` and the like. */
export async function figureOf(environment: Environment, name: string): Promise<number | undefined> {
  const text = (await fetchText(environment.statusPath, "/metrics")) ?? "";
  const value = new RegExp(`^wazuh_dfn_alerts_${name}(?:_total)?\\{[^}]*source="tail"[^}]*\\} (\\S+)$`, "m").exec(
    text,
  )?.[1];
  return value === undefined ? undefined : Number(value);
}

/** @throws Error that says what was wrong */
export function check(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise);
}
