import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { BASELINE_CAPABILITIES } from '../plan/capabilities.ts';
import { type MatmulCase, matmulErrors, matmulTolerance } from '../testing/matmul-case.ts';
import { matmulGrid } from '../testing/matmul-grid.ts';
import type { MatmulConfig } from './matmul-config.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

/** At most twice the error of the naive computation, or a few roundings of the result; nothing else is written. */
async function expectExact(test: MatmulCase, config?: MatmulConfig): Promise<void> {
  const { error, naive, strays, repeats } = await matmulErrors(gpu, test, config);
  expect(error).toBeLessThanOrEqual(matmulTolerance(test, naive));
  expect(strays).toBe(0);
  expect(repeats).toBe(true);
}

const title = ({ shape, layout = 'NN', dtypes = ['f32', 'f32', 'f32'], bias, residual, padding, more }: MatmulCase) =>
  [
    `B,M,N,K=${shape.join()}`,
    layout,
    dtypes.join(),
    bias ? 'bias' : '',
    residual ? 'residual' : '',
    padding ? `padding ${padding}` : '',
    more
      ? Object.entries(more)
          .map((entry) => entry.join(' '))
          .join()
      : '',
  ]
    .filter(Boolean)
    .join(' ');

for (const { name, config, cases } of matmulGrid(BASELINE_CAPABILITIES, true)) {
  describe(`matmul ${name}`, () => {
    for (const test of cases) {
      it(`equals f64, twice the same bits, and writes nothing else [webgpu ${title(test)}]`, () =>
        expectExact(test, config));
    }
  });
}

describe('matmul by default', () => {
  it('does nothing for an empty product [webgpu]', () => expectExact({ shape: [0, 3, 5, 7] }));

  it.each([
    [1, 1, 257, 1031],
    [1, 5, 129, 512],
    [7, 64, 64, 64],
    [1, 257, 256, 260],
  ] as const)('equals f64 [webgpu B,M,N,K=%i,%i,%i,%i]', async (...shape) => {
    await expectExact({ shape, layout: 'NT' });
  });
});
