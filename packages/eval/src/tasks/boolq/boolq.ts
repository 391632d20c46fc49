import { BOOLQ_EXAMPLES } from '../few-shot/boolq.ts';
import type { Row } from '../task.ts';
import { inTwoStyles, OLMES_SAMPLE } from '../two-styles.ts';

/**
 * BoolQ: a yes/no question about a passage. Rows of SuperGLUE (`label`, 1 means yes) and of `google/boolq`
 * (`answer`, true means yes) both work; only SuperGLUE's passages begin with the article's title, as those of OLMES do, so
 * `olmes` reports other rows as not the standard. Reference: arXiv 1905.10044; OLMES, arXiv 2406.08446.
 */
export const BOOLQ = inTwoStyles(
  {
    name: 'boolq',
    version: 2,
    dataset: { repository: 'google/boolq', split: 'validation', file: 'boolq-validation' },
    prepare: (row: Row) => ({ ...row, answer: row.answer ?? yesOf(row.label) ?? '' }),
    prompt: '{{passage}}\nQuestion: {{question}}?\nAnswer:',
    choices: ['yes', 'no'],
    gold: '{{answer}}',
    goldLabels: ['true', 'false'],
  },
  {
    dataset: { repository: 'aps/super_glue', config: 'boolq', split: 'validation', file: 'boolq-validation' },
    idField: 'idx',
    nonStandardRow: (row: Row) =>
      TITLED.test(String(row.passage)) ? null : 'the passage does not begin with its title, as those of SuperGLUE do',
    fewShot: { kind: 'texts', texts: BOOLQ_EXAMPLES },
    shots: 5,
    subsample: OLMES_SAMPLE,
    unconditioned: null,
    metrics: ['acc', 'acc_norm', 'acc_norm_bytes', 'bits_per_byte'],
    primaryMetric: 'acc',
  },
  { primaryMetric: 'acc' },
);

/** SuperGLUE's passages: `Title -- text`. */
const TITLED = /^.{1,300}? -- /s;

/** What a label of SuperGLUE says; undefined for -1 (a test row) and anything else that is no label. */
function yesOf(label: unknown): boolean | undefined {
  return { 0: false, 1: true }[String(label).trim()];
}
