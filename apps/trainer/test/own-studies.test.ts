import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseConfigText, type StudyFile, type StudyRun } from '@modajs/train';
import { describe, expect, it } from 'vitest';
import { checkStudy, resolveRun, studyBase } from '../src/study/check-study.ts';
import { planRuns } from '../src/study/plan-runs.ts';
import { readStudyFile } from '../src/study/study-file.ts';
import { settingsDifference } from '../src/study/study-results.ts';

const studies = new URL('../../../studies/', import.meta.url);
const presets = new URL('../presets/', import.meta.url);
const evidence = new URL('../../../docs/evidence/', import.meta.url);
/** Of the tokenizer that the corpora's studies share. */
const VOCABULARY = 8192;

async function open(file: string) {
  const given = await readStudyFile(fileURLToPath(new URL(file, studies)));
  const preset = `${given.preset}.yaml`;
  const base = studyBase(parseConfigText(readFileSync(new URL(preset, presets), 'utf8'), preset));
  return { base, ...checkStudy(given, base, VOCABULARY) };
}

describe.each(readdirSync(studies))('studies/%s', (file) => {
  it('is whole: every run of it can be prepared', async () => {
    const { study, base } = await open(file);
    const { ready } = planRuns(study, new Map());
    expect(ready.length).toBeGreaterThan(0);
    for (const run of ready) expect(resolveRun(base, run, VOCABULARY).config.data.heldOut).toBeGreaterThan(0);
  });
});

it('study A goes on from the results in docs/evidence: none of their settings means another today', async () => {
  const { study, base } = await open('a-mechanism.yaml');
  const { runs } = JSON.parse(readFileSync(new URL('a-mechanism.json', evidence), 'utf8')) as StudyFile;
  const ended = new Map<string, StudyRun>();
  for (let added = true; added; ) {
    added = false;
    for (const run of planRuns(study, ended).ready) {
      const result = runs.find(({ key }) => key === run.key);
      if (result === undefined) continue;
      expect([run.key, settingsDifference(result, resolveRun(base, run, VOCABULARY))]).toEqual([run.key, null]);
      ended.set(run.key, result);
      added = true;
    }
  }
  expect([...ended.keys()].sort()).toEqual(runs.map(({ key }) => key).sort());
});
