import type { DomainPerplexity, PerplexityReport } from '@modajs/eval';
import type { EvaluationFile } from './evaluation-file.ts';
import { PAPER_DOMAINS, type PaperTable, TABLE_5_DOMAINS } from './paper-tables.ts';
import type { Score, ScoreColumn, ScoreRow, ScoreTable } from './scores.ts';

type PerplexityFile = Extract<EvaluationFile, { kind: 'perplexity' }>;

/** How a domain's likelihood is written. */
export type PerplexityUnit = 'perplexity' | 'loss' | 'bitsPerByte';

/** Units with their names. */
export const PERPLEXITY_UNITS: Readonly<Record<PerplexityUnit, string>> = {
  perplexity: 'perplexity per token',
  loss: 'nats per token',
  bitsPerByte: 'bits per byte',
};

const AVERAGE = 'Average';
const OWN_AVERAGE = 'Average of its own domains';

/** Names that differ only in case and marks are one domain: `wikitext` and `Wiki-text`. */
const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** Domains by models: the files' columns first, then the paper's. */
export function perplexityTable(
  files: readonly PerplexityFile[],
  papers: readonly PaperTable[],
  unit: PerplexityUnit,
): ScoreTable {
  const fromPaper = unit === 'bitsPerByte' ? [] : papers.flatMap((table) => paperColumns(table, unit));
  const columns = [...files.map(fileColumn), ...fromPaper.map(({ column }) => column)];
  const labels = new Map(PAPER_DOMAINS.map((name) => [plain(name), name]));
  for (const { report } of files)
    for (const { domain } of report.domains) if (!labels.has(plain(domain))) labels.set(plain(domain), domain);
  labels.set(plain(OWN_AVERAGE), OWN_AVERAGE);
  const rows = [...labels].map(([id, label]): ScoreRow => {
    const isAverage = label === AVERAGE || label === OWN_AVERAGE;
    const scores: Record<string, Score> = {};
    for (const file of files) {
      const isShown = !isAverage || label === averageLabel(file.report);
      const score = isAverage ? averageScore(file.report, unit) : domainScore(file.report, id, unit);
      if (score && isShown) scores[file.id] = score;
    }
    for (const { column, values } of fromPaper)
      if (Object.hasOwn(values, label)) scores[column.id] = { value: values[label], standardError: null };
    return { id, label, digits: unit === 'perplexity' ? 2 : 4, higherIsBetter: false, isAverage, scores };
  });
  return { columns, rows: rows.filter(({ scores }) => Object.keys(scores).length > 0) };
}

/** Row id of a domain, as `perplexityTable` gives it. */
export function domainRow(domain: string): string {
  return plain(domain);
}

function fileColumn({ id, name, place, report }: PerplexityFile): ScoreColumn {
  return {
    id,
    label: name,
    detail: `${place}: ${report.complete === false ? 'a part of the documents' : 'all documents'}`,
    source: 'file',
    isComplete: report.complete !== false,
  };
}

function paperColumns(table: PaperTable, unit: 'perplexity' | 'loss') {
  return table.models.flatMap(({ label, detail, perplexity = {}, loss = {} }) => {
    const column: ScoreColumn = {
      id: `${table.id}:${label}`,
      label,
      detail: `paper, ${detail}`,
      source: 'paper',
      isComplete: true,
    };
    // The average is one of perplexities: its logarithm is no average of losses.
    const values =
      unit === 'perplexity'
        ? { ...perplexity, ...mapValues(loss, Math.exp) }
        : { ...mapValues({ ...perplexity, [AVERAGE]: Number.NaN }, Math.log), ...loss };
    const known = Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value)));
    return Object.keys(known).length > 0 ? [{ column, values: known }] : [];
  });
}

const mapValues = (record: Readonly<Record<string, number>>, f: (value: number) => number): Record<string, number> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]));

function domainScore(report: PerplexityReport, row: string, unit: PerplexityUnit): Score | null {
  const domain = report.domains.find((candidate) => plain(candidate.domain) === row);
  return domain ? inUnit(domain, unit) : null;
}

/** A value in a unit, its standard error by the derivative of the conversion. */
function inUnit(domain: DomainPerplexity, unit: PerplexityUnit): Score | null {
  const { perplexity, tokens, bytes, bitsPerByte } = domain;
  const error = domain.perplexityStandardError ?? null;
  if (unit === 'perplexity') return { value: perplexity, standardError: error };
  const lossError = error === null ? null : error / perplexity;
  if (unit === 'loss') return { value: Math.log(perplexity), standardError: lossError };
  if (bitsPerByte === null || bitsPerByte === undefined || !bytes) return null;
  return { value: bitsPerByte, standardError: lossError === null ? null : (lossError * tokens) / (bytes * Math.LN2) };
}

/** An average over other domains than the paper's ten does not stand in one row with theirs. */
function averageLabel({ domains }: PerplexityReport): string {
  const own = new Set(domains.map(({ domain }) => plain(domain)));
  return own.size === TABLE_5_DOMAINS.length && TABLE_5_DOMAINS.every((name) => own.has(plain(name)))
    ? AVERAGE
    : OWN_AVERAGE;
}

function averageScore(report: PerplexityReport, unit: PerplexityUnit): Score | null {
  const scores = report.domains.map((domain) => inUnit(domain, unit));
  if (scores.length < 2 || scores.some((score) => score === null)) return null;
  const known = scores as Score[];
  const hasErrors = known.every(({ standardError }) => standardError !== null);
  return {
    value: known.reduce((sum, { value }) => sum + value, 0) / known.length,
    standardError: hasErrors ? Math.hypot(...known.map((score) => score.standardError!)) / known.length : null,
  };
}
