import { countFlops, countParameters, type Decoder, trainedModel } from '@modajs/models';
import {
  createOptimizer,
  measurePeakFlops,
  nextBatch,
  SequenceOrder,
  sequenceLength,
  trainingStep,
} from '@modajs/train';
import { bytes, compact, duration } from '../terminal/format.ts';
import { table } from '../terminal/table.ts';
import { doubtsAbout } from './check-plan.ts';
import { estimateMemory } from './estimate-memory.ts';
import { openDevice } from './open-device.ts';
import { prepareData } from './prepare-data.ts';
import { createModel, type PreparedRun } from './prepare-run.ts';
import { requireFits } from './require-fits.ts';

/** Steps that are really run to estimate the time; the first also compiles. */
const TRIAL_STEPS = 3;

/**
 * Prints memory, FLOPs and steps of a run from its shapes, and then its time from a few trial steps. Nothing is written.
 *
 * @throws OutOfMemoryError before anything is allocated when the run needs more memory than the device has
 */
export async function printDryRun(prepared: PreparedRun): Promise<void> {
  const { config, model, origin } = prepared;
  const { training } = config;
  const T = sequenceLength(config, model);
  const tokens = training.batchSize * T;
  const stepFlops = 3 * countFlops(model, T).total * training.batchSize;
  const memory = estimateMemory(model, config, origin?.quantized);
  for (const doubt of doubtsAbout(config, model, prepared.tokenizer.vocabSize)) console.log(`warning: ${doubt}`);
  printRows([
    ['parameters', countParameters(model).toLocaleString('en')],
    ...Object.entries(memory).map(([part, size]): [string, string] => [`memory: ${part}`, bytes(size)]),
    ['training FLOPs a step', compact(stepFlops)],
    ['training FLOPs in all', compact(stepFlops * training.steps)],
    ['tokens in all', compact(tokens * training.steps)],
  ]);
  const device = await openDevice(config);
  try {
    requireFits(memory.total, device);
    using decoder = createModel(prepared, device);
    const peakFlops = config.logging.peakFlops ?? (await measurePeakFlops(device, training.dtype));
    const stepMs = await timeOfStep(prepared, decoder);
    printRows([
      ['device', device.toString()],
      ['memory: measured after trial steps', bytes(device.memory().peakLiveBytes)],
      ['time of a step', `${stepMs.toFixed(1)} ms`],
      ['tokens per second', compact((tokens / stepMs) * 1000)],
      ['peak FLOP/s', `${compact(peakFlops)}${config.logging.peakFlops === null ? ' (measured)' : ''}`],
      ['model FLOPs utilisation', `${((100 * stepFlops * 1000) / stepMs / peakFlops).toFixed(1)} %`],
      ['time in all, without evaluations', duration(stepMs * training.steps)],
    ]);
  } finally {
    device.destroy();
  }
}

function printRows(rows: [string, string][]): void {
  console.log(`${table(['estimate', 'value'], rows)}\n`);
}

async function timeOfStep({ config, model, sources, ...text }: PreparedRun, decoder: Decoder): Promise<number> {
  const T = sequenceLength(config, model);
  const data = await prepareData(sources, text, config, T);
  const order = new SequenceOrder(data.sources, T, config.seed, config.data.shuffle, config.data.offsets);
  const batches = {
    sources: data.sources.map(({ source }) => source),
    order,
    B: config.training.batchSize,
    T,
    separator: data.separator,
  };
  const batch = await nextBatch(batches, order.start());
  const trained = trainedModel(decoder);
  const optimizer = createOptimizer(trained.parameters(), config.optimizer);
  const options = { ...config.training, clipNorm: config.optimizer.clipNorm };
  const controls = { lrRatio: 1e-6, lossScale: 1, lossLimit: Infinity };
  let best = Infinity;
  for (let step = 0; step < TRIAL_STEPS; step++) {
    const startedAt = performance.now();
    await trainingStep(trained, optimizer, batch, options, controls);
    best = Math.min(best, performance.now() - startedAt);
  }
  optimizer.dispose();
  for (const { source } of data.sources) await source.close?.();
  return best;
}
