import { KERNEL_DEQUANTIZE, KERNEL_QUANTIZED_PRODUCT } from '../abi/kernels.ts';
import type { CpuRuntime } from '../runtime/cpu-runtime.ts';
import { type CpuArray, tileCount } from './cpu-array.ts';
import { FloatScope } from './float-scope.ts';

/** A matrix `[O, I]` in blocks of 32 numbers: u32 words of codes and of scales. */
export interface CpuQuantized {
  readonly format: 'q8_0' | 'q4_0';
  readonly O: number;
  /** A multiple of 32. */
  readonly I: number;
  readonly codes: CpuArray;
  readonly scales: CpuArray;
}

const BLOCK_BYTES = { q8_0: 32, q4_0: 16 } as const;
const NUMBERS_PER_TILE = 1 << 15;

function launch(
  runtime: CpuRuntime,
  kernel: number,
  { format, O, I, codes, scales }: CpuQuantized,
  { x, out, M, units, perUnit }: { x: number; out: number; M: number; units: number; perUnit: number },
): void {
  if (O * I === 0) return;
  const perTile = Math.max(1, Math.floor(NUMBERS_PER_TILE / perUnit));
  const words = [x, codes.address, scales.address, out, M, O, I / 32, BLOCK_BYTES[format], perTile];
  runtime.launch(kernel, tileCount(units, perTile), words);
}

/** out `[M, O]` = x `[M, I]` . W^T, for few rows; both contiguous, sums in f32. */
export function quantizedProduct(runtime: CpuRuntime, x: CpuArray, matrix: CpuQuantized, out: CpuArray): void {
  FloatScope.run(runtime, (scope) => {
    const [M, O] = out.shape;
    const at = { x: scope.read(x), out: scope.write(out), M };
    launch(runtime, KERNEL_QUANTIZED_PRODUCT, matrix, { ...at, units: O, perUnit: matrix.I * M });
  });
}

/** out `[O, I]`, contiguous = the numbers of W. */
export function dequantize(runtime: CpuRuntime, matrix: CpuQuantized, out: CpuArray): void {
  FloatScope.run(runtime, (scope) => {
    const units = (matrix.O * matrix.I) / 32;
    launch(runtime, KERNEL_DEQUANTIZE, matrix, { x: 0, out: scope.write(out), M: 0, units, perUnit: 32 });
  });
}
