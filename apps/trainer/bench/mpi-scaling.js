/**
 * How training scales over MPI ranks on this machine: `moda train` of one preset and batch with one single-threaded rank and
 * with several, in turns. Prints median tokens/s from `metrics.jsonl`, and tokens per second of processor time, which a
 * busy machine disturbs less: with as many free cores as ranks, the speed-up is `ranks x (time of one / time of all)`.
 *
 * pnpm --filter @modajs/trainer build && node apps/trainer/bench/mpi-scaling.js [--ranks 2] [--steps 40] [--rounds 3]
 *   [--preset nano] [--set key=value ...] [--json file]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchValues } from './run-train.js';

const CLI = fileURLToPath(new URL('../dist/main.js', import.meta.url));
/** Steps that compile and fill pools; not counted. */
const WARM_UP_STEPS = 5;

const values = benchValues({ ranks: '2', steps: '40', rounds: '3', preset: 'nano', json: undefined });
const steps = Number(values.steps);
const out = mkdtempSync(join(tmpdir(), 'moda-scaling-'));

/** Trains; processor seconds of all ranks together and the rows of the run. */
function train(ranks, name, count) {
  const settings = [
    'device=cpu',
    'threads=1',
    `training.steps=${count}`,
    'evaluation.maxTokens=1',
    'data.heldOut=0',
    ...values.set,
  ];
  const moda = [
    process.execPath,
    CLI,
    'train',
    '-p',
    values.preset,
    '-n',
    name,
    '-o',
    out,
    ...settings.flatMap((s) => ['-s', s]),
  ];
  const mpirun = ['mpirun', '--oversubscribe', '--bind-to', 'none', '-n', String(ranks)];
  const command = ranks === 1 ? moda : [...mpirun, ...moda];
  const quoted = command.map((word) => `'${word}'`).join(' ');
  const script = `TIMEFORMAT='%U %S'; time ${quoted} > /dev/null`;
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  const { status, stderr } = spawnSync('bash', ['-c', script], { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`mpi-scaling: ${quoted} failed:\n${stderr}`);
  const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  const rows = readFileSync(join(out, name, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { cpuSeconds: user + system, rows };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** Two runs of different length: their difference leaves out start, data and report. */
function measure(ranks, round) {
  const short = train(ranks, `short-${ranks}-${round}`, WARM_UP_STEPS);
  const long = train(ranks, `long-${ranks}-${round}`, WARM_UP_STEPS + steps);
  const tokensOfStep = long.rows[0].tokens;
  return {
    tokensPerSecond: median(long.rows.slice(WARM_UP_STEPS).map((row) => row.tokensPerSecond)),
    tokensPerCpuSecond: (steps * tokensOfStep) / (long.cpuSeconds - short.cpuSeconds),
  };
}

const samples = { 1: [], [values.ranks]: [] };
for (let round = 0; round < Number(values.rounds); round++) {
  for (const ranks of Object.keys(samples)) {
    const sample = measure(Number(ranks), round);
    samples[ranks].push(sample);
    console.log(`round ${round + 1}, ${ranks} rank(s)`, sample);
  }
}
rmSync(out, { recursive: true });

const summary = Object.entries(samples).map(([ranks, list]) => ({
  ranks: Number(ranks),
  tokensPerSecond: median(list.map((sample) => sample.tokensPerSecond)),
  tokensPerCpuSecond: median(list.map((sample) => sample.tokensPerCpuSecond)),
}));
const [one, many] = summary;
const result = {
  preset: values.preset,
  machine: `${cpus().length} cores of ${cpus()[0].model}`,
  date: new Date().toISOString(),
  steps,
  samples: summary,
  speedUp: many.tokensPerSecond / one.tokensPerSecond,
  speedUpByProcessorTime: (many.ranks * many.tokensPerCpuSecond) / one.tokensPerCpuSecond,
};
console.log(JSON.stringify(result, null, 2));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
