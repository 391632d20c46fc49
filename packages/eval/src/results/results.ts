import type { DepthAttentionSummary } from '../depth-attention/depth-attention.ts';

/** Values of a task or group: `alias`, then `metric,none` and `metric_stderr,none`. */
export type ResultRow = Record<string, string | number>;

/** Why a run is not the standard evaluation, or what failed in it. */
export interface IncompleteReason {
  readonly task: string;
  readonly kind: 'limit' | 'no-subsample' | 'shots' | 'dataset' | 'truncated' | 'failed';
  readonly message: string;
  readonly document?: string | number;
  readonly field?: string;
}

/**
 * Results as lm-evaluation-harness writes them, plus our own fields below `complete`. Tools that read the harness's
 * files read these.
 *
 * Reference: lm-evaluation-harness `EvaluationTracker.save_results_aggregated`.
 */
export interface EvaluationResults {
  readonly results: Record<string, ResultRow>;
  readonly groups: Record<string, ResultRow>;
  readonly group_subtasks: Record<string, readonly string[]>;
  readonly configs: Record<string, Record<string, unknown>>;
  readonly versions: Record<string, number>;
  readonly 'n-shot': Record<string, number>;
  readonly higher_is_better: Record<string, Record<string, boolean>>;
  readonly 'n-samples': Record<string, { readonly original: number; readonly effective: number }>;
  readonly config: Record<string, unknown>;
  readonly git_hash: string | null;
  /** Seconds since 1970. */
  readonly date: number;
  readonly pretty_env_info: string;
  readonly task_hashes: Record<string, string>;
  readonly model_source: string;
  readonly model_name: string;
  readonly model_name_sanitized: string;
  readonly start_time: number;
  readonly end_time: number;
  readonly total_evaluation_time_seconds: string;
  /** What a guess among each document's choices gets right, by task and group; none for tasks without choices. Absent in older files. */
  readonly chance?: Record<string, number>;
  /** True only when every task ran on all documents of its style, with its own number of examples, untruncated. */
  readonly complete: boolean;
  readonly incomplete: readonly IncompleteReason[];
  /** Per task and metric, the value of each document in order: what a paired comparison needs. */
  readonly document_metrics: Record<string, Record<string, readonly number[]>>;
  readonly package_versions: Record<string, string>;
  readonly tokenizer_hash: string;
  readonly model_hash: string;
  readonly device: string;
  readonly depth_attention?: DepthAttentionSummary;
}

/** One line of a sample log, in lm-evaluation-harness's shape. */
export interface SampleLine {
  readonly doc_id: number;
  readonly doc: Readonly<Record<string, unknown>>;
  readonly target: string;
  readonly arguments: Record<string, { readonly arg_0: string; readonly arg_1: string }>;
  /** Per request `[[logProb, isGreedy]]`, unconditional requests after the conditional ones. */
  readonly resps: readonly (readonly (readonly [string, string])[])[];
  readonly filtered_resps: readonly (readonly [string, string])[];
  readonly filter: 'none';
  readonly metrics: readonly string[];
  readonly native_id: string | number;
  readonly [metric: string]: unknown;
}
