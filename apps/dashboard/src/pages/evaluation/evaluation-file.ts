import { DataError, type EvaluationResults, type PerplexityReport } from '@modajs/eval';
import { isStudyFile, readStudyFile, type StudyFile } from '@modajs/train';

/** A file a visitor added: results of tasks, perplexity by domain, or a study. */
export type EvaluationFile = NamedFile &
  (
    | { readonly kind: 'study'; readonly study: StudyFile }
    | { readonly kind: 'tasks'; readonly results: EvaluationResults }
    | { readonly kind: 'perplexity'; readonly report: PerplexityReport }
  );

interface NamedFile {
  readonly id: string;
  /** The run or model. */
  readonly name: string;
  /** Folder and file, which tell two results of one name apart. */
  readonly place: string;
}

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/**
 * Reads a file of `moda eval`, `moda eval perplexity`, `moda study` or lm-evaluation-harness.
 *
 * @param path told in errors, and the model's name where the file has none
 * @throws DataError when the text is none of them
 */
export function parseEvaluationFile(path: string, text: string): EvaluationFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new DataError(`${path}: the file must be JSON, it is not. Add a results file of moda eval.`, { path });
  }
  if (isStudyFile(json)) {
    const study = readStudyFile(path, json);
    return { kind: 'study', id: `file:${path}`, name: study.name, place: path, study };
  }
  if (isObject(json) && isObject(json.results)) return tasksFile(path, json);
  if (isObject(json) && Array.isArray(json.domains)) return perplexityFile(path, json);
  throw new DataError(
    `${path}: the file must hold "results" (moda eval, lm-evaluation-harness) or "domains" (moda eval perplexity), or be the study.json of moda study, got none of them. Add another file.`,
    { path },
  );
}

function tasksFile(path: string, json: Json): EvaluationFile {
  const results = Object.fromEntries(Object.entries(json.results as Json).filter(([, row]) => isObject(row)));
  if (Object.keys(results).length === 0)
    throw new DataError(`${path}: "results" must hold at least one task, got none. Did the run finish?`, { path });
  const config = isObject(json.config) ? json.config : {};
  const name = [json.model_name, config.model].find((value) => typeof value === 'string' && value !== '');
  // Files of the harness itself lack some of the fields; readers take them as absent.
  const completed = { document_metrics: {}, incomplete: [], groups: {}, group_subtasks: {}, ...json, results };
  return {
    kind: 'tasks',
    id: `file:${path}`,
    name: shortName(name ?? path),
    place: path,
    results: completed as unknown as EvaluationResults,
  };
}

function perplexityFile(path: string, json: Json): EvaluationFile {
  const domains = (json.domains as unknown[]).filter(
    (domain): domain is Json => isObject(domain) && typeof domain.domain === 'string' && isNumber(domain.perplexity),
  );
  if (domains.length === 0)
    throw new DataError(`${path}: "domains" must hold a domain with a perplexity, got none. Did the run finish?`, {
      path,
    });
  const model = isObject(json.model) && typeof json.model.name === 'string' ? json.model.name : path;
  return {
    kind: 'perplexity',
    id: `file:${path}`,
    name: shortName(model),
    place: path,
    report: { ...json, domains } as unknown as PerplexityReport,
  };
}

/** `runs/tiny/` and `/data/tiny/results.json` are both `tiny` to a reader. */
function shortName(name: unknown): string {
  const parts = String(name)
    .replace(/\/?(results[^/]*|perplexity[^/]*)?\.json$/, '')
    .split('/')
    .filter((part) => part !== '');
  return parts.at(-1) ?? String(name);
}
