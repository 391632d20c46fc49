import type { DepthAttentionSummary } from '../depth-attention/depth-attention.ts';
import { aggregateMetric } from '../metrics/aggregate.ts';
import { BOOTSTRAP_RESAMPLES } from '../metrics/bootstrap.ts';
import type { EvaluationModel } from '../model/evaluation-model.ts';
import type { DocumentOptions } from '../run/load-documents.ts';
import { sha256 } from '../run/request-cache.ts';
import type { FinishedTask } from '../run/run-evaluation.ts';
import { documentRequests } from '../tasks/build-requests.ts';
import type { TaskSelection } from '../tasks/registry.ts';
import { HIGHER_IS_BETTER, IS_CHOSEN, type MetricName } from '../tasks/task.ts';
import { type GroupValues, groupValues, type TaskColumns } from './group-rows.ts';
import type { EvaluationResults, IncompleteReason, ResultRow } from './results.ts';

/** Facts about the machine and the program that only the caller knows. */
export interface Provenance {
  readonly gitHash?: string;
  readonly environment?: string;
  readonly packageVersions?: Record<string, string>;
  /** Seconds since 1970. */
  readonly date?: number;
  readonly modelArguments?: string;
}

/** All that goes into a results file. */
export interface ResultParts {
  readonly model: EvaluationModel;
  readonly selection: TaskSelection;
  readonly finished: readonly FinishedTask[];
  readonly incomplete: readonly IncompleteReason[];
  readonly timing: { readonly startTime: number; readonly endTime: number };
  readonly depthAttention?: DepthAttentionSummary;
  readonly provenance: Provenance;
  readonly options: DocumentOptions;
}

/**
 * A results file in lm-evaluation-harness's layout. A group is reported only when all its members have values, and with
 * the metrics all of them share; `primary` stands for each task's own primary metric.
 */
export async function buildResults(parts: ResultParts): Promise<EvaluationResults> {
  const { model, selection, finished, incomplete, timing, provenance, options } = parts;
  const { identity } = model;
  const columns = finished.map(
    (task): TaskColumns => ({
      name: task.spec.name,
      primaryMetric: task.spec.primaryMetric,
      columns: documentValues(task),
    }),
  );
  const chance = chanceLevels(selection, finished);
  const groups = Object.fromEntries(
    [...groupValues(selection, columns)].map(([name, values]) => [name, toRow(name, values)]),
  );
  const byName = <T>(pick: (task: FinishedTask) => T) =>
    Object.fromEntries(finished.map((task) => [task.spec.name, pick(task)]));
  const hashes = await Promise.all(finished.map((task) => requestHash(task)));
  return {
    results: { ...Object.fromEntries(columns.map((task) => [task.name, taskRow(task)])), ...groups },
    groups,
    group_subtasks: Object.fromEntries(selection.groups.map((group) => [group.name, group.members])),
    configs: byName(taskConfig),
    versions: byName((task) => task.spec.version),
    'n-shot': byName((task) => task.shots),
    higher_is_better: byName((task) =>
      Object.fromEntries(task.spec.metrics.map((metric) => [metric, HIGHER_IS_BETTER[metric]])),
    ),
    'n-samples': byName((task) => ({ original: task.originalCount, effective: task.documents.length })),
    config: {
      model: identity.name,
      model_args: provenance.modelArguments ?? '',
      device: identity.device,
      limit: options.limit ?? null,
      bootstrap_iters: BOOTSTRAP_RESAMPLES,
      style: selection.tasks[0]?.style ?? null,
    },
    git_hash: provenance.gitHash ?? null,
    date: provenance.date ?? 0,
    pretty_env_info: provenance.environment ?? '',
    task_hashes: Object.fromEntries(finished.map((task, i) => [task.spec.name, hashes[i]])),
    model_source: 'modajs',
    model_name: identity.name,
    model_name_sanitized: identity.name.replace(/[^\w.-]+/g, '__'),
    start_time: timing.startTime,
    end_time: timing.endTime,
    total_evaluation_time_seconds: String(timing.endTime - timing.startTime),
    chance,
    complete: incomplete.length === 0 && finished.length > 0,
    incomplete,
    document_metrics: Object.fromEntries(columns.map((task) => [task.name, task.columns as Record<string, number[]>])),
    package_versions: provenance.packageVersions ?? {},
    tokenizer_hash: identity.tokenizerHash,
    model_hash: identity.modelHash,
    device: identity.device,
    ...(parts.depthAttention ? { depth_attention: parts.depthAttention } : {}),
  };
}

/**
 * What a guess among each document's choices gets right, by task and group: a group's is averaged as its score is. Tasks with one
 * continuation, and groups with such a task, have none.
 */
function chanceLevels(selection: TaskSelection, finished: readonly FinishedTask[]): Record<string, number> {
  const tasks = finished
    .filter(({ spec }) => IS_CHOSEN[spec.primaryMetric])
    .map(
      ({ spec, documents }): TaskColumns => ({
        name: spec.name,
        primaryMetric: spec.primaryMetric,
        columns: { [spec.primaryMetric]: documents.map(({ continuations }) => 1 / continuations.length) },
      }),
    );
  const groups = [...groupValues(selection, tasks)].map(([name, { primary }]) => [name, primary!.value] as const);
  const own = tasks.map(({ name, primaryMetric, columns }) => [
    name,
    aggregateMetric(primaryMetric, columns[primaryMetric]!).value,
  ]);
  return Object.fromEntries([...own, ...groups]);
}

function documentValues({ spec, scored }: FinishedTask): Record<string, number[]> {
  const metrics = spec.metrics.filter((metric) => scored.every((document) => document.metrics[metric] !== undefined));
  return Object.fromEntries(metrics.map((metric) => [metric, scored.map((document) => document.metrics[metric]!)]));
}

function taskRow({ name, primaryMetric, columns }: TaskColumns): ResultRow {
  const entries = Object.entries(columns) as [MetricName, readonly number[]][];
  const values = Object.fromEntries(
    entries.map(([metric, column]) => [metric, aggregateMetric(metric, column)]),
  ) as GroupValues;
  return toRow(name, { ...values, primary: values[primaryMetric] });
}

function toRow(alias: string, values: GroupValues): ResultRow {
  const row: ResultRow = { alias };
  for (const [metric, value] of Object.entries(values)) {
    if (value === undefined) continue;
    row[`${metric},none`] = value.value;
    row[`${metric}_stderr,none`] = value.standardError;
  }
  return row;
}

function taskConfig({ spec, shots }: FinishedTask): Record<string, unknown> {
  return {
    task: spec.name,
    dataset_path: spec.dataset.repository,
    dataset_name: spec.dataset.config ?? null,
    test_split: spec.dataset.split,
    doc_to_text: spec.prompt,
    doc_to_choice: spec.choices,
    doc_to_target: spec.gold,
    description: spec.description ?? '',
    target_delimiter: ' ',
    fewshot_delimiter: '\n\n',
    num_fewshot: shots,
    metric_list: spec.metrics.map((metric) => ({
      metric,
      aggregation: metric === 'perplexity' ? 'perplexity' : 'mean',
      higher_is_better: HIGHER_IS_BETTER[metric],
    })),
    output_type: spec.choices.length === 1 ? 'loglikelihood' : 'multiple_choice',
    repeats: 1,
    should_decontaminate: false,
    metadata: { version: spec.version, style: spec.style, primary_metric: spec.primaryMetric, encoding: spec.encoding },
  };
}

/** Two runs with the same hash asked exactly the same requests, in the same order. */
async function requestHash(task: FinishedTask): Promise<string> {
  const requests = task.documents.flatMap((document) => documentRequests(task.spec, document));
  return sha256(
    JSON.stringify(requests.map(({ context, continuation, encoding }) => [encoding, context, continuation])),
  );
}
