import { BASELINE_CAPABILITIES } from '@modajs/kernels';
import { init } from '@modajs/tensor';
import { expect, it } from 'vitest';
import { ablationPlan } from '../src/ablation/ablation-plan.ts';
import { paperProblem } from '../src/presets/paper-problem.ts';
import { webGpuBackend } from '../src/webgpu/webgpu-backend.ts';

// Software adapters run a form of these shaders that compiles quickly; this is the form that GPUs get.
it('the steps of the ablation are shaders without errors as GPUs get them [webgpu]', async () => {
  const opened = await init({ device: 'webgpu' });
  const { device } = webGpuBackend(opened)!;
  const capabilities = { ...BASELINE_CAPABILITIES, f16: opened.supportsF16, maxWorkgroupMemoryBytes: 49152 };
  const dtype = opened.supportsF16 ? 'f16' : 'f32';
  const problem = { ...paperProblem(65, 2, 1, 3), dtype, depthGrad: { dtype, accumulate: false } } as const;
  for (const step of ['naive', 'flat', 'chunk-range'] as const) {
    for (const direction of ['forward', 'backward'] as const) {
      for (const pass of ablationPlan(step, direction, problem, capabilities).passes) {
        const { messages } = await device.createShaderModule({ code: pass.shader }).getCompilationInfo();
        expect(messages.filter(({ type }) => type === 'error').map(({ message }) => message)).toEqual([]);
      }
    }
  }
  opened.destroy();
});
