import { expect, test } from 'vitest';
import { buildDocument } from './build-document.ts';
import { parseTask } from './validate-task.ts';

const TASK = {
  name: 'colours',
  version: 1,
  dataset: { repository: 'me/colours', split: 'test', file: 'colours' },
  prompt: 'The {{thing}} is',
  choices: ['{{a}}', '{{b}}'],
  gold: '{{answer}}',
};

test('parseTask > a task from JSON asks as its templates say, with defaults filled in', () => {
  const spec = parseTask(JSON.parse(JSON.stringify(TASK)));
  expect(spec).toMatchObject({
    shots: 0,
    unconditioned: null,
    encoding: 'joint',
    metrics: ['acc', 'acc_norm'],
    primaryMetric: 'acc',
  });
  const document = buildDocument(
    spec,
    { thing: 'sky', a: 'blue', b: 'green', answer: 0 },
    { docId: 0, rowIndex: 0 },
    '',
  );
  expect(document).toMatchObject({
    contexts: ['The sky is', 'The sky is'],
    continuations: [' blue', ' green'],
    gold: 0,
  });
});

test.each([
  [{ ...TASK, prompt: undefined }, 'task colours: field "prompt" must be a template'],
  [{ ...TASK, name: undefined }, 'task unnamed: field "name" must be a text, got nothing'],
  [{ ...TASK, choices: [] }, 'field "choices" must be a template of a list'],
  [{ ...TASK, version: 'one' }, 'field "version" must be a whole number, got "one"'],
  [{ ...TASK, metrics: ['accuracy'] }, 'field "metrics" must be a list out of acc'],
  [{ ...TASK, metrics: ['toString'], primaryMetric: 'toString' }, 'field "metrics" must be a list out of acc'],
  [{ ...TASK, metrics: ['acc', { toString: '' }] }, 'field "metrics" must be a list out of acc'],
  [{ ...TASK, gold: 'x', primaryMetric: [['x'.repeat(9999)]] }, '...'],
  [{ ...TASK, primaryMetric: 'acc_uncond' }, 'field "primaryMetric" must be one of the metrics'],
  [{ ...TASK, dataset: { repository: 'x' } }, 'field "dataset" must be an object with a text "split"'],
  [{ ...TASK, shots: -1 }, 'field "shots" must be a whole number'],
  [[TASK], 'a task must be an object, got a list'],
])('parseTask > a missing or wrong field is named (%#)', (value, message) => {
  expect(() => parseTask(value)).toThrow(message);
});
