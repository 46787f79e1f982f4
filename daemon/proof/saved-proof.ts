/** What the checkpoint has of manifests. */
import { z } from "zod";
import { bucketPattern } from "../manifest/bucket.ts";
import { successionReasons } from "../manifest/manifest.ts";
import { entryNameForm } from "./name-table.ts";
import { placeForm } from "./speaker.ts";
import { savedStretchForm } from "./stretch.ts";
import { savedVisitForm } from "./visits.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const uuid = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

const succeedsForm = z.strictObject({
  stream: uuid,
  sequence: z.int().min(1),
  hash: sha256,
  reason: z.enum(successionReasons),
});
export type Succeeds = z.infer<typeof succeedsForm>;

/** The chain: what was cut, and what of it is in the topic. */
export const savedChainForm = z.strictObject({
  stream: uuid,
  /** Of the last manifest that was cut; 0 before the first. */
  sequence: z.int().min(0),
  /** SHA-256 of its value; null before the first. */
  previous: sha256.nullable(),
  /** What the first one will say. */
  succeeds: succeedsForm.optional(),
  /** Manifests up to this one are in the topic. */
  acknowledged: z.int().min(0),
  /** The manifests that are in no file of their own and are not acknowledged, the oldest first. */
  cuts: z.array(z.strictObject({ stream: uuid, sequence: z.int().min(1), value: z.string() })),
  /** Who spoke last. */
  node: z.string(),
  key: sha256.nullable(),
  names: z.array(z.string()),
  openFrom: z.string().regex(bucketPattern),
  place: placeForm,
});
export type SavedChain = z.infer<typeof savedChainForm>;

const savedProofForm = z.strictObject({
  version: z.literal(1),
  chain: savedChainForm,
  /** Names of entries, to which the tallies and contributions refer. */
  names: z.array(entryNameForm),
  /** Per `topic/partition`, the offset behind the last record that was known to be there. */
  next: z.record(z.string(), z.int().min(0)).optional(),
  /** Digests of records of an earlier process, in base64, that may be in no manifest; it is not known yet. */
  undecided: z.array(z.string().regex(/^[A-Za-z0-9+/]{43}=$/)).optional(),
  open: savedStretchForm,
  visits: z.array(savedVisitForm),
  /** Of the last visit. */
  visit: z.int().min(0),
  /** Additions that were announced, and those that were closed too and whose files may still be there. */
  additions: z.strictObject({ open: z.array(uuid), closed: z.array(uuid) }),
  /**
   * What the socket brought and the log has not: the fingerprint's halves, which copy it is, and its contribution
   * (`NameTable.save`).
   */
  ahead: z.array(z.tuple([z.int(), z.int(), z.int().min(1), z.string(), z.unknown()])),
});
export type SavedProof = z.infer<typeof savedProofForm>;

/** @returns undefined if there is none, or not one of this version */
export function readSavedProof(saved: unknown): SavedProof | undefined {
  const checked = savedProofForm.safeParse(saved);
  return checked.success ? checked.data : undefined;
}
