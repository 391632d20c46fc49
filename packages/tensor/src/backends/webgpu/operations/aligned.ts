import { elementBytes } from '../../../core/dtype.ts';
import type { ArrayView, Backend } from '../../backend.ts';
import type { Operand, PlanRunner } from '../plan-runner.ts';
import { webGpuStorage } from '../webgpu-storage.ts';
import { withContiguous } from './contiguous.ts';

/** A binding that starts at the view's first element, which these kernels ask for; null when the device cannot bind there. */
function alignedOperand(runner: PlanRunner, view: ArrayView): Operand | null {
  const { buffer } = webGpuStorage(view.storage);
  const offset = view.offset * elementBytes(view.dtype);
  if (offset % runner.capabilities.minStorageAlignment !== 0) return null;
  const bytes = view.shape.reduce((product, extent) => product * extent, elementBytes(view.dtype));
  return {
    view,
    buffer,
    offset,
    size: Math.min(buffer.size - offset, Math.max(16, Math.ceil(bytes / 16) * 16)),
    start: 0,
  };
}

/** Binds every view at its start; those the device cannot bind there are copied, results copied back after `use`. */
export function withAligned(
  runner: PlanRunner,
  backend: Pick<Backend, 'copy'>,
  views: readonly [string, ArrayView][],
  isResult: (name: string) => boolean,
  use: (operands: Record<string, Operand>) => void,
): void {
  const operands: Record<string, Operand> = {};
  const bindFrom = (index: number): void => {
    if (index === views.length) {
      use(operands);
      return;
    }
    const [name, view] = views[index];
    const operand = alignedOperand(runner, view);
    if (operand !== null) {
      operands[name] = operand;
      bindFrom(index + 1);
      return;
    }
    withContiguous(runner, view, (copy) => {
      operands[name] = runner.operand(copy);
      bindFrom(index + 1);
      if (isResult(name)) backend.copy(copy, view);
    });
  };
  bindFrom(0);
}
