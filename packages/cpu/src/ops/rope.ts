import { KERNEL_ROPE } from '../abi/kernels.ts';
import type { CpuRuntime } from '../runtime/cpu-runtime.ts';
import { type CpuArray, elementCount, floatBits, tileCount } from './cpu-array.ts';
import { FloatScope } from './float-scope.ts';

/** Switches of a rotary embedding. */
export interface CpuRopeOptions {
  readonly theta: number;
  /** Radians a position of each pair, in place of the powers of theta. */
  readonly frequencies?: readonly number[];
  /** First `rotaryDim` components of D are rotated. */
  readonly rotaryDim: number;
  /** Pairs (2i, 2i+1) when true, (i, i + rotaryDim/2) when false. */
  readonly interleaved: boolean;
  /** Rotate by the negative angle: the gradient. */
  readonly inverse: boolean;
}

const ROWS_PER_TILE = 16;

/** x `[B, T, H, D]`, positions i32 `[B, T]` -> out; angle = position theta^(-2i/rotaryDim) in f32, its sine and cosine within 1e-7. */
export function rope(
  runtime: CpuRuntime,
  x: CpuArray,
  positions: CpuArray,
  out: CpuArray,
  options: CpuRopeOptions,
): void {
  const { theta, frequencies, rotaryDim, interleaved, inverse } = options;
  const [H, D] = x.shape.slice(-2);
  const rows = elementCount(positions.shape);
  const half = rotaryDim / 2;
  FloatScope.run(runtime, (scope) => {
    const words = new Int32Array(16 + Math.ceil(half / 4) * 4);
    words.set([scope.read(x), scope.write(out), positions.address, rows, ROWS_PER_TILE, H, D, rotaryDim]);
    words.set([interleaved ? 1 : 0, inverse ? 1 : 0], 8);
    for (let i = 0; i < half; i++) words[16 + i] = floatBits(frequencies?.[i] ?? theta ** ((-2 * i) / rotaryDim));
    runtime.launch(KERNEL_ROPE, tileCount(rows, ROWS_PER_TILE), words);
  });
}
