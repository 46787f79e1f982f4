/** Manifests as they are seen from outside. */
export interface ManifestStatus {
  readonly topic: string;
  readonly stream: string;
  /** Number of the last one that was cut; 0 before the first. */
  readonly sequence: number;
  /** Manifests that are cut and not in the topic. */
  readonly waiting: number;
  /** The oldest of them has waited for longer than one should. */
  readonly isLate: boolean;
  /**
   * Records of an earlier process that are in no manifest yet, because their lines may still come by; undefined until the
   * look-up is over.
   */
  readonly undecided: number | undefined;
}
