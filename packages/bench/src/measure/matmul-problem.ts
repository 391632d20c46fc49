import {
  chooseMatmulConfig,
  type DeviceCapabilities,
  KernelError,
  type MatmulConfig,
  type MatmulProblem,
} from '@modajs/kernels';
import type { MatmulJob, MatmulVariant } from '../job.ts';

/** The kernels' problem of a job: dense operands, no epilogue. */
export function matmulProblem({ batch, M, N, K, layout, dtype, outDtype }: MatmulJob): MatmulProblem {
  const matrix = (rows: number, columns: number, transposed: boolean) => ({
    dtype,
    transposed,
    ld: transposed ? rows : columns,
    batchStride: rows * columns,
    offset: 0,
  });
  return {
    M,
    N,
    K,
    batch,
    a: matrix(M, K, layout[0] === 'T'),
    b: matrix(K, N, layout[1] === 'T'),
    out: { dtype: outDtype, ld: N, batchStride: M * N, offset: 0 },
  };
}

/** The configuration of a variant, as the kernels would choose it on a device that has no higher one. @throws KernelError when the device lacks the variant */
export function variantConfig(
  variant: MatmulVariant,
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
): MatmulConfig {
  if (variant === 'naive') return { kind: 'naive' };
  if (variant === 'default') return chooseMatmulConfig(problem, capabilities);
  // Software adapters get short shaders by default; a variant that was asked for is what it is elsewhere.
  const named = { ...capabilities, vendor: '', architecture: '' };
  const config = chooseMatmulConfig(problem, variant === 'tile' ? { ...named, subgroupMatrix: [] } : named);
  if (config.kind === variant) return config;
  throw new KernelError(
    `bench: the ${variant} variant must suit the product and the device, got ${config.kind}. Leave this row out.`,
    { variant, chosen: config.kind },
  );
}
