import { DataError, unknownName } from '@modajs/tensor';
import { hashIntegers, permute } from './permutation.ts';
import type { TokenSource } from './token-source.ts';

/** One source with its share of the sequences. */
export interface WeightedSource {
  readonly source: TokenSource;
  readonly weight: number;
}

/** Where a sequence of `T + 1` tokens lies. */
export interface SequencePlace {
  readonly source: number;
  readonly start: number;
}

/** How far a run has read: plain data, saved with every checkpoint. */
export interface SequencePosition {
  /** Sequences drawn from all sources. */
  readonly drawn: number;
  /** Sequences drawn from each source, in configuration order. */
  readonly bySource: readonly number[];
}

/**
 * The order in which a run visits its data. Epoch `e` of a source cuts it into sequences of `T` inputs and `T` targets
 * that start at a seeded offset, so that sequence borders move between epochs, and visits them in a seeded permutation.
 * One of the first two epochs starts at the first token and the other ends at the last one: a source of three sequences and more
 * has every token but the first as a target within two epochs, a shorter one within as many epochs as there are offsets (at most 2 T).
 * A mixture draws the source that lags its weight the most, so shares are exact to within one sequence.
 * A source of packed rows is visited row by row, all of them in each epoch.
 * Everything follows from (seed, position): any rank can compute any batch.
 */
export class SequenceOrder {
  private readonly totalWeight: number;

  /** @throws DataError when a source is shorter than one sequence */
  constructor(
    private readonly sources: readonly WeightedSource[],
    private readonly T: number,
    private readonly seed: number,
    private readonly shuffle: boolean,
    /** `drawn` is the order of version 0.0.0, whose runs go on with it: an offset of its own in each epoch, below `T`. */
    private readonly offsets: 'round' | 'drawn' = 'round',
  ) {
    for (const { source } of sources) {
      if (source.rows === undefined && source.length < T + 1) {
        throw new DataError(
          `data: ${source.name} must hold at least one sequence of ${T + 1} tokens, got ${source.length}. ` +
            'Use more text or a smaller model.seqLen.',
          { source: source.name, tokens: source.length, needed: T + 1 },
        );
      }
    }
    this.totalWeight = sources.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** The position before anything is drawn. */
  start(): SequencePosition {
    return { drawn: 0, bySource: this.sources.map(() => 0) };
  }

  /** The next `count` sequences and the position after them. */
  draw(position: SequencePosition, count: number): { places: SequencePlace[]; next: SequencePosition } {
    const bySource = [...position.bySource];
    const places: SequencePlace[] = [];
    for (let drawn = position.drawn; drawn < position.drawn + count; drawn++) {
      const source = this.mostLagging(drawn, bySource);
      places.push({ source, start: this.placeOf(source, bySource[source]) });
      bySource[source]++;
    }
    return { places, next: { drawn: position.drawn + count, bySource } };
  }

  /** @throws DataError when all sources together are shorter than one batch: it would hold the same text twice */
  requireBatch(batchSize: number): void {
    const held = this.sources.reduce((sum, _, source) => sum + this.fitting(source), 0);
    if (held >= batchSize) return;
    throw new DataError(
      `data: the sources must hold at least one batch of ${batchSize} sequences of ${this.T} tokens, got ${held}. ` +
        'Use more text, or a smaller training.batchSize or model.seqLen.',
      { batchSize, sequences: held },
    );
  }

  /** Passes over the source, as a fraction: 1.5 is halfway through the second. */
  epochs(position: SequencePosition): number[] {
    return position.bySource.map((drawn, i) => drawn / this.sequencesIn(i));
  }

  private mostLagging(drawn: number, bySource: readonly number[]): number {
    let best = 0;
    let bestLag = -Infinity;
    for (const [i, { weight }] of this.sources.entries()) {
      const lag = ((drawn + 1) * weight) / this.totalWeight - bySource[i];
      if (lag > bestLag + 1e-9) {
        best = i;
        bestLag = lag;
      }
    }
    return best;
  }

  /** Sequences of one epoch: one fewer than fit, so that the offset has room to move. */
  private sequencesIn(source: number): number {
    const fit = this.fitting(source);
    return this.shuffle && !this.isPacked(source) ? Math.max(1, fit - 1) : fit;
  }

  private isPacked(source: number): boolean {
    return this.sources[source].source.rows !== undefined;
  }

  /** Sequences that a source holds. */
  private fitting(source: number): number {
    const { length, rows } = this.sources[source].source;
    return rows?.count ?? Math.floor((length - 1) / this.T);
  }

  private placeOf(source: number, drawn: number): number {
    const sequences = this.sequencesIn(source);
    const epoch = Math.floor(drawn / sequences);
    const index = drawn % sequences;
    if (!this.shuffle) return this.offsetOf(source, epoch) + index * this.T;
    const key = hashIntegers(this.seed, source, epoch);
    return this.offsetOf(source, epoch) + permute(index, sequences, key) * this.T;
  }

  /** The first input of an epoch. The tokens that its sequences leave over lie before it and behind its last target. */
  private offsetOf(source: number, epoch: number): number {
    if (this.isPacked(source)) return 0;
    const room = this.sources[source].source.length - 1 - this.sequencesIn(source) * this.T;
    switch (this.offsets) {
      case 'drawn':
        return this.shuffle ? this.drawnOffset(source, epoch, room) : 0;
      case 'round':
        return this.shuffle && room > 0 ? this.roundOffset(source, epoch, room) : epoch % 2 === 0 ? 0 : room;
      default:
        return unknownName('data.offsets', this.offsets);
    }
  }

  private drawnOffset(source: number, epoch: number, room: number): number {
    const key = hashIntegers(hashIntegers(this.seed, source, epoch), 1);
    return key % (Math.min(room, this.T - 1) + 1);
  }

  private roundOffset(source: number, epoch: number, room: number): number {
    // Every offset once in `room + 1` epochs: the ends first, then those between in a seeded order.
    const turn = epoch % (room + 1);
    const key = hashIntegers(this.seed, source);
    if (turn < 2) return (turn ^ (key & 1)) * room;
    return 1 + permute(turn - 2, room - 1, hashIntegers(key, Math.floor(epoch / (room + 1))));
  }
}
