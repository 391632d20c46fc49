/**
 * Two GPUs of one host, or as many as `--ranks` says, against one of them: tokens/s of `moda train` alone and with `--ranks`, which
 * needs no MPI, for `small`, the 24-block study model and 700M; exact mode in f16, the same with four accumulated parts, and
 * diloco. A rank has the same rows in both, and one rank accumulates as many parts. One run of each, medians over its steps.
 *
 * pnpm --filter @modajs/trainer build && node apps/trainer/bench/gpu-ranks.js [--ranks 2] [--steps 60] [--models small,layers-24-post-moda,moda-700m]
 *   [--modes f32,f16,int8,f16x4,diloco] [--device webgpu] [--set key=value ...] [--json file]
 *
 * A run that fails (memory) is named, and the others go on. With `--device cpu --models nano` it tries itself.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchValues, mean, median, rowsOf, runTrain, TRAINING_ALONE } from './run-train.js';

/** Steps that compile, learn the buckets and are captured. */
const WARM_UP_STEPS = 8;

/** Rows of a part on a rank, and what a model needs beside its preset. */
const MODELS = {
  small: { rows: 32, settings: ['training.dtype=f16'] },
  'layers-24-post-moda': { rows: 16, settings: ['training.dtype=f16', 'training.seqLen=512'] },
  'moda-700m': {
    rows: 1,
    settings: ['training.dtype=f16', 'training.seqLen=2048', 'training.activationCheckpointing=true'],
  },
};
const DEFAULT_MODEL = { rows: 4, settings: [] };

const MODES = {
  f32: { parts: 1, settings: [] },
  f16: { parts: 1, settings: ['training.gradientCoding=f16'] },
  int8: { parts: 1, settings: ['training.gradientCoding=int8'] },
  f16x4: { parts: 4, settings: ['training.gradientCoding=f16'] },
  diloco: { parts: 1, settings: ['training.sync=diloco'] },
};

const values = benchValues({
  ranks: '2',
  steps: '60',
  models: Object.keys(MODELS).join(),
  modes: 'f16,f16x4,diloco',
  device: 'webgpu',
  json: undefined,
});
const ranks = Number(values.ranks);
const out = mkdtempSync(join(tmpdir(), 'moda-gpu-ranks-'));

function train(model, mode, count) {
  const { rows, settings } = MODELS[model] ?? DEFAULT_MODEL;
  const { parts } = MODES[mode];
  const name = `${model}-${mode}-${count}`;
  const every = mode === 'diloco' ? 30 : 1;
  // Whole rounds of diloco, and its last steps, which exchange what is left, not counted.
  const steps = WARM_UP_STEPS + Math.ceil(Number(values.steps) / every) * every + 1;
  runTrain(
    count,
    ['-p', model, '-d', values.device, '-o', out, '-n', name, '--steps', String(steps)],
    [
      ...TRAINING_ALONE,
      'data.heldOut=0.01',
      `training.batchSize=${rows * parts * count}`,
      `training.gradientAccumulation=${parts}`,
      ...settings,
      ...(count > 1 ? MODES[mode].settings : []),
      ...values.set,
    ],
  );
  const metrics = rowsOf(out, name, WARM_UP_STEPS).slice(0, -1);
  const tokens = metrics[1].tokens - metrics[0].tokens;
  // Steps of diloco differ: the mean has its exchanges.
  const timeMs = (mode === 'diloco' && count > 1 ? mean : median)(metrics.map((row) => row.timeMs));
  const of = (key) => (count > 1 ? mean(metrics.map((row) => row[key])) : 0);
  return {
    tokensPerSecond: (1000 * tokens) / timeMs,
    timeMs,
    sentBytes: of('sentBytes'),
    hiddenMs: of('communicationHiddenMs'),
    waitedMs: of('communicationWaitedMs'),
  };
}

const results = [];
try {
  console.log(
    `| model | mode | 1 rank, tokens/s | ${ranks} ranks, tokens/s | speed-up | MB sent a step | hidden, ms | waited, ms |`,
  );
  console.log('|---|---|---:|---:|---:|---:|---:|---:|');
  for (const model of values.models.split(',')) {
    const alone = new Map();
    for (const mode of values.modes.split(',')) {
      const { parts } = MODES[mode];
      try {
        if (!alone.has(parts)) alone.set(parts, train(model, mode, 1));
        const one = alone.get(parts);
        const many = train(model, mode, ranks);
        const speedUp = many.tokensPerSecond / one.tokensPerSecond;
        results.push({ model, mode, one, many, speedUp });
        const cells = [one.tokensPerSecond.toFixed(0), many.tokensPerSecond.toFixed(0), `${speedUp.toFixed(2)}x`];
        const costs = [(many.sentBytes / 1e6).toFixed(2), many.hiddenMs.toFixed(1), many.waitedMs.toFixed(1)];
        console.log(`| ${[model, mode, ...cells, ...costs].join(' | ')} |`);
      } catch (error) {
        results.push({ model, mode, failed: error.message });
        console.log(`| ${model} | ${mode} | failed: ${error.message.slice(0, 300)} | | | | | |`);
      }
    }
  }
} finally {
  rmSync(out, { recursive: true });
}
if (values.json !== undefined) {
  const content = {
    date: new Date().toISOString(),
    ranks,
    device: values.device,
    steps: Number(values.steps),
    results,
  };
  writeFileSync(values.json, `${JSON.stringify(content, null, 2)}\n`);
}
if (results.every(({ failed }) => failed !== undefined)) process.exitCode = 1;
