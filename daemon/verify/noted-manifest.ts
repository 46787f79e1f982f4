import type { Manifest } from "../manifest/manifest.ts";

/** Whether the signature of a manifest holds, whoever may sign. */
export type SignatureState =
  /** By the key that it names, which is known. */
  | "valid"
  /** It names a known key, and that did not sign it. */
  | "wrong"
  /** It names a key that is not known. */
  | "unknown-key"
  | "unsigned";

/** What is kept of a manifest: everything but its entries, which are among the evidence. */
export interface NotedManifest {
  readonly stream: string;
  readonly sequence: number;
  readonly hash: string;
  readonly previous: string | null;
  readonly node: string;
  readonly names: readonly string[];
  /** When it was cut, and within which time the next one comes; milliseconds. */
  readonly timeMs: number;
  readonly intervalMs: number;
  /** When it came: the broker's time if the topic has it, else `timeMs`. */
  readonly cameMs: number;
  readonly key: string | undefined;
  signature: SignatureState;
  readonly succeeds: Manifest["succeeds"];
  /** Fingerprint of the announced key. */
  readonly nextKey: string | undefined;
  readonly nextNode: string | undefined;
  readonly isStopping: boolean;
  /** The first moment of `open_from`. */
  readonly openFromMs: number;
  /** First moment of the lowest bucket of records, and the end of the highest; undefined if it has none with a time. */
  readonly lowestMs: number | undefined;
  readonly highestMs: number | undefined;
  /**
   * From here on nothing that was sent before can be in a bucket: the end of the lowest one, or its beginning if the log
   * begins there.
   */
  readonly wholeFromMs: number;
  readonly firstVisit: { readonly visit: number; readonly from: number } | undefined;
  readonly lastVisit: { readonly visit: number; readonly to: number } | undefined;
  readonly opened: readonly string[];
  readonly closed: readonly string[];
  /** What contradicts itself in it; undefined if nothing does. */
  readonly contradiction: string | undefined;
  /** In the order of reading; of one partition, in the order of its offsets. */
  readonly place: number;
  /**
   * Whether its announcements count:
   * - trusted: they do.
   * - distrusted: forged, or the other branch of a fork; what agrees with them is not a finding of its own.
   * - superseded: another stream has announced it again.
   */
  standing: "trusted" | "distrusted" | "superseded";
}
