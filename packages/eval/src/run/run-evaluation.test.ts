import { describe, expect, test } from 'vitest';
import { arcRows, memoryRows } from '../../test/support/memory-rows.ts';
import { createRandom } from '../metrics/random.ts';
import type { EvaluationModel } from '../model/evaluation-model.ts';
import { modelFromFunctions } from '../model/function-model.ts';
import { selectTasks } from '../tasks/registry.ts';
import { loadDocuments } from './load-documents.ts';
import { createMemoryStore, formatAnswers, parseAnswers } from './request-cache.ts';
import { runEvaluation } from './run-evaluation.ts';

const ROWS = arcRows(101);
const rows = memoryRows({ 'arc-easy-validation': ROWS });
const selection = selectTasks(['arc_easy'], 'olmes');
const run = (model: EvaluationModel, more: object = {}) => runEvaluation({ model, selection, rows, ...more });
const scored = (score: (context: string, continuation: string) => number) =>
  modelFromFunctions('made-up', { loglikelihood: score });

describe('a harness that can fail', () => {
  test('run > a model that prefers the longest choice is right exactly where the gold is the longest', async () => {
    const { results } = await run(scored((_, continuation) => continuation.length));
    const expected = ROWS.filter((row) => row.answerKey === 'D').length / ROWS.length;
    expect(results.results.arc_easy['acc,none']).toBeCloseTo(expected, 12);
  });

  test('run > a model that scores all alike takes the first choice', async () => {
    const { results } = await run(scored(() => -1));
    const expected = ROWS.filter((row) => row.answerKey === 'A').length / ROWS.length;
    expect(results.results.arc_easy['acc,none']).toBeCloseTo(expected, 12);
  });

  test('run > a random model is right on a quarter of the documents within four standard errors', async () => {
    const random = createRandom(7);
    const { results } = await run(scored(() => random()));
    const { 'acc,none': value, 'acc_stderr,none': error } = results.results.arc_easy;
    expect(Math.abs(Number(value) - 0.25)).toBeLessThan(4 * Number(error));
    expect(Number(error)).toBeGreaterThan(0.02);
  });

  test('run > an oracle scores 1 and its opposite 0', async () => {
    const gold = new Set(
      ROWS.map(
        (row) =>
          ` ${(row.choices as { text: string[] }).text['ABCD'.indexOf(row.answerKey as string)]}|${row.question}`,
      ),
    );
    const knows = (context: string, continuation: string) =>
      [...gold].some((key) => key.startsWith(`${continuation}|`) && context.includes(key.split('|')[1]));
    const right = await run(scored((context, continuation) => (knows(context, continuation) ? -1 : -2)));
    const wrong = await run(scored((context, continuation) => (knows(context, continuation) ? -2 : -1)));
    expect(right.results.results.arc_easy['acc,none']).toBe(1);
    expect(wrong.results.results.arc_easy['acc,none']).toBe(0);
  });
});

describe('examples', () => {
  test('run > a document is never its own example, with any number of shots', async () => {
    const [arc] = selectTasks(['arc_easy'], 'olmes').tasks;
    const few = memoryRows({ 'arc-easy-validation': ROWS.slice(0, 7) });
    const task = { ...arc, fewShot: { kind: 'rows' as const, dataset: arc.dataset }, shots: 3 };
    const { documents } = await loadDocuments(task, few);
    for (const { contexts, row } of documents) {
      expect(contexts[0].split(String(row.question)).length - 1).toBe(1);
      expect(contexts[0].match(/Answer: /g)).toHaveLength(3);
    }
    await expect(loadDocuments(task, few, { shots: 7 })).rejects.toThrow('from 0 to the 6 examples there are');
  });

  test('run > BoolQ without titles runs in style olmes and says that it is not the standard', async () => {
    const boolq = { question: 'is it wet', passage: 'Water is wet.', answer: true };
    const titled = { question: 'is it wet', passage: 'Water -- Water is wet.', label: 1, idx: 4 };
    const evaluate = async (row: object) => {
      const source = memoryRows({ 'boolq-validation': [row as Record<string, unknown>] });
      return (
        await runEvaluation({
          model: scored(() => -1),
          selection: selectTasks(['boolq'], 'olmes'),
          rows: source,
        })
      ).results;
    };
    expect((await evaluate(titled)).complete).toBe(true);
    expect((await evaluate(boolq)).incomplete).toMatchObject([{ task: 'boolq', kind: 'dataset' }]);
  });
});

describe('resuming', () => {
  test('run > a killed run asks only what is missing and gives the same results', async () => {
    const store = createMemoryStore();
    let asked = 0;
    const counting = (limit: number) =>
      modelFromFunctions('made-up', {
        loglikelihood: (_, continuation) => {
          if (asked++ >= limit) throw new Error('killed');
          return -continuation.length;
        },
      });
    await expect(run(counting(300), { store, chunkSize: 50 })).rejects.toThrow('killed');
    expect(store.answers.length).toBe(300);
    asked = 0;
    const resumed = await run(counting(1e9), { store, chunkSize: 50 });
    const total = asked + 300;
    asked = 0;
    const whole = await run(counting(1e9));
    expect(asked).toBe(total);
    expect(resumed.results.results).toEqual(whole.results.results);
  });

  test('answer lines > survive a file cut anywhere: whole lines load, a torn one is asked again', () => {
    const answers = [3, 5, 7].map((n) => ({
      key: `k${n}`,
      answer: { logProb: -n / 3, isGreedy: n === 5, tokenCount: n, truncatedTokens: 0 },
    }));
    const text = formatAnswers(answers);
    expect(parseAnswers(text)).toEqual(answers);
    for (let cut = 0; cut < text.length; cut++) {
      const loaded = parseAnswers(text.slice(0, cut));
      expect(answers.slice(0, loaded.length)).toEqual(loaded);
    }
  });

  test('run > an abort stops between chunks with everything answered so far stored', async () => {
    const store = createMemoryStore();
    const controller = new AbortController();
    const onProgress = ({ doneRequests }: { doneRequests: number }) =>
      doneRequests >= 60 && controller.abort(new Error('stop'));
    await expect(
      run(
        scored(() => -1),
        { store, chunkSize: 30, signal: controller.signal, onProgress },
      ),
    ).rejects.toThrow('stop');
    expect(store.answers.length).toBe(60);
  });
});

describe('what never passes as complete', () => {
  test('results > a full run says complete; a limit or other shots say why not', async () => {
    const model = scored(() => -1);
    expect((await run(model)).results.complete).toBe(true);
    const limited = (await run(model, { limit: 13 })).results;
    expect(limited.complete).toBe(false);
    expect(limited.incomplete.map((reason) => reason.kind)).toEqual(['limit']);
    expect(limited['n-samples'].arc_easy).toEqual({ original: 101, effective: 13 });
    expect((await run(model, { shots: 3 })).results.incomplete.map((reason) => reason.kind)).toEqual(['shots']);
  });

  test('results > a task that cannot be read has no value, the other has one, and its group has none', async () => {
    const both = selectTasks(['arc_easy', 'copa'], 'olmes');
    const groups = [{ name: 'pair', style: 'olmes', members: ['arc_easy', 'copa'], average: 'macro' as const }];
    const { results } = await runEvaluation({ model: scored(() => -1), selection: { ...both, groups }, rows });
    expect(Object.keys(results.results)).toEqual(['arc_easy']);
    expect(results.complete).toBe(false);
    expect(results.incomplete).toMatchObject([{ task: 'copa', kind: 'failed' }]);
  });

  test('results > an empty choice fails its task, named with document and field', async () => {
    const broken = ROWS.map((row, i) => (i === 17 ? { ...row, choices: { text: ['x', '', 'y', 'z'] } } : row));
    const { results } = await runEvaluation({
      model: scored(() => -1),
      selection,
      rows: memoryRows({ 'arc-easy-validation': broken }),
    });
    expect(results.incomplete).toMatchObject([{ kind: 'failed', document: 'made-up-17', field: 'choices.1' }]);
  });

  test('results > a model that answers NaN fails the task with its document', async () => {
    const { results } = await run(scored((context) => (context.includes('number 5?') ? Number.NaN : -1)));
    expect(results.incomplete).toMatchObject([{ kind: 'failed', document: 'made-up-5' }]);
  });

  test('run > more shots than examples is an error that says how many there are', async () => {
    await expect(
      run(
        scored(() => -1),
        { shots: 6 },
      ),
    ).rejects.toThrow('shots must be an integer from 0 to the 5 examples');
  });
});
