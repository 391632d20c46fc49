import { defineDecoderConfig } from '@modajs/models';
import { describe, expect, it } from 'vitest';
import { resolveRunConfig } from '../config/run-config.ts';
import { studyCsv } from './study-csv.ts';
import { studyReportHtml } from './study-report.ts';
import type { StudyFile, StudyRun } from './study-run.ts';
import { lossTable, missingLines } from './study-tables.ts';
import { summarizeStudy } from './summarize-study.ts';

const model = defineDecoderConfig({ nLayers: 2, nHeads: 2, dModel: 8, vocabSize: 11 });
const inputs = { dataOrder: 'a', heldOut: 'h', tokenizer: 't', tokens: 100, tokensPerStep: 10 };

function run(phase: string, variant: string, lr: number, seed: number, loss: number | null, more = {}): StudyRun {
  const heldOut = loss === null ? null : { loss, bitsPerByte: loss / 2, corpora: { web: { loss, bitsPerByte: 1 } } };
  return {
    key: `${phase}/${variant}/${lr}/${seed}`,
    phase,
    variant,
    values: { 'optimizer.lr': lr },
    seed,
    heldOut,
    model,
    inputs,
    status: loss === null ? 'diverged' : 'finished',
    error: loss === null ? 'train: the run stopped: <NaN>' : null,
    config: resolveRunConfig({}),
    parameters: 7,
    flopsPerToken: 14,
    steps: 10,
    loss,
    curve:
      loss === null
        ? []
        : [
            [5, loss + 1],
            [10, loss],
          ],
    heldOutCurve: [],
    measures: loss === null ? {} : { 'perplexity/c4': loss / 3, 'task/piqa': loss / 4 },
    depth: { depthMass: [0, 0.2], depthEntropy: [0, 0.1], sinkMass: [0.3, 0.4] },
    tokensPerSecond: 1000,
    deviceBytes: 2 ** 20,
    seconds: { training: 1, evaluation: 1, total: 2 },
    device: 'cpu',
    writtenBy: {},
    ...more,
  };
}

const variant = (name: string, differences = {}) => ({
  variant: name,
  group: '',
  baseline: 'residual',
  differences,
  matched: null,
});

const file: StudyFile = {
  format: 'moda-study',
  version: 1,
  name: 'a <study>',
  source: 'preset: tiny',
  plan: {
    phases: [
      { name: 'sweep', seeds: [1], best: {}, extend: 'optimizer.lr' },
      { name: 'final', seeds: [1, 2, 3], best: { 'optimizer.lr': 'sweep' }, extend: null },
    ],
    variants: [variant('residual'), variant('moda', { 'training.dtype': ['f32', 'f16'] }), variant('never')],
  },
  runs: [
    run('sweep', 'residual', 0.1, 1, 3),
    run('sweep', 'residual', 0.2, 1, 2.5),
    run('sweep', 'residual', 0.4, 1, null),
    run('sweep', 'moda', 0.1, 1, 2.9),
    run('sweep', 'moda', 0.2, 1, 2.6),
    run('final', 'residual', 0.2, 1, 2),
    run('final', 'residual', 0.2, 2, 2.2),
    run('final', 'residual', 0.2, 3, 2.1),
    run('final', 'moda', 0.2, 1, 1.9),
    run('final', 'moda', 0.2, 2, 2.1),
    run('final', 'moda', 0.2, 3, null),
  ],
};

describe('summarizeStudy', () => {
  it('pairs finished runs by seed: a constant difference has no error', () => {
    const [residual, moda] = summarizeStudy(file).comparisons;
    expect(residual.difference).toBeNull();
    expect(moda.difference).toMatchObject({ n: 2, mean: expect.closeTo(-0.1, 9), standardError: expect.closeTo(0, 9) });
    expect(moda.differencesByCorpus.web.mean).toBeCloseTo(-0.1, 9);
    expect(moda.differencesByMeasure['task/piqa'].mean).toBeCloseTo(-0.025, 9);
  });

  it('names missing seeds and variants, edges of a sweep, and what diverged', () => {
    const summary = summarizeStudy(file);
    const lines = missingLines(file, summary);
    expect(lines).toContain('moda: missing seeds 3.');
    expect(lines).toContain('never: no run of phase final.');
    expect(lines.filter((line) => line.includes('edge'))).toEqual([
      expect.stringMatching(/^moda: .*0\.2, is at the edge/),
    ]);
    expect(summary.unfinished.map(({ key }) => key)).toEqual(['sweep/residual/0.4/1', 'final/moda/0.2/3']);
    expect(lossTable(summary).rows[1]).toContain('2 of 3');
  });

  it.each([
    ['no run has ended', [], /^No run has ended yet; run `moda study` .+ without --report-only/],
    ['no run that ended has finished', [run('final', 'moda', 0.2, 3, null)], /final\/moda\/0\.2\/3: .+NaN.+--retry/],
  ])('says first what to do when %s', (_, runs, expected) => {
    const study = { ...file, runs };
    expect(missingLines(study, summarizeStudy(study))[0]).toMatch(expected);
  });

  it.each([
    ['dataOrder', 'b'],
    ['tokenizer', 'u'],
    ['tokens', 90],
    ['heldOut', 'g'],
  ])('does not compare runs whose %s differs, and says so', (key, value) => {
    const runs = file.runs.map((one) =>
      one.phase === 'final' && one.variant === 'moda' ? { ...one, inputs: { ...inputs, [key]: value } } : one,
    );
    const summary = summarizeStudy({ ...file, runs });
    expect(summary.comparisons[1].difference).toBeNull();
    expect(missingLines(file, summary).join()).toMatch(new RegExp(`seed 1: ${key} .+ against ${value}`));
  });
});

describe('studyReportHtml', () => {
  it('is one file that loads nothing and shows every run that did not finish', () => {
    const html = studyReportHtml(file);
    expect(html).not.toMatch(/(src|href)=|@import|url\(/);
    expect(html).toContain('a &#60;study&#62;');
    expect(html).toContain('the run stopped: &#60;NaN&#62;');
    expect(html).toContain('moda: training.dtype is f16, f32 for residual.');
    expect(html.match(/<svg/g)!.length).toBeGreaterThanOrEqual(5);
    expect(html).not.toContain('NaN NaN');
  });

  it('stands before the first run', () => {
    expect(studyReportHtml({ ...file, runs: [] })).toContain('No runs yet.');
  });
});

describe('studyCsv', () => {
  it('has a line a run with the varied values, corpora and measures in columns', () => {
    const lines = studyCsv(file.runs).trimEnd().split('\n');
    expect(lines).toHaveLength(1 + file.runs.length);
    expect(lines[0]).toMatch(/^phase,variant,optimizer\.lr,seed,status,.*heldOutLoss\/web,perplexity\/c4,task\/piqa/);
    expect(studyCsv([run('p', 'a,"b"', 1, 1, 2)])).toContain('"a,""b"""');
  });
});
