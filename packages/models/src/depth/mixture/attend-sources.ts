import { add, contiguous, mul, rmsNorm, slice, softmax, stack, sum, type Tensor, tidy } from '@modajs/tensor';
import { allocateTensor, record, webGpuKernels } from '@modajs/tensor/extend';
import { kernelsOnWebGpu } from '../../kernels-on-webgpu.ts';
import type { SourceAttentionKernels } from './attend-sources-kernels.ts';
import { ownStorage } from './own-storage.ts';

/**
 * Attention of one query over sources, `sum_j softmax_j(q . rmsNorm(x_j)) x_j` at each position. On WebGPU the norms are those of rows that
 * the pass reads anyway: nothing is stored but the softmax's logarithm; elsewhere made of smaller operators.
 *
 * @param sources `[B, T, C]`, one or more of one dtype
 * @param query `[C]`, of the same dtype
 * @param eps of the norm
 * @returns `[B, T, C]`
 */
export function attendSources(sources: readonly Tensor[], query: Tensor, eps: number): Tensor {
  return tidy(() => {
    const device = webGpuKernels(query.device);
    const kernels = device && kernelsOnWebGpu()?.sourceAttentionKernels(device);
    return !kernels ? decomposed(sources, query, eps) : inPasses(kernels, sources, query, eps);
  });
}

function inPasses(kernels: SourceAttentionKernels, sources: readonly Tensor[], query: Tensor, eps: number): Tensor {
  const [{ shape, dtype, device }] = sources;
  const [B, T] = shape;
  const n = sources.length;
  const out = allocateTensor(device, shape, dtype);
  const stats = allocateTensor(device, [2, B * T], 'f32');
  const own = { sources: sources.map(contiguous), query: contiguous(query), out, stats };
  kernels.forward(eps, own);
  record([out], [...sources, query], [...own.sources, own.query, out, stats], ([dOut], saved, needs, destination) => {
    const [rows, [sQuery, sOut, sStats]] = [saved.slice(0, n), saved.slice(n)];
    const memory = ownStorage(
      rows.map((source, j) =>
        needs[j] ? destination(j, source) : { tensor: allocateTensor(device, shape, dtype), accumulate: false },
      ),
    );
    const dQuery = needs[n] ? destination(n, sQuery, true) : null;
    const tensors = { sources: rows, query: sQuery, out: sOut, stats: sStats };
    kernels.backward(eps, tensors, contiguous(dOut!), memory.written, dQuery);
    return [...memory.finished(), dQuery?.tensor ?? null];
  });
  return out;
}

function decomposed(sources: readonly Tensor[], query: Tensor, eps: number): Tensor {
  const [B, T] = sources[0].shape;
  const logits = sources.map((source) => sum(mul(rmsNorm(source, null, eps), query), { axes: [2] }));
  const weights = softmax(stack(logits, 2)); // [B, T, n]
  const weightOf = (j: number): Tensor => slice(weights, [0, 0, j], [B, T, j + 1]);
  return sources.map((source, j) => mul(source, weightOf(j))).reduce((total, term) => add(total, term));
}
