import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../src/core/device.ts';
import { init } from '../../src/init.ts';
import { type OracleCase, readCases } from './cases.ts';
import { failuresOf } from './check-cases.ts';

/**
 * The cases stand in this many test files, each with a process of its own: a software adapter maps memory for every compiled
 * shader, and Linux lets a process have 65,530 mappings (`vm.max_map_count`). All shaders of all cases together need more.
 */
const PARTS = 3;

/**
 * Attention whose keys or values hold NaN or an infinity that some queries must not see is asked of cpu and the reference only: the
 * kernels here weigh a hidden value with 0, which spreads it within a tile.
 */
const isAsked = ({ i }: OracleCase): boolean => i.every(([, , , , , , patches]) => patches.length === 0);

/**
 * Defines the tests of every third operator.
 *
 * @param part 0, 1 or 2
 */
export function gpuOracle(part: number): void {
  describe('random cases against PyTorch', () => {
    let device: Device;
    beforeAll(async () => {
      device = await init({ device: 'webgpu' });
    });
    afterAll(() => device.destroy());

    it.each([...readCases()].filter((_, i) => i % PARTS === part))(
      "%s has PyTorch's values and gradients to 20 times its error in f32 [webgpu]",
      async (_, cases) => {
        expect(await failuresOf(cases.filter(isAsked), device)).toEqual([]);
      },
    );
  });
}
