import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { presetFile, presetOf } from '../src/run/load-config.ts';
import { checkStudy, resolveRun, studyBase } from '../src/study/check-study.ts';
import { planRuns } from '../src/study/plan-runs.ts';
import { readStudyFile } from '../src/study/study-file.ts';

const studies = new URL('../../../studies/', import.meta.url);
const presets = new URL('../presets/', import.meta.url);
/** Of the tokenizer that the corpora's studies share. */
const VOCABULARY = 8192;

async function open(file: string) {
  const given = await readStudyFile(fileURLToPath(new URL(file, studies)));
  const text = readFileSync(new URL(presetFile(given.preset), presets), 'utf8');
  const base = studyBase(presetOf(given.preset, text));
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
