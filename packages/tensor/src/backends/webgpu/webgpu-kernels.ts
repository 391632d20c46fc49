import type { DeviceCapabilities, KernelPlan } from '@modajs/kernels';
import { type Device, isDevice } from '../../core/device.ts';
import type { ArrayView } from '../backend.ts';
import { isWebGpu } from './kernel-spans.ts';
import type { KernelSpan } from './kernel-times.ts';

/** A plan and the memory that it works on. */
export interface PreparedCall {
  readonly plan: KernelPlan;
  readonly operands: Readonly<Record<string, ArrayView>>;
}

/**
 * Dispatches that are recorded again and again on the same memory: pipelines, bind groups and uniform blocks are prepared
 * once, a replay costs the host three calls a dispatch. What changes between replays lies in device memory that a kernel
 * updates or the host writes. Operands must stay alive, and no operand that a pass writes may be another that it reads.
 */
export interface PreparedSequence extends Disposable {
  /** Dispatches of one replay. */
  readonly length: number;
  /** Records all dispatches, in order, behind what is recorded already. */
  replay(): void;
  /** Gives scratch memory back. Replays that are recorded still happen. */
  dispose(): void;
}

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

/** What only the WebGPU backend has, in types that name nothing of WebGPU: programs compile without its declarations. */
export interface WebGpuParts {
  readonly capabilities: DeviceCapabilities;
  /** What kernels of other packages run with. */
  readonly kernels: WebGpuKernels;
  /** Every kernel since the start with its time, in order; empty without `profile`. Submits and waits. */
  profile(): Promise<readonly KernelSpan[]>;
}

/** Where a package's own kernels run on a device; null on devices other than WebGPU. */
export function webGpuKernels(device: Device): WebGpuKernels | null {
  isDevice('webGpuKernels', 'device', device);
  device.requireOpen('webGpuKernels');
  const { backend } = device;
  return isWebGpu(backend) ? backend.kernels : null;
}
