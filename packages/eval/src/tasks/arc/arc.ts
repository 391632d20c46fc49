import { ARC_CHALLENGE_EXAMPLES } from '../few-shot/arc-challenge.ts';
import { ARC_EASY_EXAMPLES } from '../few-shot/arc-easy.ts';
import type { Row, TaskSpec } from '../task.ts';
import { inTwoStyles } from '../two-styles.ts';

/** ARC-Easy: grade-school science with three to five choices. Reference: arXiv 1803.05457. */
export const ARC_EASY = arc('arc_easy', 'ARC-Easy', 'arc-easy-validation', ARC_EASY_EXAMPLES, 'acc_norm', 'acc');

/** ARC-Challenge: the questions that retrieval and co-occurrence get wrong. Reference: arXiv 1803.05457. */
export const ARC_CHALLENGE = arc(
  'arc_challenge',
  'ARC-Challenge',
  'arc-challenge-validation',
  ARC_CHALLENGE_EXAMPLES,
  'acc_uncond',
  'acc_norm',
);

function arc(
  name: string,
  config: string,
  file: string,
  texts: readonly string[],
  olmesMetric: TaskSpec['primaryMetric'],
  inLoopMetric: TaskSpec['primaryMetric'],
): readonly TaskSpec[] {
  return inTwoStyles(
    {
      name,
      version: 1,
      dataset: { repository: 'allenai/ai2_arc', config, split: 'validation', file },
      idField: 'id',
      prepare: lettersForNumbers,
      prompt: 'Question: {{question}}\nAnswer:',
      choices: '{{choices.text}}',
      gold: '{{answerKey}}',
      goldLabels: ['A', 'B', 'C', 'D', 'E'],
    },
    { fewShot: { kind: 'texts', texts }, shots: 5, primaryMetric: olmesMetric },
    { primaryMetric: inLoopMetric },
  );
}

/** Some rows name their choices 1 to 5. */
function lettersForNumbers(row: Row): Row {
  const number = ['1', '2', '3', '4', '5'].indexOf(String(row.answerKey));
  return number >= 0 ? { ...row, answerKey: 'ABCDE'[number] } : row;
}
