import { planSinkhorn } from '@modajs/kernels';
import { contiguous, type Tensor } from '@modajs/tensor';
import { allocateTensor, floatDType, record, type WebGpuKernels } from '@modajs/tensor/extend';

export { MOST_SINKHORN_ROWS } from '@modajs/kernels';

/** `sinkhorn` by one dispatch each way, for matrices of up to `MOST_SINKHORN_ROWS` rows. */
export function sinkhornInOnePass(kernels: WebGpuKernels, logits: Tensor, iterations: number): Tensor {
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
