import { assign, type Tensor } from '@modajs/tensor';
import type { RunConfig } from '../src/config/run-config.ts';
import { nextBatch } from '../src/data/batch.ts';
import { SequenceOrder } from '../src/data/sequence-order.ts';
import type { TokenSource } from '../src/data/token-source.ts';
import { createOptimizer } from '../src/optim/create-optimizer.ts';
import type { TrainableModel } from '../src/run/trainable-model.ts';
import { trainingStep } from '../src/run/training-step.ts';
import { createSchedule } from '../src/schedule/create-schedule.ts';

/**
 * DiLoCo as its papers write it, in one loop over simulated ranks, the outer parameters in f64: what `sync: diloco` in f32 must
 * do. Each parameter is a fragment of its own, sent after the steps that `due` tells; all are exchanged after the last step.
 *
 * @returns the first rank's parameters
 */
export async function plainDiloco(
  models: readonly TrainableModel[],
  source: TokenSource,
  T: number,
  { training, optimizer, schedule, seed, data }: RunConfig,
  due: (step: number, parameter: number) => boolean,
): Promise<Float64Array[]> {
  const { steps, batchSize: B, diloco } = training;
  const order = new SequenceOrder([{ source, weight: 1 }], T, seed, data.shuffle, data.offsets);
  const lrAt = createSchedule({ ...schedule, steps });
  const optimizers = models.map((model) => createOptimizer(model.parameters(), optimizer));
  const tensorsOf = (rank: number): Tensor[] => Object.values(models[rank].parameters());
  const read = async (rank: number, p: number) => Float64Array.from(await tensorsOf(rank)[p].data());
  const outer = await Promise.all(tensorsOf(0).map((_, p) => read(0, p)));
  const momentum = outer.map(({ length }) => new Float64Array(length));
  let flights: { p: number; appliesAt: number; sent: Float64Array[] }[] = [];
  let position = order.start();
  for (let step = 1; step <= steps; step++) {
    let next = position;
    for (const [rank, model] of models.entries()) {
      const count = B / models.length;
      const rows = { first: rank * count, count };
      const batch = await nextBatch({ sources: [source], order, B, T, separator: null, rows }, position);
      const options = { ...training, clipNorm: optimizer.clipNorm };
      await trainingStep(model, optimizers[rank], batch, options, {
        lrRatio: lrAt(step - 1),
        lossScale: 1,
        lossLimit: Infinity,
      });
      next = batch.next;
    }
    position = next;
    const isLast = step === steps;
    const arrive = async (isDue: (appliesAt: number) => boolean) => {
      for (const { p, sent } of flights.filter(({ appliesAt }) => isDue(appliesAt))) {
        for (let i = 0; i < outer[p].length; i++) {
          const gradient = sent.reduce((sum, own) => sum + outer[p][i] - own[i], 0) / sent.length;
          momentum[p][i] = diloco.outerMomentum * momentum[p][i] + gradient;
          outer[p][i] -= diloco.outerLr * (gradient + diloco.outerMomentum * momentum[p][i]);
        }
        for (const rank of models.keys()) {
          const own = await read(rank, p);
          assign(
            tensorsOf(rank)[p],
            Float32Array.from(own, (x, i) => x + outer[p][i] - sent[rank][i]),
          );
        }
      }
      flights = flights.filter(({ appliesAt }) => !isDue(appliesAt));
    };
    await arrive((appliesAt) => isLast || appliesAt <= step);
    for (const p of outer.keys()) {
      if (!isLast && !due(step, p)) continue;
      flights.push({
        p,
        appliesAt: step + diloco.delay,
        sent: await Promise.all(models.map((_, rank) => read(rank, p))),
      });
    }
    await arrive((appliesAt) => isLast || appliesAt <= step);
  }
  for (const one of optimizers) one.dispose();
  return Promise.all(outer.map((_, p) => read(0, p)));
}
