import { expect, test } from 'vitest';
import { arcRows, memoryRows } from '../../test/support/memory-rows.ts';
import { modelFromFunctions } from '../model/function-model.ts';
import { runEvaluation } from '../run/run-evaluation.ts';
import { selectTasks } from '../tasks/registry.ts';
import { compareResults } from './compare.ts';
import { formatComparison, formatResults } from './format-table.ts';
import type { EvaluationResults } from './results.ts';

const ROWS = arcRows(211);
const rows = memoryRows({ 'arc-easy-validation': ROWS });

/** A model that is right on the documents `isRight` picks. */
async function runOf(isRight: (document: number) => boolean, more: object = {}) {
  const goldOf = new Map(
    ROWS.map((row, i) => [
      String(row.question),
      { i, gold: (row.choices as { text: string[] }).text['ABCD'.indexOf(String(row.answerKey))] },
    ]),
  );
  const model = modelFromFunctions('made-up', {
    loglikelihood: (context, continuation) => {
      const known = goldOf.get(/Question: (Which of these is number \d+\?)\nAnswer:$/.exec(context)?.[1] ?? '');
      if (!known) return -1;
      return (continuation === ` ${known.gold}`) === isRight(known.i) ? -1 : -100;
    },
  });
  return (await runEvaluation({ model, selection: selectTasks(['arc_easy'], 'olmes'), rows, ...more })).results;
}
const acc = (comparison: ReturnType<typeof compareResults>) =>
  comparison.differences.find((item) => item.metric === 'acc')!;

test('compare > a model against itself differs by nothing', async () => {
  const results = await runOf((i) => i % 3 > 0);
  expect(acc(compareResults(results, results))).toMatchObject({
    difference: 0,
    pValue: 1,
    significant: false,
    paired: true,
  });
});

test('compare > the same few documents more are significant when paired, not when unpaired', async () => {
  const [a, b] = [await runOf((i) => i % 2 === 0), await runOf((i) => i % 2 === 0 || i % 30 === 1)];
  const paired = acc(compareResults(a, b));
  expect(paired).toMatchObject({ paired: true, significant: true });
  expect(paired.difference).toBeCloseTo(7 / 211, 12);
  expect(paired.low).toBeGreaterThan(0);
  const unpaired = acc(compareResults({ ...a, document_metrics: {} }, b));
  expect(unpaired).toMatchObject({ paired: false, significant: false });
  expect(unpaired.standardError).toBeGreaterThan(paired.standardError);
});

test('compare > different requests are not paired, and what differs is said', async () => {
  const [a, b] = [await runOf(() => true), await runOf(() => true, { shots: 2, limit: 50 })];
  const comparison = compareResults(a, b);
  expect(acc(comparison).paired).toBe(false);
  expect(comparison.warnings.join('\n')).toMatch(
    /b is not a complete run.*numbers of examples differ: 5 and 2.*sample counts differ: 211 and 50/s,
  );
  expect(formatComparison(comparison)).toContain('warning: ');
});

test('compare > files without a common task, and files that are no results, are refused', async () => {
  const results = await runOf(() => true);
  expect(() => compareResults(results, { ...results, results: { other: { alias: 'other' } } })).toThrow(
    'must have a task in common',
  );
  expect(() => compareResults(results, {} as never)).toThrow('b must be a results file');
});

/** `[[...]]`, deeper than any stack. */
function deepList(): unknown {
  let list: unknown = [];
  for (let i = 0; i < 20_000; i++) list = [list];
  return list;
}

test.each<[string, (results: EvaluationResults) => object]>([
  ['versions', () => ({ versions: { arc_easy: { toString: '' } } })],
  ['n-shot', () => ({ 'n-shot': { arc_easy: deepList() } })],
  ['n-samples', () => ({ 'n-samples': { arc_easy: { effective: { toString: '' } } } })],
  ['task_hashes', () => ({ task_hashes: { arc_easy: {} } })],
  ['results', ({ results }) => ({ results: { arc_easy: { ...results.arc_easy, 'acc,none': { toString: '' } } } })],
  ['results', ({ results }) => ({ results: { arc_easy: { ...results.arc_easy, 'acc_stderr,none': [] } } })],
  ['document_metrics', () => ({ document_metrics: { arc_easy: { acc: [1, 0, { toString: '' }] } } })],
  ['document_metrics', () => ({ document_metrics: { arc_easy: { acc: ['1', '0'] } } })],
])('compare > values of "%s" that are not plain are refused', async (part, change) => {
  const results = await runOf(() => true);
  const other = { ...results, ...change(results) } as EvaluationResults;
  expect(() => compareResults(results, other)).toThrow(`b must be a results file whose "${part}" is by task`);
});

test('compare > a metric without a value for every document is not paired', async () => {
  const results = await runOf((i) => i % 2 === 0);
  const { acc: column } = results.document_metrics.arc_easy;
  const holes = { arc_easy: { ...results.document_metrics.arc_easy, acc: [null as never, ...column.slice(1)] } };
  expect(acc(compareResults(results, { ...results, document_metrics: holes })).paired).toBe(false);
});

test('compare > a primary metric that is no text has no documents', async () => {
  const results = await runOf(() => true);
  const configs = { arc_easy: { metadata: { primary_metric: { toString: '' } } } };
  expect(compareResults(results, { ...results, configs }).differences.length).toBeGreaterThan(0);
});

test('results > the layout of lm-evaluation-harness, and a table with every metric', async () => {
  const results = await runOf((i) => i % 3 > 0);
  expect(Object.keys(results)).toEqual(
    expect.arrayContaining([
      'results',
      'groups',
      'group_subtasks',
      'configs',
      'versions',
      'n-shot',
      'higher_is_better',
      'n-samples',
      'config',
      'git_hash',
      'date',
      'task_hashes',
      'model_name',
    ]),
  );
  expect(results.results.arc_easy).toMatchObject({ alias: 'arc_easy', 'acc,none': 140 / 211 });
  expect(results.configs.arc_easy).toMatchObject({ task: 'arc_easy', output_type: 'multiple_choice', num_fewshot: 5 });
  // Every document of the fixture has four choices.
  expect(results.chance).toEqual({ arc_easy: 0.25 });
  expect(formatResults(results)).toMatch(/arc_easy +acc +5 +211 +0\.6635 +0\.\d{4} +0\.2500/);
  expect(formatResults(results)).toMatch(/arc_easy +bits_per_byte .*\d$/m);
});
