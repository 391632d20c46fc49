import { attentionStatistics } from '@modajs/moda';
import { type Decoder, DecoderCache, visibleChunk } from '@modajs/models';
import {
  argmax,
  broadcastTo,
  concat,
  crossEntropy,
  embedding,
  noGrad,
  reshape,
  slice,
  type Tensor,
  tensor,
  tidy,
  withoutScope,
} from '@modajs/tensor';
import type { OnAttention } from '../depth-attention/depth-attention.ts';
import { inputColumns, splitRows, type Target, targetsOf } from './batch-targets.ts';
import { type LayerStatistics, reportStatistics } from './decoder-statistics.ts';
import type { LanguageModelScorer, ScoreBatch, ScorerPrefix, TokenScores } from './scorer.ts';

/** How a decoder is scored. */
export interface DecoderScorerOptions {
  /** Longest input; the model's training length by default. Rotary models may go further. */
  readonly maxLength?: number;
  /** Logit values that exist at a time, default 2^24 (64 MB in f32). */
  readonly maxLogits?: number;
  /** Collects depth-attention statistics of every scored batch, padding left out (slower: it reads back each layer). */
  readonly onAttention?: OnAttention;
}

/** Keys and values of a prefix, its last hidden state `[1, C]`, and the copy of it that rows are scored behind. */
interface DecoderPrefix extends ScorerPrefix {
  readonly cache: DecoderCache;
  readonly lastHidden: Tensor;
  expanded: DecoderCache | null;
}

/**
 * A `@modajs/models` decoder as a {@link LanguageModelScorer}, on any device. Logits are made only for the positions
 * that are asked for, in chunks, and only one number per position is read back.
 *
 * Prefixes are shared unless queries see depth slots of earlier positions (`moda-chunk-visible`).
 */
export function createDecoderScorer(decoder: Decoder, options: DecoderScorerOptions = {}): LanguageModelScorer {
  const { config } = decoder;
  const scorer = new DecoderScorer(decoder, options);
  const base: LanguageModelScorer = {
    maxLength: options.maxLength ?? config.seqLen,
    vocabSize: config.vocabSize,
    score: (batch) => scorer.score(batch, null),
    nextToken: (tokens) => scorer.nextToken(tokens),
  };
  if (visibleChunk(config) > 1) return base;
  return {
    ...base,
    createPrefix: (tokens, parent) => scorer.createPrefix(tokens, parent as DecoderPrefix | undefined),
    scoreWithPrefix: (prefix, batch) => scorer.score(batch, prefix as DecoderPrefix),
  };
}

class DecoderScorer {
  constructor(
    private readonly decoder: Decoder,
    private readonly options: DecoderScorerOptions,
  ) {}

  async score(batch: ScoreBatch, prefix: DecoderPrefix | null): Promise<TokenScores[]> {
    const { device } = this.decoder;
    const targets = targetsOf(batch);
    const statistics: LayerStatistics[] = [];
    const hidden = tidy(() => noGrad(() => this.hiddenStates(batch, prefix, statistics)));
    const logProbs = new Float32Array(targets.length);
    const isGreedy = new Uint8Array(targets.length);
    const chunk = Math.max(1, Math.floor((this.options.maxLogits ?? 2 ** 24) / this.decoder.config.vocabSize));
    for (let at = 0; at < targets.length; at += chunk) {
      const part = targets.slice(at, at + chunk);
      const { losses, best } = tidy(() => noGrad(() => this.scoreTargets(hidden, part)));
      const [lossValues, bestValues] = [await losses.data(), await best.data()];
      part.forEach(({ token }, i) => {
        logProbs[at + i] = -lossValues[i];
        isGreedy[at + i] = bestValues[i] === token ? 1 : 0;
      });
      losses.dispose();
      best.dispose();
    }
    hidden.dispose();
    await reportStatistics(statistics, batch, this.options.onAttention);
    device.endStep();
    return splitRows(batch, logProbs, isGreedy);
  }

  async createPrefix(tokens: Int32Array, parent?: DecoderPrefix): Promise<ScorerPrefix> {
    const length = (parent?.length ?? 0) + tokens.length;
    const cache = this.cacheAfter(parent, 1, length);
    const lastHidden = withoutScope(() =>
      tidy(() =>
        noGrad(() => {
          const hidden = this.decoder.forward(this.ids(tokens, 1, tokens.length), { cache });
          const C = this.decoder.config.dModel;
          // concat copies, so that the other positions' states are freed.
          return concat([reshape(slice(hidden, [0, tokens.length - 1, 0], [1, tokens.length, C]), [1, C])], 0);
        }),
      ),
    );
    this.decoder.device.endStep();
    const prefix: DecoderPrefix = {
      length,
      cache,
      lastHidden,
      expanded: null,
      dispose() {
        cache.dispose();
        lastHidden.dispose();
        this.expanded?.dispose();
      },
    };
    return prefix;
  }

  async nextToken(tokens: Int32Array): Promise<number> {
    const best = tidy(() =>
      noGrad(() => {
        const T = tokens.length;
        const hidden = this.decoder.forward(this.ids(tokens, 1, T));
        return argmax(this.decoder.logits(slice(hidden, [0, T - 1, 0], [1, T, this.decoder.config.dModel])));
      }),
    );
    const [token] = await best.data();
    best.dispose();
    this.decoder.device.endStep();
    return token;
  }

  /** `[rows, C]`: states of the batch's input columns, with the prefix's last state as the final row when there is one. */
  private hiddenStates(batch: ScoreBatch, prefix: DecoderPrefix | null, statistics: LayerStatistics[]): Tensor {
    const { batchSize, length } = batch;
    const { dModel } = this.decoder.config;
    if (length === 1) return concat([prefix!.lastHidden], 0);
    const cache = prefix && this.expandedCache(prefix, batchSize, length - 1);
    const onAttention = this.options.onAttention
      ? (layer: number, probe: Parameters<typeof attentionStatistics>[0]) => {
          statistics.push({ layer, ...withoutScope(() => attentionStatistics(probe)) });
        }
      : undefined;
    const hidden = this.decoder.forward(this.ids(inputColumns(batch), batchSize, length - 1), { cache, onAttention });
    const rows = reshape(hidden, [batchSize * (length - 1), dModel]);
    return prefix ? concat([rows, prefix.lastHidden], 0) : rows;
  }

  private scoreTargets(hidden: Tensor, targets: readonly Target[]) {
    const { device } = this.decoder;
    const lastRow = hidden.shape[0] - 1;
    const integers = (values: number[]) =>
      tensor(Int32Array.from(values), { shape: [values.length], dtype: 'i32', device });
    const states = embedding(hidden, integers(targets.map((target) => (target.hidden < 0 ? lastRow : target.hidden))));
    const logits = this.decoder.logits(states);
    const losses = crossEntropy(logits, integers(targets.map((target) => target.token)), { reduction: 'none' });
    return { losses, best: argmax(logits) };
  }

  /** The prefix repeated for every row, with room for the rows; kept for the next batch of the same shape. */
  private expandedCache(prefix: DecoderPrefix, rows: number, room: number): DecoderCache {
    const capacity = prefix.length + room;
    const known = prefix.expanded;
    if (known && known.options.B === rows && known.options.capacity >= capacity) {
      for (const layer of known.layers) layer.truncate(prefix.length);
      return known;
    }
    known?.dispose();
    prefix.expanded = this.cacheAfter(prefix, rows, capacity);
    return prefix.expanded;
  }

  private cacheAfter(parent: DecoderPrefix | undefined, rows: number, capacity: number): DecoderCache {
    const { decoder } = this;
    const cache = new DecoderCache(decoder.config, {
      B: rows,
      capacity,
      dtype: decoder.computeDtype,
      device: decoder.device,
    });
    if (!parent) return cache;
    const { nKvHeads, headDim } = decoder.config;
    const repeated = (x: Tensor) =>
      broadcastTo(slice(x, [0, 0, 0, 0], [1, parent.length, nKvHeads, headDim]), [
        rows,
        parent.length,
        nKvHeads,
        headDim,
      ]);
    tidy(() => {
      cache.layers.forEach((layer, l) => {
        const { k, v } = parent.cache.layers[l];
        layer.append(repeated(k), repeated(v));
      });
    });
    return cache;
  }

  private ids(tokens: Int32Array, rows: number, columns: number): Tensor {
    return tensor(tokens, { shape: [rows, columns], dtype: 'i32', device: this.decoder.device });
  }
}
