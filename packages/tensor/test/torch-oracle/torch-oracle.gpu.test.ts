import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../src/core/device.ts';
import { init } from '../../src/init.ts';
import { type OracleCase, readCases } from './cases.ts';
import { failuresOf } from './check-cases.ts';

/**
 * Attention whose keys or values hold NaN or an infinity that some queries must not see is asked of cpu and the reference only: the
 * kernels here weigh a hidden value with 0, which spreads it within a tile.
 */
const isAsked = ({ i }: OracleCase): boolean => i.every(([, , , , , , patches]) => patches.length === 0);

describe('random cases against PyTorch', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'webgpu' });
  });
  afterAll(() => device.destroy());

  it.each([...readCases()])(
    "%s has PyTorch's values and gradients to 20 times its error in f32 [webgpu]",
    async (_, cases) => {
      expect(await failuresOf(cases.filter(isAsked), device)).toEqual([]);
    },
  );
});
