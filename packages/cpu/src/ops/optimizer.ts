import { KERNEL_ADAMW, KERNEL_SUM_SQUARES } from '../abi/kernels.ts';
import type { CpuRuntime } from '../runtime/cpu-runtime.ts';
import { type CpuArray, dtypeCode, elementCount, floatBits, tileCount } from './cpu-array.ts';
import { fill } from './elementwise.ts';
import { addPartials } from './reduce.ts';

/** One AdamW step over many parameters; all lists have the same length. `grads` may be f16, the rest is f32. */
export interface AdamWStep<Array> {
  readonly params: readonly Array[];
  readonly grads: readonly Array[];
  readonly m: readonly Array[];
  readonly v: readonly Array[];
  /** Per parameter, already without decay for norms and embeddings. */
  readonly weightDecay: readonly number[];
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** `1 - beta^step`. */
  readonly biasCorrection1: number;
  readonly biasCorrection2: number;
  /** f32 scalar that multiplies every gradient (clipping, loss scale), or null. NaN or Inf leaves everything unchanged. */
  readonly gradScale: Array | null;
}

const ELEMENTS_PER_TILE = 8192;
const HEADER_WORDS = 12;
const ENTRY_WORDS = 8;

/** How many arrays fit in one job's arguments. */
function arraysPerJob(runtime: CpuRuntime): number {
  return Math.floor((runtime.argumentWords - HEADER_WORDS) / ENTRY_WORDS);
}

/** `m = b1 m + (1-b1) g`, `v = b2 v + (1-b2) g^2`, `p -= lr (m/c1 / (sqrt(v/c2) + eps) + weightDecay p)`. */
export function adamw(runtime: CpuRuntime, step: AdamWStep<CpuArray>): void {
  const perJob = arraysPerJob(runtime);
  for (let first = 0; first < step.params.length; first += perJob) {
    const last = Math.min(step.params.length, first + perJob);
    const words = new Int32Array(HEADER_WORDS + (last - first) * ENTRY_WORDS);
    const { lr, beta1, beta2, eps, biasCorrection1, biasCorrection2 } = step;
    words.set([last - first, ELEMENTS_PER_TILE, step.gradScale?.address ?? 0]);
    words.set([lr, beta1, beta2, 1 - beta1, 1 - beta2, eps, biasCorrection1, biasCorrection2].map(floatBits), 3);
    let tiles = 0;
    for (let i = first; i < last; i++) {
      const entry = gradEntry(step.grads[i], tiles);
      const rest = [step.params[i].address, step.m[i].address, step.v[i].address, floatBits(step.weightDecay[i])];
      words.set([...entry, ...rest], HEADER_WORDS + (i - first) * ENTRY_WORDS);
      tiles += tileCount(elementCount(step.grads[i].shape), ELEMENTS_PER_TILE);
    }
    runtime.launch(KERNEL_ADAMW, tiles, words);
  }
}

function gradEntry(grad: CpuArray, firstTile: number): number[] {
  return [grad.address, elementCount(grad.shape), dtypeCode(grad.dtype), firstTile];
}

/** out f32 scalar = sum of squares over all contiguous arrays, f32 or f16; NaN and Inf propagate. */
export function sumSquares(runtime: CpuRuntime, arrays: readonly CpuArray[], out: CpuArray): void {
  const tilesOf = (x: CpuArray) => tileCount(elementCount(x.shape), ELEMENTS_PER_TILE);
  const total = arrays.reduce((sum, x) => sum + tilesOf(x), 0);
  if (total === 0) {
    fill(runtime, out, 0);
    return;
  }
  runtime.withWorkspace(total * 4, (partials) => {
    const perJob = arraysPerJob(runtime);
    let done = 0;
    for (let first = 0; first < arrays.length; first += perJob) {
      const part = arrays.slice(first, first + perJob);
      const words = new Int32Array(HEADER_WORDS + part.length * ENTRY_WORDS);
      words.set([part.length, ELEMENTS_PER_TILE]);
      words[11] = partials + done * 4;
      let tiles = 0;
      part.forEach((x, i) => {
        words.set(gradEntry(x, tiles), HEADER_WORDS + i * ENTRY_WORDS);
        tiles += tilesOf(x);
      });
      runtime.launch(KERNEL_SUM_SQUARES, tiles, words);
      done += tiles;
    }
    addPartials(runtime, partials, total, 1, out.address);
  });
}
