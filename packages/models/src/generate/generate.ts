import {
  type HostArray,
  noGrad,
  type Platform,
  slice,
  squeeze,
  type Tensor,
  tensor,
  tidy,
  uniformAt,
} from '@modajs/tensor';
import { openTokenDecoder } from '../decode/token-decoder.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { DecoderCache } from '../decoder/decoder-cache.ts';
import { greedyTokens } from './greedy-tokens.ts';
import { PromptBatch } from './prompt-batch.ts';
import { sampleToken } from './sample-token.ts';
import { completeSampling, isWhole, requireOption, type SamplingOptions } from './sampling-options.ts';

/** Options of `generate`. */
export interface GenerateOptions extends SamplingOptions {
  /** Most tokens to append to each prompt; 128 by default. */
  readonly maxNewTokens?: number;
  /** Ids that end a row; the ending id is still given out. */
  readonly eos?: number | readonly number[] | null;
  /** Seed of the draws; 0 by default. The same seed gives the same tokens on one device. */
  readonly seed?: number;
  /** Prompt positions that run at a time; bounds the depth arena. 128 by default. */
  readonly prefillChunk?: number;
  /** Stops before the next token when aborted. */
  readonly signal?: Platform<'AbortSignal'>;
}

/** One new token of one row. */
export interface GeneratedToken {
  /** Row of the prompt batch. */
  readonly row: number;
  readonly id: number;
  /** Log-probability under the model at temperature 1, before filters. */
  readonly logProb: number;
  /** 0 for the row's first new token. */
  readonly index: number;
}

/**
 * Continues prompts, token by token, with the ordinary key/value cache and transient depth slots. Rows of a batch run
 * together and end on their own. One row on WebGPU decodes by fused kernels where the model allows (`openTokenDecoder`), and
 * greedily without waiting for the host: up to four tokens past the end may be computed and dropped.
 *
 * @param prompts ids of one prompt, or of several with any lengths
 * @throws ConfigError for options out of range; DataError for empty prompts and unknown ids; OutOfMemoryError
 */
export async function* generate(
  model: Decoder,
  prompts: readonly number[] | readonly (readonly number[])[],
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, void, void> {
  const sampling = completeSampling(options);
  const { maxNewTokens, ends, seed, prefillChunk, signal } = completeRun(options);
  const { vocabSize } = model.config;
  const rows = (typeof prompts[0] === 'number' || prompts.length === 0 ? [prompts] : prompts) as number[][];
  const batch = new PromptBatch(rows, vocabSize, model.device);
  const histories = rows.map((row) => [...row]);
  const active = new Set(rows.keys());
  using cache = new DecoderCache(model.config, {
    B: batch.B,
    capacity: batch.length + maxNewTokens,
    dtype: model.computeDtype,
    device: model.device,
  });
  for (let start = 0; start + prefillChunk < batch.length; start += prefillChunk) {
    const end = start + prefillChunk;
    tidy(() => noGrad(() => void model.forward(batch.ids(start, end), { cache, ...batch.place(start, end) })));
    model.device.endStep();
  }
  const choose = (logits: HostArray, row: number, index: number): GeneratedToken => {
    const uniform = uniformAt(index * batch.B + row, seed);
    const own = logits.subarray(row * vocabSize, (row + 1) * vocabSize);
    return { row, index, ...sampleToken(own, histories[row], uniform, sampling) };
  };
  using decoder = openTokenDecoder(model, cache, { vocabSize: Math.min(vocabSize, sampling.vocabSize) });
  const isGreedy = sampling.temperature === 0 && sampling.repetitionPenalty === 1;
  let input = (): Tensor => batch.ids(cache.length, batch.length);
  for (let index = 0; index < maxNewTokens && !signal?.aborted; index++) {
    const isOneToken = decoder !== null && index > 0;
    if (isOneToken && isGreedy) {
      const last = histories[0].at(-1)!;
      for await (const token of greedyTokens(decoder, last, maxNewTokens - index, signal)) {
        yield { row: 0, index: index++, ...token };
        if (ends.has(token.id)) return;
      }
      return;
    }
    const logits = isOneToken
      ? await decoder.logitsAfter(histories[0].at(-1)!)
      : await nextLogits(model, batch, cache, input);
    if (isOneToken && Number.isNaN(logits[0])) await decoder.requireProgress();
    const next = new Int32Array(batch.B);
    for (const row of [...active]) {
      const token = choose(logits, row, index);
      next[row] = token.id;
      histories[row].push(token.id);
      if (ends.has(token.id)) active.delete(row);
      yield token;
    }
    if (active.size === 0) return;
    input = () => tensor(next, { shape: [batch.B, 1], dtype: 'i32', device: model.device });
  }
}

/** Options beside those of sampling, checked before anything runs. */
function completeRun(options: GenerateOptions) {
  const { maxNewTokens = 128, eos = null, seed = 0, prefillChunk = 128, signal } = options;
  requireOption(isWhole(maxNewTokens, 0), { maxNewTokens }, 'a whole number >= 0', 'Give a number of tokens.');
  requireOption(isWhole(prefillChunk, 1), { prefillChunk }, 'a whole number > 0', 'Leave it out for 128.');
  requireOption(Number.isSafeInteger(seed), { seed }, 'a whole number', 'Leave it out for 0.');
  const ends = new Set(eos === null ? [] : typeof eos === 'object' ? eos : [eos]);
  const isIds = [...ends].every((id) => isWhole(id, 0));
  requireOption(isIds, { eos }, 'null, an id or ids', "Use the model's tokenizer.");
  return { maxNewTokens, ends, seed, prefillChunk, signal };
}

/** Runs one step and reads the logits `[B, V]` of its last position. */
async function nextLogits(
  model: Decoder,
  batch: PromptBatch,
  cache: DecoderCache,
  input: () => Tensor,
): Promise<HostArray> {
  const logits = tidy(() =>
    noGrad(() => {
      const ids = input();
      const start = cache.length;
      const T = ids.shape[1];
      const hidden = model.forward(ids, { cache, ...batch.place(start, start + T) });
      const lastHidden = squeeze(slice(hidden, [0, T - 1, 0], [batch.B, T, model.config.dModel]), 1);
      return model.logits(lastHidden);
    }),
  );
  const values = await logits.data();
  logits.dispose();
  model.device.endStep();
  return values;
}
