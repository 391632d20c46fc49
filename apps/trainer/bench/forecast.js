/**
 * What `moda train --dry-run` predicts that ranks cost each other, beside what a real run of the same settings costs: bytes, hidden
 * and waited time of a step, and its time. Prints predicted / measured and fails when the time of a step, which is the
 * simulator's, is off by more than 15 %. Forecast and run take turns; of each number the median over rounds counts, and of a
 * run the median over its steps (of diloco, whose steps differ, the mean).
 *
 * pnpm --filter @modajs/trainer build && node apps/trainer/bench/forecast.js [--ranks 2] [--steps 40] [--rounds 3] [--preset nano]
 *   [--device cpu] [--set key=value ...]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchValues, mean, median, rowsOf, runTrain, TRAINING_ALONE } from './run-train.js';

const WARM_UP_STEPS = 6;
const ALLOWED = 0.15;

const values = benchValues({ ranks: '2', steps: '40', rounds: '3', preset: 'nano', device: 'cpu' });
const ranks = Number(values.ranks);
const own = values.device === 'cpu' ? ['threads=1'] : [];
const settings = [...TRAINING_ALONE, 'data.heldOut=0.01', ...own, ...values.set];
const isDiloco = values.set.includes('training.sync=diloco');
const out = mkdtempSync(join(tmpdir(), 'moda-forecast-'));
const args = ['-p', values.preset, '-d', values.device, '-o', out];

const UNITS = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, ms: 1 };

/** A number of the table that `--dry-run` prints, in bytes or milliseconds. */
function printed(text, label) {
  const [, number, unit] = new RegExp(`^${label} +([\\d.]+) (\\w+)`, 'm').exec(text) ?? [];
  if (!(unit in UNITS)) throw new Error(`forecast: --dry-run printed no '${label}'`);
  return Number(number) * UNITS[unit];
}

function predicted() {
  const text = runTrain(ranks, [...args, '--dry-run'], settings);
  return {
    sentBytes: printed(text, 'sent a step by rank 0'),
    hiddenMs: printed(text, 'communication hidden a step'),
    waitedMs: printed(text, 'communication waited for a step'),
    stepMs: printed(text, 'time of a step'),
  };
}

function measured(round) {
  const name = `run-${round}`;
  runTrain(ranks, [...args, '-n', name, '--steps', String(WARM_UP_STEPS + Number(values.steps))], settings);
  // The last exchange of diloco is of all that is left.
  const rows = rowsOf(out, name, WARM_UP_STEPS).slice(0, -1);
  const of = (key) => (isDiloco ? mean : median)(rows.map((row) => row[key]));
  return {
    sentBytes: of('sentBytes'),
    hiddenMs: of('communicationHiddenMs'),
    waitedMs: of('communicationWaitedMs'),
    stepMs: of('timeMs'),
  };
}

const samples = { predicted: [], measured: [] };
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    samples.predicted.push(predicted());
    samples.measured.push(measured(round));
  }
} finally {
  rmSync(out, { recursive: true });
}
const middle = (list, key) => median(list.map((sample) => sample[key]));
console.log(
  `| ${values.preset} on ${ranks} ranks, ${values.device} | predicted | measured | ratio |\n|---|---:|---:|---:|`,
);
let ratio = 0;
for (const key of ['sentBytes', 'hiddenMs', 'waitedMs', 'stepMs']) {
  const [forecast, real] = [middle(samples.predicted, key), middle(samples.measured, key)];
  ratio = forecast / real;
  console.log(`| ${key} | ${forecast.toFixed(1)} | ${real.toFixed(1)} | ${ratio.toFixed(2)} |`);
}
// The last of them is the step.
if (Math.abs(ratio - 1) > ALLOWED) {
  console.error(`forecast: the step must be within ${100 * ALLOWED} % of the measured one, got ${ratio.toFixed(2)}.`);
  process.exitCode = 1;
}
