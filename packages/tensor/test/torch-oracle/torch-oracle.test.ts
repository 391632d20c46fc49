import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../src/core/device.ts';
import { init } from '../../src/init.ts';
import { readCases } from './cases.ts';
import { failuresOf } from './check-cases.ts';

const byOperator = [...readCases()];

describe('random cases against PyTorch', () => {
  let cpu: Device;
  beforeAll(async () => {
    cpu = await init({ device: 'cpu' });
  });
  afterAll(() => cpu.destroy());

  it('are 20,000 or more', () => {
    expect(byOperator.flatMap(([, cases]) => cases).length).toBeGreaterThanOrEqual(20_000);
  });

  it.each(byOperator)("%s has PyTorch's values and gradients to 1e-11 [reference]", async (_, cases) => {
    expect(await failuresOf(cases, null)).toEqual([]);
  });

  it.each(byOperator)("%s has PyTorch's values and gradients to 20 times its error in f32 [cpu]", async (_, cases) => {
    expect(await failuresOf(cases, cpu)).toEqual([]);
  });
});
