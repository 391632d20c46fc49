import { describe, expect, it } from 'vitest';
import { compareFiles } from './certainties.ts';
import { parseEvaluationFile } from './evaluation-file.ts';
import { tableCsv } from './export-table.ts';
import { PAPER_TABLES, TABLE_5_DOMAINS } from './paper-tables.ts';
import { perplexityTable } from './perplexity-scores.ts';
import { baselineOf, baselinesOf, differenceOf, type ScoreTable, sortRows } from './scores.ts';
import { metricsOf, taskTable } from './task-scores.ts';

/** What lm-evaluation-harness itself writes: no `primary`, no values of documents, MMLU as a group. */
const harness = parseEvaluationFile(
  'out/results_2026.json',
  JSON.stringify({
    model_name: 'org/some-model',
    results: {
      piqa: {
        alias: 'piqa',
        'acc,none': 0.75,
        'acc_stderr,none': 0.01,
        'acc_norm,none': 0.76,
        'acc_norm_stderr,none': 'N/A',
      },
      lambada_openai: { alias: 'lambada', 'perplexity,none': 12.5, 'perplexity_stderr,none': 0.5 },
      mmlu: { alias: 'mmlu', 'acc,none': 0.3, 'acc_stderr,none': 0.004 },
      mmlu_anatomy: { alias: ' - anatomy', 'acc,none': 0.2, 'acc_stderr,none': 0.03 },
    },
    group_subtasks: { mmlu: ['mmlu_anatomy'] },
  }),
);
if (harness.kind !== 'tasks') throw new Error('not a results file');

describe('taskTable', () => {
  const options = { papers: PAPER_TABLES, metric: 'primary', showMembers: false };
  const table = taskTable([harness], options);
  const row = (id: string, from: ScoreTable = table) => from.rows.find((candidate) => candidate.id === id);

  it('reads files of the harness: per cent, errors where there are numbers, perplexities as they are', () => {
    expect(table.columns[0]).toMatchObject({ label: 'some-model', source: 'file' });
    expect(row('piqa')?.scores[harness.id]).toEqual({ value: 76, standardError: null });
    expect(row('lambada_openai')).toMatchObject({
      higherIsBetter: false,
      scores: { [harness.id]: { value: 12.5, standardError: 0.5 } },
    });
    expect(metricsOf([harness])).toEqual(['primary', 'acc', 'acc_norm', 'perplexity']);
    const byAccuracy = row('piqa', taskTable([harness], { ...options, metric: 'acc' }));
    expect(byAccuracy?.scores[harness.id]).toEqual({ value: 75, standardError: 1 });
  });

  it('shows members of a group only when asked, and no average without all ten tasks', () => {
    expect(row('mmlu_anatomy')).toBeUndefined();
    expect(row('mmlu_anatomy', taskTable([harness], { ...options, showMembers: true }))).toBeDefined();
    expect(row('moda_paper')?.scores[harness.id]).toBeUndefined();
    expect(table.columns.filter(({ source }) => source === 'paper')).toHaveLength(9);
  });

  it('sorts with missing values last and averages below', () => {
    const order = sortRows(table.rows, { by: { column: harness.id }, descending: true }).map(({ id }) => id);
    expect(order.slice(0, 3)).toEqual(['piqa', 'mmlu', 'lambada_openai']);
    expect(order.at(-1)).toBe('moda_paper');
  });
});

describe('perplexityTable', () => {
  const report = (names: readonly string[]) =>
    parseEvaluationFile(
      'deep/perplexity.json',
      JSON.stringify({
        domains: names.map((domain) => ({
          domain,
          perplexity: Math.E,
          tokens: 100,
          bytes: 400,
          bitsPerByte: 0.36,
          perplexityStandardError: 0.1,
        })),
      }),
    ) as Extract<ReturnType<typeof parseEvaluationFile>, { kind: 'perplexity' }>;

  it('puts one domain into one row, however it is spelt, and converts units with their errors', () => {
    const file = report(['wikitext', 'own']);
    expect(file.name).toBe('deep');
    const rows = perplexityTable([file], PAPER_TABLES, 'loss').rows;
    const wiki = rows.find(({ label }) => label === 'Wiki-text')!;
    expect(wiki.scores[file.id].value).toBeCloseTo(1, 12);
    expect(wiki.scores[file.id].standardError).toBeCloseTo(0.1 / Math.E, 12);
    expect(wiki.scores['tables-4-5:MoDA-700M'].value).toBeCloseTo(Math.log(12.06), 12);
    expect(rows.find(({ label }) => label === 'FineWeb-Edu')?.scores['table-6:48 post, + FFN KV'].value).toBe(3.3484);
    const bits = perplexityTable([file], PAPER_TABLES, 'bitsPerByte');
    expect(bits.columns.map(({ source }) => source)).toEqual(['file']);
    expect(bits.rows[0].scores[file.id].standardError).toBeCloseTo(((0.1 / Math.E) * 0.25) / Math.LN2, 12);
  });

  it('sets an average beside the paper’s only over the same ten domains', () => {
    const averages = (names: readonly string[]) => {
      const file = report(names);
      return perplexityTable([file], PAPER_TABLES, 'perplexity').rows.flatMap((row) =>
        row.isAverage && row.scores[file.id] ? [row.label] : [],
      );
    };
    expect(averages(TABLE_5_DOMAINS)).toEqual(['Average']);
    expect(averages(['wikitext', 'own'])).toEqual(['Average of its own domains']);
  });
});

describe('tableCsv', () => {
  it('quotes what must be quoted and leaves unknown numbers empty', () => {
    const table: ScoreTable = {
      columns: [
        { id: 'a', label: 'a, "first"', detail: '', source: 'file', isComplete: true },
        { id: 'b', label: 'b', detail: '', source: 'paper', isComplete: true },
      ],
      rows: [
        {
          id: 'x',
          label: 'x',
          digits: 1,
          higherIsBetter: true,
          isAverage: false,
          scores: { a: { value: 1.5, standardError: 0.25 }, b: { value: 2, standardError: null } },
        },
      ],
    };
    expect(differenceOf(table.rows[0], 'b', 'a', {})).toEqual({ difference: 0.5, certainty: null });
    expect(tableCsv(table, 'a', {})).toBe(
      'row,model,source,value,standardError,difference,pValue,paired\r\nx,"a, ""first""",file,1.5,0.25,,,\r\nx,b,paper,2,,0.5,,\r\n',
    );
  });
});

describe('parseEvaluationFile', () => {
  it('refuses what is no results file, saying what it must hold', () => {
    for (const text of ['[]', '{}', '{"results": 3}', 'null'])
      expect(() => parseEvaluationFile('f.json', text)).toThrow('must hold "results"');
    expect(() => parseEvaluationFile('f.json', '{"results": {}}')).toThrow('at least one task');
    expect(() => parseEvaluationFile('f.json', '{"domains": [{"domain": "x"}]}')).toThrow('a domain with a perplexity');
    expect(() => parseEvaluationFile('f.json', '{')).toThrow('f.json: the file must be JSON');
  });
});

describe('baselineOf', () => {
  const results = { piqa: { 'acc,none': 0.5 } };
  const file = (path: string, more: object) => parseEvaluationFile(path, JSON.stringify({ results, ...more }));
  const whole = file('whole.json', { complete: true, incomplete: [] });
  const half = file('half.json', { complete: false, incomplete: [{ kind: 'limit', task: 'piqa', message: 'limit' }] });
  const saysWhy = file('why.json', { incomplete: [{ kind: 'limit', task: 'piqa', message: 'limit' }] });
  const tableOf = (files: readonly ReturnType<typeof file>[], papers = PAPER_TABLES): ScoreTable =>
    taskTable(
      files.flatMap((one) => (one.kind === 'tasks' ? [one] : [])),
      { papers, metric: 'primary', showMembers: false },
    );

  it.each([half, saysWhy])('is never a run that is not complete, as the first file or when asked for', (part) => {
    expect(baselineOf(tableOf([part, whole]), null)).toBe(whole.id);
    expect(baselineOf(tableOf([part, whole]), part.id)).toBe(whole.id);
    expect(baselineOf(tableOf([part, part]), part.id)).toMatch(/^table/);
    expect(baselineOf(tableOf([part], []), part.id)).toBe('');
    expect(baselinesOf(tableOf([part, whole], [])).map(({ id }) => id)).toEqual([whole.id]);
  });

  it('is the first of two complete files, the one asked for, the paper beside one file', () => {
    expect(baselineOf(tableOf([whole, harness]), null)).toBe(whole.id);
    expect(baselineOf(tableOf([whole, harness]), harness.id)).toBe(harness.id);
    expect(baselineOf(tableOf([whole]), null)).toMatch(/^table/);
  });

  it('is never perplexity over a part of the documents', () => {
    const domains = [{ domain: 'c4', perplexity: 3, tokens: 5, bytes: 9, bitsPerByte: 1 }];
    const files = [false, true].flatMap((complete) => {
      const one = parseEvaluationFile(`${complete}.json`, JSON.stringify({ domains, complete }));
      return one.kind === 'perplexity' ? [one] : [];
    });
    expect(baselineOf(perplexityTable(files, PAPER_TABLES, 'perplexity'), files[0].id)).toBe(files[1].id);
  });
});

describe('names that every object has', () => {
  it.each(['toString', '__proto__', 'constructor'])('are tasks and domains like others: %s', (name) => {
    const row = JSON.parse(`{ ${JSON.stringify(name)}: { "acc,none": 0.25 } }`);
    const file = parseEvaluationFile('odd.json', JSON.stringify({ results: row, complete: true }));
    if (file.kind !== 'tasks' || harness.kind !== 'tasks') throw new Error('not a results file');
    const table = taskTable([file, harness], { papers: PAPER_TABLES, metric: 'primary', showMembers: false });
    const odd = table.rows.find(({ id }) => id === name);
    expect(odd).toMatchObject({ label: name, higherIsBetter: true });
    expect(odd?.scores).toEqual({ [file.id]: { value: 25, standardError: null } });
    expect(differenceOf(odd!, harness.id, file.id, {})).toBeNull();
    expect(compareFiles(file, harness, 'primary')).toEqual({ byRow: {}, warnings: [] });
    const domains = [{ domain: name, perplexity: 3, tokens: 5, bytes: 9, bitsPerByte: 1 }];
    const report = parseEvaluationFile('odd-texts.json', JSON.stringify({ domains }));
    if (report.kind !== 'perplexity') throw new Error('not a perplexity file');
    const texts = perplexityTable([report], PAPER_TABLES, 'perplexity');
    const text = texts.rows.find(({ label }) => label === name);
    expect(Object.values(text!.scores)).toEqual([{ value: 3, standardError: null }]);
  });
});
