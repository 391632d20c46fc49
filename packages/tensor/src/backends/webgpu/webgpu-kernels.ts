import type { DeviceCapabilities, KernelPlan } from '@modajs/kernels';
import { type Device, isDevice } from '../../core/device.ts';
import type { ArrayView, Backend } from '../backend.ts';
import { isWebGpu } from './kernel-spans.ts';
import { withAligned } from './operations/aligned.ts';
import type { Operand, PlanRunner } from './plan-runner.ts';
import type { PreparedCall, PreparedSequence } from './prepared-sequence.ts';

/** Operands of a plan by the names that its passes bind; null for one that a plan without it does not bind. */
export type Operands = Readonly<Record<string, ArrayView | null>>;

/**
 * Kernels of other packages on a WebGPU device. They are plans: pure descriptions of passes, made once for each `key`, which must
 * name everything that the plan depends on. What they write is recorded in order with the work of tensor's own operators, and
 * captured and replayed with it. Views must be row-major.
 */
export interface WebGpuKernels {
  readonly capabilities: DeviceCapabilities;
  /** The binding of a view: it begins at byte `offset` of the buffer, the view at element `start` of the binding. */
  bindingOf(view: ArrayView): { readonly offset: number; readonly start: number };
  /** Records a plan whose kernels know where their operands start (`bindingOf`). @throws KernelError for an operand larger than a binding */
  run(key: string, make: (capabilities: DeviceCapabilities) => KernelPlan, operands: Operands): void;
  /**
   * Records a plan whose kernels read every operand from the start of its binding: views that no binding can start at are copied,
   * those among `results` back again.
   */
  runAligned(
    key: string,
    make: (capabilities: DeviceCapabilities) => KernelPlan,
    operands: Operands,
    results: readonly string[],
  ): void;
  /** Plans with fixed operands, prepared once for many replays. @throws KernelError */
  prepare(calls: readonly PreparedCall[]): PreparedSequence;
}

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

/** Where a package's own kernels run on a device; null on devices other than WebGPU. */
export function webGpuKernels(device: Device): WebGpuKernels | null {
  isDevice('webGpuKernels', 'device', device);
  device.requireOpen('webGpuKernels');
  const { backend } = device;
  return isWebGpu(backend) ? backend.kernels : null;
}
