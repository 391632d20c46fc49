import { KERNEL_ARGSORT } from '../abi/kernels.ts';
import type { CpuRuntime } from '../runtime/cpu-runtime.ts';
import { type CpuArray, dtypeCode, elementCount, isInteger, tileCount } from './cpu-array.ts';
import { FloatScope } from './float-scope.ts';

const TILE_ELEMENTS = 16384;

/**
 * Indices (i32) that sort contiguous x `[..., n]` along its last axis; equal elements keep their order, a NaN counts as the largest.
 */
export function argsort(runtime: CpuRuntime, x: CpuArray, out: CpuArray, isDescending: boolean): void {
  const size = elementCount(out.shape);
  const n = out.shape.at(-1) ?? 1;
  if (size === 0) return;
  const rowsPerTile = Math.max(1, Math.floor(TILE_ELEMENTS / n));
  FloatScope.run(runtime, (scope) => {
    const integerDtype = isInteger(x.dtype) ? dtypeCode(x.dtype) : -1;
    const address = scope.read(x);
    const [keys, other] = [scope.workspace(size * 4), scope.workspace(size * 4)];
    const words = [address, out.address, keys, other, size / n, n, rowsPerTile, integerDtype, isDescending ? 1 : 0];
    runtime.launch(KERNEL_ARGSORT, tileCount(size / n, rowsPerTile), words);
  });
}
