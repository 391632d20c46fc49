import type { DeviceCapabilities, KernelPlan } from '@modajs/kernels';
import type { ArrayView, Backend } from '../backend.ts';
import { withAligned } from './operations/aligned.ts';
import type { Operand, PlanRunner } from './plan-runner.ts';
import type { Operands, WebGpuKernels } from './webgpu-kernels.ts';

/** `WebGpuKernels` of a runner. */
export function createWebGpuKernels(
  runner: PlanRunner,
  backend: Pick<Backend, 'copy'>,
  prepare: WebGpuKernels['prepare'],
): WebGpuKernels {
  const { capabilities } = runner;
  const plan = (key: string, make: (capabilities: DeviceCapabilities) => KernelPlan): KernelPlan =>
    runner.plan(key, () => make(capabilities));
  const given = (operands: Operands): [string, ArrayView][] =>
    Object.entries(operands).filter((entry): entry is [string, ArrayView] => entry[1] !== null);
  return {
    capabilities,
    bindingOf: (view) => runner.operand(view),
    run(key, make, operands) {
      const bound: Record<string, Operand> = {};
      for (const [name, view] of given(operands)) bound[name] = runner.operand(view);
      runner.run(plan(key, make), bound);
    },
    runAligned(key, make, operands, results) {
      const isResult = (name: string): boolean => results.includes(name);
      withAligned(runner, backend, given(operands), isResult, (bound) => runner.run(plan(key, make), bound));
    },
    prepare,
  };
}
