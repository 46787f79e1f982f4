import { hostname } from "node:os";
import { z } from "zod";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { publicKeyText } from "../rig/manifests/node-writer.ts";
import { Program } from "../rig/program.ts";
import type { Environment } from "./environment.ts";
import type { Fault } from "./fault.ts";

const report = z.looseObject({
  result: z.string(),
  findings: z.array(
    z.looseObject({ kind: z.string(), hour: z.string().nullable(), count: z.number(), text: z.string() }),
  ),
});

/** What `wazuh-dfn verify` says of a run. */
export interface Verified {
  readonly result: string;
  readonly findings: number;
  /** Findings that nothing explains; a line each. */
  readonly broken: readonly string[];
}

/** Faults that take records out of the topic: what they take is missing, and is to be found. */
const takesRecords: ReadonlySet<string> = new Set(["topic-recreated", "unclean-election"]);

/**
 * Asks the product's own `verify`, with the node's key, once the forwarder has stopped. Records that may be there twice are
 * findings, and no others may be.
 * @returns undefined if a fault took records away
 */
export async function verified(environment: Environment, faults: readonly Fault[]): Promise<Verified | undefined> {
  if (faults.some(({ name }) => takesRecords.has(name))) return undefined;
  const key = `${hostname()}=${publicKeyText(environment.manifestKey)}`;
  const args = [
    "verify",
    "--config",
    environment.configure(),
    "--manifests",
    environment.manifestTopic,
    "--key",
    key,
    "--json",
  ];
  await using command = new Program(process.execPath, [forwarderBundle, ...args]);
  const code = await command.end();
  const text = command.outputLines.join("\n");
  if (text === "") {
    return {
      result: "none",
      findings: 0,
      broken: [`verify ended with ${String(code)}: ${command.errorLines.join(" ")}`],
    };
  }
  const { result, findings } = report.parse(JSON.parse(text));
  const mayCopy = faults.some(({ copies }) => copies === true);
  const broken = findings
    .filter(({ kind }) => !(mayCopy && kind === "doubled"))
    .map(({ kind, hour, count, text: why }) => `verify: ${count} ${kind} in ${hour ?? "no hour"}: ${why}`);
  return { result, findings: findings.length, broken };
}
