import type { StudyRun } from '@modajs/train';
import { describe, expect, it } from 'vitest';
import { checkStudy, studyBase } from '../src/study/check-study.ts';
import { planRuns } from '../src/study/plan-runs.ts';
import { StudyClock } from '../src/study/study-clock.ts';
import { parseStudy } from '../src/study/study-file.ts';

const model = 'model: { nLayers: 2, nHeads: 2, dModel: 16, dFf: 40, seqLen: 8 }';
const STUDY = `
settings: { ${model} }
phases:
  - name: sweep
    vary: { optimizer.lr: [0.002, 0.004], seed: [1] }
    extend: { optimizer.lr: 2 }
  - name: final
    best: { optimizer.lr: sweep }
    vary: { seed: [1, 2] }
groups:
  pre:
    variants:
      residual: { model: { depth: residual } }
      moda: { model: { depth: moda } }
  rivals:
    baseline: pre/residual
    order: variants
    vary: { optimizer.lr: [0.001] }
    variants:
      a: { model: { depth: denseformer } }
      b: { model: { depth: value-residual }, vary: { optimizer.lr: [0.5, 1] } }
`;

/** Results by key, with a loss each; null diverged. */
function ended(losses: Readonly<Record<string, number | null>>) {
  return new Map(
    Object.entries(losses).map(([key, loss]) => [
      key,
      { key, status: loss === null ? 'diverged' : 'finished', heldOut: loss === null ? null : { loss } } as StudyRun,
    ]),
  );
}

const keys = (losses: Readonly<Record<string, number | null>>): string[] =>
  planRuns(parseStudy(STUDY, 'study.yaml'), ended(losses)).ready.map(({ key }) => key);
const sweep = (variant: string, lr: number): string => `sweep/${variant}/optimizer.lr=${lr},seed=1`;

describe('planRuns', () => {
  it('begins with the sweeps, in the order of the file, and waits with what they decide', () => {
    const { ready, waiting } = planRuns(parseStudy(STUDY, 'study.yaml'), new Map());
    expect(ready.map(({ key }) => key)).toEqual([
      sweep('pre.residual', 0.002),
      sweep('pre.residual', 0.004),
      sweep('pre.moda', 0.002),
      sweep('pre.moda', 0.004),
      sweep('rivals.a', 0.001),
      sweep('rivals.b', 0.5),
      sweep('rivals.b', 1),
    ]);
    expect(waiting).toHaveLength(8);
    expect(ready[0].settings).toMatchObject({ optimizer: { lr: 0.002 }, seed: 1, model: { depth: 'residual' } });
  });

  it('extends a grid by its factor until the best lies inside, then runs the best with all seeds', () => {
    const best4 = { [sweep('pre.residual', 0.002)]: 3, [sweep('pre.residual', 0.004)]: 2 };
    expect(keys(best4)[0]).toBe(sweep('pre.residual', 0.008));
    const best8 = { ...best4, [sweep('pre.residual', 0.008)]: 1.5 };
    expect(keys(best8)[0]).toBe(sweep('pre.residual', 0.016));
    const inside = { ...best8, [sweep('pre.residual', 0.016)]: null };
    expect(keys(inside).slice(0, 3)).toEqual([
      sweep('pre.moda', 0.002),
      sweep('pre.moda', 0.004),
      'final/pre.residual/optimizer.lr=0.008,seed=1',
    ]);
  });

  it('goes down when the lowest value is best or everything diverged, and ends after four more', () => {
    const losses: Record<string, number | null> = {};
    for (const lr of [0.002, 0.004, 0.001, 0.0005, 0.00025, 0.000125]) {
      losses[sweep('pre.residual', lr)] = null;
    }
    const left = keys(losses);
    expect(left.filter((key) => key.includes('pre.residual'))).toEqual([]);
    delete losses[sweep('pre.residual', 0.000125)];
    expect(keys(losses)[0]).toBe(sweep('pre.residual', 0.000125));
  });

  it('finishes a variant before the next one where a group says so', () => {
    const done = Object.fromEntries([0.001, 0.0005, 0.002].map((lr) => [sweep('rivals.a', lr), lr === 0.001 ? 1 : 2]));
    const rivals = keys(done).filter((key) => key.includes('rivals'));
    expect(rivals[0]).toBe('final/rivals.a/optimizer.lr=0.001,seed=1');
    expect(rivals.at(-1)).toBe(sweep('rivals.b', 1));
  });
});

describe('checkStudy', () => {
  const check = (text: string) => checkStudy(parseStudy(text, 'study.yaml'), studyBase({}), 300);

  it('widens the FFN to another variant’s parameters and says what remains', () => {
    const { record, study } = check(`
settings: { ${model} }
variants:
  residual: { model: { depth: residual } }
  matched: { model: { depth: residual }, matchParameters: moda }
  moda: { model: { depth: moda, nLayers: 2, depthLastProjection: true } }
`);
    const { matched } = record.variants[1];
    // Both blocks write C * 2 Hkv D = 512 more; a width of 8 costs 2 * 3 * 16 * 8 = 768.
    expect(matched).toEqual({ variant: 'moda', dFf: 48, remainder: -256 });
    expect(study.variants[1].settings).toMatchObject({ model: { dFf: 48, depth: 'residual' } });
  });

  it.each([
    ['data: { shuffle: false }', 'data.shuffle false against true'],
    ['training: { steps: 7 }', 'training.steps 7 against 1000'],
    ['training: { batchSize: 2 }', 'training.batchSize 2 against 8'],
    ['model: { seqLen: 4 }', 'model.seqLen 4 against 8'],
    ['model: { vocabSize: 400 }', 'model.vocabSize 400 against 300'],
    ['data: { heldOut: 0.2 }', 'data.heldOut 0.2 against 0.05'],
  ])('refuses a variant with %s', (settings, message) => {
    const text = `settings: { ${model} }\nvariants:\n  a: {}\n  b: { ${settings} }\n`;
    expect(() => check(text)).toThrow(new RegExp(`b must read the same data as its baseline, got .*${message}`));
  });

  it('records other differences for the report', () => {
    const { record } = check(`settings: { ${model} }\nvariants:\n  a: {}\n  b: { optimizer: { kind: muon } }\n`);
    expect(record.variants[1].differences).toEqual({ 'optimizer.kind': ['adamw', 'muon'] });
  });
});

describe('parseStudy', () => {
  it.each([
    ['varients: {}', 'unknown key "varients". Did you mean "variants"?'],
    ['variants: {}', 'at least one variant'],
    ['variants: { a: {} }\nbaseline: b', 'baseline of a must be a variant, got b'],
    ['variants: { a: { matchParameters: c } }', 'matchParameters of a must be a variant, got c'],
    [
      'variants: { a: {} }\nphases: [{ name: x, best: { seed: y } }]',
      'best.seed of phase x must name an earlier phase',
    ],
    ['variants: { a: {} }\nphases: [{ name: x, extend: { optimizer.lr: 2 } }]', 'extend needs numbers above 0'],
    ['variants: { a: {} }\nvary: { optimizer.lr: [] }', 'vary must be a mapping from setting to a list of values'],
  ])('refuses %s', (text, message) => {
    expect(() => parseStudy(text, 'study.yaml')).toThrow(message);
  });
});

describe('StudyClock', () => {
  it('starts what fits, at the variant’s pace or the slowest known', () => {
    let now = 0;
    const clock = new StudyClock(100, () => now);
    expect(clock.fits('a', 1e9)).toBe(true);
    const inputs = { tokens: 1000 } as StudyRun['inputs'];
    const add = (variant: string, total: number): void =>
      clock.add({ variant, inputs, status: 'finished', seconds: { training: 0, evaluation: 0, total } });
    add('a', 10);
    add('b', 20);
    expect([clock.estimate('a', 2000), clock.estimate('c', 2000)]).toEqual([20, 40]);
    now = 60;
    expect([clock.fits('a', 2000), clock.fits('b', 2000)]).toEqual([true, false]);
  });
});
