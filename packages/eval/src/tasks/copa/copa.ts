import { DataError } from '../../errors/errors.ts';
import type { Row } from '../task.ts';
import { inTwoStyles } from '../two-styles.ts';

/** COPA: the more plausible cause or effect of a premise. Reference: Roemmele et al. 2011; SuperGLUE, arXiv 1905.00537. */
export const COPA = inTwoStyles(
  {
    name: 'copa',
    version: 1,
    dataset: { repository: 'aps/super_glue', config: 'copa', split: 'validation', file: 'copa-validation' },
    idField: 'idx',
    prepare: toSentence,
    prompt: '{{premise}} {{connector}}',
    choices: ['{{choice1}}', '{{choice2}}'],
    gold: '{{label}}',
  },
  { primaryMetric: 'acc' },
  { unconditioned: '{{connector}}', primaryMetric: 'acc' },
);

function connectorOf(question: string): string {
  if (question === 'cause') return 'because';
  if (question === 'effect') return 'therefore';
  throw new DataError(`field "question" must be cause or effect, got ${JSON.stringify(question)}`, {
    field: 'question',
  });
}

/** Drops the premise's full stop, adds the connector, and lets each choice go on in lower case. */
function toSentence(row: Row): Row {
  const text = (field: string) => {
    const value = row[field];
    if (typeof value !== 'string' || value.trim() === '')
      throw new DataError(`field "${field}" must be a text`, { field });
    return value;
  };
  const lowerFirst = (choice: string) => choice[0].toLowerCase() + choice.slice(1);
  return {
    ...row,
    premise: text('premise').trim().slice(0, -1),
    connector: connectorOf(text('question')),
    choice1: lowerFirst(text('choice1')),
    choice2: lowerFirst(text('choice2')),
  };
}
