import { type DeltaCodec, decodeDelta, encodeDelta } from './delta-codec.ts';
import { type OuterRound, roundKey } from './outer-round.ts';

/** Settings of the outer optimiser. */
export interface OuterOptions {
  readonly outerLr: number;
  readonly outerMomentum: number;
}

/** A change of a fragment as one rank sent it. */
export interface Contribution {
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** What came of a round. */
export interface ClosedRound {
  /** The coded update: every rank applies what these bytes say. */
  readonly bytes: Uint8Array;
  /** Ranks whose parameters are older than the others', or not finite: they must take the outer parameters anew. */
  readonly refused: ReadonlyMap<number, 'old' | 'not finite'>;
}

/**
 * The first rank's part: collects the ranks' changes of a fragment, and makes one update of them with the outer optimiser.
 * With the mean change `d = mean(outer - rank's)` over the ranks that count, `m <- momentum m + d` and the update is
 * `-lr (d + momentum m)` (Nesterov, as `torch.optim.SGD`).
 *
 * Reference: Douillard et al. 2023, "DiLoCo: distributed low-communication training of language models", algorithm 1.
 */
export class OuterLeader {
  readonly momenta: readonly Float32Array[];
  /** What the coding of updates has left out so far; null for a coding without error feedback. */
  readonly residuals: readonly (Float32Array | null)[];
  private readonly contributions = new Map<string, Map<number, Contribution>>();

  constructor(
    lengths: readonly number[],
    private readonly codec: DeltaCodec,
    private readonly options: OuterOptions,
    hasResiduals: boolean,
  ) {
    this.momenta = lengths.map((length) => new Float32Array(length));
    this.residuals = lengths.map((length) => (hasResiduals ? new Float32Array(length) : null));
  }

  add(round: Pick<OuterRound, 'step' | 'fragment'>, rank: number, contribution: Contribution): void {
    const key = roundKey(round);
    const some = this.contributions.get(key) ?? new Map<number, Contribution>();
    this.contributions.set(key, some.set(rank, contribution));
  }

  has(round: OuterRound, rank: number): boolean {
    return this.contributions.get(roundKey(round))?.has(rank) ?? false;
  }

  /** Forgets what came for rounds up to a step, too late for them. */
  forgetUpTo(step: number, open: ReadonlySet<string>): void {
    for (const key of this.contributions.keys()) {
      if (Number.parseInt(key, 10) <= step && !open.has(key)) this.contributions.delete(key);
    }
  }

  /** Makes the update from what has come, in the order of ranks. */
  close(round: OuterRound, version: number): ClosedRound {
    const key = roundKey(round);
    const momentum = this.momenta[round.fragment];
    const { length } = momentum;
    const refused = new Map<number, 'old' | 'not finite'>();
    const mean = new Float32Array(length);
    let count = 0;
    const byRank = [...(this.contributions.get(key) ?? [])].sort(([a], [b]) => a - b);
    for (const [rank, { version: sent, bytes }] of byRank) {
      const delta = sent === version ? decodeDelta(this.codec, bytes, length) : null;
      if (delta === null || !areFinite(delta)) {
        refused.set(rank, delta === null ? 'old' : 'not finite');
        continue;
      }
      for (let i = 0; i < length; i++) mean[i] += delta[i];
      count++;
    }
    this.contributions.delete(key);
    const { outerLr, outerMomentum } = this.options;
    const update = mean;
    for (let i = 0; count > 0 && i < length; i++) {
      const change = mean[i] / count;
      momentum[i] = outerMomentum * momentum[i] + change;
      update[i] = -outerLr * (change + outerMomentum * momentum[i]);
    }
    return { bytes: encodeDelta(this.codec, update, this.residuals[round.fragment]), refused };
  }
}

function areFinite(values: Float32Array): boolean {
  // A sum of finite f32 values is finite in f64; one that is not makes it so.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return Number.isFinite(sum);
}
