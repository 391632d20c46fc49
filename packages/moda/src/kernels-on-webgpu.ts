import { withWebGpu } from '@modajs/tensor/extend';

/** Kernels of this package; null where no WebGPU device was opened: a page on the cpu loads no shader. */
export const kernelsOnWebGpu = withWebGpu(() => import('./webgpu-kernels.ts'));
