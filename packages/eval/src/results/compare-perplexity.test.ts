import { expect, test } from 'vitest';
import type { EvaluationModel } from '../model/evaluation-model.ts';
import { modelFromFunctions } from '../model/function-model.ts';
import { evaluatePerplexity } from '../perplexity/perplexity.ts';
import { comparePerplexity } from './compare-perplexity.ts';

/** Documents whose tokens cost `nats` each, plus what the model adds. */
const DOCUMENTS = Array.from({ length: 47 }, (_, i) => ({ text: 'x'.repeat(5 + (i % 7)), nats: 1 + (i % 11) / 5 }));
const domain = (name: string) => ({ name, documents: DOCUMENTS.map(({ text }) => ({ text })) });

/** A model that needs `nats(i) + extra(i)` a character for document i. */
async function reportOf(extra: (document: number) => number, name = 'wiki', tokensPerDocument = 1) {
  let asked = 0;
  const model: EvaluationModel = {
    ...modelFromFunctions('made-up', {}),
    loglikelihoodRolling: async (requests) =>
      requests.map(({ text = '' }) => {
        const i = asked++;
        return { logProb: -(DOCUMENTS[i].nats + extra(i)) * text.length, tokenCount: text.length * tokensPerDocument };
      }),
  };
  return evaluatePerplexity(model, [domain(name)]);
}

test('perplexity > standard error over documents agrees with the delta method', async () => {
  const { perplexity, perplexityStandardError, documentLogProbs, documentTokens } = (await reportOf(() => 0))
    .domains[0];
  // For a ratio R = sum x / sum n: var R = sum (x - R n)^2 / (sum n)^2, and var exp R = R'^2 var R.
  const tokens = documentTokens.reduce((sum, count) => sum + count, 0);
  const residuals = documentLogProbs.map((logProb, i) => -logProb - Math.log(perplexity) * documentTokens[i]);
  const delta = (perplexity * Math.sqrt(residuals.reduce((sum, r) => sum + r * r, 0))) / tokens;
  expect(perplexityStandardError / delta).toBeGreaterThan(0.9);
  expect(perplexityStandardError / delta).toBeLessThan(1.1);
});

test('comparePerplexity > a small even gain is significant when paired, not when the documents are unknown', async () => {
  const [a, b] = [await reportOf(() => 0), await reportOf((i) => -0.02 - 0.01 * (i % 2))];
  const [paired] = comparePerplexity(a, b).differences;
  expect(paired).toMatchObject({ domain: 'wiki', paired: true, significant: true });
  expect(paired.high).toBeLessThan(0);
  const withoutDocuments = { ...b, domains: b.domains.map((d) => ({ ...d, documentTokens: [] })) };
  const [unpaired] = comparePerplexity(a, withoutDocuments).differences;
  expect(unpaired).toMatchObject({ paired: false, significant: false, difference: paired.difference });
  expect(unpaired.standardError).toBeGreaterThan(5 * paired.standardError);
});

test('comparePerplexity > another tokenizer is warned of, another domain refused', async () => {
  const a = await reportOf(() => 0);
  const other = comparePerplexity(a, await reportOf(() => 0, 'wiki', 2));
  expect(other.differences[0].paired).toBe(false);
  expect(other.warnings).toEqual([expect.stringMatching(/wiki: numbers of tokens differ: \d+ and \d+/)]);
  const books = await reportOf(() => 0, 'books');
  expect(() => comparePerplexity(a, books)).toThrow('must have a domain in common, got wiki and books');
});
