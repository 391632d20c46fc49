import { readFileSync } from 'node:fs';
import { DataError } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { lineChartFile } from '../report/line-chart.ts';
import { readStudyFile } from './read-study-file.ts';
import { studyCharts } from './study-charts.ts';
import { studyReportHtml } from './study-report.ts';

type Json = Record<string, unknown>;
const path = new URL('../../../../docs/evidence/a-mechanism.json', import.meta.url);
const whole = JSON.parse(readFileSync(path, 'utf8')) as Json & { plan: Json; runs: Json[] };
const few = { ...whole, runs: whole.runs.slice(0, 2) };
const withRun = (change: Json): Json => ({ ...few, runs: [{ ...few.runs[0], ...change }] });

describe('readStudyFile', () => {
  it('reads the study of docs/evidence, whose report and charts are whole', () => {
    const study = readStudyFile('a-mechanism.json', whole);
    expect(study.runs.length).toBe(whole.runs.length);
    expect(studyReportHtml(study)).toContain('pre/moda changes held-out loss against pre/residual');
    const titles = studyCharts(study).map(({ title }) => title);
    expect(titles).toContain('Training loss: pre');
    expect(titles).toContain('Held-out loss against optimizer.lr, phase sweep: post');
    expect(titles).toContain('Share of the softmax on depth slots');
    for (const chart of studyCharts(study)) expect(lineChartFile(chart)).toMatch(/^<svg [^>]*xmlns=/);
  });

  it.each<[string, unknown]>([
    ['another format', { ...few, format: 'other' }],
    ['another version', { ...few, version: 2 }],
    ['no plan', { ...few, plan: null }],
    ['a variant without its baseline', { ...few, plan: { ...few.plan, variants: [{ variant: 'a', group: '' }] } }],
    ['runs that are no list', { ...few, runs: {} }],
    ['a run without a seed', withRun({ seed: undefined })],
    ['a loss that is text', withRun({ heldOut: { loss: '3', corpora: {} } })],
    ['a corpus without a loss', withRun({ heldOut: { loss: 3, corpora: { web: 3 } } })],
    ['a curve of single numbers', withRun({ curve: [1, 2] })],
    ['a measure that is null', withRun({ measures: { 'task/piqa': null } })],
    ['depth statistics of words', withRun({ depth: { depthMass: ['a'], depthEntropy: [], sinkMass: [] } })],
    ['no seconds', withRun({ seconds: null })],
    ['a list', []],
    ['null', null],
  ])('refuses %s', (_, json) => {
    expect(() => readStudyFile('study.json', json)).toThrow(DataError);
    expect(() => readStudyFile('study.json', json)).toThrow(/^study\.json: .* Add the study\.json/);
  });
});
