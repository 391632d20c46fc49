import { MOST_SINKHORN_ROWS, planSinkhorn } from '@modajs/kernels';
import { contiguous, div, exp, sum, type Tensor, tidy } from '@modajs/tensor';
import { allocateTensor, floatDType, record, type WebGpuKernels, webGpuKernels } from '@modajs/tensor/extend';

const iterations = 20;

/**
 * Rows and columns of `exp(logits)` normalised in turns, 20 times each, until a matrix is doubly stochastic. On WebGPU one dispatch each way
 * for matrices of up to 8 rows.
 *
 * @param logits `[..., n, n]`
 */
export function sinkhorn(logits: Tensor): Tensor {
  return tidy(() => {
    const kernels = webGpuKernels(logits.device);
    return kernels === null || logits.shape.at(-1)! > MOST_SINKHORN_ROWS
      ? decomposed(logits)
      : inOnePass(kernels, logits);
  });
}

function inOnePass(kernels: WebGpuKernels, logits: Tensor): Tensor {
  const { shape, dtype, device, size } = logits;
  const rows = shape.at(-1)!;
  const start = (tensor: Tensor): number => kernels.bindingOf(tensor.view).start;
  const run = (dense: Tensor, dOut: Tensor | null): Tensor => {
    const out = allocateTensor(device, shape, dtype);
    const offsets = { logits: start(dense), dOut: dOut && start(dOut), out: start(out) };
    const problem = { dtype: floatDType('sinkhorn', dtype), matrices: size / rows ** 2, rows, iterations, offsets };
    kernels.run(`sinkhorn ${JSON.stringify(problem)}`, (device) => planSinkhorn(problem, device), {
      logits: dense.view,
      dOut: dOut?.view ?? null,
      out: out.view,
    });
    return out;
  };
  const dense = contiguous(logits);
  const out = run(dense, null);
  record([out], [logits], [dense], ([dOut], [saved]) => [run(saved, contiguous(dOut!))]);
  return out;
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
