import { DataError } from '../../errors/errors.ts';
import type { Row } from '../task.ts';
import { inTwoStyles } from '../two-styles.ts';

/** SciQ: a science question after a supporting passage. Reference: arXiv 1707.06209. */
export const SCIQ = inTwoStyles(
  {
    name: 'sciq',
    version: 2,
    dataset: { repository: 'allenai/sciq', split: 'validation', file: 'sciq-validation' },
    choices: ['{{distractor1}}', '{{distractor2}}', '{{distractor3}}', '{{correct_answer}}'],
    gold: '3',
  },
  { prepare: withPassage, prompt: '{{passage}}Question: {{question}}\nAnswer:', primaryMetric: 'acc' },
  { prepare: trimSupport, prompt: '{{support}}\nQuestion: {{question}}\nAnswer:', primaryMetric: 'acc' },
);

/** 113 validation rows have no passage. In the training loop's style their prompt starts with the line break, as in OLMo. */
function trimSupport(row: Row): Row {
  if (typeof row.support !== 'string') throw new DataError('field "support" must be a text', { field: 'support' });
  return { ...row, support: row.support.trim() };
}

/** OLMES has no line for a passage that is empty. */
function withPassage(row: Row): Row {
  const { support, ...rest } = trimSupport(row);
  return { ...rest, passage: support === '' ? '' : `${support}\n` };
}
