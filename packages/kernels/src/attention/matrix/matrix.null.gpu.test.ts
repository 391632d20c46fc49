import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../../test/device.ts';
import { MATRIX_CAPABILITIES } from '../../../test/matrix-capabilities.ts';
import { attentionProblem } from '../../testing/attention-case.ts';
import { planAttentionBackward } from '../attention-backward.ts';
import { attentionCandidates } from '../attention-candidates.ts';
import { planAttentionForward } from '../attention-forward.ts';

let test: TestDevice;
beforeAll(async () => {
  test = await openTestDevice({ backend: 'null' });
});
afterAll(() => test.close());

/** Tint's errors. Only the module: the null device has too little workgroup memory for most pipelines. */
async function shaderErrors(device: GPUDevice, code: string): Promise<string[]> {
  const info = await device.createShaderModule({ code }).getCompilationInfo();
  return info.messages.filter(({ type }) => type === 'error').map(({ message, lineNum }) => `${lineNum}: ${message}`);
}

describe('attention on subgroup matrices', () => {
  it.each([
    [16, 16],
    [40, 24],
    [64, 64],
    [80, 80],
    [96, 64],
    [128, 128],
    [256, 256],
  ])('compiles forward, backward and deferred backward at D=%i Dv=%i [null]', async (D, Dv) => {
    const problem = attentionProblem({
      T: 100,
      D,
      Dv,
      dtype: 'f16',
      S: 20,
      depthGrad: { dtype: D > 64 ? 'f32' : 'f16', accumulate: true },
    });
    const config = { sequence: 'matrix', depth: D > 128 ? 'rows' : 'matrix' } as const;
    const passes = [
      ...planAttentionForward(problem, MATRIX_CAPABILITIES, config).passes,
      ...planAttentionBackward(problem, MATRIX_CAPABILITIES, config).passes,
      ...planAttentionBackward({ ...problem, defersDepth: true }, MATRIX_CAPABILITIES, config).passes.slice(1),
    ];
    expect(passes.filter(({ label }) => /attention-(matrix|depth)-/.test(label))).toHaveLength(D > 128 ? 5 : 8);
    for (const pass of passes) expect(await shaderErrors(test.device, pass.shader)).toEqual([]);
  });

  it('compiles every candidate of the search at D=64 [null]', async () => {
    const problem = attentionProblem({ T: 100, H: 8, D: 64, dtype: 'f16', S: 20 });
    const shaders = new Set<string>();
    for (const part of [problem, { ...problem, hasSequence: false }]) {
      for (const config of attentionCandidates(part, MATRIX_CAPABILITIES)) {
        const plans = [planAttentionForward, planAttentionBackward].map((plan) =>
          plan(part, MATRIX_CAPABILITIES, config),
        );
        for (const pass of plans.flatMap(({ passes }) => passes)) shaders.add(pass.shader);
      }
    }
    expect(shaders.size).toBeGreaterThan(20);
    for (const shader of shaders) expect(await shaderErrors(test.device, shader)).toEqual([]);
  });
});
