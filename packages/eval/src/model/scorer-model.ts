import { ConfigError, DataError, requirePositive } from '../errors/errors.ts';
import { rollingWindows } from '../perplexity/rolling-windows.ts';
import { type EncodedPair, encodePair, truncateLeft } from './encode-pair.ts';
import type {
  EvaluationModel,
  GenerateRequest,
  Loglikelihood,
  LoglikelihoodRequest,
  ModelIdentity,
  RollingLoglikelihood,
  RollingRequest,
} from './evaluation-model.ts';
import { generateGreedy } from './generate-greedy.ts';
import { type PlannedRow, planBatches } from './plan-batches.ts';
import { type PrefixGroup, planPrefixes } from './plan-prefixes.ts';
import type { EvaluationTokenizer, LanguageModelScorer, ScorerPrefix, TokenScores } from './scorer.ts';

/** Options of {@link createScorerModel}. */
export interface ScorerModelOptions {
  readonly identity: ModelIdentity;
  /** Stands for an empty context and starts a rolling document: the beginning- or end-of-text token. */
  readonly prefixToken: number;
  /** Put it before every context too. Default false. */
  readonly addPrefixToken?: boolean;
  /** Ends `generateUntil` when produced. */
  readonly endToken?: number;
  /** Fills rows; its value never matters. Default 0. */
  readonly padToken?: number;
  /** What to do with a pair longer than the model. Default `error`. */
  readonly longContext?: 'error' | 'truncate';
  /** Default 4096 tokens a batch. */
  readonly maxTokens?: number;
  /** Default 64. */
  readonly maxRows?: number;
  /** Row lengths are rounded up to a multiple of this, default 8: padding costs more than another shape. */
  readonly lengthMultiple?: number;
  /** Share the keys and values of common starts. Default true where the scorer can. */
  readonly reusePrefixes?: boolean;
}

const SHARING = { minSharedTokens: 16, callTokens: 96 };

/**
 * An {@link EvaluationModel} on top of a {@link LanguageModelScorer}: sorts requests by length, packs them into few
 * shapes, runs what their contexts have in common once, and puts the answers back in order.
 * The answers do not depend on batch size, order or sharing beyond the scorer's own rounding.
 *
 * @throws ConfigError when an option is not usable.
 * @throws DataError (from the three methods) when a continuation has no tokens or a pair does not fit the model.
 */
export function createScorerModel(
  scorer: LanguageModelScorer,
  tokenizer: EvaluationTokenizer,
  options: ScorerModelOptions,
): EvaluationModel {
  return new ScorerModel(scorer, tokenizer, options);
}

class ScorerModel implements EvaluationModel {
  readonly identity: ModelIdentity;

  constructor(
    private readonly scorer: LanguageModelScorer,
    private readonly tokenizer: EvaluationTokenizer,
    private readonly options: ScorerModelOptions,
  ) {
    const { prefixToken } = options;
    if (!Number.isInteger(prefixToken) || prefixToken < 0 || prefixToken >= scorer.vocabSize) {
      const message = `scorer model: prefixToken must be a token id below V=${scorer.vocabSize}, got ${prefixToken}. Use the tokenizer's beginning- or end-of-text id.`;
      throw new ConfigError(message, 'prefixToken');
    }
    for (const name of ['maxTokens', 'maxRows', 'lengthMultiple'] as const)
      requirePositive('scorer model', name, options[name]);
    this.identity = options.identity;
  }

  async loglikelihood(requests: readonly LoglikelihoodRequest[]): Promise<Loglikelihood[]> {
    const contexts = new Map<string, readonly number[]>();
    const pairs = requests.map((request, index) => this.encode(request, index, contexts));
    const scores = await this.scorePairs(pairs);
    return scores.map(({ logProbs, isGreedy }, i) => ({
      logProb: sum(logProbs),
      isGreedy: isGreedy.every((flag) => flag === 1),
      tokenCount: logProbs.length,
      truncatedTokens: pairs[i].truncatedTokens,
    }));
  }

  async loglikelihoodRolling(requests: readonly RollingRequest[]): Promise<RollingLoglikelihood[]> {
    const rows: EncodedPair[] = [];
    const owners: number[] = [];
    const answers = requests.map(() => ({ logProb: 0, tokenCount: 0 }));
    requests.forEach((request, owner) => {
      const body = request.tokens ?? this.tokenizer.encode(request.text ?? '');
      const tokens = Int32Array.from([this.options.prefixToken, ...body]);
      const { maxLength } = this.scorer;
      const { window = maxLength } = request;
      if (window > maxLength) {
        const message = `perplexity: the window must fit the model's length of ${maxLength}, got ${window}. Use --window ${maxLength} or less.`;
        throw new ConfigError(message, 'window');
      }
      for (const { start, scoreFrom, end } of rollingWindows(body.length, window, request.stride)) {
        rows.push({ tokens: tokens.subarray(start, end), start: scoreFrom - start, truncatedTokens: 0 });
        owners.push(owner);
      }
    });
    const scores = await this.scorePairs(rows);
    scores.forEach(({ logProbs }, i) => {
      answers[owners[i]].logProb += sum(logProbs);
      answers[owners[i]].tokenCount += logProbs.length;
    });
    return answers;
  }

  async generateUntil(requests: readonly GenerateRequest[]): Promise<string[]> {
    const answers: string[] = [];
    for (const request of requests)
      answers.push(await generateGreedy(this.scorer, this.tokenizer, this.options, request));
    return answers;
  }

  private encode(request: LoglikelihoodRequest, index: number, contexts: Map<string, readonly number[]>): EncodedPair {
    const { prefixToken, addPrefixToken = false, longContext = 'error' } = this.options;
    const pair = encodePair(request, { tokenizer: this.tokenizer, prefixToken, addPrefixToken }, contexts);
    const shown = JSON.stringify(request.continuation.slice(0, 40));
    if (pair.start === pair.tokens.length) {
      throw new DataError(`loglikelihood: a continuation must have at least one token, got ${shown}.`, {
        field: 'continuation',
        request: index,
      });
    }
    const fitted = truncateLeft(pair, this.scorer.maxLength);
    const excess = pair.tokens.length - 1 - this.scorer.maxLength;
    if (fitted === null || (excess > 0 && longContext === 'error')) {
      const cure =
        fitted === null
          ? 'The continuation alone is too long.'
          : `Use fewer shots, or cut contexts from the left (longContext: 'truncate'; on the command line --long-context truncate).`;
      const message = `loglikelihood: context and continuation must fit the model, got ${pair.tokens.length - 1} tokens for a length of ${this.scorer.maxLength} (continuation ${shown}). ${cure}`;
      throw new DataError(message, { field: 'context', request: index });
    }
    return fitted;
  }

  private async scorePairs(pairs: readonly EncodedPair[]): Promise<TokenScores[]> {
    const answers = new Array<TokenScores>(pairs.length);
    const canShare = this.scorer.createPrefix !== undefined && this.scorer.scoreWithPrefix !== undefined;
    if (canShare && (this.options.reusePrefixes ?? true)) {
      for (const group of planPrefixes(pairs, SHARING)) await this.scoreGroup(group, undefined, answers);
    } else {
      const rows = pairs.map(({ tokens, start }, index) => ({ index, tokens, start }));
      await this.scoreRows(rows, undefined, answers);
    }
    return answers;
  }

  private async scoreGroup(
    group: PrefixGroup,
    parent: ScorerPrefix | undefined,
    answers: TokenScores[],
  ): Promise<void> {
    if (group.tokens.length === 0) return this.scoreRows(group.rows, parent, answers);
    const prefix = await this.scorer.createPrefix!(group.tokens, parent);
    try {
      await this.scoreRows(group.rows, prefix, answers);
      for (const child of group.children) await this.scoreGroup(child, prefix, answers);
    } finally {
      prefix.dispose();
    }
  }

  private async scoreRows(
    rows: readonly PlannedRow[],
    prefix: ScorerPrefix | undefined,
    answers: TokenScores[],
  ): Promise<void> {
    const { maxTokens = 4096, maxRows = 64, lengthMultiple = 8, padToken = 0 } = this.options;
    const maxLength = this.scorer.maxLength - (prefix?.length ?? 0);
    for (const { batch, indices } of planBatches(rows, { maxTokens, maxRows, lengthMultiple, maxLength, padToken })) {
      const scores = prefix ? await this.scorer.scoreWithPrefix!(prefix, batch) : await this.scorer.score(batch);
      indices.forEach((index, r) => {
        answers[index] = scores[r];
      });
    }
  }
}

function sum(values: Float32Array | Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
