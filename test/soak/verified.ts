import { hostname } from "node:os";
import { z } from "zod";
import { publicKeyText } from "../rig/manifests/node-writer.ts";
import { Program } from "../rig/program.ts";
import type { Environment } from "./environment.ts";
import type { Fault } from "./fault.ts";

const report = z.looseObject({
  result: z.string(),
  unknown: z.array(z.string()),
  nodes: z.array(z.looseObject({ verdicts: z.record(z.string(), z.number()) })),
  findings: z.array(
    z.looseObject({
      kind: z.string(),
      hour: z.string().nullable(),
      count: z.number(),
      buckets: z.array(z.string()),
      text: z.string(),
    }),
  ),
});

/** What `wazuh-dfn verify` says of a run. */
export interface Verified {
  readonly result: string;
  /** Minutes of a handler, or hours, in which all is there as it was announced. */
  readonly complete: number;
  readonly findings: number;
  /** Findings that nothing explains; a line each. */
  readonly broken: readonly string[];
}

/**
 * Asks the product's own `verify`, with the node's key, once the forwarder has stopped. Minutes of which a fault took records out
 * of the topic are findings or cannot be known, and records that may be there twice are findings; there may be no others.
 * Topics for alerts that are open for a while (`withOpenAlert`) are gone by then.
 */
export async function verified(environment: Environment, faults: readonly Fault[]): Promise<Verified> {
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
  // Where the forwarder runs: brokers have their names there.
  const { testBed } = environment;
  await using command = new Program(...testBed.forwarderCommand([testBed.bundle, ...args]));
  const code = await command.end();
  const text = command.outputLines.join("\n");
  if (text === "") {
    return {
      result: "none",
      complete: 0,
      findings: 0,
      broken: [`verify ended with ${String(code)}: ${command.errorLines.join(" ")}`],
    };
  }
  const { result, findings, unknown, nodes } = report.parse(JSON.parse(text));
  const { manifestReferee } = environment;
  const mayCopy = faults.some(({ copies }) => copies === true);
  const broken = findings
    .filter(({ kind, buckets }) => {
      const isTaken = buckets.length > 0 && buckets.every((bucket) => manifestReferee.isTaken(bucket));
      return !isTaken && !(mayCopy && kind === "doubled");
    })
    .map(({ kind, hour, count, text: why }) => `verify: ${count} ${kind} in ${hour ?? "no hour"}: ${why}`);
  const complete = nodes.reduce((sum, { verdicts }) => sum + (verdicts["complete"] ?? 0), 0);
  if (complete === 0) broken.push("verify: nothing is complete");
  if (!manifestReferee.hasTaken) {
    const unexplained = unknown.filter((why) => !why.includes(`${environment.topic}-open-`));
    broken.push(...unexplained.map((why) => `verify: cannot be known: ${why}`));
  }
  return { result, complete, findings: findings.length, broken };
}
