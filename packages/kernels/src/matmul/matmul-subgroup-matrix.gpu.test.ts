import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { emulateSubgroupMatrix } from '../../test/emulate-subgroup-matrix.ts';
import { MATRIX_CAPABILITIES } from '../../test/matrix-capabilities.ts';
import { type MatmulCase, matmulErrors, matmulTolerance } from '../testing/matmul-case.ts';
import type { SubgroupMatrixTileConfig } from './matmul-config.ts';

let gpu: TestDevice;
beforeAll(async () => {
  const opened = await openTestDevice();
  const { f16, maxWorkgroupMemoryBytes } = opened.capabilities;
  gpu = { ...opened, capabilities: { ...MATRIX_CAPABILITIES, f16, maxWorkgroupMemoryBytes } };
});
afterAll(() => gpu.close());

/** The variant's shader for devices without subgroup matrices: strips become one array, lanes follow from the thread. */
function emulate(shader: string): string {
  if (!shader.includes('subgroup_matrix_left')) return shader;
  const sizes = Object.fromEntries([...shader.matchAll(/const (FRAG_[MNK]): u32 = (\d+)u;/g)].map((m) => [m[1], m[2]]));
  const plain = shader
    .replace('enable subgroups;\n', '')
    .replace(/ *@builtin\(subgroup_(?:id|invocation_id)\) \w+: u32,\n/g, '')
    .replace(/(fn main\([^{]*\{)/, '$1\nlet subgroup = thread / 32u;\nlet lane = thread % 32u;')
    .replace(/(alias (?:Left|Right|Sums) = [^;]*)/g, (line) => line.replace(/FRAG_[MNK]/g, (name) => sizes[name]!))
    .replace(/array<array<(vec4<u32>), STRIP>, STRIPS>/, 'array<$1, STRIP * STRIPS>')
    .replace(/&strips\[([^\]]*)\], /g, '&strips, ($1) * STRIP + ')
    .replace(/strips\[([^\]]*)\]\[([^\]]*)\]/g, 'strips[($1) * STRIP + $2]')
    .replace(/\bSums\b/g, 'Accumulator');
  return emulateSubgroupMatrix(plain).replaceAll('params.B', 'params.one');
}

const config: SubgroupMatrixTileConfig = {
  kind: 'subgroup-matrix',
  blockM: 64,
  blockN: 64,
  blockK: 16,
  subgroupM: 32,
  subgroupN: 32,
  fragment: [16, 16, 16],
  stages: 1,
  splitK: 1,
  prefetch: true,
};
const half = ['f16', 'f16', 'f16'] as const;
const single = ['f16', 'f16', 'f32'] as const;
const gelu = { activation: 'gelu', accumulate: true } as const;

const cases: readonly [MatmulCase, Partial<SubgroupMatrixTileConfig>][] = [
  [{ shape: [2, 67, 72, 40], layout: 'NN', dtypes: half, bias: true, residual: true, more: gelu }, {}],
  [{ shape: [1, 67, 69, 37], layout: 'NT', dtypes: half, bias: true, residual: true, more: gelu }, {}],
  [{ shape: [1, 72, 136, 40], layout: 'TN', dtypes: single, residual: true }, { stages: 2 }],
  [{ shape: [2, 36, 40, 64], layout: 'NN', dtypes: half, more: { accumulate: true } }, {}],
  [
    { shape: [1, 128, 64, 32], layout: 'TT', dtypes: single, more: { accumulate: true } },
    { stages: 2, fragment: [16, 8, 16] },
  ],
  [
    { shape: [1, 69, 71, 101], layout: 'TN', dtypes: half, bias: true },
    { splitK: 3, prefetch: false },
  ],
  [{ shape: [1, 67, 72, 200], layout: 'NT', dtypes: half, bias: true }, { blockK: 64 }],
  [{ shape: [1, 69, 67, 37], layout: 'TN', dtypes: single, rowMultiple: 8 }, {}],
  [{ shape: [1, 69, 67, 37], layout: 'NT', dtypes: single, rowMultiple: 8 }, {}],
];

// Compiling takes long on a busy machine without a GPU.
describe('matmul on emulated subgroup matrices', { timeout: 400_000 }, () => {
  for (const [test, change] of cases) {
    const rows = test.rowMultiple ? `rows of ${test.rowMultiple} ` : '';
    const title = `${test.layout} B,M,N,K=${test.shape.join()} ${rows}${Object.entries(change).join(' ')}`;
    it(`equals f64, twice the same bits, and writes nothing else [webgpu f16 ${title.trim()}]`, async () => {
      const errors = await matmulErrors(gpu, test, { ...config, ...change }, emulate);
      expect(errors.error).toBeLessThanOrEqual(matmulTolerance(test, errors.naive));
      expect(errors).toMatchObject({ strays: 0, repeats: true });
    });
  }
});
