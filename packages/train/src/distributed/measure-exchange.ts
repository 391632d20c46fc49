import type { Tensor } from '@modajs/tensor';
import type { RunConfig } from '../config/run-config.ts';
import type { TrainableModel } from '../run/trainable-model.ts';
import { releaseGradients } from '../run/training-step.ts';
import type { Collective } from './collective.ts';
import { DataParallel } from './data-parallel.ts';

const REPEATS = 5;

/**
 * Milliseconds that a step's gradients take from the device to their sums on it, with nothing to hide behind: readback, coding,
 * link, adding up and upload. The median of five, of the slowest rank; the same result on every rank. Every rank calls it.
 */
export async function measureExchange(
  collective: Collective,
  model: TrainableModel,
  config: RunConfig,
): Promise<number> {
  const parallel = new DataParallel(collective, model, config, undefined);
  const params: Readonly<Record<string, Tensor>> = model.parameters();
  const { device } = Object.values(params)[0];
  const times: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const parameter of Object.values(params)) parameter.grad = parameter.gradDestination!.alias();
    await device.synchronize();
    await collective.barrier();
    const startedAt = performance.now();
    await parallel.exchange();
    await device.synchronize();
    times.push(performance.now() - startedAt);
    releaseGradients(params);
  }
  parallel.optimizer.dispose();
  parallel.dispose();
  const slowest = Float64Array.of(times.toSorted((a, b) => a - b)[REPEATS >> 1]);
  await collective.allReduce(slowest, 'max');
  return slowest[0];
}
