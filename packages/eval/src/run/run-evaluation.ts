import type { Platform } from '@modajs/tensor';
import type { RowSource } from '../data/row-source.ts';
import type { DepthAttentionCollector } from '../depth-attention/depth-attention.ts';
import { DataError, requirePositive } from '../errors/errors.ts';
import type { EvaluationModel, Loglikelihood } from '../model/evaluation-model.ts';
import { buildResults, type Provenance } from '../results/build-results.ts';
import type { EvaluationResults, IncompleteReason, SampleLine } from '../results/results.ts';
import { sampleLines } from '../results/sample-lines.ts';
import type { TaskSelection } from '../tasks/registry.ts';
import { type DocumentOptions, type LoadedTask, loadDocuments } from './load-documents.ts';
import { type AnswerStore, createMemoryStore } from './request-cache.ts';
import { type ScoredDocument, scoreTask } from './score-task.ts';

/** What a run needs and what it may do. */
export interface EvaluationOptions extends DocumentOptions {
  readonly model: EvaluationModel;
  readonly selection: TaskSelection;
  readonly rows: RowSource;
  /** Finished answers of earlier runs of this model are taken from here. In memory by default. */
  readonly store?: AnswerStore;
  /** Requests between two writes to the store, default 512. */
  readonly chunkSize?: number;
  /** Keep each request and its scores. */
  readonly logSamples?: boolean;
  readonly provenance?: Provenance;
  readonly depthAttention?: DepthAttentionCollector;
  readonly signal?: Platform<'AbortSignal'>;
  onProgress?(progress: TaskProgress): void;
}

/** Where a run is. */
export interface TaskProgress {
  readonly task: string;
  readonly taskIndex: number;
  readonly taskCount: number;
  readonly doneRequests: number;
  readonly totalRequests: number;
}

/** Results, and per task the sample log when asked for. */
export interface EvaluationRun {
  readonly results: EvaluationResults;
  readonly samples: Record<string, readonly SampleLine[]>;
}

/** A task that ran. */
export interface FinishedTask extends LoadedTask {
  readonly scored: readonly ScoredDocument[];
}

/**
 * Evaluates a model on tasks, one after another. A task whose data is wrong or out of reach gets no value and a reason;
 * the others still run. `results.complete` is false then, and whenever a limit, other shots, a missing subsample or a
 * truncated context makes the numbers incomparable with the standard.
 *
 * @throws what the model throws when it is not about data, ConfigError for unusable options, and the signal's reason.
 */
export async function runEvaluation(options: EvaluationOptions): Promise<EvaluationRun> {
  const { model, selection, store = createMemoryStore(), chunkSize = 512, signal } = options;
  requirePositive('evaluation', 'chunkSize', chunkSize);
  const startTime = performance.now() / 1000;
  const known = new Map<string, Loglikelihood>((await store.load()).map(({ key, answer }) => [key, answer]));
  const finished: FinishedTask[] = [];
  const incomplete: IncompleteReason[] = [];
  for (const [taskIndex, spec] of selection.tasks.entries()) {
    const onProgress = (doneRequests: number, totalRequests: number) =>
      options.onProgress?.({
        task: spec.name,
        taskIndex,
        taskCount: selection.tasks.length,
        doneRequests,
        totalRequests,
      });
    try {
      const task = await loadDocuments(spec, options.rows, options);
      const scored = await scoreTask(task, { model, known, store, chunkSize, signal, onProgress });
      finished.push({ ...task, scored });
      incomplete.push(...deviations(task, scored));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      incomplete.push({
        task: spec.name,
        kind: 'failed',
        message: error.message,
        document: error.document,
        field: error.field,
      });
    }
  }
  const timing = { startTime, endTime: performance.now() / 1000 };
  const depthAttention = options.depthAttention?.summary();
  const results = await buildResults({
    model,
    selection,
    finished,
    incomplete,
    timing,
    depthAttention,
    provenance: options.provenance ?? {},
    options,
  });
  const samples = options.logSamples
    ? Object.fromEntries(finished.map((task) => [task.spec.name, sampleLines(task)]))
    : {};
  return { results, samples };
}

/** In what a finished task differs from its standard. */
function deviations(task: LoadedTask, scored: readonly ScoredDocument[]): IncompleteReason[] {
  const { spec, shots, documents, standardCount, originalCount } = task;
  const reasons: IncompleteReason[] = [];
  const add = (kind: IncompleteReason['kind'], message: string) =>
    reasons.push({ task: spec.name, kind, message: `${spec.name}: ${message}` });
  if (documents.length < standardCount)
    add('limit', `${documents.length} of ${standardCount} documents were evaluated (--limit).`);
  if (spec.subsample && originalCount > spec.subsample.count && standardCount === originalCount) {
    add('no-subsample', `all ${originalCount} documents were evaluated; the standard draws ${spec.subsample.count}.`);
  }
  if (shots !== spec.shots) add('shots', `${shots} examples were used; the standard has ${spec.shots}.`);
  const foreign = documents.flatMap(({ row, nativeId }) => {
    const reason = spec.nonStandardRow?.(row) ?? null;
    return reason === null ? [] : [`document ${nativeId}: ${reason}`];
  });
  if (foreign.length > 0) add('dataset', `${foreign.length} rows are not the standard's, first ${foreign[0]}.`);
  const truncated = scored.filter(({ answers }) => answers.some((answer) => answer.truncatedTokens > 0));
  if (truncated.length > 0) {
    add(
      'truncated',
      `contexts of ${truncated.length} documents were cut to the model's length, first document ${truncated[0].document.nativeId}.`,
    );
  }
  return reasons;
}
