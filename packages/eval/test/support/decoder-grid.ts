import { createDecoder, defineDecoderConfig } from '@modajs/models';
import { type DeviceName, init, noGrad, type Tensor, tensor } from '@modajs/tensor';
import { expect } from 'vitest';
import type { collectDepthAttention } from '../../src/depth-attention/depth-attention.ts';
import { createDecoderScorer } from '../../src/model/decoder-scorer.ts';
import type { LoglikelihoodRequest } from '../../src/model/evaluation-model.ts';
import type { EvaluationTokenizer } from '../../src/model/scorer.ts';
import { createScorerModel, type ScorerModelOptions } from '../../src/model/scorer-model.ts';
import { createScoreTokenizer, madeUpVocabulary } from './score-tokenizer.ts';

const vocabulary = madeUpVocabulary();
const tokenizer = createScoreTokenizer(vocabulary);

/** Words and marks as ids, for timings: the scored tokenizer takes longer than a small model. Decoding is not needed. */
export const wordTokenizer: EvaluationTokenizer = {
  encode: (text) =>
    (text.match(/ ?\w+|\s|[^\w\s]/g) ?? []).map((word) =>
      [...word].reduce((hash, c) => (hash * 31 + c.charCodeAt(0)) % 300, 7),
    ),
  decode: () => '',
};

/** A small MoDA (or other) decoder on a device, as an evaluation model. */
export async function openDecoder(
  device: DeviceName,
  depth: 'moda' | 'residual' | 'moda-chunk-visible' = 'moda',
  { seqLen = 256, dModel = 24 } = {},
) {
  const opened = await init({ device, threads: 1 });
  const config = defineDecoderConfig({
    nLayers: 3,
    nHeads: 6,
    nKvHeads: 2,
    headDim: 8,
    dModel,
    dFf: 40,
    vocabSize: vocabulary.pieces.length,
    seqLen,
    depth: depth === 'moda-chunk-visible' ? { kind: depth, chunk: 3 } : depth,
  });
  const decoder = createDecoder(config, { device: opened, seed: 5 });
  const open = (
    options: Partial<ScorerModelOptions> & { collect?: ReturnType<typeof collectDepthAttention>; words?: boolean } = {},
  ) => {
    const { collect, words, ...rest } = options;
    const scorer = createDecoderScorer(decoder, { onAttention: collect?.onAttention });
    const identity = { name: 'small', modelHash: 'small', tokenizerHash: 'made-up', device };
    return createScorerModel(scorer, words ? wordTokenizer : tokenizer, { identity, prefixToken: 1, ...rest });
  };
  return { decoder, open, device: opened };
}

const HEADER = 'Question: the wind and the trees?\nAnswer: in the garden\n\n';

/** Requests with a shared start, long contexts with several choices, one-token continuations and an empty context. */
export function gridRequests(): LoglikelihoodRequest[] {
  const passage = 'One day the seven ants went in to the garden and then on to the trees, and '.repeat(2);
  const contexts = [`${HEADER}Question: which of these?\nAnswer:`, `${HEADER}${passage}Answer:`, 'Answer:', ''];
  return contexts.flatMap((context) =>
    [' the', ' a question of seven', ' no'].map((continuation) => ({ context, continuation })),
  );
}

/** Log-probabilities from whole-row logits of the decoder, one request at a time: no batching, padding or cache. */
export async function directLogProbs(
  decoder: Awaited<ReturnType<typeof openDecoder>>['decoder'],
  requests: readonly LoglikelihoodRequest[],
): Promise<number[]> {
  const answers: number[] = [];
  for (const { context, continuation } of requests) {
    const before = context === '' ? [1] : [...tokenizer.encode(context)];
    const whole =
      context === '' ? [1, ...tokenizer.encode(continuation)] : [...tokenizer.encode(context + continuation)];
    const logits = await lastLogits(decoder, whole);
    const V = decoder.config.vocabSize;
    let total = 0;
    for (let t = before.length; t < whole.length; t++) {
      const row = Array.from(logits.slice((t - 1) * V, t * V));
      const max = Math.max(...row);
      total += row[whole[t]] - max - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
    }
    answers.push(total);
  }
  return answers;
}

async function lastLogits(decoder: Awaited<ReturnType<typeof openDecoder>>['decoder'], ids: readonly number[]) {
  const input = tensor(Int32Array.from(ids), { shape: [1, ids.length], dtype: 'i32', device: decoder.device });
  const logits: Tensor = noGrad(() => decoder.logits(decoder.forward(input)));
  return logits.data();
}

export function expectClose(
  actual: readonly { logProb: number }[],
  expected: readonly number[],
  tolerance: number,
): void {
  actual.forEach(({ logProb }, i) => expect(Math.abs(logProb - expected[i]), `request ${i}`).toBeLessThan(tolerance));
}
