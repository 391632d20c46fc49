import {
  KERNEL_CROSS_ENTROPY,
  KERNEL_CROSS_ENTROPY_BACKWARD,
  KERNEL_SOFTMAX,
  KERNEL_SOFTMAX_BACKWARD,
} from '../abi/kernels.ts';
import type { CpuRuntime } from '../runtime/cpu-runtime.ts';
import { type CpuArray, elementCount, floatBits, tileCount } from './cpu-array.ts';
import { FloatScope } from './float-scope.ts';

/** Elements of a tile; rows are never cut. */
const TILE_ELEMENTS = 8192;

/** `rows` of `n` elements: everything before the last axis is rows. */
export function rowsOf(x: CpuArray): { rows: number; n: number; rowsPerTile: number; tiles: number } {
  const n = x.shape[x.shape.length - 1] ?? 1;
  const rows = n === 0 ? 0 : elementCount(x.shape) / n;
  const rowsPerTile = Math.max(1, Math.floor(TILE_ELEMENTS / Math.max(1, n)));
  return { rows, n, rowsPerTile, tiles: tileCount(rows, rowsPerTile) };
}

/** Softmax or log-softmax along the last axis of contiguous x; a row of -Inf gives 0 (softmax) or -Inf (log). */
export function softmax(runtime: CpuRuntime, x: CpuArray, out: CpuArray, isLog: boolean): void {
  const { rows, n, rowsPerTile, tiles } = rowsOf(x);
  FloatScope.run(runtime, (scope) => {
    const words = [scope.read(x), 0, scope.write(out), rows, n, rowsPerTile, isLog ? 1 : 0];
    runtime.launch(KERNEL_SOFTMAX, tiles, words);
  });
}

/** `dx = y (dy - sum(dy y))`, or for log-softmax `dy - e^y sum(dy)`. */
export function softmaxBackward(runtime: CpuRuntime, y: CpuArray, dy: CpuArray, dx: CpuArray, isLog: boolean): void {
  const { rows, n, rowsPerTile, tiles } = rowsOf(y);
  FloatScope.run(runtime, (scope) => {
    const words = [scope.read(y), scope.read(dy), scope.write(dx), rows, n, rowsPerTile, isLog ? 1 : 0];
    runtime.launch(KERNEL_SOFTMAX_BACKWARD, tiles, words);
  });
}

/** What a cross-entropy ignores and adds: rows of `ignoreIndex` cost 0, `zLoss` weighs lse squared. */
export interface CpuCrossEntropyOptions {
  readonly ignoreIndex: number;
  readonly zLoss: number;
}

/** logits `[N, V]`, targets i32 `[N]` -> loss f32 `[N]`, lse f32 `[N, 2]` (largest, log of the sum relative to it). A target outside 0..V-1 gives NaN. */
export function crossEntropy(
  runtime: CpuRuntime,
  logits: CpuArray,
  targets: CpuArray,
  loss: CpuArray,
  lse: CpuArray,
  { ignoreIndex, zLoss }: CpuCrossEntropyOptions,
): void {
  const { rows, n, rowsPerTile, tiles } = rowsOf(logits);
  FloatScope.run(runtime, (scope) => {
    const arrays = [scope.read(logits), targets.address, loss.address, lse.address, 0];
    runtime.launch(KERNEL_CROSS_ENTROPY, tiles, [...arrays, rows, n, rowsPerTile, ignoreIndex, floatBits(zLoss)]);
  });
}

/** dLoss f32 `[N]` -> dLogits `[N, V]`, which may be `logits` itself. No probability matrix is stored. */
export function crossEntropyBackward(
  runtime: CpuRuntime,
  logits: CpuArray,
  targets: CpuArray,
  lse: CpuArray,
  dLoss: CpuArray,
  dLogits: CpuArray,
  { ignoreIndex, zLoss }: CpuCrossEntropyOptions,
): void {
  const { rows, n, rowsPerTile, tiles } = rowsOf(logits);
  FloatScope.run(runtime, (scope) => {
    const arrays = [scope.read(logits), targets.address, dLoss.address, lse.address, scope.write(dLogits)];
    runtime.launch(KERNEL_CROSS_ENTROPY_BACKWARD, tiles, [
      ...arrays,
      rows,
      n,
      rowsPerTile,
      ignoreIndex,
      floatBits(zLoss),
    ]);
  });
}
