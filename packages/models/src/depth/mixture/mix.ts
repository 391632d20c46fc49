import {
  add,
  contiguous,
  matmul,
  mul,
  reshape,
  slice,
  stack,
  type Tensor,
  tidy,
  unsqueeze,
  zeros,
} from '@modajs/tensor';
import { allocateTensor, record, webGpuKernels } from '@modajs/tensor/extend';
import { kernelsOnWebGpu } from '../../kernels-on-webgpu.ts';
import type { MixKernels } from './mix-kernels.ts';
import { ownStorage } from './own-storage.ts';

/**
 * Sums of rows with weights, `out_k[t] = sum_s w[t, k, s] x_s[t]`: what the mechanisms that mix earlier outputs, or residual streams, are made
 * of. On WebGPU a pass over a few sources makes all results, and their gradients are added where autograd has them; elsewhere products.
 *
 * @param sources N rows for each token, in tensors `[B, T, C]`, or `[B, T, s, C]` that hold s of them, all of one dtype
 * @param weights `[B, T, K, N]`, or `[K, N]` for all tokens alike, of the same dtype
 * @returns `[B, T, K, C]`
 */
export function mixTogether(sources: readonly Tensor[], weights: Tensor): Tensor {
  return tidy(() => {
    const kernels = kernelsFor(sources[0]);
    if (kernels === null) return productsOf(sources, weights);
    const [B, T, C] = [sources[0].shape[0], sources[0].shape[1], sources[0].shape.at(-1)!];
    const out = allocateTensor(sources[0].device, [B, T, weights.shape.at(-2)!, C], sources[0].dtype);
    inPasses(kernels, sources, weights, [out]);
    return out;
  });
}

/** The same, each result `[B, T, C]` in memory of its own. */
export function mixApart(sources: readonly Tensor[], weights: Tensor): Tensor[] {
  return tidy(() => {
    const kernels = kernelsFor(sources[0]);
    const { device, dtype, shape } = sources[0];
    const [B, T, C, K] = [shape[0], shape[1], shape.at(-1)!, weights.shape.at(-2)!];
    const each = Array.from({ length: K }, (_, k) => k);
    if (kernels === null) {
      const all = productsOf(sources, weights);
      if (K === 1) return [reshape(all, [B, T, C])];
      return each.map((k) => reshape(slice(all, [0, 0, k, 0], [B, T, k + 1, C]), [B, T, C]));
    }
    const outs = each.map(() => allocateTensor(device, [B, T, C], dtype));
    inPasses(kernels, sources, weights, outs);
    return outs;
  });
}

/** The passes of a WebGPU device; null on others. */
function kernelsFor({ device }: Tensor): MixKernels | null {
  const kernels = webGpuKernels(device);
  return kernels && (kernelsOnWebGpu()?.mixKernels(kernels) ?? null);
}

function inPasses(kernels: MixKernels, sources: readonly Tensor[], weights: Tensor, outs: readonly Tensor[]): void {
  const dense = sources.map(contiguous);
  const own = hasOneTokenStride(weights) ? weights : contiguous(weights);
  kernels.forward(dense, own, outs);
  const { shape, dtype, device } = outs[0];
  const N = sources.length;
  record(outs, [...sources, weights], [...dense, own], (gradients, saved, needs, destination) => {
    const dOuts = gradients.map((gradient) => (gradient ? contiguous(gradient) : zeros(shape, { dtype, device })));
    const [rows, sWeights] = [saved.slice(0, N), saved[N]];
    const memory = ownStorage(
      rows.map((source, i) =>
        needs[i] ? destination(i, source) : { tensor: allocateTensor(device, source.shape, dtype), accumulate: false },
      ),
    );
    if (needs.slice(0, N).includes(true)) kernels.sources(dOuts, sWeights, memory.written);
    const dSources = memory.finished();
    if (!needs[N]) return [...dSources, null];
    // Sums over tokens may go to a parameter's memory; weights of their own are written once.
    const dWeights =
      sWeights.rank === 2
        ? destination(N, sWeights, true)
        : { tensor: allocateTensor(device, sWeights.shape, dtype), accumulate: false };
    kernels.weights(dOuts, rows, dWeights);
    return [...dSources, dWeights.tensor];
  });
}

/** Whether the weights of one token after another are equally far apart. */
function hasOneTokenStride({ rank, shape, strides }: Tensor): boolean {
  return rank === 2 || shape[0] === 1 || shape[1] === 1 || strides[0] === shape[1] * strides[1];
}

/** The same of products and sums, `[B, T, K, C]`. */
function productsOf(sources: readonly Tensor[], weights: Tensor): Tensor {
  const [leading, K] = [weights.shape.slice(0, -2), weights.shape.at(-2)!];
  const weightsOf = (first: number, count: number): Tensor =>
    slice(weights, [...leading.map(() => 0), 0, first], [...leading, K, first + count]);
  if (K > 1 && sources.every(({ rank }) => rank === 3)) return matmul(weights, stack(sources, 2));
  let first = 0;
  const terms = sources.map((source) => {
    const count = source.rank === 3 ? 1 : source.shape[2];
    const own = weightsOf(first, count);
    first += count;
    return source.rank === 3 ? mul(unsqueeze(source, 2), own) : matmul(own, source);
  });
  return terms.reduce((total, term) => add(total, term));
}
