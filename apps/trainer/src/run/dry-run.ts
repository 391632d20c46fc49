import { countFlops, countParameters, countSpecs, type Decoder, trainedModel } from '@modajs/models';
import {
  type Collective,
  createOptimizer,
  measureExchange,
  measureLink,
  measurePeakFlops,
  nextBatch,
  predictCommunication,
  SequenceOrder,
  sequenceLength,
  trainedSpecs,
  trainingStep,
} from '@modajs/train';
import { bytes, compact, duration } from '../terminal/format.ts';
import { table } from '../terminal/table.ts';
import { doubtsAbout } from './check-plan.ts';
import { estimateMemory } from './estimate-memory.ts';
import { openDevice } from './open-device.ts';
import { prepareData } from './prepare-data.ts';
import { createModel, type PreparedRun } from './prepare-run.ts';
import type { Ranks } from './ranks.ts';
import { requireFits } from './require-fits.ts';

/** Steps that are really run to estimate the time: the first ones compile and fill pools; several ranks also ask how much steps differ. */
const WARM_UP_STEPS = 2;
const TRIAL_STEPS = { alone: 1, onRanks: 5 };

/**
 * Prints memory (of a rank), FLOPs and steps of a run from its shapes, and then its time from a few trial steps; with several ranks what
 * they will cost each other, from a short measurement of the link between them and the simulator. Nothing is written. Every rank calls it.
 *
 * @throws OutOfMemoryError before anything is allocated when the run needs more memory than the device has
 */
export async function printDryRun(prepared: PreparedRun, ranks: Ranks): Promise<void> {
  const { config, model, origin } = prepared;
  const { training } = config;
  const print = (rows: [string, string][]): void => {
    if (ranks.isFirst) console.log(`${table(['estimate', 'value'], rows)}\n`);
  };
  const T = sequenceLength(config, model);
  const tokens = training.batchSize * T;
  const stepFlops = 3 * countFlops(model, T).total * training.batchSize;
  const share = { ...config, training: { ...training, batchSize: training.batchSize / ranks.size } };
  const memory = estimateMemory(model, share, origin?.quantized);
  if (ranks.isFirst) {
    for (const doubt of doubtsAbout(config, model, prepared.tokenizer.vocabSize)) console.log(`warning: ${doubt}`);
  }
  print([
    ['parameters', countParameters(model).toLocaleString('en')],
    ...Object.entries(memory).map(([part, size]): [string, string] => [`memory: ${part}`, bytes(size)]),
    ['training FLOPs a step', compact(stepFlops)],
    ['training FLOPs in all', compact(stepFlops * training.steps)],
    ['tokens in all', compact(tokens * training.steps)],
  ]);
  const device = await ranks.together(() => openDevice(config, ranks.collective));
  try {
    await ranks.together(() => requireFits(memory.total, device));
    using decoder = await ranks.together(() => createModel(prepared, device));
    const ownPeak = await ranks.together(() => config.logging.peakFlops ?? measurePeakFlops(device, training.dtype));
    const peakFlops = await ranks.sum(ownPeak);
    const own = await ranks.together(() => timeOfStep(prepared, decoder, ranks.collective));
    const time = { stepMs: await ranks.max(own.stepMs), jitter: await ranks.max(own.jitter) };
    const { collective } = ranks;
    const costs = collective ? await costsOf(prepared, decoder, collective, time) : null;
    const stepMs = costs?.stepMs ?? time.stepMs;
    print([
      ['device', `${device}${ranks.size === 1 ? '' : ` on each of ${ranks.size} ranks`}`],
      ['memory: measured after trial steps', bytes(device.memory().peakLiveBytes)],
      ...(costs?.rows ?? []),
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

/** What ranks cost each other, in rows for people, and a step's time with it. */
async function costsOf(
  { config, model }: PreparedRun,
  decoder: Decoder,
  collective: Collective,
  { stepMs, jitter }: StepTime,
): Promise<{ stepMs: number; rows: [string, string][] }> {
  const link = await measureLink(collective);
  const isExact = config.training.sync === 'exact';
  const exchangeMs = isExact ? await measureExchange(collective, trainedModel(decoder), config) : undefined;
  const parameters = countSpecs(trainedSpecs(config, model));
  const forecast = predictCommunication(config, {
    ranks: collective.size,
    parameters,
    link,
    stepMs,
    jitter,
    exchangeMs,
  });
  const rows: [string, string][] = [
    ['time of a step without the other ranks', `${stepMs.toFixed(1)} ms, up to ${(100 * jitter).toFixed(0)} % more`],
    ['link (measured)', `${compact(link.bitsPerSecond)}bit/s, ${link.latencyMs.toFixed(3)} ms`],
    ...(exchangeMs === undefined
      ? []
      : [['exchange of all gradients (measured)', `${exchangeMs.toFixed(1)} ms`] satisfies [string, string]]),
    ['sent a step by rank 0', bytes(forecast.sentBytes)],
    ['communication hidden a step', `${forecast.hiddenMs.toFixed(1)} ms`],
    ['communication waited for a step', `${forecast.waitedMs.toFixed(1)} ms`],
  ];
  return { stepMs: forecast.stepMs, rows };
}

/** Of a rank with its own rows: the fastest, and up to what share others take longer. */
interface StepTime {
  readonly stepMs: number;
  readonly jitter: number;
}

async function timeOfStep(
  { config, model, sources, ...text }: PreparedRun,
  decoder: Decoder,
  collective: Collective | null,
): Promise<StepTime> {
  const T = sequenceLength(config, model);
  const data = await prepareData(sources, text, config, T);
  const order = new SequenceOrder(data.sources, T, config.seed, config.data.shuffle, config.data.offsets);
  const batches = {
    sources: data.sources.map(({ source }) => source),
    order,
    B: config.training.batchSize,
    T,
    separator: data.separator,
    rows: collective ? rowsOf(collective, config.training.batchSize) : undefined,
  };
  const batch = await nextBatch(batches, order.start());
  const trained = trainedModel(decoder);
  const optimizer = createOptimizer(trained.parameters(), config.optimizer);
  const options = { ...config.training, clipNorm: config.optimizer.clipNorm };
  const controls = { lrRatio: 1e-6, lossScale: 1, lossLimit: Infinity };
  const times: number[] = [];
  const count = WARM_UP_STEPS + (collective === null ? TRIAL_STEPS.alone : TRIAL_STEPS.onRanks);
  for (let step = 0; step < count; step++) {
    const startedAt = performance.now();
    await trainingStep(trained, optimizer, batch, options, controls);
    times.push(performance.now() - startedAt);
  }
  optimizer.dispose();
  for (const { source } of data.sources) await source.close?.();
  const counted = times.slice(WARM_UP_STEPS).sort((a, b) => a - b);
  // Of steps drawn evenly from the fastest up to `1 + jitter` times it the median is in the middle.
  return { stepMs: counted[0], jitter: 2 * (counted[counted.length >> 1] / counted[0] - 1) };
}

/** A rank's rows of a batch. */
function rowsOf({ rank, size }: Collective, batchSize: number): { first: number; count: number } {
  const count = batchSize / size;
  return { first: rank * count, count };
}
