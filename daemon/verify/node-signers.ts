import type { ManifestKey } from "../manifest/signature.ts";
import type { ResolvedStream } from "./chain.ts";

/** Whose signature holds for a node that begins a stream: fingerprints of keys. */
export class NodeSigners {
  readonly #byNode = new Map<string, Set<string>>();

  constructor(given: ReadonlyMap<string, readonly ManifestKey[]>) {
    for (const [node, keys] of given) this.#byNode.set(node, new Set(keys.map(({ fingerprint }) => fingerprint)));
  }

  /** Undefined if no key of the node is known. */
  of(node: string): ReadonlySet<string> | undefined {
    return this.#byNode.get(node);
  }

  /** Follows what a stream announces: a key takes the place of the one before it, and a new name has the key of the former. */
  learn({ chain, isProven }: ResolvedStream): void {
    if (!isProven) return;
    for (const { node, key, nextKey, nextNode } of chain) {
      if (key === undefined || (nextKey === undefined && nextNode === undefined)) continue;
      const keys = this.#byNode.get(node) ?? new Set<string>();
      if (nextKey !== undefined) {
        keys.delete(key);
        keys.add(nextKey);
      }
      this.#byNode.set(node, keys);
      if (nextNode !== undefined) this.#byNode.set(nextNode, new Set(keys));
    }
  }
}
