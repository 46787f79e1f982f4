import type { FoundValues, Lookup } from "../contract.ts";
import type { FoundManifest } from "./proof.ts";

/** The header `wazuh-dfn-handler` of manifests; no handler of alerts has this name. */
export const manifestHandler = "manifest";

const idPattern = /^([0-9a-f-]{36})\/(\d{1,15})$/;

/**
 * The manifests among what a look-up found, those of one stream by their numbers and in the order in which streams appeared.
 * Undefined if the topic could not be read.
 * @param lookup of the topic of manifests, with its values
 */
export function foundManifests({ shipped, values }: Lookup): readonly FoundManifest[] | undefined {
  return shipped === undefined || values === undefined ? undefined : [...manifestsIn(values)];
}

function* manifestsIn(values: FoundValues): Generator<FoundManifest> {
  for (const [key, found] of values) {
    const [handler, , id = ""] = key.split("\u0000");
    const [, stream, sequence] = idPattern.exec(id) ?? [];
    const [first] = found;
    if (handler !== manifestHandler || stream === undefined || first === undefined) continue;
    yield { stream, sequence: Number(sequence), hash: first.valueHash };
  }
}
