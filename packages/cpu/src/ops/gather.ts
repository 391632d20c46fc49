import { KERNEL_GATHER, KERNEL_GATHER_BACKWARD } from '../abi/kernels.ts';
import type { CpuRuntime } from '../runtime/cpu-runtime.ts';
import { type CpuArray, dtypeBytes, elementCount, isInteger, missingBits, tileCount } from './cpu-array.ts';
import { FloatScope } from './float-scope.ts';

const TILE_ELEMENTS = 8192;
const COLUMNS_PER_TILE = 64;

/**
 * x `[R, N, I]`, index i32 `[J]` -> out `[R, J, I]` = x[:, index, :], all contiguous.
 * An index outside 0..N-1 gives NaN, in integers 0. An embedding is the case R = 1.
 */
export function gather(runtime: CpuRuntime, x: CpuArray, index: CpuArray, out: CpuArray): void {
  const [R, N, I] = x.shape;
  const J = elementCount(index.shape);
  const rowsPerTile = Math.max(1, Math.floor(TILE_ELEMENTS / Math.max(1, I)));
  const words = [
    x.address,
    index.address,
    out.address,
    R,
    N,
    J,
    I,
    dtypeBytes(x.dtype),
    rowsPerTile,
    missingBits(x.dtype),
    0,
  ];
  if (I > 0) runtime.launch(KERNEL_GATHER, tileCount(R * J, rowsPerTile), words);
}

/** The adjoint: dx `[R, N, I]` (overwritten) = sum of dOut[:, j, :] where index[j] = n, in ascending j; integers wrap. */
export function gatherBackward(runtime: CpuRuntime, dOut: CpuArray, index: CpuArray, dx: CpuArray): void {
  const [R, N, I] = dx.shape;
  const J = elementCount(index.shape);
  FloatScope.run(runtime, (scope) => {
    const integer = isInteger(dx.dtype) ? 1 : 0;
    const words = [scope.read(dOut), index.address, scope.write(dx), R, N, J, I, 4, 0, 0, COLUMNS_PER_TILE, integer];
    runtime.launch(KERNEL_GATHER_BACKWARD, R * tileCount(I, COLUMNS_PER_TILE), words);
  });
}
