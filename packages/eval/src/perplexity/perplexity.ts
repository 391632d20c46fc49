import type { Platform } from '@modajs/tensor';
import { ConfigError, DataError, requirePositive } from '../errors/errors.ts';
import { bootstrapStandardError } from '../metrics/bootstrap.ts';
import type { EvaluationModel, RollingLoglikelihood } from '../model/evaluation-model.ts';
import { countUnits, type PerplexityDocument } from './document-units.ts';

/** Documents reported as one line. */
export interface PerplexityDomain {
  readonly name: string;
  readonly documents: readonly PerplexityDocument[];
}

/** How documents are read. */
export interface PerplexityOptions {
  /** Window in tokens, the model's length by default. */
  readonly window?: number;
  /** Tokens scored per step, the window by default; smaller gives each token more context. */
  readonly stride?: number;
  /** Only the first so many documents of each domain. */
  readonly limit?: number;
  /** Documents asked at once, default 64. */
  readonly chunkSize?: number;
  /** Text of pre-tokenised documents, for words and bytes. */
  decode?(tokens: Int32Array): string;
  readonly signal?: Platform<'AbortSignal'>;
  onProgress?(domain: string, done: number, total: number): void;
}

/** One domain's numbers. Word and byte figures are null when the text is not known. */
export interface DomainPerplexity {
  readonly domain: string;
  readonly documents: number;
  /** False under a limit. */
  readonly complete: boolean;
  readonly tokens: number;
  readonly words: number | null;
  readonly bytes: number | null;
  /** Summed natural log-probability. */
  readonly logProb: number;
  /** `exp(-logProb / tokens)`. */
  readonly perplexity: number;
  /** `exp(-logProb / words)`. */
  readonly wordPerplexity: number | null;
  /** `exp(-logProb / bytes)`. */
  readonly bytePerplexity: number | null;
  /** `-logProb / (bytes ln 2)`. */
  readonly bitsPerByte: number | null;
  /** Bootstrap standard error of `perplexity` over documents; 0 for a single document. */
  readonly perplexityStandardError: number;
  /** Of each document in order: what a paired comparison needs. */
  readonly documentLogProbs: readonly number[];
  readonly documentTokens: readonly number[];
}

/** All domains, and the plain mean of their perplexities (the paper's "average"). */
export interface PerplexityReport {
  readonly domains: readonly DomainPerplexity[];
  readonly averagePerplexity: number;
  readonly complete: boolean;
}

/**
 * Perplexity of documents by domain, with a sliding window (see `rollingWindows`). The numbers do not depend on the
 * order of the documents or on `chunkSize`.
 *
 * Reference: lm-evaluation-harness `weighted_perplexity`, `bits_per_byte`; moda.md Table 5 for the ten domains.
 *
 * @throws DataError when a domain has no documents or no tokens, or a document has neither text nor tokens.
 * @throws ConfigError when there are no domains, or `limit` or `chunkSize` is no positive whole number.
 */
export async function evaluatePerplexity(
  model: EvaluationModel,
  domains: readonly PerplexityDomain[],
  options: PerplexityOptions = {},
): Promise<PerplexityReport> {
  if (domains.length === 0) throw new ConfigError('perplexity: there must be domains, got 0. Name a file.', 'domains');
  for (const name of ['limit', 'chunkSize'] as const) requirePositive('perplexity', name, options[name]);
  const reports: DomainPerplexity[] = [];
  for (const domain of domains) reports.push(await measureDomain(model, domain, options));
  return {
    domains: reports,
    averagePerplexity: reports.reduce((total, report) => total + report.perplexity, 0) / reports.length,
    complete: reports.every((report) => report.complete),
  };
}

async function measureDomain(
  model: EvaluationModel,
  domain: PerplexityDomain,
  options: PerplexityOptions,
): Promise<DomainPerplexity> {
  const { limit, chunkSize = 64, window, stride, signal, onProgress } = options;
  const documents = domain.documents.slice(0, limit);
  if (documents.length === 0)
    throw new DataError(`perplexity: domain ${domain.name} must have documents, got 0.`, { task: domain.name });
  documents.forEach(({ text, tokens }, document) => {
    if (text !== undefined || tokens !== undefined) return;
    const message = `perplexity: document ${document} of ${domain.name} must have text or tokens, got neither.`;
    throw new DataError(message, { task: domain.name, document, field: 'text' });
  });
  const answers: RollingLoglikelihood[] = [];
  for (let at = 0; at < documents.length; at += chunkSize) {
    signal?.throwIfAborted();
    const chunk = documents.slice(at, at + chunkSize);
    answers.push(
      ...(await model.loglikelihoodRolling(chunk.map(({ text, tokens }) => ({ text, tokens, window, stride })))),
    );
    onProgress?.(domain.name, answers.length, documents.length);
  }
  return summarize(domain, documents, answers, options);
}

function summarize(
  domain: PerplexityDomain,
  documents: readonly PerplexityDocument[],
  answers: readonly RollingLoglikelihood[],
  { decode }: PerplexityOptions,
): DomainPerplexity {
  const texts = documents.map(({ text, tokens }) => text ?? (tokens && decode?.(tokens)));
  const known = texts.every((text) => text !== undefined);
  const units = known ? texts.map(countUnits) : null;
  const words = units?.reduce((total, unit) => total + unit.words, 0) ?? null;
  const bytes = units?.reduce((total, unit) => total + unit.bytes, 0) ?? null;
  const logProb = answers.reduce((total, answer) => total + answer.logProb, 0);
  const tokens = answers.reduce((total, answer) => total + answer.tokenCount, 0);
  if (tokens === 0) {
    const message = `perplexity: domain ${domain.name} must have tokens, got 0 in ${documents.length} documents. Are its texts empty?`;
    throw new DataError(message, { task: domain.name });
  }
  const byDocument = {
    documentLogProbs: answers.map((answer) => answer.logProb),
    documentTokens: answers.map((answer) => answer.tokenCount),
  };
  return {
    domain: domain.name,
    documents: documents.length,
    complete: documents.length === domain.documents.length,
    tokens,
    words,
    bytes,
    logProb,
    perplexity: Math.exp(-logProb / tokens),
    wordPerplexity: words ? Math.exp(-logProb / words) : null,
    bytePerplexity: bytes ? Math.exp(-logProb / bytes) : null,
    bitsPerByte: bytes ? -logProb / (bytes * Math.LN2) : null,
    perplexityStandardError: bootstrapStandardError(answers.length, (positions) => perplexityOn(byDocument, positions)),
    ...byDocument,
  };
}

/** Perplexity over the documents at `positions`, each as often as it is named. */
export function perplexityOn(
  { documentLogProbs, documentTokens }: Pick<DomainPerplexity, 'documentLogProbs' | 'documentTokens'>,
  positions: Uint32Array,
): number {
  let [logProb, tokens] = [0, 0];
  for (const position of positions) {
    logProb += documentLogProbs[position];
    tokens += documentTokens[position];
  }
  return Math.exp(-logProb / tokens);
}
