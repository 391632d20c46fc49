import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { preparedPipelines } from '../executor/prepare-plan.ts';
import { BASELINE_CAPABILITIES, type DeviceCapabilities } from '../plan/capabilities.ts';
import { matmulProblem } from '../testing/matmul-case.ts';
import { matmulCandidates } from './matmul-choice.ts';
import type { SubgroupMatrixTileConfig } from './matmul-config.ts';
import { planMatmul } from './plan-matmul.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice({ backend: 'null' });
});
afterAll(() => gpu.close());

const FRAGMENTS = [
  [16, 16, 16],
  [16, 8, 16],
  [8, 16, 16],
  [16, 8, 8],
  [8, 8, 8],
] as const;

/** A device with every fragment; the null backend itself holds 16 KiB and 256 invocations. */
const capabilities: DeviceCapabilities = {
  ...BASELINE_CAPABILITIES,
  f16: true,
  subgroups: { min: 32, max: 32 },
  subgroupMatrix: FRAGMENTS.map(([M, N, K]) => ({ componentType: 'f16', resultComponentType: 'f32', M, N, K })),
};
const roomy: DeviceCapabilities = { ...capabilities, maxWorkgroupMemoryBytes: 49152, maxInvocations: 1024 };

const block: Omit<SubgroupMatrixTileConfig, 'fragment'> = {
  kind: 'subgroup-matrix',
  blockM: 32,
  blockN: 32,
  blockK: 16,
  subgroupM: 16,
  subgroupN: 16,
  stages: 1,
  splitK: 1,
  prefetch: true,
};
const half = ['f16', 'f16', 'f16'] as const;
const single = ['f16', 'f16', 'f32'] as const;

describe('matmul subgroup matrix', () => {
  for (const fragment of FRAGMENTS) {
    for (const layout of ['NN', 'NT', 'TN', 'TT']) {
      it(`compiles every epilogue and alignment [null ${fragment.join('x')} ${layout}]`, async () => {
        const cases = [
          { shape: [1, 64, 64, 64], layout, dtypes: single },
          { shape: [2, 64, 64, 64], layout, dtypes: half, bias: true, residual: true },
          { shape: [1, 61, 67, 71], layout, dtypes: half, more: { activation: 'gelu', accumulate: true } },
          { shape: [1, 65, 68, 72], layout, dtypes: single, padding: 1 },
          { shape: [1, 64, 64, 64], layout, dtypes: half, more: { accumulate: true } },
          { shape: [1, 60, 68, 72], layout, dtypes: single, more: { accumulate: true } },
        ] as const;
        for (const test of cases) {
          for (const config of [
            { ...block, fragment },
            { ...block, fragment, blockK: 32, prefetch: false, splitK: 2 },
          ]) {
            const plan = planMatmul(matmulProblem(test), capabilities, config);
            for (const pass of plan.passes) await preparedPipelines(gpu.device).compile(pass);
          }
        }
      });
    }
  }
});

describe('matmul candidates', () => {
  it.each([
    ['f32', 'f32', 'f32'],
    ['f16', 'f16', 'f16'],
    ['f32', 'f16', 'f32'],
  ] as const)('are shaders without errors [null %s,%s,%s]', async (...dtypes) => {
    for (const shape of [
      [1, 4096, 4096, 4096],
      [1, 7, 509, 1021],
    ] as const) {
      const problem = matmulProblem({ shape, layout: 'NT', dtypes });
      for (const config of matmulCandidates(problem, { ...roomy, maxBindingBytes: 2 ** 31 })) {
        const plan = planMatmul(problem, { ...roomy, maxBindingBytes: 2 ** 31 }, config);
        for (const pass of plan.passes) {
          const { messages } = await gpu.device.createShaderModule({ code: pass.shader }).getCompilationInfo();
          expect(messages.filter(({ type }) => type === 'error')).toEqual([]);
        }
      }
    }
  });
});
