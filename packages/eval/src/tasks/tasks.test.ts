import { describe, expect, test } from 'vitest';
import { buildDocument, promptHeader } from './build-document.ts';
import { documentRequests } from './build-requests.ts';
import { selectTasks, TASKS } from './registry.ts';
import type { Row } from './task.ts';

const ARC = {
  id: 'x',
  question: 'What is wet?',
  choices: { text: ['water', 'sand', 'salt'], label: ['1', '2', '3'] },
  answerKey: '1',
};
const HELLASWAG = {
  ind: 7,
  activity_label: 'Roof',
  ctx_a: 'A man is on a roof.',
  ctx_b: 'he',
  endings: ['falls.', ' [step] Sings. [title] Rests.', 'x', 'y'],
  label: '1',
};
const BOOLQ = { question: 'is it wet', passage: 'Water is wet.', answer: true };
const COPA = {
  premise: 'The man opened the tap.',
  choice1: 'Water flowed.',
  choice2: 'It rained.',
  question: 'effect',
  idx: 3,
  label: 0,
};
const MMLU = { subject: 'college_physics', question: 'Which? ', choices: ['a', 'b', 'c', 'd'], answer: 2 };
const OBQA = {
  id: '8-1',
  question_stem: 'Fish live in',
  choices: { text: ['water', 'air', 'fire', 'stone'], label: ['A', 'B', 'C', 'D'] },
  answerKey: 'A',
};
const PIQA = { goal: 'How to swim?', sol1: 'move', sol2: 'sleep', label: 1 };
const SCIQ = {
  question: 'Who?',
  distractor1: 'a',
  distractor2: 'b',
  distractor3: 'c',
  correct_answer: 'd',
  support: ' Facts. ',
};
const WINOGRANDE = { sentence: 'Ann saw Bea because _ waved.', option1: 'Ann', option2: 'Bea', answer: '2' };
const LAMBADA = { text: 'It was the end of the road' };

/** Task, style, row, first context, first continuation, first unconditional context, gold; formats as documented by OLMES and OLMo. */
const GRID: [string, string, Row, string, string, string | null, number][] = [
  ['arc_easy', 'olmes', ARC, 'Question: What is wet?\nAnswer:', ' water', 'Answer:', 0],
  ['arc_challenge', 'olmo-in-loop', ARC, 'Question: What is wet?\nAnswer:', ' water', 'Answer:', 0],
  ['hellaswag', 'olmes', HELLASWAG, 'Roof: A man is on a roof. He', ' falls.', 'Answer:', 1],
  ['hellaswag', 'olmo-in-loop', HELLASWAG, 'Roof: A man is on a roof. He', ' falls.', 'He', 1],
  ['boolq', 'olmes', BOOLQ, 'Water is wet.\nQuestion: is it wet?\nAnswer:', ' yes', null, 0],
  [
    'boolq',
    'olmo-in-loop',
    { ...BOOLQ, answer: undefined, label: 0 },
    'Water is wet.\nQuestion: is it wet?\nAnswer:',
    ' yes',
    'Answer:',
    1,
  ],
  ['copa', 'olmes', COPA, 'The man opened the tap therefore', ' water flowed.', 'Answer:', 0],
  [
    'copa',
    'olmo-in-loop',
    { ...COPA, question: 'cause' },
    'The man opened the tap because',
    ' water flowed.',
    'because',
    0,
  ],
  ['openbookqa', 'olmes', OBQA, 'Question: Fish live in\nAnswer:', ' water', 'Answer:', 0],
  ['openbookqa', 'olmo-in-loop', OBQA, 'Fish live in', ' water', 'in', 0],
  ['piqa', 'olmes', PIQA, 'Goal: How to swim?\nAnswer:', ' move', 'Answer:', 1],
  ['piqa', 'olmo-in-loop', PIQA, 'Question: How to swim?\nAnswer:', ' move', 'Answer:', 1],
  ['sciq', 'olmes', SCIQ, 'Facts.\nQuestion: Who?\nAnswer:', ' a', 'Answer:', 3],
  ['sciq', 'olmes', { ...SCIQ, support: ' ' }, 'Question: Who?\nAnswer:', ' a', 'Answer:', 3],
  ['sciq', 'olmo-in-loop', { ...SCIQ, support: '' }, '\nQuestion: Who?\nAnswer:', ' a', 'Answer:', 3],
  ['winogrande', 'olmes', WINOGRANDE, 'Ann saw Bea because Ann', ' waved.', null, 1],
  ['winogrande', 'olmo-in-loop', WINOGRANDE, 'Ann saw Bea because Ann', ' waved.', 'Ann', 1],
  ['mmlu_college_physics', 'olmo-in-loop', MMLU, 'Question: Which?\nAnswer:', ' a', 'Answer:', 2],
  ['lambada_openai', 'olmes', LAMBADA, 'It was the end of the', ' road', null, 0],
];

const build = (name: string, style: string, row: Row, header = '') => {
  const [spec] = selectTasks([name], style).tasks;
  const document = buildDocument(spec, row, { docId: 0, rowIndex: 0 }, header);
  return { spec, document, requests: documentRequests(spec, document) };
};

describe('task prompts', () => {
  test.each(GRID)(
    '%s in style %s > context, continuation, unconditional prompt and gold',
    (name, style, row, context, continuation, unconditional, gold) => {
      const { document, requests } = build(name, style, row);
      expect(requests[0]).toMatchObject({ context, continuation, encoding: style === 'olmes' ? 'joint' : 'separate' });
      expect(requests.find((request) => request.unconditional)?.context ?? null).toBe(unconditional);
      expect(document.gold).toBe(gold);
    },
  );

  test('winogrande > the second choice changes the context, not the continuation', () => {
    const { requests } = build('winogrande', 'olmes', WINOGRANDE);
    expect(requests[1]).toMatchObject({ context: 'Ann saw Bea because Bea', continuation: ' waved.' });
  });

  test('hellaswag > olmes drops the stop before a title and keeps the space a leading mark leaves; the old cleaning keeps both stops', () => {
    expect(build('hellaswag', 'olmes', HELLASWAG).document.continuations[1]).toBe('  Sings. Rests.');
    expect(build('hellaswag', 'olmo-in-loop', HELLASWAG).document.continuations[1]).toBe('  Sings.. Rests.');
  });

  test('hellaswag > two stops of the official text stay; in a file cleaned the old way they become one', () => {
    const endings = ['Wait.. what?', 'x', 'y', 'z'];
    const joined = { ...HELLASWAG, endings, ctx_a: undefined, ctx_b: undefined, ctx: 'A man is on a roof. he' };
    expect(build('hellaswag', 'olmes', { ...HELLASWAG, endings }).document.continuations[0]).toBe(' Wait.. what?');
    expect(build('hellaswag', 'olmes', joined).document.continuations[0]).toBe(' Wait. what?');
  });

  test('hellaswag > a joined context is split before the sentence to be continued', () => {
    const joined = { ...HELLASWAG, ctx_a: undefined, ctx_b: undefined, ctx: 'A man is on a roof. he' };
    expect(build('hellaswag', 'olmes', joined).requests[0].context).toBe('Roof: A man is on a roof. He');
  });

  test('mmlu > olmes puts the subject and rows of the dev split before the question', () => {
    const [spec] = selectTasks(['mmlu_college_physics'], 'olmes').tasks;
    const header = promptHeader(spec, 1, [MMLU]);
    expect(header).toBe(
      'The following are multiple choice questions (with answers) about college physics.\n\nQuestion: Which? \nAnswer: c\n\n',
    );
    expect(build('mmlu_college_physics', 'olmes', MMLU, header).requests[0].context).toBe(
      `${header}Question: Which? \nAnswer:`,
    );
  });

  test('winogrande > five examples, each followed by a blank line', () => {
    const header = promptHeader(selectTasks(['winogrande'], 'olmes').tasks[0], 5);
    expect(header.split('\n\n')).toHaveLength(6);
    expect(header.endsWith('Craig promised to do so.\n\n')).toBe(true);
  });
});

describe('tasks as data', () => {
  test('registry > 11 tasks and 57 subjects, each in two styles, versioned, primary metric among its metrics', () => {
    expect(TASKS.filter((task) => task.style === 'olmes')).toHaveLength(67);
    expect(TASKS).toHaveLength(134);
    for (const task of TASKS) {
      expect(task.version).toBeGreaterThanOrEqual(1);
      expect(task.metrics).toContain(task.primaryMetric);
    }
  });

  test('registry > moda_paper brings nine tasks and 57 subjects; groups come after the groups inside them', () => {
    const { tasks, groups } = selectTasks(['moda_paper'], 'olmo-in-loop');
    expect(tasks).toHaveLength(66);
    expect(groups.map((group) => group.name)).toEqual([
      'mmlu_stem',
      'mmlu_humanities',
      'mmlu_social_sciences',
      'mmlu_other',
      'mmlu',
      'moda_paper',
    ]);
  });

  test('registry > an unknown name is refused with what is known', () => {
    expect(() => selectTasks(['arc'], 'olmes')).toThrow(
      '"arc" must be a task or group of style olmes, got neither. Known: piqa',
    );
  });
});

/** Field that holds the right answer of each task that has one. */
const GOLD: [string, Row, string][] = [
  ['arc_easy', ARC, 'answerKey'],
  ['arc_challenge', ARC, 'answerKey'],
  ['openbookqa', OBQA, 'answerKey'],
  ['winogrande', WINOGRANDE, 'answer'],
  ['hellaswag', HELLASWAG, 'label'],
  ['piqa', PIQA, 'label'],
  ['copa', COPA, 'label'],
  ['mmlu_college_physics', MMLU, 'answer'],
  ['boolq', BOOLQ, 'answer'],
  ['boolq', { ...BOOLQ, answer: undefined }, 'label'],
];
const NO_LABELS = ['', ' ', '-1', -1, '?', 'test', '0x0', '1e0', 0.5, 99, '12', null, undefined, [], {}];

describe('bad documents', () => {
  test.each(GOLD)('%s > a row without a label is refused, never scored (%#)', (name, row, field) => {
    for (const style of ['olmes', 'olmo-in-loop']) {
      for (const label of NO_LABELS) {
        expect(() => build(name, style, { ...row, [field]: label }), `${style} ${JSON.stringify(label)}`).toThrow(
          expect.objectContaining({ name: 'DataError', task: name }),
        );
      }
    }
  });

  test.each([
    ['arc_easy', { ...ARC, question: undefined }, 'question'],
    ['arc_easy', { ...ARC, choices: { text: ['a', ' '] } }, 'choices.1'],
    ['arc_easy', { ...ARC, choices: 'none' }, 'choices.text'],
    ['arc_easy', { ...ARC, answerKey: 'E' }, '{{answerKey}}'],
    ['winogrande', { ...WINOGRANDE, sentence: 'no blank' }, 'sentence'],
    ['copa', { ...COPA, choice2: '' }, 'choice2'],
    ['hellaswag', { ...HELLASWAG, endings: null }, 'endings'],
    ['sciq', { ...SCIQ, support: 3 }, 'support'],
    ['lambada_openai', {}, 'text'],
    ['piqa', { ...PIQA, label: 2 }, '{{label}}'],
    ['copa', { ...COPA, question: 'Cause' }, 'question'],
  ])('%s > a wrong document is refused with its task and field (%#)', (name, row, field) => {
    expect(() => build(name, 'olmes', row as Row)).toThrow(
      expect.objectContaining({ name: 'DataError', task: name, field }),
    );
  });
});
