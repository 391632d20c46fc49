import { describe, expect, test } from 'vitest';
import { createScorerModel } from '../src/model/scorer-model.ts';
import { evaluatePerplexity, type PerplexityDomain } from '../src/perplexity/perplexity.ts';
import { rollingWindows } from '../src/perplexity/rolling-windows.ts';
import { loadStories, randomModel } from './support/reference-models.ts';
import { createReferenceScorer } from './support/reference-scorer.ts';
import type { ReferenceModel } from './support/reference-transformer.ts';
import {
  createScoreTokenizer,
  loadTok512,
  madeUpVocabulary,
  type ScoredVocabulary,
} from './support/score-tokenizer.ts';
import { hasSharedData } from './support/shared-data.ts';

const identity = { name: 'm', modelHash: 'm', tokenizerHash: 't', device: 'reference' };
const vocabulary = madeUpVocabulary();
const random = randomModel('llama', vocabulary.pieces.length, 17, 31);
const TEXTS = [
  'The wind and the trees.',
  'Zero',
  'A question of the seven ants in the garden, and then one more of them.',
  'So it ends',
  'x',
];

function open(model: ReferenceModel, words: ScoredVocabulary, options = {}) {
  return createScorerModel(createReferenceScorer(model), createScoreTokenizer(words), {
    identity,
    prefixToken: 1,
    ...options,
  });
}

/** Sum of log p(token | all tokens before), straight from the model, one distribution after another. */
function oneWindow(model: ReferenceModel, tokens: readonly number[]): number {
  let state = model.empty;
  let total = 0;
  for (let i = 1; i < tokens.length; i++) {
    const step = model.run([tokens[i - 1]], state);
    state = step.state;
    total += model.logProbs(step.hidden[0])[tokens[i]];
  }
  return total;
}

describe('perplexity', () => {
  test('perplexity > invariant to batch size, chunk size and the order of documents [reference]', async () => {
    const domain = (texts: readonly string[]) => [{ name: 'd', documents: texts.map((text) => ({ text })) }];
    const base = await evaluatePerplexity(open(random, vocabulary, { maxRows: 1 }), domain(TEXTS));
    for (const [texts, options, chunkSize] of [
      [TEXTS, {}, 64],
      [[...TEXTS].reverse(), { maxRows: 3, lengthMultiple: 7 }, 2],
      [TEXTS, { maxTokens: 41, reusePrefixes: false }, 3],
    ] as const) {
      const report = await evaluatePerplexity(open(random, vocabulary, options), domain(texts), { chunkSize });
      expect(report.domains[0].perplexity).toBeCloseTo(base.domains[0].perplexity, 9);
      expect(report.domains[0].bytes).toBe(base.domains[0].bytes);
    }
  });

  test('perplexity > one window equals the plain sum; smaller windows differ from it, and each token is scored once [reference]', async () => {
    const tokens = createScoreTokenizer(vocabulary).encode(TEXTS[0]);
    const model = open(random, vocabulary);
    const expected = oneWindow(random, [1, ...tokens]);
    const measure = async (window?: number, stride?: number) =>
      (await model.loglikelihoodRolling([{ text: TEXTS[0], window, stride }]))[0];
    expect((await measure()).logProb).toBeCloseTo(expected, 9);
    expect((await measure(tokens.length)).logProb).toBeCloseTo(expected, 9);
    for (const [window, stride] of [
      [5, 5],
      [5, 2],
      [7, 1],
    ] as const) {
      const { logProb, tokenCount } = await measure(window, stride);
      expect(tokenCount).toBe(tokens.length);
      expect(logProb).not.toBeCloseTo(expected, 3);
      expect(logProb).toBeCloseTo(windowed(random, [1, ...tokens], window, stride), 9);
    }
  });

  test('perplexity > words, bytes and bits per byte as lm-evaluation-harness defines them [reference]', async () => {
    const documents = [{ text: 'Two  words\n' }, { text: 'Ünï' }];
    const [domain] = (await evaluatePerplexity(open(random, vocabulary), [{ name: 'd', documents }])).domains;
    // Python: len(re.split(r"\s+", "Two  words\n")) == 3; len("Ünï".encode()) == 5.
    expect(domain.words).toBe(4);
    expect(domain.bytes).toBe(16);
    expect(domain.wordPerplexity).toBeCloseTo(Math.exp(-domain.logProb / 4), 12);
    expect(domain.bytePerplexity).toBeCloseTo(Math.exp(-domain.logProb / 16), 12);
    expect(domain.bitsPerByte).toBeCloseTo(Math.log2(domain.bytePerplexity!), 12);
  });

  test('perplexity > tokens without text have no byte figures unless decoded; a limit is not complete [reference]', async () => {
    const tokens = Int32Array.from([300, 301, 302]);
    const domains = [{ name: 'd', documents: [{ tokens }, { tokens }] }];
    const report = await evaluatePerplexity(open(random, vocabulary), domains, { limit: 1 });
    expect(report.domains[0]).toMatchObject({ tokens: 3, bytes: null, bitsPerByte: null, complete: false });
    const decoded = await evaluatePerplexity(open(random, vocabulary), domains, { decode: () => 'abcd' });
    expect(decoded).toMatchObject({ complete: true, domains: [{ bytes: 8 }] });
  });

  test('perplexity > empty texts, no domains, and counts that are none are refused, never NaN or 0 bits', async () => {
    const documents = [{ text: '' }, { text: '' }];
    const measure = (domains: PerplexityDomain[], options = {}) =>
      evaluatePerplexity(open(random, vocabulary), domains, options);
    await expect(measure([{ name: 'void', documents }])).rejects.toThrow('domain void must have tokens, got 0 in 2');
    await expect(measure([])).rejects.toThrow('there must be domains');
    const one = [{ name: 'd', documents: [{ text: 'x' }] }];
    for (const chunkSize of [0, -1, 0.5, Number.NaN])
      await expect(measure(one, { chunkSize })).rejects.toThrow('chunkSize must be a positive whole number');
    await expect(measure(one, { limit: 0 })).rejects.toThrow('limit must be a positive whole number');
    await expect(measure(one, { window: 10_000 })).rejects.toThrow('window must fit the model');
  });

  test('perplexity > an empty domain and a document without text are refused by name', async () => {
    const model = open(random, vocabulary);
    await expect(evaluatePerplexity(model, [{ name: 'void', documents: [] }])).rejects.toThrow(
      'domain void must have documents',
    );
    await expect(evaluatePerplexity(model, [{ name: 'd', documents: [{ text: 'a' }, {}] }])).rejects.toMatchObject({
      document: 1,
      field: 'text',
    });
  });
});

describe('rolling windows', () => {
  test.each([
    [0, 5, 5],
    [1, 5, 5],
    [5, 5, 5],
    [6, 5, 5],
    [23, 5, 2],
    [23, 7, 1],
    [23, 23, 23],
  ])('windows > every token once, inputs at most the window [n=%i window=%i stride=%i]', (count, window, stride) => {
    const scored: number[] = [];
    for (const { start, scoreFrom, end } of rollingWindows(count, window, stride)) {
      expect(end - 1 - start).toBeLessThanOrEqual(window);
      expect(scoreFrom).toBeGreaterThan(start);
      for (let i = scoreFrom; i < end; i++) scored.push(i);
    }
    expect(scored).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  });

  test('windows > disjoint windows equal lm-evaluation-harness [n=10 window=4]', () => {
    // get_rolling_token_windows(range(10), prefix, 4, 1): (prefix 0 1 2 -> 0 1 2 3), (3 4 5 6 -> 4 5 6 7), (5 6 7 8 -> 8 9).
    expect([...rollingWindows(10, 4)]).toEqual([
      { start: 0, scoreFrom: 1, end: 5 },
      { start: 4, scoreFrom: 5, end: 9 },
      { start: 6, scoreFrom: 9, end: 11 },
    ]);
  });

  test('windows > a stride beyond the window is refused', () => {
    expect(() => [...rollingWindows(9, 4, 5)]).toThrow(
      'stride must be an integer from 1 to the window, got stride=5, window=4',
    );
  });
});

describe.runIf(hasSharedData)('stories260K', () => {
  test('perplexity > of a fixed text equals an independent computation to 1e-4 [reference]', async () => {
    const stories = loadStories();
    const text =
      'Once upon a time, there was a little girl named Lily. Lily\'s mom said, "Let\'s go to the park." They saw a dog.';
    const tokenizer = createScoreTokenizer(loadTok512());
    const tokens = tokenizer.encode(text);
    const report = await evaluatePerplexity(open(stories, loadTok512()), [{ name: 'd', documents: [{ text }] }]);
    const expected = Math.exp(-oneWindow(stories, [1, ...tokens]) / tokens.length);
    expect(Math.abs(report.domains[0].perplexity / expected - 1)).toBeLessThan(1e-4);
    // The model was trained to a loss of 1.2968 on such stories; a wrong model would be near V = 512.
    expect(report.domains[0].perplexity).toBeLessThan(10);
  });
});

/** The definition of a strided window, written down without sharing code. */
function windowed(model: ReferenceModel, tokens: readonly number[], window: number, stride: number): number {
  let total = 0;
  for (let target = 1; target < tokens.length; target++) {
    const step = target <= window ? 0 : Math.ceil((target - window) / stride);
    const end = Math.min(tokens.length, window + step * stride + 1);
    const start = Math.max(0, end - 1 - window);
    const { hidden } = model.run(tokens.slice(start, target), model.empty);
    total += model.logProbs(hidden.at(-1)!)[tokens[target]];
  }
  return total;
}
