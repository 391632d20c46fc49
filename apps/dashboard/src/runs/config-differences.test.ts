import { describe, expect, it } from 'vitest';
import { configDifferences } from './config-differences.ts';

describe('configDifferences', () => {
  it('names what differs, with a dash for what is not there', () => {
    const base = { run: { seed: 1, optimizer: { lr: 0.01, betas: [0.9, 0.95] } }, model: { depth: 'moda' } };
    const other = {
      run: { seed: 1, optimizer: { lr: 0.02, betas: [0.9, 0.95] } },
      model: { depth: 'residual', window: 8 },
    };
    expect(configDifferences([base, other])).toEqual([
      { key: 'model.depth', values: ['moda', 'residual'] },
      { key: 'model.window', values: ['-', '8'] },
      { key: 'run.optimizer.lr', values: ['0.01', '0.02'] },
    ]);
  });

  it('finds none among one, none, equal or damaged ones', () => {
    expect([configDifferences([]), configDifferences([{ a: 1 }]), configDifferences([null, null])]).toEqual([
      [],
      [],
      [],
    ]);
    expect(configDifferences([{ a: { b: [1] } }, { a: { b: [1] } }])).toEqual([]);
  });
});
