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
}
