import { KernelError, supportsDType } from '@modajs/kernels';
import type { Device } from '@modajs/tensor';
import type { MatmulJob } from './job.ts';
import { benchTarget } from './measure/bench-target-of.ts';
import { measureMatmul } from './measure/measure-matmul.ts';
import { median } from './measure/statistics.ts';
import type { BenchScale } from './presets/scale.ts';
import type { BenchCeilings } from './result.ts';

/** Copies and products that are large enough to be limits on the device, small enough to be quick. */
const SIZES: Readonly<Record<BenchScale, { readonly copyBytes: number; readonly product: number }>> = {
  paper: { copyBytes: 512 * 2 ** 20, product: 4096 },
  fit: { copyBytes: 64 * 2 ** 20, product: 1024 },
  smoke: { copyBytes: 2 ** 20, product: 128 },
};

/** The machine's own limits in this run: the speed of a copy, and of a product of each storage type. */
export async function measureCeilings(
  device: Device,
  { scale, dtypes }: { scale: BenchScale; dtypes: readonly ('f32' | 'f16')[] },
): Promise<BenchCeilings> {
  const target = benchTarget(device);
  const { isSoftware, kind, maxBindingBytes, maxBufferBytes } = target.traits;
  const size = SIZES[scale === 'paper' && (isSoftware || kind === 'cpu') ? 'fit' : scale];
  const copyBytes = Math.min(size.copyBytes, maxBindingBytes, maxBufferBytes);
  const side = isSoftware ? Math.min(size.product, 256) : size.product;
  const flopsPerSecond: Partial<Record<'f32' | 'f16', { value: number; source: string }>> = {};
  for (const dtype of dtypes) {
    if (!supportsDType(target.traits, dtype)) continue;
    const session = target.openSession();
    try {
      const { forward, implementation } = await measureMatmul(squareJob(side, dtype), session);
      const value = (2 * side ** 3 * 1000) / median(forward.timesMs);
      flopsPerSecond[dtype] = { value, source: `${side}^3 ${dtype}, ${implementation}` };
    } catch (error) {
      // A ceiling that cannot be measured is left out; rows of the same kind will say why.
      if (!(error instanceof KernelError)) throw error;
    } finally {
      session.close();
    }
  }
  return { copyBytesPerSecond: await target.copyBytesPerSecond(copyBytes), flopsPerSecond };
}

function squareJob(side: number, dtype: 'f32' | 'f16'): MatmulJob {
  return {
    kind: 'matmul',
    preset: 'matmul',
    id: `ceiling/${dtype}`,
    name: 'ceiling',
    runs: 10,
    batch: 1,
    M: side,
    N: side,
    K: side,
    layout: 'NN',
    dtype,
    outDtype: dtype,
    copies: 1,
    variant: 'default',
  };
}
