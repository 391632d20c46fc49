import type { Decoder } from '@modajs/models';
import { createOptimizer, measurePeakFlops, nextBatch, SequenceOrder, trainingStep } from '@modajs/train';
import { bytes, compact, duration } from '../terminal/format.ts';
import { table } from '../terminal/table.ts';
import { estimateMemory } from './estimate-memory.ts';
import { prepareData } from './prepare-data.ts';
import type { PreparedRun } from './prepare-run.ts';

/** Steps that are really run to estimate the time; the first also compiles. */
const TRIAL_STEPS = 3;

/** Prints memory, FLOPs, steps and the time of a run, from shapes and a few trial steps. Nothing is written. */
export async function printDryRun(prepared: PreparedRun, decoder: Decoder): Promise<void> {
  const { config, model } = prepared;
  const { training } = config;
  const tokens = training.batchSize * model.seqLen;
  const stepFlops = (3 * decoder.countFlops(model.seqLen).total * tokens) / model.seqLen;
  const memory = estimateMemory(model, config);
  const peakFlops = config.logging.peakFlops ?? (await measurePeakFlops(decoder.device, training.dtype));
  const stepMs = await timeOfStep(prepared, decoder);
  const rows = [
    ...Object.entries(memory).map(([part, size]) => [`memory: ${part}`, bytes(size)]),
    ['memory: measured after trial steps', bytes(decoder.device.memory().peakLiveBytes)],
    ['training FLOPs a step', compact(stepFlops)],
    ['training FLOPs in all', compact(stepFlops * training.steps)],
    ['tokens in all', compact(tokens * training.steps)],
    ['time of a step', `${stepMs.toFixed(1)} ms`],
    ['tokens per second', compact((tokens / stepMs) * 1000)],
    ['peak FLOP/s', `${compact(peakFlops)}${config.logging.peakFlops === null ? ' (measured)' : ''}`],
    ['model FLOPs utilisation', `${((100 * stepFlops * 1000) / stepMs / peakFlops).toFixed(1)} %`],
    ['time in all, without evaluations', duration(stepMs * training.steps)],
  ];
  console.log(table(['estimate', 'value'], rows));
}

async function timeOfStep({ config, model, sources, tokenizer }: PreparedRun, decoder: Decoder): Promise<number> {
  const data = await prepareData(sources, tokenizer, config);
  const T = model.seqLen;
  const order = new SequenceOrder(data.sources, T, config.seed, config.data.shuffle);
  const batches = {
    sources: data.sources.map(({ source }) => source),
    order,
    B: config.training.batchSize,
    T,
    separator: data.separator,
  };
  const batch = await nextBatch(batches, order.start());
  const optimizer = createOptimizer(decoder.parameters(), config.optimizer);
  const options = { ...config.training, clipNorm: config.optimizer.clipNorm };
  const controls = { lrRatio: 1e-6, lossScale: 1, lossLimit: Infinity };
  let best = Infinity;
  for (let step = 0; step < TRIAL_STEPS; step++) {
    const startedAt = performance.now();
    await trainingStep(decoder, optimizer, batch, options, controls);
    best = Math.min(best, performance.now() - startedAt);
  }
  optimizer.dispose();
  for (const { source } of data.sources) await source.close?.();
  return best;
}
