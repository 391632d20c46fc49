/** A held-out loss less another's, nats per token, paired by seed. */
export interface LossDifference {
  readonly seeds: number;
  readonly difference: number;
  readonly standardError: number;
  /** Ends of the 95 % interval. */
  readonly interval: readonly [number, number];
  /** FLOPs per token beyond the other's, as a share. */
  readonly moreFlops: number;
  readonly layers: number;
  readonly width: number;
  /** Tokens trained on. */
  readonly tokens: number;
}

/** What docs/evidence and the benchmarks hold beside the paper's claims. */
export interface Evidence {
  readonly preNorm: LossDifference;
  readonly preNormMatched: LossDifference;
  readonly postNorm: LossDifference;
  /** The best of the other mechanisms that have as many seeds as MoDA, against the same baseline. */
  readonly rival: LossDifference & { readonly name: string };
  /** MoDA's speed as a share of the same kernels' without depth slots, at the longest sequence of the paper's Table 2. */
  readonly kernel: {
    readonly T: number;
    readonly speedShare: number;
    readonly paperSpeedShare: number;
    readonly card: string;
  };
}

/** Reads the studies and the benchmarks. */
export function readEvidence(): Evidence;

/** Vite: `import evidence from 'virtual:evidence'`. */
export function evidenceVite(): { name: string };
