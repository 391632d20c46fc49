import { gzipSync } from 'node:zlib';
import { compareResults, type EvaluationResults, parseTask, readRows } from '@modajs/eval';
import { lineChartFile, readStudyFile, studyCharts, studyCsv, studyReportHtml } from '@modajs/train';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { mutateJsonBytes } from '../mutate-json.ts';
import type { Random } from '../random.ts';

/** The first byte of an input says what it is. */
const kinds = ['rows.jsonl', 'rows.json', 'rows.jsonl.gz', 'task', 'results', 'study'] as const;
type Kind = (typeof kinds)[number];

const rows = Array.from({ length: 9 }, (_, i) => ({
  id: `r${i}`,
  question: `Which whale is number ${i}?`,
  choices: { text: ['the white one', 'old', 'sick'], label: ['A', 'B', 'C'] },
  answerKey: 'ABC'[i % 3],
}));
const task = {
  name: 'mine',
  version: 1,
  dataset: { repository: 'a/b', split: 'test', file: 'mine' },
  prompt: '{{question}}',
  choices: '{{choices.text}}',
  gold: '{{answerKey}}',
  goldLabels: ['A', 'B', 'C'],
  metrics: ['acc', 'bits_per_byte'],
};
const results = {
  results: { arc_easy: { alias: 'arc_easy', 'acc,none': 0.5, 'acc_stderr,none': 0.1 } },
  groups: {},
  'n-shot': { arc_easy: 0 },
  'n-samples': { arc_easy: { original: 4, effective: 4 } },
  configs: { arc_easy: { metadata: { primary_metric: 'acc' } } },
  versions: { arc_easy: 1 },
  higher_is_better: { arc_easy: { acc: true } },
  task_hashes: { arc_easy: 'x' },
  document_metrics: { arc_easy: { acc: [1, 0, 1, 0] } },
  complete: true,
  incomplete: [],
  model_name: 'm',
};

const studyRun = (phase: string, variant: string, lr: number, seed: number) => ({
  key: `${phase}/${variant}/${lr},${seed}`,
  phase,
  variant,
  values: { 'optimizer.lr': lr },
  seed,
  status: 'finished',
  error: null,
  config: { seed },
  model: { nLayers: 2 },
  inputs: { dataOrder: 'a', heldOut: 'h', tokenizer: 't', tokens: 100, tokensPerStep: 10 },
  parameters: 7,
  flopsPerToken: 14,
  steps: 20,
  loss: 3 + seed / 10,
  heldOut: { loss: 3 + seed / 10 + lr, bitsPerByte: 1, corpora: { web: { loss: 3, bitsPerByte: 1 } } },
  curve: [[10, 4] as const, [20, 3] as const],
  heldOutCurve: [],
  measures: { 'perplexity/c4': 1.5, 'task/piqa': 2 },
  depth: { depthMass: [0, 0.2], depthEntropy: [0, 0.1], sinkMass: [0.3, 0.4] },
  tokensPerSecond: 1000,
  deviceBytes: 2 ** 20,
  seconds: { training: 1, evaluation: 1, total: 2 },
  device: 'cpu',
  writtenBy: {},
});
const studyVariant = (variant: string) => ({
  variant,
  group: '',
  baseline: 'residual',
  differences: {},
  matched: null,
});
const study = {
  format: 'moda-study',
  version: 1,
  name: 's',
  plan: {
    phases: [
      { name: 'sweep', seeds: [1], best: {}, extend: 'optimizer.lr' },
      { name: 'final', seeds: [1, 2], best: { 'optimizer.lr': 'sweep' }, extend: null },
    ],
    variants: [studyVariant('residual'), studyVariant('moda')],
  },
  runs: ['residual', 'moda'].flatMap((variant) => [
    studyRun('sweep', variant, 0.01, 1),
    studyRun('sweep', variant, 0.02, 1),
    studyRun('final', variant, 0.01, 1),
    studyRun('final', variant, 0.01, 2),
  ]),
  source: 'name: s',
};

const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);

function tagged(kind: Kind, bytes: Uint8Array): Uint8Array {
  return new Uint8Array([kinds.indexOf(kind), ...bytes]);
}

function seeds(): Uint8Array[] {
  const lines = utf8(rows.map((row) => JSON.stringify(row)).join('\n'));
  return [
    tagged('rows.jsonl', lines),
    tagged('rows.json', utf8(JSON.stringify(rows))),
    tagged('rows.jsonl.gz', gzipSync(lines)),
    tagged('task', utf8(JSON.stringify(task))),
    tagged('results', utf8(JSON.stringify(results))),
    tagged('study', utf8(JSON.stringify(study))),
  ];
}

function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const [kind, body] = [bytes[0], bytes.subarray(1)];
  const isJson = ['rows.json', 'task', 'results', 'study'].includes(kinds[kind]);
  const damaged = isJson && random.chance(0.8) ? mutateJsonBytes(body, random) : mutateBytes(body, random);
  return new Uint8Array([kind, ...damaged]);
}

async function run([kind = 0, ...rest]: Uint8Array): Promise<void> {
  const body = Uint8Array.from(rest);
  const what = kinds[kind % kinds.length];
  if (what === 'task' || what === 'results' || what === 'study') {
    const value = parsed(body);
    if (value === undefined) return;
    if (what === 'task') parseTask(value);
    else if (what === 'study') showStudy(value);
    else compareResults(value as EvaluationResults, results as unknown as EvaluationResults);
    return;
  }
  checkRows(await readRows(body, what));
}

/** Everything that the dashboard and the report make of a study. */
function showStudy(value: unknown): void {
  const read = readStudyFile('study.json', value);
  studyReportHtml(read);
  studyCharts(read).map(lineChartFile);
  studyCsv(read.runs);
}

/** Files that are not JSON are refused before the harness sees them. */
function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

/** Rows are objects that print: what the harness does with them next. */
export function checkRows(read: readonly unknown[]): void {
  for (const row of read) {
    if (typeof row !== 'object' || row === null || Array.isArray(row))
      throw new Error(`a row must be an object, got ${row}`);
    JSON.stringify(row);
  }
}

/** Files of the evaluation harness: rows in each format, tasks of one's own, results to compare; studies. */
export const target: FuzzTarget = { name: 'evaluation-files', seeds: async () => seeds(), mutate, run };
