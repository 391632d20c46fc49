import { div, exp, sum, type Tensor, tidy } from '@modajs/tensor';
import { webGpuKernels } from '@modajs/tensor/extend';
import { kernelsOnWebGpu } from '../../kernels-on-webgpu.ts';

const iterations = 20;

/**
 * Rows and columns of `exp(logits)` normalised in turns, 20 times each, until a matrix is doubly stochastic. On WebGPU one dispatch each way
 * for matrices of up to 8 rows.
 *
 * @param logits `[..., n, n]`
 */
export function sinkhorn(logits: Tensor): Tensor {
  return tidy(() => {
    const device = webGpuKernels(logits.device);
    const kernels = device && kernelsOnWebGpu();
    return kernels && logits.shape.at(-1)! <= kernels.MOST_SINKHORN_ROWS
      ? kernels.sinkhornInOnePass(device, logits, iterations)
      : decomposed(logits);
  });
}

function decomposed(logits: Tensor): Tensor {
  const n = logits.shape.length;
  let matrix = exp(logits);
  for (let i = 0; i < iterations; i++) {
    matrix = div(matrix, sum(matrix, { axes: [n - 1], keepDims: true }));
    matrix = div(matrix, sum(matrix, { axes: [n - 2], keepDims: true }));
  }
  return matrix;
}
