import { DataError } from '../errors/errors.ts';
import { pairedDifference, unpairedDifference } from '../metrics/difference.ts';
import { type DomainPerplexity, type PerplexityReport, perplexityOn } from '../perplexity/perplexity.ts';
import { type RunComparison, type RunDifference, SIGNIFICANCE } from './compare.ts';

/** Difference of one domain's perplexity per token; below 0 `b` is better. */
export interface PerplexityDifference extends RunDifference {
  readonly domain: string;
}

/** The comparison of two perplexity reports. */
export type PerplexityComparison = RunComparison<PerplexityDifference>;

/**
 * Compares two perplexity reports domain by domain, with a bootstrap over documents where they can be paired and by the
 * two standard errors otherwise. Perplexity per token depends on the tokenizer: other token counts bring a warning.
 *
 * @throws DataError when the reports have no domain in common
 */
export function comparePerplexity(a: PerplexityReport, b: PerplexityReport): PerplexityComparison {
  const pairs = a.domains.flatMap((domain) => {
    const other = b.domains.find((candidate) => candidate.domain === domain.domain);
    return other ? [[domain, other] as const] : [];
  });
  if (pairs.length === 0) {
    const [namesA, namesB] = [a, b].map((report) => report.domains.map(({ domain }) => domain).join(', '));
    throw new DataError(`compare: the reports must have a domain in common, got ${namesA} and ${namesB}.`, {
      field: 'domains',
    });
  }
  return {
    differences: pairs.map(([x, y]) => compareDomain(x, y)),
    warnings: pairs
      .filter(([x, y]) => x.tokens !== y.tokens)
      .map(([x, y]) => `${x.domain}: numbers of tokens differ: ${x.tokens} and ${y.tokens}. Compare bits per byte.`),
  };
}

function compareDomain(a: DomainPerplexity, b: DomainPerplexity): PerplexityDifference {
  const difference = b.perplexity - a.perplexity;
  const paired = haveSameDocuments(a, b);
  const statistics = paired
    ? pairedDifference(a.documentTokens.length, (positions) => perplexityOn(b, positions) - perplexityOn(a, positions))
    : unpairedDifference(difference, a.perplexityStandardError ?? NaN, b.perplexityStandardError ?? NaN);
  return {
    domain: a.domain,
    a: a.perplexity,
    b: b.perplexity,
    difference,
    ...statistics,
    significant: statistics.pValue < SIGNIFICANCE,
    paired,
  };
}

/** Reports of earlier versions have no documents, and a model from functions counts no tokens. */
function haveSameDocuments(a: DomainPerplexity, b: DomainPerplexity): boolean {
  const [counts, others] = [a.documentTokens ?? [], b.documentTokens ?? []];
  return (
    counts.length > 1 &&
    a.tokens > 0 &&
    counts.length === others.length &&
    counts.every((count, i) => count === others[i])
  );
}
