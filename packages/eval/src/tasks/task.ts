import type { PairEncoding } from '../model/evaluation-model.ts';

/** One raw row of a dataset: official field names, values as parsed. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * - `olmes`: the OLMES standard, five fixed examples where it defines them, unconditional requests after `Answer:`.
 * - `olmo-in-loop`: OLMo's evaluators in the training loop, no examples, texts encoded separately.
 * Other names are free for a user's own tasks.
 */
export type TaskStyle = 'olmes' | 'olmo-in-loop' | (string & {});

/**
 * What a task reports. Argmax over choices of
 * `acc`: the summed log-probability; `acc_norm`: per character (code point) of the continuation without its leading
 * space; `acc_norm_bytes`: per UTF-8 byte of it; `acc_uncond`: less the log-probability after the unconditional prompt.
 * `bits_per_byte`: of the gold continuation. `acc_greedy`: greedy decoding would say the gold continuation.
 * `perplexity`: `exp(-mean logProb)` of the gold continuations.
 */
export type MetricName =
  | 'acc'
  | 'acc_norm'
  | 'acc_norm_bytes'
  | 'acc_uncond'
  | 'bits_per_byte'
  | 'acc_greedy'
  | 'perplexity';

/** Where a task's rows come from. */
export interface DatasetReference {
  /** Hugging Face repository, for example `allenai/ai2_arc`. */
  readonly repository: string;
  /** Configuration inside it, for example `ARC-Easy`. */
  readonly config?: string;
  readonly split: string;
  /** Base name of a local file (`arc-easy-validation` finds `.jsonl`, `.jsonl.gz`, `.parquet`, `.arrow`). */
  readonly file: string;
  /** Keep the rows whose field has this value (one subject of MMLU). */
  readonly where?: { readonly field: string; readonly equals: string };
}

/** Where the examples before a prompt come from: fixed texts, or rows of another split. */
export type FewShotSource =
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  | { readonly kind: 'rows'; readonly dataset: DatasetReference };

/**
 * A task as data. Texts are templates: `{{field}}` or `{{choices.text}}` reads the prepared row; a template that is
 * exactly one reference may yield a list. Nothing here knows about models.
 */
export interface TaskSpec {
  readonly name: string;
  /** Raise when a change alters any request or score. */
  readonly version: number;
  readonly style: TaskStyle;
  readonly dataset: DatasetReference;
  /** Turns an official row into the fields the templates read; identity by default. */
  readonly prepare?: (row: Row, index: number) => Row;
  /** Why a row is not of the data that the style names (the run is not complete then), or null when it is. */
  readonly nonStandardRow?: (row: Row) => string | null;
  /** Field with the dataset's own id of a document; its position by default. */
  readonly idField?: string;
  /** Text before the examples, blank line included. */
  readonly description?: string;
  /** The prompt, or one prompt per choice (partial evaluation: the contexts differ, the continuation does not). */
  readonly prompt: string | readonly string[];
  /** Template of a list, or one template per choice. Each is scored as `' ' + choice`. */
  readonly choices: string | readonly string[];
  /** Index of the right choice, or a label to look up in `goldLabels`. */
  readonly gold: string;
  /** Labels in the order of the choices: a template of a list, or the list. */
  readonly goldLabels?: string | readonly string[];
  readonly fewShot?: FewShotSource;
  /** Examples used by default. */
  readonly shots: number;
  /** Prompt of the unconditional requests, one or one per choice; null when the style has none. */
  readonly unconditioned: string | readonly string[] | null;
  readonly metrics: readonly MetricName[];
  readonly primaryMetric: MetricName;
  readonly encoding: PairEncoding;
  /** Evaluate a fixed random sample: the rows `random.Random(seed).sample(rows, count)` picks in Python. */
  readonly subsample?: { readonly count: number; readonly seed: number };
}

/** Tasks reported together. */
export interface TaskGroup {
  readonly name: string;
  readonly style: TaskStyle;
  /** Names of tasks or of other groups of the same style. */
  readonly members: readonly string[];
  /**
   * `micro`: mean over all documents below; `macro-tasks`: mean over the scores of all tasks below; `macro`: mean over
   * the scores of the direct members, a group counting as one.
   */
  readonly average: 'micro' | 'macro-tasks' | 'macro';
}

/** Whether a larger value is better. */
export const HIGHER_IS_BETTER: Readonly<Record<MetricName, boolean>> = {
  acc: true,
  acc_norm: true,
  acc_norm_bytes: true,
  acc_uncond: true,
  bits_per_byte: false,
  acc_greedy: true,
  perplexity: false,
};

/** Whether a metric counts the documents whose right answer was chosen among several: such a metric has a chance level. */
export const IS_CHOSEN: Readonly<Record<MetricName, boolean>> = {
  acc: true,
  acc_norm: true,
  acc_norm_bytes: true,
  acc_uncond: true,
  bits_per_byte: false,
  acc_greedy: false,
  perplexity: false,
};

/** A document ready to be asked about. */
export interface TaskDocument {
  readonly task: string;
  /** Position in the evaluated order. */
  readonly docId: number;
  /** The dataset's own id. */
  readonly nativeId: string | number;
  readonly row: Row;
  /** Examples and prompt, one per choice (equal but for partial evaluation). */
  readonly contexts: readonly string[];
  /** One per choice, leading space included. */
  readonly continuations: readonly string[];
  /** One per choice, or null. */
  readonly unconditioned: readonly string[] | null;
  readonly gold: number;
}
