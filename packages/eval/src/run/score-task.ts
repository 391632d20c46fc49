import type { Platform } from '@modajs/tensor';
import { DataError } from '../errors/errors.ts';
import { type DocumentMetrics, type DocumentScores, documentMetrics } from '../metrics/choice-metrics.ts';
import type { EvaluationModel, Loglikelihood } from '../model/evaluation-model.ts';
import { type DocumentRequest, documentRequests } from '../tasks/build-requests.ts';
import type { TaskDocument } from '../tasks/task.ts';
import type { LoadedTask } from './load-documents.ts';
import { type AnswerStore, type CachedAnswer, requestKey } from './request-cache.ts';

/** A scored document. */
export interface ScoredDocument {
  readonly document: TaskDocument;
  readonly answers: readonly Loglikelihood[];
  readonly scores: DocumentScores;
  readonly metrics: DocumentMetrics;
}

/** How a task is scored. */
export interface ScoreOptions {
  readonly model: EvaluationModel;
  /** Answers known before the run started, and where new ones go. */
  readonly known: Map<string, Loglikelihood>;
  readonly store: AnswerStore;
  /** Requests between two writes to the store. */
  readonly chunkSize: number;
  readonly signal?: Platform<'AbortSignal'>;
  onProgress?(done: number, total: number): void;
}

/**
 * Asks the model every request of a task that the store does not know, writing answers as they come, and scores the
 * documents. Aborting throws the signal's reason after the current chunk is written.
 *
 * @throws DataError with task and document when the model refuses a request.
 */
export async function scoreTask(task: LoadedTask, options: ScoreOptions): Promise<ScoredDocument[]> {
  const requests = task.documents.flatMap((document) => documentRequests(task.spec, document));
  const keys = await Promise.all(requests.map((request) => requestKey(options.model.identity, request)));
  await answerMissing(task, requests, keys, options);
  let at = 0;
  return task.documents.map((document) => {
    const count = document.continuations.length * (document.unconditioned === null ? 1 : 2);
    const answers = keys.slice(at, at + count).map((key) => options.known.get(key)!);
    at += count;
    return scoreDocument(task, document, answers);
  });
}

async function answerMissing(
  task: LoadedTask,
  requests: readonly DocumentRequest[],
  keys: readonly string[],
  options: ScoreOptions,
) {
  const { model, known, store, chunkSize, signal, onProgress } = options;
  // Different documents may ask the same thing (unconditional "yes"): ask once.
  const missing = [...new Map(keys.map((key, i) => [key, i])).entries()]
    .filter(([key]) => !known.has(key))
    .map(([, i]) => i);
  const total = new Set(keys).size;
  const answered = total - missing.length;
  onProgress?.(answered, total);
  for (let at = 0; at < missing.length; at += chunkSize) {
    signal?.throwIfAborted();
    const chunk = missing.slice(at, at + chunkSize);
    const answers = await ask(
      task,
      chunk.map((i) => requests[i]),
      model,
    );
    const entries: CachedAnswer[] = chunk.map((i, c) => ({ key: keys[i], answer: answers[c] }));
    await store.append(entries);
    for (const { key, answer } of entries) known.set(key, answer);
    onProgress?.(answered + at + chunk.length, total);
  }
}

async function ask(
  task: LoadedTask,
  requests: readonly DocumentRequest[],
  model: EvaluationModel,
): Promise<Loglikelihood[]> {
  const { name } = task.spec;
  const place = (index: number | undefined) =>
    index === undefined ? undefined : task.documents[requests[index].docId]?.nativeId;
  let answers: Loglikelihood[];
  try {
    answers = await model.loglikelihood(requests);
  } catch (cause) {
    if (!(cause instanceof DataError)) throw cause;
    const document = place(cause.request);
    throw new DataError(
      `${name}: document ${document ?? 'unknown'}: ${cause.message}`,
      { task: name, document, field: cause.field },
      { cause },
    );
  }
  if (answers.length !== requests.length) {
    throw new DataError(`${name}: the model must answer ${requests.length} requests, got ${answers.length} answers.`, {
      task: name,
    });
  }
  answers.forEach(({ logProb }, i) => {
    if (Number.isFinite(logProb)) return;
    const document = place(i);
    const message = `${name}: log-probability of choice ${requests[i].choice} of document ${document} must be finite, got ${logProb}.`;
    throw new DataError(message, { task: name, document });
  });
  return answers;
}

function scoreDocument(task: LoadedTask, document: TaskDocument, answers: readonly Loglikelihood[]): ScoredDocument {
  const count = document.continuations.length;
  const scores: DocumentScores = {
    logProbs: answers.slice(0, count).map((answer) => answer.logProb),
    isGreedy: answers.slice(0, count).map((answer) => answer.isGreedy),
    unconditionedLogProbs:
      document.unconditioned === null ? null : answers.slice(count).map((answer) => answer.logProb),
    continuations: document.continuations,
    gold: document.gold,
  };
  return { document, answers, scores, metrics: documentMetrics(scores, task.spec.metrics) };
}
